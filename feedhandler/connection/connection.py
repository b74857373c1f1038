"""ONE persistent connection: its whole life as an explicit state machine.

    IDLE -> CONNECTING -> SUBSCRIBING -> SYNCING -> LIVE -> DRAINING -> CLOSED
                ^            |             |         |
                +- BACKOFF <-+-------------+---------+

It connects again for ever. What it learns it tells its owner, who decides about instruments, and
about another connection in its place when the venue is about to end the session.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from time import monotonic, time_ns

from feedhandler.adapter.venue import Heartbeat, Venue
from feedhandler.budgets.shared_retry import Retry
from feedhandler.budgets.token_bucket import per_second
from feedhandler.budgets.venue_budgets import SHOWN_WAIT_S
from feedhandler.connection.channels import Channels
from feedhandler.connection.connecting import Connecting, budget_text
from feedhandler.connection.control_frames import ControlFrames
from feedhandler.connection.frame_listener import FrameListener
from feedhandler.connection.notes import ConnectionNotes
from feedhandler.connection.outage import ConnectionOutage
from feedhandler.connection.owner import KeysTold, Owner, Settings
from feedhandler.connection.pings import Pings
from feedhandler.connection.session_limit import SessionLimit
from feedhandler.connection.session_socket import ConnectionSocket
from feedhandler.connection.socket_requests import SocketRequests
from feedhandler.connection.state import ConnectionState as State
from feedhandler.connection.state import is_open
from feedhandler.connection.subscribing import TICK_S, Subscribing
from feedhandler.connection.subscriptions import Subscriptions
from feedhandler.connection.welcome_gate import WelcomeGate
from feedhandler.connection.work import wait_for_work
from feedhandler.engine._engine import Connection as Native
from feedhandler.log import Throttle
from feedhandler.network.connect_failure import explain, refused, unreachable
from feedhandler.one_line import one_line
from shm import Reason

DRAIN_S = 1.0


class Connection:
    """`row`: its place in the connection table and in the engine."""

    def __init__(
        self,
        row: int,
        venue: Venue,
        keys: Sequence[str],
        native: Native,
        owner: Owner["Connection"],
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
        self.connected_ns = self.first_ns = self.uptime_ns = 0
        self.connects = self.disconnects = self.transitions = 0
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._clock = monotonic  # uvloop's clock is the loop's last turn, in whole ms
        self._kick = asyncio.Event()
        self._messages = per_second(venue.limits.messages_per_second)
        gzip = venue.encoding == "gzip"
        self.socket = ConnectionSocket(row, native, settings, self, self._messages, gzip=gzip)
        self.pings = Pings(
            venue.heartbeat, settings.silence_s, self.socket, partial(owner.on_round_trip, self)
        )
        self.requests = SocketRequests(venue, self.socket.send, self.pings.took, self._messages)
        self.subscriptions = Subscriptions(
            venue, keys, self._clock(), settings.messages, settings.keys
        )
        self._subscribing = Subscribing(
            self.subscriptions,
            self.socket,
            self.pings,
            self._messages,
            KeysTold(owner, self),
        )
        self._gate = WelcomeGate(venue.welcome)
        self.limit = SessionLimit(settings.lifetime_s, settings.rotate_at)
        self._quiet = Throttle(connection=row)
        self._control = ControlFrames(
            str(self),
            self._quiet,
            venue,
            self.socket,
            self.pings,
            self._subscribing,
            self.requests,
            Channels(venue, native, self.subscriptions, owner.instrument),
            self.limit,
            self._kick.set,
            owner.on_stated,
            owner.on_relisted,
        )
        self._notes = ConnectionNotes()
        self.outage = ConnectionOutage()
        self._stopping = False
        self._stopped = asyncio.Event()
        show = partial(self._move, State.CONNECTING)
        self._connecting = Connecting(
            venue, settings, self.socket, self.outage, self._stopped, show
        )
        self._retry = Retry(settings.backoff, settings.reach, self._stopped)
        self._cause: tuple[Reason, str] | None = None
        self._retry_after = 0.0
        self._unreachable = False  # nobody was there to answer or refuse us
        self._delay = 0.0
        self._task: asyncio.Task[None] | None = None
        self._end = (Reason.STOPPED, "asked to stop")

    # ---- what the owner asks for

    def start(self) -> None:
        """Begin; the connection lives until `stop`."""
        self.first_ns = time_ns()
        life = self._owner.keep_running(str(self), self._live)
        self._task = self._loop.create_task(life, name=f"connection {self.row}")

    async def stop(self, reason: Reason = Reason.STOPPED, detail: str = "asked to stop") -> None:
        """Say goodbye and end, within DRAIN_S."""
        self._end = reason, detail
        self._stopping = True
        self._stopped.set()
        if is_open(self.state):
            self._move(State.DRAINING, *self._end)
        self.socket.say_goodbye()
        self._kick.set()
        if self._task is not None:
            with suppress(TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(DRAIN_S):
                    await self._task
        self._mark_down(reason)
        self.socket.abort()
        if self.state is not State.CLOSED:
            self._move(State.CLOSED, *self._end)

    def note(self, reason: Reason, detail: str, about: str = "pace") -> None:
        """Say something about it while it is LIVE, or is to be; without a detail, that no more."""
        before = self._notes.shown
        self._notes.put(about, reason, detail)
        shown = self._notes.shown
        if self.state is State.LIVE:
            self._move(State.LIVE, *shown)
        elif self.state is State.SYNCING and shown != before:
            self._move(
                State.SYNCING, *(shown if shown[1] else (Reason.START, self.outage.opened()))
            )

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
        if self.socket.lost or self._cause is not None:
            return
        self._cause = (reason, detail)
        self._mark_down(reason)
        self.socket.abort()

    # ---- its life

    async def _live(self) -> None:
        while not self._stopping:
            self._cause, self._retry_after, self._unreachable = None, 0.0, False
            try:
                self._move(State.CONNECTING, self.reason, self.outage.trying())
                self._gate.close()
                connect = await self._connecting.open()
                if connect is not None:
                    await self._session(connect.heartbeat)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # a session must not end the connection's life
                self._cause = self._cause or explain(error)
                self._retry_after = refused(error, self.venue.limits, self.settings.connects)
                self._unreachable = unreachable(error)
                if not self.socket.lost:
                    self._mark_down(self._cause[0])
            self.socket.end()
            self.pings.end()
            self.requests.lost()
            if self._stopping:
                break
            self._fall()
            await self._retry.wait(self._delay)
        self._retry.over()
        self._move(State.CLOSED, *self._end)

    def _mark_down(self, reason: Reason) -> None:
        """Nothing that still comes counts; the owner is told once."""
        if self.socket.mute():
            self._owner.on_down(self, reason)
            self._fall()

    def _fall(self) -> None:
        """It is down; said at once, so that nobody is shown an open socket that is none."""
        if self.state is State.BACKOFF or self._stopping:
            return
        self._delay = self._retry.after(self._clock(), self._unreachable, self._retry_after)
        reason, detail = self._cause or (Reason.DISCONNECTED, "the venue cut the connection")
        self._move(State.BACKOFF, reason, self.outage.failed(reason, detail, self._delay))

    async def _session(self, heartbeat: Heartbeat) -> None:
        now = began = self._clock()
        self.connects += 1
        self.connected_ns = time_ns()
        self.pings.begin(now, heartbeat)
        self._gate.begin(now)
        self.subscriptions.new_session(now)
        self.limit.begin(now)
        self._notes.clear()
        self._subscribing.begin(now)
        waiting = self.outage.doing("waiting for the venue's welcome")
        doing = waiting if self._gate.waits else self.outage.opened()
        self._move(State.SUBSCRIBING, Reason.START, doing)
        for text in self.venue.on_connect():
            self.socket.send(text)
        seen, heard = self.socket.frames, False
        while not self.socket.lost:
            now = self._clock()
            came = self.socket.frames
            if came != seen:
                seen = came
                self.pings.received(now)
                if not heard:
                    heard = True
                    self._retry.got_through()
            self._kick.clear()
            delay = self._tick(now)
            if not self.socket.lost:
                await wait_for_work(self._kick, delay)
        self.uptime_ns += int((self._clock() - began) * 1e9)
        self.connected_ns = 0
        self.limit.end()

    def _tick(self, now: float) -> float:
        """Do what is due; returns the seconds until it may be again."""
        if self._cause is not None or self._stopping:
            return TICK_S
        dead = self.pings.poll(now)
        if dead is not None:
            self._unreachable = self.pings.owes
            self.cut(dead.reason, dead.detail)
            return TICK_S
        if self.limit.reached(now) and not self._owner.replace(self, self.limit.why):
            self.cut(Reason.LIFETIME, self.limit.why)
            return TICK_S
        if self._gate.waits:
            if late := self._gate.overdue(now):
                self.cut(Reason.UNANSWERED, late)
            return TICK_S
        self._expire(now)
        delay = self._subscribe(now)
        self._progress(now)
        return delay

    def _expire(self, now: float) -> None:
        """See to what nobody answers; once a second."""
        if not self._subscribing.expire(now):
            return
        counts = self.subscriptions.counts()
        said = f"{counts.unanswered} subscriptions are not answered" if counts.unanswered else ""
        self.note(Reason.UNANSWERED, said, "answers")
        if counts.none_answered and self.state is State.SUBSCRIBING:
            text = f"none of {counts.pending} subscriptions is answered; asked again"
            self._move(self.state, Reason.UNANSWERED, text)
        if self._subscribing.given_up(now):
            self.cut(Reason.UNANSWERED, "no subscription was answered")

    def _subscribe(self, now: float) -> float:
        """Send what the pace allows; returns the seconds until it may allow more."""
        pumped = self._subscribing.pump(now)
        if pumped.asked and self.reason is Reason.RATE_LIMIT:
            self._move(self.state, Reason.START, self.outage.opened())
        if pumped.held_s >= SHOWN_WAIT_S and self.state is State.SUBSCRIBING:
            text = budget_text("subscribe", pumped.held_s)
            self._move(self.state, Reason.RATE_LIMIT, text)
        return pumped.wait_s

    def _progress(self, now: float) -> None:
        if self.state is State.SUBSCRIBING:
            counts = self.subscriptions.counts()
            if counts.live:
                self.settings.backoff.healthy(now)
            # What is not answered keeps nobody waiting, unless nothing is.
            if counts.pending == counts.unanswered and not counts.none_answered:
                reason = Reason.START if self.reason is Reason.UNANSWERED else self.reason
                self._move(State.SYNCING, reason, self.outage.opened())
        if self.state is State.SYNCING and self._owner.in_step(self):
            self.outage.over()
            self._move(State.LIVE, *self._notes.shown)
        if self.state in (State.SYNCING, State.LIVE):
            self.settings.backoff.healthy(now)

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
        if not self._gate.opens(frame):
            self._control.take(frame)
        elif self.state is State.SUBSCRIBING:
            self.subscriptions.warm_up(self._clock())
            self._move(self.state, Reason.START, self.outage.opened())
            self._kick.set()

    def on_pong(self, payload: bytes) -> None:
        """A WebSocket pong."""
        self.pings.pong(payload)

    def on_attention(self) -> None:
        """The engine has something to say."""
        self._owner.on_attention()

    def on_malformed(self) -> None:
        """The engine could not read a frame."""
        self._owner.on_malformed(self)

    def on_gap(self) -> None:
        """A message of the session is missing, and nobody can say which book's: another session."""
        expected, came = self.native.hole
        self.cut(Reason.GAP, f"message {expected} is missing: message {came} came in its place")

    def on_close(self, code: int, text: str) -> None:
        """The venue closes the session."""
        if self._cause is None:
            why = f": {one_line(text)}" if text else ""
            self._cause = (Reason.DISCONNECTED, f"closed by the venue with code {code}{why}")

    def on_garbled(self, text: str) -> None:
        """A message cannot be taken, nor can those after it."""
        self.cut(Reason.MALFORMED, text)

    def on_error(self, error: Exception) -> None:
        """A mistake of ours in handling a frame: said, survived."""
        self._quiet.warning("frame", f"{self}: {type(error).__name__} in a frame: {error}")

    def on_lost(self, listener: FrameListener) -> None:
        """The socket is gone."""
        self.disconnects += 1
        if not self._stopping:  # a capture that ends is no disconnection
            self.socket.record("close", None)
        queue = self.socket.queue
        if self._cause is None and queue is not None and (text := queue.vanished()):
            self._cause = (Reason.DISCONNECTED, text)
        if self.socket.is_of(listener):
            self._mark_down(self._end[0] if self._stopping else Reason.DISCONNECTED)
        self._kick.set()

    def __str__(self) -> str:
        return f"connection {self.row} ({self.settings.url})"
