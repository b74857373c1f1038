"""Reading a venue's list of instruments: one broken row costs that instrument and no other."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson

from feedhandler.adapter.row import Row, shown
from feedhandler.adapter.venue import ListedInstrument
from feedhandler.log_lines import about
from shm import InstrumentKind, Status

log = logging.getLogger(__name__)

MOST_ELEMENTS = 2_000_000  #: of a document; the longest lists have a tenth of it
NAME_BYTES = 63  #: of the directory's names
INDEX_BYTES = 39  #: of the engine's names of indices
TICK_BANDS = 12  #: for which the directory has room
_LARGEST = 10**12  #: no tick, lot, contract or strike is more
_MOST_NS = (1 << 63) - 1
_SAID = 5  # rows in one line of the log
_REMEMBERED = 10_000  # what was said is not said again, within bounds


Family = tuple[InstrumentKind, str]  #: of all that a venue groups so, those of one kind
Ticks = tuple[tuple[Decimal, Decimal], ...]  #: (price from which on, tick), ascending


class Listing(list[ListedInstrument]):
    """The instruments of a list. `broken`: rows that were left out, by name, and why; of a row
    without a name its number is (`nameless`). `ticks`: of whole families, which some venues tell in
    an answer of its own; or why they cannot be read."""

    def __init__(
        self,
        specs: Iterable[ListedInstrument] = (),
        broken: Mapping[str, str] | None = None,
        ticks: Mapping[Family, Ticks | str] | None = None,
    ) -> None:
        super().__init__(specs)
        self.broken: dict[str, str] = dict(broken or {})
        self.ticks: dict[Family, Ticks | str] = dict(ticks or {})


def document(venue: str, body: bytes, what: str = "list of instruments") -> Mapping[str, Any]:
    """The body as a JSON object. Raises ValueError that quotes its beginning."""
    value = decoded(venue, body, what)
    if not isinstance(value, dict):
        raise ValueError(f"{venue}: the {what} is not an object: {bytes(body[:80])!r}")
    return value


def decoded(venue: str, body: bytes, what: str = "list of instruments") -> Any:
    """The body as JSON, whatever it is. Raises ValueError that quotes its beginning."""
    if body.count(b",") > MOST_ELEMENTS:  # each costs some hundred bytes, whatever it is
        raise ValueError(f"{venue}: the {what} has more than {MOST_ELEMENTS} elements")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        start = bytes(body[:80])
        raise ValueError(f"{venue}: the {what} is not JSON: {error}: {start!r}") from None


def parse_each(
    venue: str,
    entries: Iterable[Any],
    key: str,
    parse: Callable[[Row], ListedInstrument | None],
) -> Listing:
    """What `parse` makes of each row; None leaves it out, as what is of no concern to us.

    A row that cannot be read, and one that says otherwise what an earlier one said, is left out
    too, and said once, by the name under `key`. Raises ValueError when rows are there and none of
    them can be read.
    """
    specs: dict[str, ListedInstrument] = {}
    found = Listing()
    count = left = 0
    for count, entry in enumerate(entries, 1):
        try:
            spec = parse(Row(entry))
            if spec is None:
                continue
            check(spec)
            if specs.setdefault(spec.symbol, spec) != spec:
                raise ValueError("listed before, and otherwise")
        except Exception as error:  # whatever a venue sends: the other rows are good
            left += 1
            cause = str(error) if isinstance(error, ValueError) else repr(error)
            found.broken.setdefault(_name(entry, key, count), cause[:120])
    found.extend(specs.values())
    if left and left == count:
        name, cause = next(iter(found.broken.items()))
        raise ValueError(
            f"{venue}: none of {count} instruments can be read; the first: {name} ({cause})"
        )
    _say(venue, found.broken, left, count)
    return found


def check(spec: ListedInstrument) -> None:
    """Whether an instrument can be what it says. Raises ValueError that names what cannot be."""
    for what, text in (("symbol", spec.symbol), ("name", spec.name)):
        if not isinstance(text, str) or not text.isprintable() or " " in text or not text:
            raise ValueError(f"{what}: {shown(text)}, not a name")
        if len(text.encode()) > NAME_BYTES:
            raise ValueError(f"{what}: {shown(text)}..., of more than {NAME_BYTES} bytes")
    if len(spec.index_name.encode()) > INDEX_BYTES:
        raise ValueError(f"index: {shown(spec.index_name)}..., of more than {INDEX_BYTES} bytes")
    for what, text in (("base", spec.base), ("quote", spec.quote)):
        if not isinstance(text, str) or not text.isprintable() or not text:
            raise ValueError(f"{what}: {shown(text)}, not a currency")
    for what, text in (
        ("settle", spec.settle),
        ("family", spec.family),
        ("index", spec.index_name),
    ):
        if not isinstance(text, str) or not text.isprintable():
            raise ValueError(f"{what}: {shown(text)}, not a name")
    for what, number, least in (
        ("tick", spec.tick, 0),
        ("lot", spec.lot, 0),
        ("strike", spec.strike, 0),
        ("contract size", spec.contract_size, None),
    ):
        if not number <= _LARGEST or (number <= 0 if least is None else number < least):
            raise ValueError(f"{what}: {shown(str(number))}, which cannot be")
    _check_bands(spec)
    if spec.status is Status.ACTIVE:  # no order can be made without
        for what, number in (("tick", spec.tick), ("lot", spec.lot)):
            if not number:
                raise ValueError(f"{what}: 0, which cannot be of what is open")
    if spec.kind is InstrumentKind.OPTION and not spec.strike:
        raise ValueError("strike: 0, which cannot be")
    if not 0 <= spec.expiry_ns <= _MOST_NS:
        raise ValueError(f"expiry: {spec.expiry_ns} ns, which cannot be")


def _check_bands(spec: ListedInstrument) -> None:
    if len(spec.tick_bands) > TICK_BANDS:
        raise ValueError(f"tick: {len(spec.tick_bands)} by price, of which {TICK_BANDS} have room")
    last = Decimal(0)
    for begin, tick in spec.tick_bands:
        if not last < begin <= _LARGEST or not 0 < tick <= _LARGEST:
            raise ValueError(f"tick: {tick} from {begin} on, which cannot be")
        last = begin


def with_ticks(found: Listing) -> Listing:
    """The same, each instrument with the ticks that were told of its family. Where they cannot be
    read it is left out: which prices are on the tick, nobody knows then."""
    specs, broken = [], dict(found.broken)
    for spec in found:
        told = found.ticks.get((spec.kind, spec.family))
        try:
            if isinstance(told, str):
                raise ValueError(told)
            if told:
                spec = _ticked(spec, told)
                check(spec)
        except ValueError as error:
            broken[spec.symbol] = str(error)
        else:
            specs.append(spec)
    return Listing(specs, broken, found.ticks)


def _ticked(spec: ListedInstrument, ticks: Ticks) -> ListedInstrument:
    """The first of them is that of the lowest prices, if it begins with these."""
    (begin, tick), *others = ticks
    if begin > tick:
        return replace(spec, tick_bands=ticks)
    return replace(spec, tick=tick, tick_bands=tuple(others))


_said: set[tuple[str, str, str]] = set()


def _say(venue: str, broken: Mapping[str, str], left: int, count: int) -> None:
    """One line for all rows that are left out for a cause that was not said of them before."""
    fresh = {name: why for name, why in broken.items() if (venue, name, why) not in _said}
    if not fresh:
        return
    if len(_said) > _REMEMBERED:
        _said.clear()
    _said.update((venue, name, why) for name, why in fresh.items())
    log.warning(
        "%d of %d rows of %s's list of instruments are left out: %s",
        left,
        count,
        venue,
        named(fresh),
        extra=about(venue=venue),
    )


def named(broken: Mapping[str, str]) -> str:
    """Rows that were left out, the first few of them by name."""
    more = f"; and {len(broken) - _SAID} more" if len(broken) > _SAID else ""
    return "; ".join(f"{name} ({why})" for name, why in list(broken.items())[:_SAID]) + more


def _name(entry: Any, key: str, number: int) -> str:
    name = entry.get(key) if isinstance(entry, dict) else None
    if isinstance(name, str) and name.isprintable() and 0 < len(name.encode()) <= NAME_BYTES:
        return name
    return f"row {number}"


def nameless(broken: Iterable[str]) -> bool:
    """Whether among rows that were left out is one that may be of any instrument."""
    return any(name.startswith("row ") for name in broken)
