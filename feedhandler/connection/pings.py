"""What a connection asks its venue only to hear the answer: heartbeats, and two pings of our own.

A ping's answer comes behind all that waits on the same connection. One that is sent last tells when
all that the venue had sent before is in; one that is timed tells how much waits.
"""

from collections.abc import Callable
from time import monotonic

from feedhandler.adapter.venue import Heartbeat
from feedhandler.connection.heartbeat import Ask, Dead, HeartbeatMonitor, RoundTrips
from feedhandler.connection.session_socket import ConnectionSocket

_LAST = b"last"
_ECHO = b"echo"
_ECHO_S = 1.0


class Echo:
    """Pings of one connection whose answers are timed: one at a time, at most one a second."""

    def __init__(self) -> None:
        self._sent: float | None = None
        self._next = 0.0
        self._took = 0.0

    def due(self, now: float) -> bool:
        """Whether one is to be sent, which counts as sent then."""
        if self._sent is not None or now < self._next:
            return False
        self._sent, self._next = now, now + _ECHO_S
        return True

    def answered(self, now: float) -> None:
        """The answer came."""
        if self._sent is not None:
            self._took, self._sent = now - self._sent, None

    def reset(self) -> None:
        """The socket is new."""
        self._sent, self._took = None, 0.0

    def seconds(self, now: float) -> float:
        """How long one takes: the last one took, or this one has so far."""
        return max(self._took, now - self._sent if self._sent is not None else 0.0)


class Pings:
    """Of one connection, over all its sessions. `on_round_trip`: each round trip, in ns."""

    def __init__(
        self,
        heartbeat: Heartbeat,
        silence_s: float,
        socket: ConnectionSocket,
        on_round_trip: Callable[[int], None],
    ) -> None:
        self.trips = RoundTrips()
        self.echo = Echo()
        self.drained = False  #: the last answer is in
        self._heartbeat = heartbeat
        self._silence_s = silence_s
        self._socket = socket
        self._on_round_trip = on_round_trip
        self._monitor: HeartbeatMonitor | None = None  # of the session

    def begin(self, now: float, heartbeat: Heartbeat | None = None) -> None:
        """A session begins, with a heartbeat of its own or that of the venue."""
        beats = heartbeat or self._heartbeat
        self._monitor = HeartbeatMonitor(beats, self._silence_s, now, self.trips)

    def end(self) -> None:
        """The session is over."""
        self._monitor = None

    # ---- asking

    def poll(self, now: float) -> Dead | None:
        """Send the heartbeats that are due; returns why the session is to be given up, if so."""
        for action in self._monitor.poll(now) if self._monitor is not None else ():
            if isinstance(action, Dead):
                return action
            self._ask(action)
        return None

    def drain(self) -> None:
        """Ask for a last answer: `drained` when all that the venue had sent before is in."""
        self.drained = False
        self._socket.ping(_LAST)

    def ask_echo(self) -> None:
        """Send a ping that tells how long its answer waits, unless one is on its way."""
        if self.echo.due(monotonic()):
            self._socket.ping(_ECHO)

    @property
    def echo_s(self) -> float:
        """How long such a ping takes, as far as is known."""
        return self.echo.seconds(monotonic())

    def _ask(self, ask: Ask) -> None:
        if ask.text:
            self._socket.send(ask.text)
        else:
            self._socket.ping(ask.ping)

    # ---- what is known by the way

    def received(self, now: float) -> None:
        """Bytes of any kind came."""
        if self._monitor is not None:
            self._monitor.received(now)

    def asked(self, now: float) -> None:
        """Something else was sent that the venue must answer."""
        if self._monitor is not None:
            self._monitor.bytes.asked(now)

    @property
    def owes(self) -> bool:
        """Whether the venue has not answered that."""
        return self._monitor is not None and self._monitor.bytes.owes

    # ---- answers

    def answered(self, now: float) -> None:
        """The venue answered our heartbeat."""
        if self._monitor is not None:
            self._round_trip(self._monitor.answered(now))

    def pong(self, payload: bytes) -> None:
        """A WebSocket pong."""
        now = monotonic()
        if payload == _LAST:
            self.drained = True
        elif payload == _ECHO:
            self.echo.answered(now)
        elif self._monitor is not None:
            self._round_trip(self._monitor.pong(payload, now))

    def took(self, seconds: float) -> None:
        """Another question was answered after so long."""
        self._round_trip(self.trips.add(seconds))

    def _round_trip(self, nanoseconds: int) -> None:
        if nanoseconds:
            self._on_round_trip(nanoseconds)
