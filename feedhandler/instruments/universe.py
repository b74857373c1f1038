"""The instruments that an IO process carries, and where their keys are."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import chain
from time import time_ns
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from feedhandler.adapter.venue import ListedInstrument, Venue
from feedhandler.engine import _engine
from feedhandler.engine._engine import Engine
from shm import Change, Status

_LOWEST_EXPONENT = -18  # what an int64 can hold anything of
_NAME_BYTES, _CURRENCY_BYTES = 63, 15  # of the directory's fields
CHANNEL = {
    "book": _engine.CHANNEL_BOOK,
    "trades": _engine.CHANNEL_TRADES,
    "ticker": _engine.CHANNEL_TICKER,
    "quote": _engine.CHANNEL_QUOTE,
    "liquidations": _engine.CHANNEL_LIQUIDATIONS,
    "mark": _engine.CHANNEL_MARK,
    "funding": _engine.CHANNEL_FUNDING,
    "interest": _engine.CHANNEL_INTEREST,
    "greeks": _engine.CHANNEL_GREEKS,
    "volume": _engine.CHANNEL_VOLUME,
    "index": _engine.CHANNEL_INDEX,
}


def spoke(activity: npt.NDArray[np.int64]) -> list[int]:
    """When each instrument's own streams last spoke, unix ns; 0: never. `activity`: as
    `Engine.activity()`. What a venue says of an index is told to all that follow it, whether they
    still trade or not: it is no sign of theirs."""
    own = np.delete(activity, CHANNEL["index"], axis=1)
    latest: list[int] = own.max(axis=1, initial=0).tolist()
    return latest


@dataclass(slots=True)
class CarriedInstrument:
    """One instrument. `missing`: how many lists in a row were without it, since it last spoke;
    `stated_ns`: when a stream last said something of its terms; `ended`: that its announced end has
    come was noticed; `shut_ns`: since when it is not open, `shut_before`: or since longer."""

    id: int
    spec: ListedInstrument
    book_key: str | None
    rejected: bool = False
    closed: bool = False
    missing: int = 0
    stated_ns: int = 0
    ended: bool = False
    shut_ns: int = 0
    shut_before: bool = False

    @property
    def open(self) -> bool:
        """Whether the venue takes orders on it, so that its silence means something."""
        return self.spec.status is Status.ACTIVE


@dataclass(slots=True)
class Universe:
    """Every instrument ever carried, by id, symbol and key; ids grow in the order of the config."""

    venue: Venue
    channels: Sequence[str]
    by_id: dict[int, CarriedInstrument] = field(default_factory=dict)
    by_symbol: dict[str, CarriedInstrument] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)  #: of the ids
    shut: dict[int, CarriedInstrument] = field(default_factory=dict)  #: carried, and not open
    _ends: list[tuple[int, int]] = field(default_factory=list)  # (when, id), as it was announced

    def __iter__(self) -> Iterator[CarriedInstrument]:
        return iter(self.by_id.values())

    def add(self, engine: _engine.Engine, spec: ListedInstrument) -> CarriedInstrument:
        """Publish an instrument's directory row; one that was closed is open again, in its old row.

        Raises as `directory.add_instrument` does.
        """
        keys = self.keys(spec)
        for key in keys:
            channel, subject = self.parts(key)
            if channel != "status" and not is_about(spec, subject):
                raise ValueError(f"{key!r} would be of {subject!r}")
        book = next((key for key in keys if self.parts(key)[0] == "book"), None)
        row = add_instrument(engine, spec, has_book=book is not None)
        tracked = CarriedInstrument(row, spec, book, shut_ns=time_ns(), shut_before=True)
        self.by_id[row] = self.by_symbol[spec.symbol] = tracked
        self.file(tracked)
        return tracked

    def file(self, tracked: CarriedInstrument) -> None:
        """Its terms are others, or it is closed: so that who looks for that finds it."""
        (self.closed.add if tracked.closed else self.closed.discard)(tracked.id)
        if tracked.open or tracked.closed:
            self.shut.pop(tracked.id, None)
            tracked.shut_ns = 0
        else:
            self.shut[tracked.id] = tracked
            if not tracked.shut_ns:
                tracked.shut_ns, tracked.shut_before = time_ns(), False
        if tracked.spec.expiry_ns > 0 and not tracked.closed:
            heappush(self._ends, (tracked.spec.expiry_ns, tracked.id))

    def ended(self, now_ns: int) -> list[CarriedInstrument]:
        """Those whose announced end has come; each once for each end that is announced."""
        found = {}
        while self._ends and self._ends[0][0] <= now_ns:
            at, row = heappop(self._ends)
            tracked = self.by_id[row]
            if tracked.spec.expiry_ns == at and not tracked.closed and not tracked.ended:
                found[row] = tracked
        return list(found.values())

    def after(self, row: int) -> Iterator[CarriedInstrument]:
        """All of them in the order of their ids, from the one after this id on and round to it."""
        most = max(self.by_id, default=-1) if row >= len(self.by_id) else len(self.by_id)
        for each in chain(range(row + 1, most + 1), range(min(row, most) + 1)):
            if each in self.by_id:
                yield self.by_id[each]

    def keys(self, spec: ListedInstrument) -> list[str]:
        """The keys of an instrument, its family's among them."""
        return self.venue.keys(spec, self.channels)

    def own_keys(self, tracked: CarriedInstrument) -> list[str]:
        """The keys of this instrument alone."""
        return [key for key in self.keys(tracked.spec) if self.of_key(key) is tracked]

    def carried_keys(self) -> set[str]:
        """The keys of all that is not closed, those of families too."""
        open_ = (tracked.spec for tracked in self if not tracked.closed)
        return {key for spec in open_ for key in self.keys(spec)}

    def parts(self, key: str) -> tuple[str, str]:
        """(channel, symbol, family or index) of a key; "": it is of all of a kind."""
        return self.venue.key_symbols(key)

    def of_key(self, key: str) -> CarriedInstrument | None:
        """The instrument of a key; None for one of several."""
        return self.by_symbol.get(self.parts(key)[1])

    def books(self, keys: Iterable[str]) -> list[CarriedInstrument]:
        """The instruments whose books these keys subscribe to."""
        found = (self.of_key(key) for key in keys if self.parts(key)[0] == "book")
        return [tracked for tracked in found if tracked is not None]


def is_about(spec: ListedInstrument, subject: str) -> bool:
    """Whether a key of this subject tells of the instrument, too."""
    return subject in ("", spec.symbol, spec.family, f"index {spec.index_name}")


def add_instrument(engine: Engine, spec: ListedInstrument, *, has_book: bool = True) -> int:
    """Publish what the venue says of an instrument; returns its id.

    Names that do not fit into the directory are cut, the symbol excepted. Raises ValueError for a
    symbol of over 63 bytes, MemoryError when the directory is full.
    """
    row = engine.add_instrument(
        spec.symbol,
        price_exponent=max(spec.price_exponent, _LOWEST_EXPONENT),
        size_exponent=max(spec.size_exponent, _LOWEST_EXPONENT),
        has_book=has_book,
        written=spec.written,
        **_terms(spec),
    )
    engine.redefine(row, **_terms(spec))  # one that was closed comes back, with what has changed
    engine.follow(row, spec.index_name)
    return row


def redefine(engine: Engine, row: int, spec: ListedInstrument) -> Change:
    """Publish its terms as the venue lists them now; what is another than before."""
    engine.follow(row, spec.index_name)
    return Change(engine.redefine(row, **_terms(spec)))


class _Terms(TypedDict):
    name: str
    kind: int
    tick: float
    lot: float
    contract_size: float
    contract_type: int
    strike: float
    expiry_ns: int
    option: int
    status: int
    base: str
    quote: str
    settle: str
    bands: Sequence[tuple[float, float]]


def _terms(spec: ListedInstrument) -> _Terms:
    return {
        "name": _cut(spec.name, _NAME_BYTES),
        "kind": spec.kind,
        "tick": float(spec.tick),
        "lot": float(spec.lot),
        "contract_size": float(spec.contract_size),
        "contract_type": spec.contract_type,
        "strike": float(spec.strike),
        "expiry_ns": spec.expiry_ns,
        "option": spec.option,
        "status": spec.status,
        "base": _cut(spec.base, _CURRENCY_BYTES),
        "quote": _cut(spec.quote, _CURRENCY_BYTES),
        "settle": _cut(spec.settle, _CURRENCY_BYTES),
        "bands": [(float(price), float(tick)) for price, tick in spec.tick_bands],
    }


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")
