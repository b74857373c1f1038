"""Which instruments a feed carries: as the venue lists and ends them, and as the rules change.

Instruments come and go one by one; what stays is not touched.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from time import time_ns
from typing import Protocol

from feedhandler.adapter import selection
from feedhandler.adapter.listing import nameless
from feedhandler.adapter.venue import ListedInstrument, Venue
from feedhandler.config.keys import VenueConfig
from feedhandler.config.places import Places
from feedhandler.engine import _engine
from feedhandler.instruments.delisting import Delistings
from feedhandler.instruments.listing import Listed, Lister, choose
from feedhandler.instruments.terms import Terms, not_open
from feedhandler.instruments.universe import CarriedInstrument, Universe, spoke
from feedhandler.io_process.directory_rows import DirectoryRows
from feedhandler.log import Throttle, log
from feedhandler.planning.packing import pack
from shm import Reason, State, Status

ROWS_SAID_S = 3600.0  #: how often the log repeats that few rows are left
AGAIN_S = 2.5  #: after a list that is none, and longer after each further one
ROLL_S = (2.0, 20.0)  #: after an expiry the list is asked for: what follows is listed by then


class InstrumentCarrier(Protocol):
    """Who has the connections."""

    def carry(self, endpoint: str, keys: Sequence[str]) -> None:
        """Subscribe to these keys of one instrument, on whatever connection has room."""

    def drop(self, tracked: CarriedInstrument, keys: Sequence[str]) -> None:
        """The instrument is carried no more, and nobody else needs these keys."""

    def streams(self, tracked: CarriedInstrument) -> bool:
        """Whether a connection that carries it is open."""

    def restated(self, tracked: CarriedInstrument) -> None:
        """The venue does something else with orders on it than before."""


@dataclass(slots=True)
class Change:
    """What a change of the rules did: symbols; `unknown`: patterns that mean nothing, in words."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


class Roster:
    """The instruments of one feed."""

    def __init__(
        self,
        venue: Venue,
        config: VenueConfig,
        engine: _engine.Engine,
        universe: Universe,
        lister: Lister,
        carrier: InstrumentCarrier,
    ) -> None:
        self._venue = venue
        self._config = config
        self._engine = engine
        self._universe = universe
        self._lister = lister
        self._carrier = carrier
        self.moved(config.places)
        self.terms = Terms(
            venue, engine, universe, lister, carrier.restated, self._over, config.refresh_s
        )
        self.rows = DirectoryRows(config.directory_rows)
        self.cure = ""  #: what helps against few rows, if that is another than usual
        self._delistings = Delistings()
        self._unread = ""
        self.left_out: dict[str, None] = {}  #: what has no row: listed, asked for, not carried
        self._quiet = Throttle()
        self._scarce = Throttle(ROWS_SAID_S)
        self._started = False

    def start(self, specs: Sequence[ListedInstrument]) -> list[ListedInstrument]:
        """Track the first ones; returns those that are."""
        self._started = True
        tracked = [each for each in map(self._track, specs) if each is not None]
        return [each.spec for each in tracked]

    async def follow(self) -> None:
        """Until cancelled: what the venue lists is taken up, what it lists no more is closed."""
        while True:
            self.refreshed(await self._lister.next_list())

    def refreshed(self, listed: Listed) -> None:
        """Take in a new list, if it can be one (see `feedhandler.instruments.delisting`)."""
        there = listed.symbols
        if not self._delistings.believed(listed.rules, there, self._open()):
            self._quiet.warning("list", f"{self._delistings.problem}: nothing is closed for it")
            wait = AGAIN_S * 2.0 ** min(self._delistings.doubts, 10)
            self._lister.ask_within(wait, 2 * wait)
            return
        self._lister.complain(listed)
        last = spoke(self._engine.activity())
        if not nameless(listed.unread):
            over = self._delistings.over(
                time_ns(), there, self._open(), lambda each: last[each.id], self._carrier.streams
            )
            self._close(over, Reason.EXPIRED)
        now = {spec.symbol: spec for spec in listed.specs}
        self._unread = next(
            (
                f"the row of {each} cannot be read: {why}"
                for each, why in listed.unread.items()
                if each in self._universe.by_symbol and each not in now
            ),
            "",
        )
        for tracked in self._open():
            spec = now.get(tracked.spec.symbol)
            if spec is not None and tracked.stated_ns <= listed.asked_ns:
                self.terms.listed(tracked, spec, last[tracked.id])
        chosen = choose(self.wanted, listed.specs).chosen  # they may have changed meanwhile
        self.left_out.clear()
        taken = self._take_up(self._fresh(chosen))
        if taken:
            log.info("%d new: %s", len(taken), _named(taken))

    def expire(self) -> None:
        """Close what is over by its own date, and look for what follows."""
        now = time_ns()
        ended = self._universe.ended(now)
        for each in ended:  # of what has no date of its own, the list says whether it came true
            each.ended = True
        if ended:
            self._close([each for each in ended if each.spec.over(now)], Reason.EXPIRED)
            self._lister.ask_within(*ROLL_S)
        self.terms.look()

    def count(self, now: float) -> str:
        """Count the rows of the directory; says so, in the log too, if few are left."""
        self.rows.count(now, len(self._universe.by_id), len(self._universe.closed))
        if not self.rows.are_short:
            return ""
        renewed = "a new directory is being filled"
        cure = renewed if self.rows.worth_renewing else "raise directory_rows"
        text = f"{self.rows}: {self.cure or cure}"
        self._scarce.warning("rows", f"{self._lister.places.of('directory_rows')}: {text}")
        return text

    def not_open(self) -> str:
        """What is carried and takes no orders now, in words."""
        return not_open(self._universe)

    async def change(self, wanted: Sequence[str]) -> Change:
        """Follow other rules from now on.

        Refused, with nothing changed: RestError (no list), ValueError (no room, the venue's limits
        forbid it).
        """
        return self._follow(wanted, await self._lister.list(wanted))

    def moved(self, places: Places) -> Change:
        """The file was read again: the values of the configuration stand there now."""
        self._lister.places = places
        return Change()

    def _follow(self, wanted: Sequence[str], listed: Listed) -> Change:
        fresh = self._fresh(listed.chosen)
        self._check(listed, fresh)  # before anything is touched
        self._lister.rules = tuple(wanted)
        change = Change(unknown=[str(error) for error in listed.unknown])
        kept = {spec.symbol for spec in listed.chosen}
        kept |= {spec.symbol for spec in selection.choose(wanted, self._carried())[0]}
        leaving = [each for each in self._open() if each.spec.symbol not in kept]
        self._close(leaving, Reason.UNSUBSCRIBED)
        change.removed = [each.spec.symbol for each in leaving]
        change.added = self._take_up(fresh)
        return change

    async def subscribe(self, patterns: Sequence[str]) -> Change:
        """Follow these patterns too. Raises as `change` does, and UnknownSymbol."""
        wanted = selection.with_more(self.wanted, patterns)
        listed = await self._lister.list(wanted)
        for error in listed.unknown:
            if error.pattern in patterns:
                raise error
        return self._follow(wanted, listed)

    def unsubscribe(self, patterns: Sequence[str]) -> Change:
        """Follow these patterns no more. Raises UnknownSymbol for what is not carried."""
        carried = self._carried()
        _, unknown = selection.choose(patterns, carried)
        for error in unknown:
            if error.pattern not in self.wanted:
                raise error
        wanted = selection.without(self.wanted, patterns, carried)
        kept, _ = selection.choose(wanted, carried)
        return self._follow(wanted, Listed(kept, carried, [], wanted))

    @property
    def problem(self) -> str:
        """What is wrong with the venue's list of instruments, if something is."""
        return self._lister.problem or self._delistings.problem or self._unread

    @property
    def wanted(self) -> tuple[str, ...]:
        """The rules that are followed now."""
        return self._lister.rules

    def _carried(self) -> list[ListedInstrument]:
        # What is carried is meant by the sets that it was taken up for, also while it is halted.
        return [replace(each.spec, status=Status.ACTIVE) for each in self._open()]

    def _open(self) -> list[CarriedInstrument]:
        return [tracked for tracked in self._universe if not tracked.closed]

    def _fresh(self, specs: Iterable[ListedInstrument]) -> list[ListedInstrument]:
        """Those that are not carried now."""
        carried = {tracked.spec.symbol for tracked in self._open()}
        return [spec for spec in specs if spec.symbol not in carried]

    def _check(self, listed: Listed, fresh: Sequence[ListedInstrument]) -> None:
        """Whether it all fits; raises ValueError."""
        if not self._started:
            raise ValueError(f"{self._venue.name} has not listed its instruments yet: try again")
        if not listed.chosen:
            raise ValueError(f"nothing of {self._venue.name} would be left: stop it instead")
        rows, most = len(self._universe.by_id), self._config.directory_rows
        new = sum(spec.symbol not in self._universe.by_symbol for spec in fresh)
        if rows + new > most:
            raise ValueError(
                f"{self._venue.name}: {new} more instruments, but of {most} rows of the directory "
                f"{rows} are taken: raise directory_rows and start again"
            )
        pack(self._venue, listed.chosen, self._config.channels)

    def _track(self, spec: ListedInstrument) -> CarriedInstrument | None:
        try:
            tracked = self._universe.add(self._engine, spec)
        except MemoryError:
            self.left_out[spec.symbol] = None
            most = self._config.directory_rows
            where = self._lister.places.of("directory_rows")
            text = f"{where}: no room for {spec.symbol}: the directory has {most} rows; raise it"
            self._quiet.warning("rows", text, instrument=spec.symbol)
            return None
        except (ValueError, TypeError, OverflowError) as error:
            text = f"{spec.symbol} cannot be carried: {error}"
            self._quiet.warning("instrument", text, instrument=spec.symbol)
            return None
        self._engine.set_state(tracked.id, State.SYNCING, Reason.START)
        return tracked

    def _take_up(self, specs: Sequence[ListedInstrument]) -> list[str]:
        """The symbols of those that could be."""
        carried = self._universe.carried_keys() if specs else set()
        taken = []
        for spec in specs:
            if self._track(spec) is None:
                continue
            taken.append(spec.symbol)
            by_endpoint: dict[str, list[str]] = {}
            for key in self._venue.keys(spec, self._config.channels):
                if key not in carried:
                    carried.add(key)
                    by_endpoint.setdefault(self._venue.endpoint(key), []).append(key)
            for endpoint, keys in by_endpoint.items():
                self._carrier.carry(endpoint, keys)
        return taken

    def _over(self, tracked: CarriedInstrument) -> None:
        """The venue says that it is over."""
        self._close([tracked], Reason.EXPIRED)

    def _close(self, over: Sequence[CarriedInstrument], reason: Reason) -> None:
        for tracked in over:
            tracked.closed = True
            self._universe.file(tracked)
        needed = self._universe.carried_keys() if over else set()
        for tracked in over:
            keys = self._venue.keys(tracked.spec, self._config.channels)
            self._carrier.drop(tracked, [key for key in keys if key not in needed])
            if reason is Reason.EXPIRED:
                tracked.spec = replace(tracked.spec, status=Status.EXPIRED)
                self._engine.set_status(tracked.id, Status.EXPIRED)
            self._engine.set_state(tracked.id, State.CLOSED, reason)
        if over:
            named = _named([each.spec.symbol for each in over])
            word = "expired" if reason is Reason.EXPIRED else "unsubscribed"
            log.info("%d %s: %s", len(over), word, named)


def _named(symbols: Sequence[str]) -> str:
    """Three of them."""
    return ", ".join(symbols[:3]) + (", ..." if symbols[3:] else "")
