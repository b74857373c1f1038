"""Healing single books: a resubscription or a snapshot for the one that needs it, the others left
alone. Each instrument has its own backoff; nothing is given up."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from time import time_ns

from feedhandler.adapter.venue import Base, Venue
from feedhandler.budgets.backoff import Backoff
from feedhandler.connection.connection import Connection
from feedhandler.engine import _engine
from feedhandler.healing.quiet_books import STILL_S
from feedhandler.healing.snapshot_queue import SnapshotQueue
from feedhandler.instruments.universe import CarriedInstrument
from feedhandler.log import Throttle
from shm import Counter, Reason, State

REST_JOIN_S = 3.0  #: how long a snapshot that should come in the stream is waited for
LATE_S = 10.0  #: how long a resubscription has until it is tried again
HEALTH_S = 10.0  #: what was LIVE for so long is healed at once
ASKED_S = 10.0  #: and no snapshot is put off for longer, however often a book was lost
AGAIN_S = 0.1  #: what is due and cannot be done is looked at again
CONFIRM_S = 1.0  #: how long the stream has to reach a base until another is asked for
DEAF_S = 2.0  #: how long a stream may say nothing of a book that REST shows to move
_SPEAKING_CAP_S, _QUIET_CAP_S = 5.0, 60.0  #: between two such requests
_LOW_BUDGET = 20.0  #: keys an hour that are kept for when nothing but a resubscription helps


@dataclass(slots=True)
class _Case:
    """One book that is not in step."""

    backoff: Backoff
    resubscribe_at: float | None = None
    join_at: float | None = None
    late_at: float | None = None
    #: a base that the stream has not reached: when another is asked for, what number it had, since
    #: when (by the loop's clock, in unix ns) there is one
    confirm_at: float | None = None
    confirming: Backoff = field(default_factory=lambda: Backoff(CONFIRM_S, _QUIET_CAP_S, floor=0.5))
    number: int | None = None
    since: float = 0.0
    since_ns: int = 0
    still: float = 0.0  #: since when the number has not changed
    planned: float | None = None  #: when it is to be looked at

    @property
    def soonest(self) -> float | None:
        """When something is due."""
        times = (self.resubscribe_at, self.join_at, self.late_at, self.confirm_at)
        return min((each for each in times if each is not None), default=None)

    def settled(self) -> None:
        """Nothing is planned for it."""
        self.resubscribe_at = self.join_at = self.late_at = self.confirm_at = self.number = None


class Recovery:
    """What is done about `Engine.attention()`. Times are seconds of a monotonic clock."""

    def __init__(
        self,
        venue: Venue,
        engine: _engine.Engine,
        snapshots: SnapshotQueue,
        connection: Callable[[CarriedInstrument], Connection | None],
        count: Callable[[Counter], None],
        rng: random.Random | None = None,
    ) -> None:
        self._venue = venue
        self._engine = engine
        self._snapshots = snapshots
        self._connection = connection
        self._count = count
        self._rng = rng or random.Random()
        #: told of a base with (number, since when in unix ns) that nothing moves: see `QuietBooks`
        self.still: Callable[[CarriedInstrument, int, int], None] = lambda *_: None
        self._cases: dict[int, _Case] = {}
        self._open: dict[int, CarriedInstrument] = {}
        self._plans: list[tuple[float, int]] = []  # (when, id); one that is not its case's is void
        self._quiet = Throttle(60.0)

    def _plan(self, tracked: CarriedInstrument, at_least: float = 0.0) -> None:
        """It is looked at when something is due."""
        case = self._cases[tracked.id]
        due = case.soonest
        if due is None or tracked.id not in self._open:
            return
        due = max(due, at_least)
        if case.planned is None or due < case.planned:
            case.planned = due
            heappush(self._plans, (due, tracked.id))

    def _case(self, tracked: CarriedInstrument) -> _Case:
        case = self._cases.get(tracked.id)
        if case is None:
            case = self._cases[tracked.id] = _Case(
                Backoff(0.8, 60.0, health_s=HEALTH_S, rng=self._rng)
            )
        self._open[tracked.id] = tracked
        return case

    def subscribed(self, tracked: CarriedInstrument, now: float) -> None:
        """The venue acknowledged the book: its first full state is expected from now on."""
        self._engine.begun(tracked.id)
        if self._engine.state(tracked.id)[0] == State.LIVE:
            return
        case = self._case(tracked)
        case.resubscribe_at = None
        case.late_at = now + LATE_S
        self._plan(tracked)
        if self._venue.base is Base.REQUEST:
            self._snapshots.request(tracked.spec.symbol)

    def lost(self, tracked: CarriedInstrument, reason: int, now: float) -> None:
        """NEED_RESYNC: the book is of no use any more."""
        case = self._case(tracked)
        case.late_at = now + LATE_S
        case.confirm_at = case.number = None
        join = self._venue.rest_join and self._budget(tracked, now) < _LOW_BUDGET
        asked = self._venue.base is Base.REQUEST or join
        delay = case.backoff.next(now, cap_s=ASKED_S if asked else None)
        if case.backoff.failures == 1:  # it was healthy: at once
            delay = 0.0
        if asked:
            self._snapshots.request(tracked.spec.symbol, delay)
        else:
            case.resubscribe_at = now + delay
        self._plan(tracked)
        if reason != Reason.MALFORMED:  # who could not read it says more
            text = f"{tracked.spec.symbol}: {Reason(reason).name}, resynchronising"
            self._quiet.warning(f"lost {reason}", text, instrument=tracked.spec.symbol)
        self.poll(now)

    def wanted(self, tracked: CarriedInstrument, now: float) -> None:
        """NEED_SNAPSHOT: deltas are buffered and wait for a base."""
        if self._venue.base is Base.REQUEST:
            self._case(tracked)
            self._snapshots.request(tracked.spec.symbol)
        elif self._venue.rest_join:
            case = self._case(tracked)
            if case.join_at is None:
                case.join_at = now + REST_JOIN_S
                self._plan(tracked)

    def too_old(self, tracked: CarriedInstrument) -> None:
        """SNAPSHOT_TOO_OLD: the stream is ahead of what we got."""
        self._snapshots.request(tracked.spec.symbol)

    def unanswered(self, tracked: CarriedInstrument, now: float) -> None:
        """Its base was asked for over the socket that streams it, and nothing came: it is
        subscribed to anew."""
        if self._engine.state(tracked.id)[0] == State.LIVE or not self.subscribed_to(tracked):
            return
        case = self._case(tracked)
        if case.resubscribe_at is None:
            delay = case.backoff.next(now)
            case.resubscribe_at = now + (delay if case.backoff.failures > 1 else 0.0)
            self._plan(tracked)

    def foreign(self, tracked: CarriedInstrument) -> None:
        """FOREIGN: what we got has prices that are not this instrument's."""
        text = f"{tracked.spec.symbol}: its snapshot has prices of another instrument"
        self._quiet.warning("foreign", text, instrument=tracked.spec.symbol)
        self._snapshots.request(tracked.spec.symbol, CONFIRM_S)

    def unconfirmed(self, tracked: CarriedInstrument, number: int, now: float) -> None:
        """UNCONFIRMED: a requested book is in, and the stream has not come to its number. Asked for
        again: it may be another instrument's. If the venue's book moves on and its stream says
        nothing, then the subscription is dead: it is made anew."""
        case = self._case(tracked)
        case.late_at = None
        if case.number is None:
            case.since = case.still = now
            case.since_ns = time_ns()
            case.confirming.reset()
        elif number != case.number:
            if now - case.since >= DEAF_S and self._quiet_since(case, tracked):
                self.deaf(tracked, now)
                return
            case.still = now
        elif now - case.still >= STILL_S and self._quiet_since(case, tracked):
            self.still(tracked, number, case.since_ns)
        case.number = number
        if case.confirm_at is None:
            case.confirm_at = now + CONFIRM_S
            self._plan(tracked)

    def deaf(self, tracked: CarriedInstrument, now: float) -> None:
        """Its book moves, and its stream says nothing: it is subscribed to anew."""
        symbol = tracked.spec.symbol
        text = f"{symbol}: its stream is silent, and it moves"
        self._quiet.warning("deaf", text, instrument=symbol)
        case = self._case(tracked)
        case.number = case.confirm_at = None
        case.late_at = now + LATE_S
        case.resubscribe_at = now + case.backoff.next(now)
        self._plan(tracked)

    def _quiet_since(self, case: _Case, tracked: CarriedInstrument) -> bool:
        """Whether the stream has said nothing of the book since it has an unconfirmed base."""
        return self._engine.heard(tracked.id, _engine.CHANNEL_BOOK) < case.since_ns

    def _confirm(self, tracked: CarriedInstrument, case: _Case, now: float) -> None:
        """The stream has not come to the base in time: ask for another."""
        case.confirm_at = None
        if self._engine.state(tracked.id) != (State.SYNCING, Reason.UNCONFIRMED):
            return
        cap = _QUIET_CAP_S if self._quiet_since(case, tracked) else _SPEAKING_CAP_S
        case.confirm_at = now + case.confirming.next(now, cap_s=cap)
        self._snapshots.request(tracked.spec.symbol)

    def healed(self, tracked: CarriedInstrument, now: float) -> None:
        """BECAME_LIVE."""
        self._snapshots.done(tracked.spec.symbol)
        self._open.pop(tracked.id, None)
        case = self._cases.get(tracked.id)
        if case is not None:
            case.settled()
            case.backoff.healthy(now)

    def drop(self, tracked: CarriedInstrument) -> None:
        """Its connection is down, or nobody wants it: what was planned for it is void."""
        self._snapshots.done(tracked.spec.symbol)
        self._open.pop(tracked.id, None)
        case = self._cases.get(tracked.id)
        if case is not None:
            case.settled()

    def poll(self, now: float) -> None:
        """Do what is due; a few times a second."""
        while self._plans and self._plans[0][0] <= now:
            planned, row = heappop(self._plans)
            case, tracked = self._cases[row], self._open.get(row)
            if case.planned != planned:
                continue
            case.planned = None
            if tracked is None:
                continue
            if case.resubscribe_at is not None and now >= case.resubscribe_at:
                case.resubscribe_at = None
                self._resubscribe(tracked)
            if case.join_at is not None and now >= case.join_at and self.subscribed_to(tracked):
                case.join_at = None
                self._snapshots.request(tracked.spec.symbol)
            if case.late_at is not None and now >= case.late_at:
                self._late(tracked, case, now)
            if case.confirm_at is not None and now >= case.confirm_at:
                self._confirm(tracked, case, now)
            self._plan(tracked, now + AGAIN_S)

    def subscribed_to(self, tracked: CarriedInstrument) -> bool:
        """Whether the venue has acknowledged the book: nothing could be joined to a snapshot of
        one that it does not stream, which would stand still."""
        connection = self._connection(tracked)
        if connection is None or tracked.book_key is None:
            return False
        return connection.subscriptions.is_live(tracked.book_key)

    def _late(self, tracked: CarriedInstrument, case: _Case, now: float) -> None:
        """No base within the time: say so, and try again."""
        case.late_at = now + LATE_S
        connection = self._connection(tracked)
        if connection is None or not tracked.book_key:
            return
        if tracked.book_key not in connection.subscriptions:
            return
        if self._budget(tracked, now) < 1.0:
            self.show(tracked, Reason.RATE_LIMIT)
            return
        if not connection.subscriptions.is_live(tracked.book_key):
            return  # whose answer is waited for
        self.show(tracked, Reason.NO_SNAPSHOT)
        if self._venue.base is Base.REQUEST:
            self._snapshots.request(tracked.spec.symbol)
        else:
            case.resubscribe_at = now + case.backoff.next(now)

    def show(self, tracked: CarriedInstrument, reason: Reason) -> None:
        """SYNCING with a reason, once. What is buffered for the book stays, and so does a base that
        waits to be confirmed, or a subscription that brings nothing: that is reason enough."""
        state = self._engine.state(tracked.id)
        dumb = reason is Reason.NO_SNAPSHOT and state == (State.SYNCING, Reason.NO_DATA)
        if not dumb and state not in ((State.SYNCING, Reason.UNCONFIRMED), (State.SYNCING, reason)):
            self._engine.set_state(tracked.id, State.SYNCING, reason)

    def _resubscribe(self, tracked: CarriedInstrument) -> None:
        connection = self._connection(tracked)
        if connection is None or tracked.book_key is None:
            return
        if connection.resubscribe(tracked.book_key):
            self._count(Counter.RESUBSCRIBES)

    def _budget(self, tracked: CarriedInstrument, now: float) -> float:
        connection = self._connection(tracked)
        return connection.subscriptions.budget(now) if connection is not None else 0.0
