"""ONE persistent connection: its whole life as an explicit state machine.

    IDLE -> CONNECTING -> SUBSCRIBING -> SYNCING -> LIVE -> DRAINING -> CLOSED
                ^            |             |         |
                +- BACKOFF <-+-------------+---------+

It connects again for ever. What it learns it tells its owner, who decides about instruments, and
about another connection in its place when the venue is about to end the session.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic, time, time_ns
from typing import Any

from picows import WSCloseCode, WSMsgType, WSTransport

from feedhandler.budget import per_second
from feedhandler.connect_failure import CONNECT_TIMEOUT_S, explain, refused, unreachable
from feedhandler.connection_owner import Owner, Settings
from feedhandler.connection_state import ConnectionState as State
from feedhandler.connection_state import is_open
from feedhandler.deflate import Agreement, Inflater
from feedhandler.deflate_listener import DeflateListener
from feedhandler.engine._engine import Connection as Native
from feedhandler.heartbeat import Ask, Dead, HeartbeatMonitor, RoundTrips
from feedhandler.host_budgets import SHOWN_WAIT_S, take_turn
from feedhandler.keeping_up import Echo
from feedhandler.listener import MAX_MESSAGE_BYTES, FrameListener
from feedhandler.log import Throttle
from feedhandler.reach import Retry
from feedhandler.receive_queue import ReceiveQueue
from feedhandler.rotation_time import renew_in
from feedhandler.socket_requests import SocketRequests
from feedhandler.subscriptions import Subscriptions
from feedhandler.venues.base import Control, ControlKind, Venue
from shm import Reason

TICK_S = 0.1
DRAIN_S = 1.0
NOTICE_AGE_S = 5.0  #: a younger session is not renewed on a notice: they may follow each other
_LAST = b"last"  #: the payload of the ping whose answer comes after all else
_ECHO = b"echo"  #: of those that tell how long the answer waits behind what was sent before


class Connection:
    """`row`: its place in the connection table and in the engine."""

    def __init__(
        self,
        row: int,
        venue: Venue,
        keys: Sequence[str],
        native: Native,
        owner: Owner,
        settings: Settings,
    ) -> None:
        self.row = row
        self.venue = venue
        self.native = native
        self.settings = settings
        self.state = State.IDLE
        self.reason = Reason.START
        self.detail = ""
        self.since_ns = time_ns()
        self.connected_ns = 0
        self.first_ns = 0
        self.uptime_ns = 0
        self.connects = self.disconnects = self.transitions = 0
        self.trips = RoundTrips()
        self.rotation_at: float | None = None
        self.drained = False
        self.echo = Echo()
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._clock = monotonic  # uvloop's clock is the loop's last turn, in whole ms
        now = self._clock()
        self.subscriptions = Subscriptions(venue, keys, now, settings.messages, settings.keys)
        self._messages = per_second(venue.limits.messages_per_second)
        self._quiet = Throttle()
        self._kick = asyncio.Event()
        self._stopping = False
        self._stopped = asyncio.Event()
        self._retry = Retry(settings.backoff, settings.reach, self._stopped)
        self._transport: WSTransport | None = None
        self._listener: FrameListener | None = None
        self._monitor: HeartbeatMonitor | None = None
        self.queue: ReceiveQueue | None = None  #: of the session's socket
        self._cause: tuple[Reason, str] | None = None
        self._retry_after = 0.0
        self._nobody = False  # was there to answer or refuse us
        self._delay = 0.0
        self._next_expiry = 0.0
        self._task: asyncio.Task[None] | None = None
        self._began = 0.0
        self._renewal = ""
        self._end = (Reason.STOPPED, "asked to stop")
        self.requests = SocketRequests(venue, self._send, self._answered)

    # ---- what the owner asks for

    def start(self) -> None:
        """Begin; the connection lives until `stop`."""
        self.first_ns = time_ns()
        self._task = self._loop.create_task(self._live(), name=f"connection {self.row}")

    async def stop(self, reason: Reason = Reason.STOPPED, detail: str = "asked to stop") -> None:
        """Say goodbye and end, within DRAIN_S."""
        self._end = reason, detail
        self._stopping = True
        self._stopped.set()
        if is_open(self.state):
            self._move(State.DRAINING, *self._end)
        if self._transport is not None and self._listener and not self._listener.lost:
            with suppress(Exception):
                self._transport.send_close(WSCloseCode.OK)
                self._transport.disconnect()
        self._kick.set()
        if self._task is not None:
            with suppress(TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(self._task, DRAIN_S)
        if self._listener is not None:
            self._silence(reason)
        if self._transport is not None:
            self._transport.disconnect(graceful=False)
        if self.state is not State.CLOSED:
            self._move(State.CLOSED, *self._end)

    def drain(self) -> None:
        """Ask for a last answer: `drained` when all that the venue had sent before is in."""
        self.drained = False
        self._ask(Ask(ping=_LAST))

    def ask_echo(self) -> None:
        """Send a ping that tells how long its answer waits, unless one is on its way."""
        if self.echo.due(self._clock()):
            self._ask(Ask(ping=_ECHO))

    @property
    def echo_s(self) -> float:
        """How long such a ping takes, as far as is known."""
        return self.echo.seconds(self._clock())

    def note(self, reason: Reason, detail: str) -> None:
        """Say something about it while it is LIVE."""
        if self.state is State.LIVE:
            self._move(State.LIVE, reason, detail)

    def add(self, keys: Sequence[str]) -> None:
        """Carry these keys too."""
        self.subscriptions.add(keys)
        self._kick.set()

    def remove(self, keys: Sequence[str]) -> None:
        """Carry these keys no longer."""
        self.subscriptions.remove(keys)
        self._kick.set()

    def budget(self, now: float) -> float:
        """Messages that may be sent at once; of a venue that states no limit 0."""
        return self._messages.available(now) if self._messages.rate else 0.0

    @property
    def takes_requests(self) -> bool:
        """Whether a request over this socket has good prospects."""
        return self.state is State.LIVE and self._cause is None

    def resubscribe(self, key: str) -> bool:
        """Leave one key and take it up again. False: not possible now, or already on its way."""
        if not is_open(self.state) or not self.subscriptions.resubscribe(key):
            return False
        self._kick.set()
        return True

    def cut(self, reason: Reason, detail: str) -> None:
        """Close the socket and connect again; what it fed is stale at once, with this reason."""
        if self._listener is None or self._listener.lost or self._cause is not None:
            return
        self._cause = (reason, detail)
        self._silence(reason)
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    # ---- its life

    async def _live(self) -> None:
        while not self._stopping:
            self._cause, self._retry_after, self._nobody = None, 0.0, False
            try:
                await self._connect()
                await self._session()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # a session must not end the connection's life
                self._cause = self._cause or explain(error)
                self._retry_after = refused(error, self.venue.limits, self.settings.connects)
                self._nobody = unreachable(error)
                if self._listener is not None and not self._listener.lost:
                    self._silence(self._cause[0])
            if self._transport is not None:
                self._transport.disconnect(graceful=False)
            self._transport = self._monitor = self._listener = self.queue = None
            self.requests.lost()
            if self._stopping:
                break
            self._fall()
            await self._retry.wait(self._delay)
        self._retry.over()
        self._move(State.CLOSED, *self._end)

    def _silence(self, reason: Reason) -> None:
        """Nothing that still comes counts; the owner is told once."""
        if self._listener is not None and not self._listener.muted:
            self._listener.mute()
            self._owner.on_down(self, reason)
            self._fall()

    def _fall(self) -> None:
        """It is down; said at once, so that nobody is shown an open socket that is none."""
        if self.state is State.BACKOFF or self._stopping:
            return
        self._delay = self._retry.after(self._clock(), self._nobody, self._retry_after)
        reason, detail = self._cause or (Reason.DISCONNECTED, "the venue cut the connection")
        self._move(State.BACKOFF, reason, f"{detail}; next try in {self._delay:.1f} s")

    async def _connect(self) -> None:
        self._move(State.CONNECTING, self.reason, self.settings.url)
        await take_turn(self.settings.connects, self._stopped, self._limited)
        if self._stopping:
            return
        self._tell("open", None)
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            transport, socket = await self.settings.route.websocket(
                self.settings.url, self._new_listener
            )
        self._transport, self.queue = transport, ReceiveQueue(socket)

    def _new_listener(self, agreed: Agreement | None) -> FrameListener:
        """For a session that is open; `agreed`: on compression."""
        feed, flush = self._feed, self.native.flush
        if agreed is None:
            native = self.native if self.settings.tap is None else None  # a tap sees each frame
            self._listener = FrameListener(self, feed, flush, native)
        else:
            inflater = Inflater(agreed, MAX_MESSAGE_BYTES)
            self._listener = DeflateListener(self, feed, flush, inflater)
        return self._listener

    @property
    def _feed(self) -> Callable[[Any, int, bool], int]:
        tap, feed = self.settings.tap, self.native.feed
        if tap is None:
            return feed

        def tapped(payload: Any, _receive_ns: int, wake: bool) -> int:
            now = time_ns()
            tap(self.row, self.settings.url, "in", bytes(payload), now)
            return feed(payload, now, wake)

        return tapped

    def _tell(self, direction: str, data: bytes | None) -> None:
        if self.settings.tap is not None:
            self.settings.tap(self.row, self.settings.url, direction, data, time_ns())

    async def _session(self) -> None:
        listener = self._listener
        if listener is None:  # stopped while it waited for its turn
            return
        now = self._began = self._clock()
        self.connects += 1
        self.connected_ns = time_ns()
        self._monitor = HeartbeatMonitor(
            self.venue.heartbeat, self.settings.silence_s, now, self.trips
        )
        self.subscriptions.new_session(now)
        until = renew_in(time(), self.settings.lifetime_s, self.settings.rotate_at)
        self.rotation_at = None if until is None else now + until
        self._renewal = "renewed before the venue's session limit"
        self._move(State.SUBSCRIBING, Reason.START, "")
        for text in self.venue.on_connect():
            self._send(text)
        seen, heard = self.native.frames + listener.small_frames, False
        while not listener.lost:
            now = self._clock()
            came = self.native.frames + listener.small_frames
            if came != seen:
                seen = came
                self._monitor.received(now)
                if not heard:
                    heard = True
                    self._retry.got_through()
            self._kick.clear()
            delay = self._tick(now)
            if not listener.lost:
                await self._doze(delay)
        self.uptime_ns += int((self._clock() - self._began) * 1e9)
        self.connected_ns = 0
        self.rotation_at = None

    async def _doze(self, seconds: float) -> None:
        """Wait, or less: until there is something to do."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._kick.wait(), max(0.0, seconds))

    def _tick(self, now: float) -> float:
        """Do what is due; returns the seconds until it may be again."""
        monitor = self._monitor
        if monitor is None or self._cause is not None or self._stopping:
            return TICK_S
        for action in monitor.poll(now):
            if isinstance(action, Dead):
                self._nobody = monitor.bytes.owes
                self.cut(action.reason, action.detail)
                return TICK_S
            self._ask(action)
        if self.rotation_at is not None and now >= self.rotation_at:
            self.rotation_at = None
            if not self._owner.replace(self, self._renewal):
                self.cut(Reason.LIFETIME, self._renewal)
                return TICK_S
        if now >= self._next_expiry:
            self._next_expiry = now + 1.0
            failed = self.subscriptions.expire(now).failed
            if failed:
                self._owner.on_rejected(self, failed, "never answered")
        delay = self._pump(now)
        self._progress(now)
        return delay

    def _pump(self, now: float) -> float:
        """Send the subscriptions that the pace allows."""
        while self._messages.available(now) >= 1.0:
            message = self.subscriptions.next_message(now)
            if message is None:
                held = self.subscriptions.held(now)
                if held >= SHOWN_WAIT_S and self.state is State.SUBSCRIBING:
                    self._limited(held, "subscribe")
                return TICK_S
            if self._send(message.text) and self._monitor is not None:
                self._monitor.bytes.asked(now)
            if self.reason is Reason.RATE_LIMIT:
                self._move(self.state, Reason.START, "")
        return min(TICK_S, max(0.001, self._messages.wait(now)))

    def _progress(self, now: float) -> None:
        if self.state is State.SUBSCRIBING and not self.subscriptions.counts().pending:
            self._move(State.SYNCING, self.reason, "")
        if self.state is State.SYNCING and self._owner.in_step(self):
            self._move(State.LIVE, Reason.NONE, "")
        if self.state is State.LIVE:
            self.settings.backoff.healthy(now)

    def _ask(self, ask: Ask) -> None:
        if ask.text:
            self._send(ask.text)
        elif self._transport is not None:
            self._messages.spend(self._clock())
            self._transport.send_ping(ask.ping)

    def _send(self, text: str) -> bool:
        if self._transport is None or (self._listener and self._listener.lost):
            return False
        self._messages.spend(self._clock())
        self._transport.send(WSMsgType.TEXT, text.encode())
        self._tell("out", text.encode())
        return True

    def _limited(self, wait: float, budget: str = "connect") -> None:
        """Say that we wait for a budget."""
        text = f"{wait:.0f} s until the {budget} budget of the host allows more"
        self._move(self.state, Reason.RATE_LIMIT, text)

    def _move(self, state: State, reason: Reason, detail: str) -> None:
        if state is not self.state:
            self.transitions += 1
            self.since_ns = time_ns()
        changed = state is not self.state
        self.state, self.reason, self.detail = state, reason, detail
        if changed:
            self._owner.on_state(self)

    # ---- what the listener says

    def on_control(self, frame: bytes) -> None:
        """A frame without market data."""
        try:
            controls = self.venue.control(frame, self.subscriptions.asked)
        except ValueError as error:
            self._quiet.warning("control", f"{self} sent what makes no sense: {error}")
            return
        for control in controls:
            if control.kind is ControlKind.ANSWER:
                self.requests.on_answer(control, frame)
            else:
                self._act(control)

    def _act(self, control: Control) -> None:
        now = self._clock()
        kind = control.kind
        if kind is ControlKind.ACK:
            fresh = self.subscriptions.acknowledged(control.keys, now)
            if fresh:
                self._owner.on_acknowledged(self, fresh)
            self._kick.set()
        elif kind is ControlKind.REJECTED:
            ours = self.subscriptions.rejected(control.keys, now)
            text = control.text or "refused"
            if ours:
                self._owner.on_rejected(self, ours, text)
            else:
                self._quiet.warning("rejected", f"{self} refused a request: {text}")
            self._kick.set()
        elif kind is ControlKind.AGAIN:
            self.subscriptions.again(control.keys)
            self._kick.set()
        elif kind is ControlKind.PONG and self._monitor is not None:
            self._round_trip(self._monitor.answered(now))
        elif kind is ControlKind.ASKED:
            self._send(control.reply)
        elif kind is ControlKind.NOTICE:
            self._renewal = f"the venue ends the session: {control.text}"
            self.rotation_at = max(now, self._began + NOTICE_AGE_S)
            self._kick.set()
        elif kind is ControlKind.ERROR:
            self._quiet.warning("error", f"{self} complains: {control.text}")

    def _round_trip(self, nanoseconds: int) -> None:
        if nanoseconds:
            self._owner.on_round_trip(self, nanoseconds)

    def _answered(self, seconds: float) -> None:
        self._round_trip(self.trips.add(seconds))

    def on_pong(self, payload: bytes) -> None:
        """A WebSocket pong."""
        if payload == _LAST:
            self.drained = True
        elif payload == _ECHO:
            self.echo.answered(self._clock())
        elif self._monitor is not None:
            self._round_trip(self._monitor.pong(payload, self._clock()))

    def on_attention(self) -> None:
        """The engine has something to say."""
        self._owner.on_attention()

    def on_malformed(self) -> None:
        """The engine could not read a frame."""
        self._owner.on_malformed(self)

    def on_close(self, code: int, text: str) -> None:
        """The venue closes the session."""
        if self._cause is None:
            said = f": {text}" if text else ""
            self._cause = (Reason.DISCONNECTED, f"closed by the venue with code {code}{said}")

    def on_too_long(self) -> None:
        """A fragmented message went over the bound."""
        self.cut(Reason.MALFORMED, f"a message of more than {MAX_MESSAGE_BYTES >> 20} MiB")

    def on_garbled(self, text: str) -> None:
        """A message cannot be inflated, nor can those after it."""
        self.cut(Reason.MALFORMED, text)

    def on_error(self, error: Exception) -> None:
        """A mistake of ours in handling a frame: said, survived."""
        self._quiet.warning("frame", f"{self}: {type(error).__name__} in a frame: {error}")

    def on_lost(self, listener: FrameListener) -> None:
        """The socket is gone."""
        self.disconnects += 1
        if not self._stopping:  # a capture that ends is no disconnection
            self._tell("close", None)
        if self._cause is None and self.queue is not None and (text := self.queue.vanished()):
            self._cause = (Reason.DISCONNECTED, text)
        if listener is self._listener:
            self._silence(self._end[0] if self._stopping else Reason.DISCONNECTED)
        self._kick.set()

    def __str__(self) -> str:
        return f"connection {self.row} ({self.settings.url})"
