"""When to speak so that the peer knows of us, and when to hold it for dead. Pure logic.

Four families (`Speaker`), all of them data: the server pings in WebSocket frames, the server speaks
in JSON, we send a text, we send JSON. Where an answer exists its round-trip time is measured; a
WebSocket ping, which every server must answer (RFC 6455, 5.5.2), measures it for the others and
asks a silent peer whether it is there.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum
from math import ceil
from time import time

from feedhandler import number_text
from feedhandler.adapter.venue import Heartbeat, Speaker
from shm import Reason

RTT_PERIOD_S = 15.0  #: of WebSocket pings that only measure
RTT_KEPT = 256
_OURS = (Speaker.CLIENT_TEXT, Speaker.CLIENT_JSON)


@dataclass(frozen=True, slots=True)
class Ask:
    """Send this: a text message, or the payload of a WebSocket ping."""

    text: str = ""
    ping: bytes = b""


@dataclass(frozen=True, slots=True)
class Dead:
    """The peer is gone: close the socket and connect again."""

    reason: Reason
    detail: str


class Silence(Enum):
    """What the byte watchdog says about a socket."""

    FINE = "bytes come"
    PROBE = "ask the peer to say something"
    DEAD = "nothing came, not even an answer"


class ByteWatchdog:
    """Any byte on the socket.

    Half of `silence_s` without a byte: the peer is asked (a WebSocket ping). Silent for
    `silence_s`, it is dead if it should have spoken: because it has answered such a question
    before in this session, because its bytes came at a fast rhythm, or because we have asked for
    subscriptions, which every venue answers. Otherwise (a quiet peer of which we do not know
    whether it answers) it has until `quiet_s`, the venue's own heartbeat.
    """

    def __init__(self, silence_s: float, quiet_s: float, now: float) -> None:
        self.silence_s = silence_s
        self.quiet_s = max(silence_s, quiet_s)
        self.answers = False  #: it has answered a ping in this session
        self.owes = False  #: it has answered nothing since we asked for subscriptions
        self._last = now
        self._gap = 0.0  # smoothed
        self._probed = False
        self._asked: float | None = None

    def asked(self, now: float) -> None:
        """We sent what has to be answered."""
        if self._asked is None:
            self._asked = now

    def received(self, now: float) -> None:
        """Something came."""
        self._asked = None
        gap = now - self._last
        self._gap = gap if not self._gap else self._gap + 0.1 * (gap - self._gap)
        self._last = now
        self._probed = False

    @property
    def busy(self) -> bool:
        """Whether bytes come so often that `silence_s` without any is no accident."""
        return 0.0 < self._gap * 10 < self.silence_s

    def silent_s(self, now: float) -> float:
        """Seconds since the last byte."""
        return now - self._last

    def check(self, now: float) -> Silence:
        """PROBE is said once per silence."""
        silent = now - self._last
        self.owes = self._asked is not None and now - self._asked >= self.silence_s
        limit = self.silence_s if self.answers or self.busy or self.owes else self.quiet_s
        if silent >= limit:
            return Silence.DEAD
        if silent >= self.silence_s / 2 and not self._probed:
            self._probed = True
            return Silence.PROBE
        return Silence.FINE


class RoundTrips:
    """The newest round-trip times, in ns."""

    def __init__(self) -> None:
        self.last_ns = 0
        self.count = 0
        self._kept: deque[int] = deque(maxlen=RTT_KEPT)
        self._percentiles: dict[float, int] = {}  # asked for more often than there are new ones

    def add(self, seconds: float) -> int:
        """Returns it in ns."""
        self.last_ns = max(1, int(seconds * 1e9))
        self.count += 1
        self._kept.append(self.last_ns)
        self._percentiles.clear()
        return self.last_ns

    def percentile(self, percent: float) -> int:
        """The least that is not less than so many percent; 0 while nothing was measured."""
        if not self._kept:
            return 0
        if percent not in self._percentiles:
            rank = max(1, ceil(len(self._kept) * percent / 100))
            self._percentiles[percent] = sorted(self._kept)[rank - 1]
        return self._percentiles[percent]


class HeartbeatMonitor:
    """The heartbeat of one session (from connect to disconnect) of one connection.

    `silence_s`: how long a socket that should speak may be silent. `trips` outlives the session.
    """

    def __init__(
        self, heartbeat: Heartbeat, silence_s: float, now: float, trips: RoundTrips | None = None
    ) -> None:
        self.heartbeat = heartbeat
        self.trips = trips or RoundTrips()
        self._speaks = heartbeat.speaker in _OURS
        due = heartbeat.period_s + heartbeat.cut_s  # of what may speak in answers alone
        answers_late = self._speaks and heartbeat.cut_s <= heartbeat.period_s
        self.bytes = ByteWatchdog(silence_s, due if answers_late else heartbeat.cut_s, now)
        self._next_text = now + heartbeat.period_s
        self._text_sent: float | None = None  # the oldest text without an answer
        self._next_ping = now + min(1.0, RTT_PERIOD_S)
        self._pings = 0
        self._ping_sent: float | None = None
        self._ping_payload = b""

    def received(self, now: float) -> None:
        """Bytes of any kind came."""
        self.bytes.received(now)

    def answered(self, now: float) -> int:
        """The venue answered our text. Returns the round trip in ns, 0 if we had not asked."""
        sent, self._text_sent = self._text_sent, None
        return 0 if sent is None else self.trips.add(now - sent)

    def pong(self, payload: bytes, now: float) -> int:
        """A WebSocket pong. Returns the round trip in ns, 0 for one that answers nothing."""
        if self._ping_sent is None or payload != self._ping_payload:
            return 0
        sent, self._ping_sent = self._ping_sent, None
        self.bytes.answers = True
        return self.trips.add(now - sent)

    def poll(self, now: float) -> list[Ask | Dead]:
        """What to do now; call it a few times a second."""
        silence = self.bytes.check(now)
        if silence is Silence.DEAD:
            text = f"no byte for {number_text.seconds(self.bytes.silent_s(now))}, {self._proof()}"
            return [Dead(Reason.SILENT, text)]
        if self._text_sent is not None and now - self._text_sent >= self.heartbeat.cut_s:
            since = number_text.seconds(now - self._text_sent)
            text = f"no answer to {self.heartbeat.ping!r} for {since}"
            return [Dead(Reason.HEARTBEAT, text)]
        actions: list[Ask | Dead] = []
        if self._speaks and now >= self._next_text:
            self._next_text = now + self.heartbeat.period_s
            if self._text_sent is None:
                self._text_sent = now
            text = self.heartbeat.ping.replace("$time_s", str(int(time())))
            actions.append(Ask(text=text))
        if silence is Silence.PROBE or now >= self._next_ping:
            self._next_ping = now + RTT_PERIOD_S
            self._pings += 1
            self._ping_payload = b"%d" % self._pings
            self._ping_sent = now
            actions.append(Ask(ping=self._ping_payload))
        return actions

    def _proof(self) -> str:
        if self.bytes.answers:
            return "though it used to answer pings"
        if self.bytes.busy:
            return "though it was busy"
        return "though we asked for subscriptions" if self.bytes.owes else "its heartbeat included"
