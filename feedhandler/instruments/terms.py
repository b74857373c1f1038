"""The terms of what is carried: status, tick, lot, contract size and end, as the venue has them.

They come from its list, at each refresh, and from its streams. What a stream says is newer than a
list that was asked for before.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic, monotonic_ns, time_ns

from feedhandler.adapter import listing, names
from feedhandler.adapter.venue import ListedInstrument, Stated, Venue
from feedhandler.connection.outage import clock_time
from feedhandler.engine import _engine
from feedhandler.instruments.listing import Lister
from feedhandler.instruments.universe import CarriedInstrument, Universe, redefine
from feedhandler.log import Throttle, log
from feedhandler.log_lines import about
from feedhandler.number_text import plural
from shm import Change, Status

LOOK_S = 5.0  #: after a change of a status, and then each time twice as long, the list is asked
FRESH_NS = 5_000_000_000  #: a ticker that spoke within this time stands by its word
NEWS_S = (0.2, 3.0)  #: after the word of a stream that something is listed


class Terms:
    """Of one feed. `restated`: a status is another one; `over`: the venue has ended it."""

    def __init__(
        self,
        venue: Venue,
        engine: _engine.Engine,
        universe: Universe,
        lister: Lister,
        restated: Callable[[CarriedInstrument], None],
        over: Callable[[CarriedInstrument], None],
        refresh_s: float,
    ) -> None:
        self._venue = venue
        self._engine = engine
        self._universe = universe
        self._lister = lister
        self._restated = restated
        self._over = over
        self._refresh_s = refresh_s
        self._look_s, self._look_at = LOOK_S, 0.0
        self._quiet = Throttle()

    def listed(self, tracked: CarriedInstrument, spec: ListedInstrument, spoke_ns: int) -> None:
        """The list has it so. `spoke_ns`: when its streams last spoke."""
        word = self._engine.word(tracked.id)
        said = self._meant(word) if word else Status.ACTIVE
        fresh = abs(time_ns() - spoke_ns) <= FRESH_NS
        if spec.active and said is not Status.ACTIVE and fresh:  # its ticker goes on saying so
            spec = replace(spec, status=said, stated=word)
        self.redefine(tracked, spec)

    def worded(self, tracked: CarriedInstrument) -> None:
        """Its ticker has another word for its status."""
        word = self._engine.word(tracked.id)
        self.stated([Stated(tracked.spec.symbol, self._meant(word), word)])

    def _meant(self, word: str) -> Status:
        return names.status(self._venue.statuses, word)

    def stated(self, stated: Iterable[Stated]) -> None:
        """A stream says something of instruments, ours or not."""
        now, news = monotonic_ns(), False
        for one in stated:
            tracked = self._universe.by_symbol.get(one.symbol)
            if tracked is None or tracked.closed:
                known = tracked is None and one.symbol in self._lister.awake
                news = news or (one.status is Status.ACTIVE and not known)
            else:
                tracked.stated_ns = now
                self.redefine(tracked, self._spec(tracked, one))
        if news:
            self._lister.ask_within(*NEWS_S)

    def _spec(self, tracked: CarriedInstrument, stated: Stated) -> ListedInstrument:
        if stated.spec is not None:
            try:
                spec = stated.spec()
                if spec is not None:
                    listing.check(spec)
                    return self._ticked(tracked, spec)
            except Exception as error:  # whatever a venue sends: its word is heard all the same
                text = f"{stated.symbol}: terms that make no sense: {error}"
                self._quiet.warning("stated", text, instrument=stated.symbol)
        return replace(tracked.spec, status=stated.status, stated=stated.word)

    def _ticked(self, tracked: CarriedInstrument, spec: ListedInstrument) -> ListedInstrument:
        """Ticks by price stand in the list, and not in what is said here: they stay together, and
        if the least of them is another one by now the list is asked."""
        old = tracked.spec
        if spec.tick_bands or not old.tick_bands:
            return spec
        if spec.tick != min(old.tick, *(tick for _, tick in old.tick_bands)):
            self._lister.ask_within(*NEWS_S)
        return replace(spec, tick=old.tick, tick_bands=old.tick_bands)

    def redefine(self, tracked: CarriedInstrument, spec: ListedInstrument) -> None:
        """Its terms are these: readers are told what has changed."""
        old = tracked.spec
        if spec == old:  # as nearly all of a list are
            return
        spec = replace(  # by these its keys are called
            spec, kind=old.kind, family=old.family, index_name=old.index_name
        )
        tracked.spec = spec
        if spec.expiry_ns != old.expiry_ns:
            tracked.ended = False
        if (spec.expiry_ns, spec.status) != (old.expiry_ns, old.status):
            self._universe.file(tracked)
        changes = redefine(self._engine, tracked.id, spec)
        if not changes:
            return
        text = _changed(changes, old, spec)
        log.info("%s: %s", spec.symbol, text, extra=about(instrument=spec.symbol))
        if spec.status is Status.EXPIRED:
            self._over(tracked)
        elif Change.STATUS in changes:
            self._restated(tracked)
            self._look_s = LOOK_S  # it may be over soon, and not every venue says so
            self._look_at = monotonic() + LOOK_S

    def look(self) -> None:
        """While something is not open: ask the list whether it still is not, each time later."""
        if monotonic() < self._look_at or not self._universe.shut:
            return
        self._look_s = min(2 * self._look_s, self._refresh_s)
        self._look_at = monotonic() + self._look_s
        self._lister.ask_within(0.0, 0.1 * self._look_s)


def not_open(universe: Universe) -> str:
    """What of it takes no orders now, in words; "" if all does."""
    found = universe.shut
    if not found:
        return ""
    one = found[min(found)]
    since = f"since {'before ' if one.shut_before else ''}{clock_time(one.shut_ns)}"
    first = f"{one.spec.symbol} is {one.spec.status.name} {since}"
    first += ", ..." if len(found) > 1 else ""
    carried = len(universe.by_id) - len(universe.closed)
    return f"{len(found)} of {plural(carried, 'instrument')} not open: {first}"


def _changed(changes: Change, old: ListedInstrument, new: ListedInstrument) -> str:
    """In words."""
    parts = []
    if Change.STATUS in changes:
        said = f" ({new.stated})" if new.stated else ""
        parts.append(f"{old.status.name} -> {new.status.name}{said}")
    for change, name in (
        (Change.TICK, "tick"),
        (Change.LOT, "lot"),
        (Change.CONTRACT_SIZE, "contract_size"),
    ):
        if change in changes:
            parts.append(f"{name} {getattr(old, name)} -> {getattr(new, name)}")
    if Change.EXPIRY in changes:
        parts.append(f"ends {_when(new.expiry_ns)}, not {_when(old.expiry_ns)}")
    if Change.IDENTITY in changes:
        parts.append("another instrument under the same name")
    return "; ".join(parts)


def _when(end_ns: int) -> str:
    return (
        f"{datetime.fromtimestamp(end_ns // 10**9, UTC):%Y-%m-%d %H:%M} UTC" if end_ns else "never"
    )
