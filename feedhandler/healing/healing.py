"""What heals the books of a feed, each on its own, and keeps watch over those that are well.

Here meet the queue of snapshots, recovery, the watch over subscriptions, audits and polling: what
the engine and the connections say about books is told to those whom it concerns.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import time_ns

from feedhandler import number_text
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Venue
from feedhandler.config.keys import VenueConfig
from feedhandler.connection.connection import Connection
from feedhandler.connection.socket_requests import Requests
from feedhandler.connection.state import is_open
from feedhandler.engine import _engine
from feedhandler.fleet.fleet import Fleet
from feedhandler.healing.audit import Audit, Duties
from feedhandler.healing.deepening import Deepening
from feedhandler.healing.missing_copies import MissingCopies
from feedhandler.healing.part_runner import PartRunner
from feedhandler.healing.polling import Poller
from feedhandler.healing.quiet_books import QuietBooks
from feedhandler.healing.recovery import Recovery
from feedhandler.healing.rhythm import RhythmOptions, Rows
from feedhandler.healing.silent_subscriptions import Renew, SilentSubscriptions
from feedhandler.healing.snapshot_queue import Actions, SnapshotQueue, TradedFirst
from feedhandler.healing.subscription_watch import SubscriptionWatch
from feedhandler.instruments.universe import CHANNEL, CarriedInstrument, Universe
from feedhandler.log import Throttle, log
from feedhandler.log_lines import about
from feedhandler.network.rest import Rest, RestError, RestUnreachable
from shm import Counter, Reason, State
from shm._native import Writer

SPOKEN_S = 2.0  #: after the request, data is of this subscription and not of the one before
_AFTER = 1 << 40  #: beyond every rank


@dataclass(frozen=True, slots=True)
class Asks:
    """What healing asks of the feed. `hint`: the venue may have changed what nobody says; `worded`:
    a ticker has another word for the status of its instrument."""

    count: Callable[[Counter], None]
    renew: Renew
    hint: Callable[[], None]
    worded: Callable[[CarriedInstrument], None]


class Healing:
    """Of one feed. Times are seconds of the event loop's clock."""

    def __init__(
        self,
        venue: Venue,
        config: VenueConfig,
        engine: _engine.Engine,
        writer: Writer,
        universe: Universe,
        connections: Fleet,
        rest: Rest,
        requests: Requests,
        asks: Asks,
        runner: PartRunner,
        rng: random.Random,
    ) -> None:
        self._venue = venue
        self._engine = engine
        self._universe = universe
        self._connections = connections
        self._rest = rest
        self._requests = requests
        self._runner = runner
        self._worded = asks.worded
        self._quiet = Throttle()
        self._clock = asyncio.get_running_loop().time
        self._traded = TradedFirst(engine, self._clock)
        actions = Actions(
            self._fetch,
            self._deliver,
            self._snapshot_late,
            self._rank,
            self._rest_wait,
            self._snapshot_held,
        )
        self._snapshots = SnapshotQueue(actions, rng=rng)
        self._deepening = Deepening(engine, self._snapshots, rng, self._clock)
        best = connections.best
        self.recovery = Recovery(venue, engine, self._snapshots, best, asks.count, rng)
        rhythms = RhythmOptions(
            floor_s=config.rhythm_floor_s,
            ceiling_s=max(config.rhythm_floor_s, config.rhythm_ceiling_s),
        )
        self.watch = SubscriptionWatch(universe, engine, best, asks.count, asks.hint, rhythms)
        self.silent_subscriptions = SilentSubscriptions(
            venue, universe, engine, asks.renew, self._dumb, asks.count, asks.hint, rhythms
        )
        self._missing_copies = MissingCopies(
            venue, universe, engine, connections, asks.renew, asks.count
        )
        duties = Duties(universe.after, self._free, self._diverged, asks.count)
        self._audit = Audit(venue, engine, writer, requests, duties, config.audit_s, rng)
        books = (connections.unstreamed, self.streams, config.degraded_after_s)
        self._quiet_books = QuietBooks(venue, engine, requests, self._deaf)
        self.recovery.still = self._quiet_books.still
        self._poller = Poller(venue, engine, rest, *books)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for part, run in (
                ("fetching snapshots", self._snapshots.run),
                ("auditing", self._audit.run),
                ("polling", self._poller.run),
                ("asking about quiet books", self._quiet_books.run),
            ):
                tasks.create_task(self._runner.keep_running(part, run))

    def poll(self, now: float) -> None:
        """Do what is due; a few times a second."""
        self.recovery.poll(now)
        self._deepening.poll(now)

    # ---- what the engine says

    def attention(self) -> None:
        """Drain the engine's events."""
        now = self._clock()
        for row, event, detail in self._engine.attention():
            tracked = self._universe.by_id.get(row)
            if tracked is None or tracked.closed:
                continue
            if event == _engine.NEED_RESYNC:
                self.watch.lost(tracked)
                self.recovery.lost(tracked, detail, now)
            elif event == _engine.NEED_SNAPSHOT:
                self.recovery.wanted(tracked, now)
            elif event == _engine.SNAPSHOT_TOO_OLD:
                self.recovery.too_old(tracked)
            elif event == _engine.FOREIGN:
                self.recovery.foreign(tracked)
            elif event == _engine.UNCONFIRMED:
                self.recovery.unconfirmed(tracked, detail, now)
            elif event == _engine.BECAME_LIVE:
                self._healed(tracked, now)
            elif event == _engine.STATED:
                self._worded(tracked)
            elif event == _engine.WORN:
                if self._venue.snapshot_request(tracked.spec.symbol) is not None:
                    self._deepening.worn(tracked)  # else: anew in the stream when it is worn out
            elif event == _engine.WIDENED:
                symbol = tracked.spec.symbol
                log.info("%s: exponents widened", symbol, extra=about(instrument=symbol))

    def _healed(self, tracked: CarriedInstrument, now: float) -> None:
        self.recovery.healed(tracked, now)
        self.watch.healed(tracked, now)
        self._deepening.over(tracked)

    # ---- what the connections say

    def drop(self, tracked: CarriedInstrument) -> None:
        """The instrument is carried no more."""
        self.recovery.drop(tracked)
        self.watch.forget(tracked)
        self._deepening.over(tracked)
        self.silent_subscriptions.forget(tracked)

    def restated(self, tracked: CarriedInstrument) -> None:
        """The venue does something else with orders on it: what does not trade may be silent, and
        what is open now may be had."""
        self.watch.restated(tracked, self._clock())
        self.silent_subscriptions.restated(tracked, self._clock())
        connection = self._connections.best(tracked)
        if not tracked.open or connection is None:
            return
        for key in self._universe.own_keys(tracked):
            if connection.subscriptions.failed(key):
                connection.resubscribe(key)

    def down(self, connection: Connection, reason: Reason) -> None:
        """What this connection alone fed is to be healed."""
        now = self._clock()
        self.watch.down(connection)
        self.silent_subscriptions.down(connection)
        others = self._connections.others(connection)
        for tracked in self._connections.books(connection):
            if not any(self._connections.carries(other, tracked) for other in others):
                self.recovery.drop(tracked)
            elif self._engine.state(tracked.id)[0] == State.LIVE:
                self.watch.healed(tracked, now)
            elif not tracked.rejected:
                self.recovery.lost(tracked, int(reason), now)
        for other in others:
            for key in other.subscriptions.live():
                self.watch.acknowledged(other, key)
                self.silent_subscriptions.acknowledged(other, key, now)

    def acknowledged(self, connection: Connection, keys: Sequence[str]) -> None:
        """The venue took these keys."""
        now = self._clock()
        for key in keys:
            self.watch.acknowledged(connection, key)
            self.silent_subscriptions.acknowledged(connection, key, now)
        for tracked in self._universe.books(keys):
            tracked.rejected = False
            self._connections.acknowledged(connection, tracked)
            self.recovery.subscribed(tracked, now)

    def rejected(self, connection: Connection, keys: Sequence[str]) -> None:
        """The venue refused these keys."""
        self._not_taken(connection, keys, Reason.REJECTED)
        for tracked in self._universe.books(keys):
            self._connections.book_refused(connection, tracked)
            if self._engine.feeders(tracked.id) & ~(1 << connection.row):
                continue  # another connection brings it
            others = [each.subscriptions for each in self._connections.others(connection)]
            book = tracked.book_key or ""
            if any(book in each and not each.failed(book) for each in others):
                continue  # or is to bring it
            tracked.rejected = True
            self.recovery.drop(tracked)
            self._engine.set_state(tracked.id, State.STALE, Reason.REJECTED)

    def unanswered(self, connection: Connection, keys: Sequence[str]) -> None:
        """The venue has not answered for these keys so far."""
        self._not_taken(connection, keys, Reason.UNANSWERED)
        for tracked in self._universe.books(keys):
            self._connections.book_refused(connection, tracked)
            if self._engine.state(tracked.id)[0] != State.LIVE and not tracked.closed:
                self.recovery.show(tracked, Reason.UNANSWERED)

    def _dumb(self, connection: Connection, tracked: CarriedInstrument, reason: Reason) -> None:
        """Its subscription to the book brings nothing: it keeps nobody waiting."""
        self._connections.book_refused(connection, tracked)
        if self._engine.state(tracked.id)[0] != State.LIVE:
            self.recovery.show(tracked, reason)

    def _not_taken(self, connection: Connection, keys: Sequence[str], reason: Reason) -> None:
        """Unless another connection has them."""
        others = [each.subscriptions for each in self._connections.others(connection)]
        alone = [key for key in keys if not any(each.is_live(key) for each in others)]
        self.silent_subscriptions.refused(connection, alone, reason)

    def look(self, now: float) -> None:
        """A look over subscriptions begins; a few times a second."""
        self.silent_subscriptions.promises.look(now)

    def heard(self, rows: Rows, activity: Rows, now: float) -> None:
        """Take in of some instruments, a look's parts, when something of them came; then `kept`."""
        self.watch.heard(rows, activity, now)

    def kept(self, rows: Rows, activity: Rows, now: float) -> None:
        """The same, for what their channels promise."""
        self.silent_subscriptions.promises.heard(rows, activity, now)

    def first_words(self, now: float, most: int) -> bool:
        """Look at so many subscriptions whose first word is due; whether there are more."""
        return self.silent_subscriptions.promises.first_words(now, most)

    def looked(self, frozen: Sequence[int], now: float) -> None:
        """The look is over: act on what did not come, and on books that stand still."""
        self.watch.poll(now, frozen)
        self.silent_subscriptions.poll(now)
        self._missing_copies.poll(now)

    def speaks(self, connection: Connection, key: str, seconds: float) -> bool:
        """Whether the key's data comes on this connection, `seconds` after it was asked for."""
        tracked = self._universe.of_key(key)
        if tracked is None:
            return False
        channel = CHANNEL.get(self._venue.promise(key).column, CHANNEL["book"])
        alone = not self._connections.others(connection)
        if not alone and not self._engine.feeders(tracked.id) >> connection.row & 1:
            return False
        if not alone and channel != CHANNEL["book"]:
            return False  # it is not known on which connection it came
        fresh_ns = time_ns() - int((seconds - SPOKEN_S) * 1e9)
        return self._engine.heard(tracked.id, channel) > fresh_ns

    # ---- snapshots

    async def _fetch(self, symbol: str) -> bytes:
        request = self._venue.snapshot_request(symbol)
        if request is None:
            raise RestError("this venue has no snapshots over REST", symbol)
        self._deepening.asking(symbol)
        try:
            return await self._requests.get(request)
        except RestUnreachable:
            if self._venue.socket_books:
                self.recovery.unanswered(self._universe.by_symbol[symbol], self._clock())
            raise

    def _deliver(self, symbol: str, body: bytes) -> None:
        tracked = self._universe.by_symbol[symbol]
        if not self._subscribed(tracked):  # nothing to join it to; asked for anew then
            return
        request = self._venue.snapshot_request(symbol)
        levels = request.levels if request is not None else 0
        if symbol in self._deepening:
            self._deepening.answered(symbol, body, levels)
            self.attention()
            return
        bits = self._engine.snapshot(tracked.id, body, levels=levels)
        if bits & _engine.MALFORMED:
            error = self._engine.last_error()
            text = f"snapshot of {symbol} makes no sense: {error}"
            self._quiet.warning("snapshot", text, instrument=symbol)
            self._snapshots.request(symbol)
        self._connections.base_joined(tracked)
        if bits & _engine.ATTENTION:
            self.attention()

    def streams(self, tracked: CarriedInstrument) -> bool:
        """Whether a connection that carries the book is open."""
        connection = self._connections.best(tracked)
        return connection is not None and is_open(connection.state)

    def _subscribed(self, tracked: CarriedInstrument) -> bool:
        """Whether the venue streams the book: without, a snapshot of it would stand still."""
        return self.streams(tracked) and self.recovery.subscribed_to(tracked)

    def _free(self, request: Request) -> bool:
        """Recovery asks for nothing, and could ask for a snapshot even after this."""
        kept = self._venue.snapshot_request(next(iter(self._universe.by_symbol), ""))
        return not self._snapshots.asking and self._rest.spare(request, *filter(None, [kept]))

    def _deaf(self, tracked: CarriedInstrument) -> None:
        """A book that was taken for quiet has moved, and its stream has not said so."""
        self._engine.set_state(tracked.id, int(State.STALE), int(Reason.SUBSCRIPTION))
        self.watch.lost(tracked)
        self.recovery.deaf(tracked, self._clock())

    def _diverged(self, tracked: CarriedInstrument) -> None:
        """An audit found the book wrong."""
        self.watch.lost(tracked)
        self.recovery.lost(tracked, int(Reason.AUDIT), self._clock())

    def _snapshot_late(self, symbol: str, cause: str) -> None:
        tracked = self._universe.by_symbol[symbol]
        state, reason = self._engine.state(tracked.id)
        if tracked.closed or state == State.LIVE:
            return
        if reason == Reason.UNCONFIRMED:
            text = f"{symbol}: its stream has not reached its base yet"
            self._quiet.warning("unconfirmed", text, instrument=symbol)
            return
        self.recovery.show(tracked, Reason.NO_SNAPSHOT)
        text = f"{symbol} has no snapshot yet: {cause}"
        self._quiet.warning("no snapshot", text, instrument=symbol)

    def _rank(self, symbol: str) -> int:
        behind = _AFTER if symbol in self._deepening else 0  # those that are not in step go first
        return behind + self._traded(self._universe.by_symbol[symbol].id)

    def _rest_wait(self, symbol: str) -> float:
        request = self._venue.snapshot_request(symbol)
        return self._rest.held(request) if request is not None else 0.0

    def _snapshot_held(self, symbol: str, seconds: float) -> None:
        tracked = self._universe.by_symbol[symbol]
        if not tracked.closed and self._engine.state(tracked.id)[0] != State.LIVE:
            self.recovery.show(tracked, Reason.RATE_LIMIT)
            text = f"snapshots wait {number_text.seconds(seconds)} for the REST budget of the host"
            self._quiet.warning("budget", text)
