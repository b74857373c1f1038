"""Which instruments a feed carries: as the venue lists and ends them, and as the rules change.

Instruments come and go one by one; what stays is not touched.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from time import time_ns
from typing import Protocol

from feedhandler import rules
from feedhandler.absence import Absences
from feedhandler.config import VenueConfig
from feedhandler.directory import redefine
from feedhandler.directory_rows import DirectoryRows
from feedhandler.engine import _engine
from feedhandler.lister import Listed, Lister, choose
from feedhandler.log import Throttle, log
from feedhandler.plan import plan
from feedhandler.universe import Tracked, Universe
from feedhandler.venues import normal
from feedhandler.venues.base import InstrumentSpec, Stated, Venue
from feedhandler.venues.listing import nameless
from shm import Change as Changes
from shm import Reason, State, Status

ROWS_SAID_S = 3600.0  #: how often the log repeats that few rows are left
AGAIN_S = 2.5  #: after a list that is none, and longer after each further one
ROLL_S = (2.0, 20.0)  #: after an expiry the list is asked for: what follows is listed by then
FRESH_NS = 5_000_000_000  #: a ticker that spoke within this time stands by its word
NEWS_S = (0.2, 3.0)  #: after the word of a stream that something is listed


class Carrier(Protocol):
    """Who has the connections."""

    def carry(self, endpoint: str, keys: Sequence[str]) -> None:
        """Subscribe to these keys of one instrument, on whatever connection has room."""

    def drop(self, tracked: Tracked, keys: Sequence[str]) -> None:
        """The instrument is carried no more, and nobody else needs these keys."""

    def streams(self, tracked: Tracked) -> bool:
        """Whether a connection that carries it is open."""

    def restated(self, tracked: Tracked) -> None:
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
        carrier: Carrier,
    ) -> None:
        self._venue = venue
        self._config = config
        self._engine = engine
        self._universe = universe
        self._lister = lister
        self._carrier = carrier
        self.rows = DirectoryRows(config.capacity)
        self.cure = ""  #: what helps against few rows, if that is another than usual
        self._absences = Absences()
        self._unread = ""
        self.left_out: dict[str, None] = {}  #: what has no row: listed, asked for, not carried
        self._quiet = Throttle()
        self._scarce = Throttle(ROWS_SAID_S)
        self._started = False

    def start(self, specs: Sequence[InstrumentSpec]) -> list[InstrumentSpec]:
        """Track the first ones; returns those that are."""
        self._started = True
        tracked = [each for each in map(self._track, specs) if each is not None]
        return [each.spec for each in tracked]

    async def follow(self) -> None:
        """Until cancelled: what the venue lists is taken up, what it lists no more is closed."""
        while True:
            self.refreshed(await self._lister.again())

    def refreshed(self, listed: Listed) -> None:
        """Take in a new list, if it can be one (see `feedhandler.absence`)."""
        there = listed.symbols
        if not self._absences.believed(listed.rules, there, self._open()):
            self._quiet.warning("list", f"{self._absences.problem}: nothing is closed for it")
            wait = AGAIN_S * 2.0 ** min(self._absences.doubts, 10)
            self._lister.soon(wait, 2 * wait)
            return
        self._lister.complain(listed)
        spoke = self._engine.activity().max(axis=1, initial=0).tolist()
        if not nameless(listed.unread):
            over = self._absences.over(
                time_ns(), there, self._open(), lambda each: spoke[each.id], self._carrier.streams
            )
            self._close(over, Reason.EXPIRED)
        self._unread = next(
            (f"the row of {each} cannot be read: {why}" for each, why in listed.unread.items()
             if each in self._universe.by_symbol), "",
        )  # fmt: skip
        now = {spec.symbol: spec for spec in listed.specs}
        for tracked in self._open():
            spec = now.get(tracked.spec.symbol)
            if spec is not None and tracked.stated_ns <= listed.asked_ns:
                self.redefine(tracked, self._as_streamed(tracked, spec, spoke[tracked.id]))
        chosen = choose(self.wanted, listed.specs).chosen  # they may have changed meanwhile
        self.left_out.clear()
        for symbol in self._take_up(self._fresh(chosen)):
            log.info("%s is new", symbol)

    def expire(self) -> None:
        """Close what is over by its own date, and look for what follows."""
        now = time_ns()
        there = self._open()
        over = [each for each in there if each.spec.over(now)]
        self._close(over, Reason.EXPIRED)
        ended = [each for each in there if 0 < each.spec.expiry_ns <= now and not each.ended]
        for (
            each
        ) in ended:  # of those without a date of their own the list says whether it came true
            each.ended = True
        if ended:
            self._lister.soon(*ROLL_S)

    def redefine(self, tracked: Tracked, spec: InstrumentSpec) -> None:
        """The venue says its terms anew: readers are told what has changed."""
        old = tracked.spec
        spec = replace(spec, kind=old.kind, family=old.family)  # by these its keys are called
        tracked.spec = spec
        if spec.expiry_ns != old.expiry_ns:
            tracked.ended = False
        changes = redefine(self._engine, tracked.id, spec)
        if not changes:
            return
        log.info("%s: %s", spec.symbol, _changed(changes, old, spec))
        if spec.status is Status.EXPIRED:
            self._close([tracked], Reason.EXPIRED)
        elif Changes.STATUS in changes:
            self._carrier.restated(tracked)

    def worded(self, tracked: Tracked) -> None:
        """Its ticker has another word for its status."""
        word = self._engine.word(tracked.id)
        self.stated([Stated(tracked.spec.symbol, self._meant(word), word)])

    def _as_streamed(self, tracked: Tracked, spec: InstrumentSpec, spoke_ns: int) -> InstrumentSpec:
        """What is listed, but not as open while its ticker goes on saying that it is not."""
        word = self._engine.word(tracked.id)
        said = self._meant(word) if word else Status.ACTIVE
        if said is Status.ACTIVE or time_ns() - spoke_ns > FRESH_NS or not spec.active:
            return spec
        return replace(spec, status=said, stated=word)

    def _meant(self, word: str) -> Status:
        return normal.status(self._venue.statuses, word)

    def stated(self, stated: Iterable[Stated]) -> None:
        """A stream says something of instruments: newer than any list that was asked for before."""
        now, news = time_ns(), False
        for one in stated:
            tracked = self._universe.by_symbol.get(one.symbol)
            if tracked is None or tracked.closed:
                known = tracked is None and one.symbol in self._lister.awake
                news = news or (one.status is Status.ACTIVE and not known)
                continue
            spec = replace(tracked.spec, status=one.status, stated=one.word)
            if one.spec is not None:
                try:
                    spec = one.spec() or spec
                except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
                    self._quiet.warning(
                        "stated", f"{one.symbol}: terms that make no sense: {error}"
                    )
            tracked.stated_ns = now
            self.redefine(tracked, spec)
        if news:
            self._lister.soon(*NEWS_S)

    def count(self, now: float) -> str:
        """Count the rows of the directory; says so, in the log too, if few are left."""
        closed = sum(each.closed for each in self._universe)
        self.rows.count(now, len(self._universe.by_id), closed)
        if not self.rows.few:
            return ""
        renewed = "a new directory is being filled"
        text = f"{self.rows}: {self.cure or (renewed if self.rows.worth else 'raise `capacity`')}"
        self._scarce.warning("rows", text)
        return text

    def asleep(self) -> str:
        """What is carried and does not trade now, in words; "" if all of it does."""
        there = self._open()
        found = [each.spec for each in there if not each.open]
        if not found:
            return ""
        first = f"{found[0].symbol} is {found[0].status.name}" + (", ..." if found[1:] else "")
        return f"{len(found)} of {len(there)} instruments are not open: {first}"

    async def change(self, wanted: Sequence[str]) -> Change:
        """Follow other rules from now on.

        Refused, with nothing changed: RestError (no list), ValueError (no room, the venue's limits
        forbid it).
        """
        return self._follow(wanted, await self._lister.list(wanted))

    def _follow(self, wanted: Sequence[str], listed: Listed) -> Change:
        fresh = self._fresh(listed.chosen)
        self._check(listed, fresh)  # before anything is touched
        self._lister.rules = tuple(wanted)
        change = Change(unknown=[str(error) for error in listed.unknown])
        kept = {spec.symbol for spec in listed.chosen}
        kept |= {spec.symbol for spec in rules.choose(wanted, self._carried())[0]}
        leaving = [each for each in self._open() if each.spec.symbol not in kept]
        self._close(leaving, Reason.UNSUBSCRIBED)
        change.removed = [each.spec.symbol for each in leaving]
        change.added = self._take_up(fresh)
        return change

    async def subscribe(self, patterns: Sequence[str]) -> Change:
        """Follow these patterns too. Raises as `change` does, and UnknownSymbol."""
        wanted = rules.with_more(self.wanted, patterns)
        listed = await self._lister.list(wanted)
        for error in listed.unknown:
            if error.pattern in patterns:
                raise error
        return self._follow(wanted, listed)

    def unsubscribe(self, patterns: Sequence[str]) -> Change:
        """Follow these patterns no more. Raises UnknownSymbol for what is not carried."""
        carried = self._carried()
        _, unknown = rules.choose(patterns, carried)
        for error in unknown:
            if error.pattern not in self.wanted:
                raise error
        wanted = rules.without(self.wanted, patterns, carried)
        kept, _ = rules.choose(wanted, carried)
        return self._follow(wanted, Listed(kept, carried, [], wanted))

    @property
    def problem(self) -> str:
        """What is wrong with the venue's list of instruments, if something is."""
        return self._lister.problem or self._absences.problem or self._unread

    @property
    def wanted(self) -> tuple[str, ...]:
        """The rules that are followed now."""
        return self._lister.rules

    def _carried(self) -> list[InstrumentSpec]:
        # What is carried is meant by the sets that it was taken up for, also while it is halted.
        return [replace(each.spec, status=Status.ACTIVE) for each in self._open()]

    def _open(self) -> list[Tracked]:
        return [tracked for tracked in self._universe if not tracked.closed]

    def _fresh(self, specs: Iterable[InstrumentSpec]) -> list[InstrumentSpec]:
        """Those that are not carried now."""
        carried = {tracked.spec.symbol for tracked in self._open()}
        return [spec for spec in specs if spec.symbol not in carried]

    def _check(self, listed: Listed, fresh: Sequence[InstrumentSpec]) -> None:
        """Whether it all fits; raises ValueError."""
        if not self._started:
            raise ValueError(f"{self._venue.name} has not listed its instruments yet: try again")
        if not listed.chosen:
            raise ValueError(f"nothing of {self._venue.name} would be left: stop it instead")
        rows = len(self._universe.by_id)
        new = sum(spec.symbol not in self._universe.by_symbol for spec in fresh)
        if rows + new > self._config.capacity:
            raise ValueError(
                f"{self._venue.name}: {new} more instruments, but of {self._config.capacity} rows "
                f"of the directory {rows} are taken: raise `capacity` and start again"
            )
        plan(self._venue, listed.chosen, self._config.channels)

    def _track(self, spec: InstrumentSpec) -> Tracked | None:
        try:
            tracked = self._universe.add(self._engine, spec)
        except MemoryError:
            self.left_out[spec.symbol] = None
            text = f"no room for {spec.symbol}: the directory has {self._config.capacity} rows"
            self._quiet.warning("capacity", f"{text}; raise `capacity`")
            return None
        except (ValueError, TypeError, OverflowError) as error:
            self._quiet.warning("instrument", f"{spec.symbol} cannot be carried: {error}")
            return None
        self._engine.set_state(tracked.id, State.SYNCING, Reason.START)
        return tracked

    def _take_up(self, specs: Sequence[InstrumentSpec]) -> list[str]:
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

    def _close(self, over: Sequence[Tracked], reason: Reason) -> None:
        for tracked in over:
            tracked.closed = True
        needed = self._universe.carried_keys() if over else set()
        for tracked in over:
            keys = self._venue.keys(tracked.spec, self._config.channels)
            self._carrier.drop(tracked, [key for key in keys if key not in needed])
            if reason is Reason.EXPIRED:
                tracked.spec = replace(tracked.spec, status=Status.EXPIRED)
                self._engine.set_status(tracked.id, Status.EXPIRED)
            self._engine.set_state(tracked.id, State.CLOSED, reason)
        if over:
            named = ", ".join(each.spec.symbol for each in over[:3]) + (", ..." if over[3:] else "")
            word = "expired" if reason is Reason.EXPIRED else "unsubscribed"
            log.info("%d %s: %s", len(over), word, named)


def _changed(changes: Changes, old: InstrumentSpec, new: InstrumentSpec) -> str:
    """In words."""
    parts = []
    if Changes.STATUS in changes:
        said = f" ({new.stated})" if new.stated else ""
        parts.append(f"{old.status.name} -> {new.status.name}{said}")
    for change, name in (
        (Changes.TICK, "tick"),
        (Changes.LOT, "lot"),
        (Changes.CONTRACT_SIZE, "contract_size"),
        (Changes.EXPIRY, "expiry_ns"),
    ):
        if change in changes:
            parts.append(f"{name} {getattr(old, name)} -> {getattr(new, name)}")
    if Changes.IDENTITY in changes:
        parts.append("another instrument under the same name")
    return "; ".join(parts)
