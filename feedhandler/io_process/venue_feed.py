"""One venue's feed: its instruments and connections, on one event loop, and who heals its books.

The owner of all connections of an IO process. It starts when the venue lists its instruments,
however long that takes, and goes on until it is cancelled.
"""

import asyncio
import gc
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from feedhandler import number_text
from feedhandler.adapter.engine import make_engine
from feedhandler.adapter.venue import ListedInstrument, Stated, Venue
from feedhandler.budgets import venue_budgets
from feedhandler.budgets.backoff import Backoff
from feedhandler.budgets.shared_retry import Reach
from feedhandler.config.keys import VenueConfig
from feedhandler.config.values import time_of_day
from feedhandler.connection.connection import Connection
from feedhandler.connection.owner import FrameTap, Settings
from feedhandler.connection.socket_requests import Requests
from feedhandler.connection.state import ConnectionState, is_open
from feedhandler.fleet.fleet import Fleet
from feedhandler.fleet.overload import Overload
from feedhandler.fleet.rotation import Rotations
from feedhandler.healing.healing import Asks, Healing
from feedhandler.healing.part_runner import PartRunner
from feedhandler.instruments.handed_list import Answers, Handed
from feedhandler.instruments.listing import Lister
from feedhandler.instruments.terms import NEWS_S
from feedhandler.instruments.universe import CarriedInstrument, Universe
from feedhandler.io_process.addresses import Addresses
from feedhandler.io_process.book_tally import BookTally
from feedhandler.io_process.connection_table import ConnectionTable
from feedhandler.io_process.first_list import FirstList
from feedhandler.io_process.outage_log import OutageLog
from feedhandler.io_process.quality_count import QualityCount
from feedhandler.io_process.roster import Roster
from feedhandler.io_process.venue_health import VenueState
from feedhandler.log import Throttle, log
from feedhandler.log_lines import about
from feedhandler.network.rest import Rest
from feedhandler.network.route import Route
from feedhandler.planning.packing import pack
from shm import Counter, Histogram, Reason, State
from shm._native import Writer

HEARTBEAT_S = 0.1
TABLE_S = 0.25
WATCH_S = 0.25  #: also the shortest gap that a rhythm is learned from
LOOK_ROWS, FIRST_WORDS = 64, 32  #: looked at in a step; between steps frames are read


class VenueFeed:
    """Runs one venue. `rest` is the caller's to close; `listed`: what was handed over."""

    def __init__(
        self,
        venue: Venue,
        config: VenueConfig,
        writer: Writer,
        rest: Rest,
        rng: random.Random | None = None,
        tap: FrameTap | None = None,
        listed: Answers | None = None,
    ) -> None:
        self.venue = venue
        self.config = config
        self.universe = Universe(venue, config.channels)
        self.engine = make_engine(venue, writer)
        self._writer = writer
        self._tap = tap
        self._rest = rest
        self._rng = rng or random.Random()
        self._clock = asyncio.get_running_loop().time
        self.connections = Fleet(venue, self.engine, self.universe, self._make, config.redundancy)
        self._rotations = Rotations(self.connections)
        self._overload = Overload(
            self.connections,
            self._rotations,
            self.universe,
            self.engine,
            self._count,
            config.behind_s,
            config.split_after_s,
            spin=config.spin,
        )
        self._table = ConnectionTable(writer)
        self._state = VenueState(writer)
        self.quality = QualityCount(self.engine, self.universe, writer, venue)
        requests = Requests(venue, rest, self.connections, self._streams)
        wanted = (config.instruments, self._rng, config.refresh_s)
        self._lister = Lister(venue, Handed(requests, listed or Answers()), *wanted)
        self.roster = Roster(venue, config, self.engine, self.universe, self._lister, self)
        self.books = BookTally(self.universe.by_id.get, self.roster.left_out)
        self._route = Route.of(config)
        self._addresses = Addresses(config)
        self._reach: dict[str, Reach] = {}  # by host
        self._quiet = Throttle()
        self._outage_log = OutageLog()
        self._runner = PartRunner(self._rng)
        self._left = False
        asks = Asks(self._count, self._renew, self._lister.hint, self.roster.terms.worded)
        self.healing = Healing(
            venue,
            config,
            self.engine,
            writer,
            self.universe,
            self.connections,
            rest,
            requests,
            asks,
            self._runner,
            self._rng,
        )

    # ---- its life

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._runner.keep_running("the heartbeat", self._beat))
            self._start(await FirstList(self._lister, self._rest, self._state).get())
            tasks.create_task(self.healing.run())
            tasks.create_task(
                self._runner.keep_running("the watch over subscriptions", self._watch)
            )
            tasks.create_task(self._runner.keep_running("following the list", self.roster.follow))

    async def stop(self, state: State = State.CLOSED, reason: Reason = Reason.STOPPED) -> None:
        """Close the connections and all instruments, in order. After `run` was cancelled."""
        await asyncio.gather(*(connection.stop() for connection in self.connections))
        now = self._clock()
        for connection in self.connections:
            self._table.store(connection, now)
        for tracked in self.universe:
            if not tracked.closed:
                self.engine.set_state(tracked.id, state, reason)

    async def leave(self) -> None:
        """Close the connections without a word to readers: another feed has taken over."""
        self._left = True
        await asyncio.gather(*(connection.stop() for connection in self.connections))

    def live(self) -> set[str]:
        """The symbols of what is LIVE."""
        there = (tracked for tracked in self.universe if not tracked.closed)
        return {each.spec.symbol for each in there if self.engine.state(each.id)[0] == State.LIVE}

    def _start(self, specs: Sequence[ListedInstrument]) -> None:
        carried = self.roster.start(specs)
        self._runner.step("quality", lambda: self.quality.only(each.symbol for each in specs))
        plans = pack(self.venue, carried, self.config.channels, self.config.redundancy)
        for one in plans:
            self.carry(one.endpoint, one.keys, apart=True)
        log.info(
            "%s on %s",
            number_text.plural(len(carried), "instrument"),
            number_text.plural(len(self.connections), "connection"),
        )

    def _make(self, row: int, endpoint: str, keys: Sequence[str]) -> Connection:
        url, limits = self._addresses.url(endpoint), self.venue.limits
        lifetime = self.config.lifetime_s
        settings = Settings(
            url=url,
            silence_s=self.config.silence_s,
            lifetime_s=limits.lifetime_s if lifetime is None else lifetime,
            rotate_at=time_of_day(self.config.rotate_at) if self.config.rotate_at else None,
            connects=venue_budgets.connects(url, limits),
            messages=venue_budgets.subscribe_messages(url, limits),
            keys=venue_budgets.subscribe_keys(url, limits),
            backoff=Backoff.of_connection(self._rng),
            route=self._route,
            reach=self._reach.setdefault(venue_budgets.host(url), Reach()),
            tap=self._tap,
            headers=self.venue.ws_headers.get(endpoint, {}),
            rest=self._rest,
        )
        native = self.engine.connection(row)
        connection = Connection(row, self.venue, keys, native, self, settings)
        self._table.store(connection, self._clock())
        return connection

    # ---- by the clock

    async def _beat(self) -> None:
        """The heartbeat in memory, and all that is done by the clock."""
        next_table = 0.0
        step = self._runner.step
        while True:
            now = self._clock()
            newest = max((c.native.last_receive_ns for c in self.connections), default=0)
            self._writer.heartbeat(newest)
            step("quality", self.quality.alive)
            if self.engine.overdue():
                step("hearing the engine", self.on_attention)
            step("recovery", partial(self.healing.poll, now))
            step("rotation", partial(self._rotations.poll, now))
            if now >= next_table:
                next_table = now + TABLE_S
                step("the look at capacity", partial(self._overload.look, now))
                step("quality", self.quality.beat)
                step("the connection table", partial(self._show, now))
            await asyncio.sleep(HEARTBEAT_S)

    async def _watch(self) -> None:
        """A look at what came, and what did not, after the other; in parts, between which frames
        are read. What nothing came of costs nothing."""
        step, settled = self._runner.step, False
        while True:
            now, frozen = self._clock(), list[int]()
            self.engine.look()
            self.healing.look(now)
            while True:
                rows, activity, states, still = self.engine.looked(LOOK_ROWS)
                self.books.changed(rows, states)
                step("the watch", partial(self.healing.heard, rows, activity, now))
                frozen += still
                await asyncio.sleep(0)
                step("promises", partial(self.healing.kept, rows, activity, now))
                await asyncio.sleep(0)
                step("quality", partial(self.quality.looked, rows))
                await asyncio.sleep(0)
                if len(rows) < LOOK_ROWS:
                    break
            more: object = True
            while more:
                more = step("first words", partial(self.healing.first_words, now, FIRST_WORDS))
                await asyncio.sleep(0)
            if len(self.connections):
                step("healing", partial(self.healing.looked, frozen, now))
            step("expiry", self.roster.expire)
            step("the judgement of the venue", self._judge)
            if not settled and self.books and not self.books.missing:
                settled = True
                gc.freeze()  # what there is now stays; it need not be looked at again
            await asyncio.sleep(WATCH_S)

    def _show(self, now: float) -> None:
        for connection in self.connections:
            self._table.store(connection, now)

    def _judge(self) -> None:
        if not len(self.connections):
            return
        notes = (
            self.roster.count(self._clock()),
            self.roster.problem,
            self._runner.note,
            self.roster.not_open(),
        )
        note = "; ".join(filter(None, notes))
        silent = self.healing.silent_subscriptions.finding
        self._state.judge(
            self.books, self.connections.speaking_for_venue(), self._overload.finding, note, silent
        )

    # ---- what the roster asks for (`roster.InstrumentCarrier`)

    def carry(self, endpoint: str, keys: Sequence[str], *, apart: bool = False) -> None:
        """Subscribe to these keys, on whatever connection has room, or `apart` on new ones."""
        fleet = self.connections
        if not (fleet.open if apart else fleet.carry)(endpoint, keys):
            text = f"no room for more than {len(fleet)} connections"
            self._quiet.warning("rows", f"{text}: {', '.join(keys[:3])} and others are not carried")

    def drop(self, tracked: CarriedInstrument, keys: Sequence[str]) -> None:
        """The instrument is carried no more, and nobody else needs these keys."""
        self.healing.drop(tracked)
        self.connections.drop(tracked, keys)

    def streams(self, tracked: CarriedInstrument) -> bool:
        """Whether a connection that carries it is open."""
        if tracked.book_key is None:  # which ones, nobody keeps: any says whether the venue speaks
            return any(is_open(each.state) for each in self.connections)
        return self.healing.streams(tracked)

    def restated(self, tracked: CarriedInstrument) -> None:
        """The venue does something else with orders on it than before."""
        self.healing.restated(tracked)

    def _streams(self, symbol: str) -> Connection | None:
        """Which connection has the book of a symbol."""
        tracked = self.universe.by_symbol.get(symbol)
        return self.connections.best(tracked) if tracked is not None else None

    def _count(self, counter: Counter) -> None:
        self._writer.counter_add(int(counter))

    # ---- what the engine and the connections say (`connection.owner.Owner`)

    async def keep_running(self, part: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run it to its end; again if it fails."""
        await self._runner.keep_running(part, run)

    def on_attention(self) -> None:
        """The engine has something to say about books."""
        self.healing.attention()

    def on_malformed(self, connection: Connection) -> None:
        """The engine could not read a frame."""
        text = f"{connection}: {self.engine.last_error()}"
        self._quiet.warning("malformed", text, connection=connection.row)

    def on_state(self, connection: Connection) -> None:
        """A connection is in another state."""
        if self._left:
            return
        if connection.state is ConnectionState.SUBSCRIBING:
            self._count(Counter.CONNECTS)
            self.connections.connected(connection)
            self._overload.connected(connection)
        if connection.state is ConnectionState.BACKOFF:
            self._outage_log.down(connection)
        elif connection.state is ConnectionState.LIVE:
            self._outage_log.live(connection)
        elif connection.state is ConnectionState.CLOSED:
            self._outage_log.gone(connection)
        self._table.store(connection, self._clock())
        self._table.announce(connection)

    def on_down(self, connection: Connection, reason: Reason) -> None:
        """What this connection alone fed is stale, at once."""
        if self._left:
            return
        if connection.state is not ConnectionState.DRAINING:
            self._count(Counter.DISCONNECTS)
        self.engine.disconnected(connection.row, int(reason))
        self.connections.down(connection)
        self.healing.down(connection, reason)

    def replace(self, connection: Connection, why: str) -> bool:
        """The session is about to end: another connection is opened first."""
        return self._rotations.ask(connection, why)

    def _renew(self, connection: Connection, reason: Reason, why: str, turn: str | None) -> None:
        """Replace a connection on which something is silent; `turn`: an endpoint's next address."""
        if turn is not None and self._addresses.turn(turn):
            of = about(connection=connection.row)
            log.warning("%s: the next address is tried", connection, extra=of)
        if self._rotations.ask(connection, why, reason):
            return
        live = {tracked.id for tracked in self.universe if self.engine.feeders(tracked.id)}
        if not any(each.id in live for each in self.connections.books(connection)):
            connection.cut(reason, why)

    def on_acknowledged(self, connection: Connection, keys: Sequence[str]) -> None:
        """The venue took these keys."""
        self.healing.acknowledged(connection, keys)
        if connection.connects > 1 and any(self.universe.parts(key)[0] == "status" for key in keys):
            self._lister.ask_within(*NEWS_S)  # nobody said meanwhile what has changed

    def instrument(self, key: str) -> int | None:
        """The engine's instrument of a key; None: it has none."""
        tracked = self.universe.of_key(key)
        return tracked.id if tracked is not None else None

    def on_stated(self, stated: Iterable[Stated]) -> None:
        """The venue says what it does with orders on instruments, or all their terms."""
        self.roster.terms.stated(stated)

    def on_relisted(self) -> None:
        """The venue says that what it lists has changed."""
        self._lister.ask_within(*NEWS_S)

    def on_rejected(self, connection: Connection, keys: Sequence[str], text: str) -> None:
        """The venue refused these keys."""
        self._count(Counter.REJECTED)
        text = f"{connection}: {', '.join(keys[:3])} refused: {text}"
        self._quiet.warning("rejected", text, connection=connection.row)
        self.healing.rejected(connection, keys)

    def on_unanswered(self, connection: Connection, keys: Sequence[str]) -> None:
        """The venue has not answered for these keys; it is asked again."""
        more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
        text = f"{connection}: no answer to the subscription of {', '.join(keys[:3])}{more}"
        self._quiet.warning("unanswered", f"{text}; asked again", connection=connection.row)
        self.healing.unanswered(connection, keys)

    def speaks(self, connection: Connection, key: str, seconds: float) -> bool:
        """Whether the key's data comes on it, `seconds` after it was asked for."""
        return self.healing.speaks(connection, key, seconds)

    def on_round_trip(self, connection: Connection, nanoseconds: int) -> None:  # noqa: ARG002
        """A heartbeat was answered."""
        self._writer.histogram_add(int(Histogram.RTT), nanoseconds)

    def in_step(self, connection: Connection) -> bool:
        """Whether every book of it has been in step since it connected."""
        return self.connections.in_step(connection)
