"""A book as it was, rebuilt from records: from the nearest base before, or back from the cell.

Where the ring still has a full book of before (CLEAR and its levels), the changes after it are
applied. Where it has none, the book of now is gone back from: a price that no record has touched
since had then the size that it has now, and one that was touched has that of its last record
before. What was touched since and not before, nobody knows any more: so far, and no further, the
book is known.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shm._native import DTYPES, KNOWN_WHOLE, READ_EMPTY, READ_OK, Instrument, Segment
from shm.errors import DamagedSegment
from shm.history.columns import Rows
from shm.history.times import shown
from shm.names import Flag, Kind, Reason, State

KINDS = 1 << Kind.LEVEL | 1 << Kind.CLEAR | 1 << Kind.STATE
_TRIES = 200

Levels = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class PastBook:
    """The whole book of an instrument as it was. Made by `Feed.book_at`.

    `bids`, `asks`: (n, 2) prices and sizes, best first; with `raw=True` integers, scaled by the
    exponents. `bids_known`, `asks_known`: so many levels from the best on between which none is
    missing; None: the whole side. Those behind are right, but others may lie between them.
    `instrument`: None where the epoch that is read now has it no more.
    `sequence`, `receive_ns`, `exchange_ns`, `venue_sequence`: of the last record that changed it;
    0: that was before all that is still there. `state`, `reason`: what the feed said of the book
    then; None: nobody knows any more. `based_on`: "snapshot", "cell" (gone back from the book of
    now), "recording".
    """

    symbol: str
    instrument: Instrument | None
    epoch: int
    sequence: int
    receive_ns: int
    exchange_ns: int
    venue_sequence: int
    state: State | None
    reason: Reason | None
    price_exponent: int
    size_exponent: int
    bids: Levels
    asks: Levels
    bids_known: int | None
    asks_known: int | None
    based_on: str

    @property
    def live(self) -> bool:
        """The feed called it LIVE then."""
        return self.state is State.LIVE

    def __repr__(self) -> str:
        said = "of unknown state" if self.state is None else self.state.name
        since = f"since {shown(self.receive_ns, day=True)} UTC" if self.sequence else "for long"
        return (
            f"<PastBook {self.symbol} {said}, "
            f"unchanged {since}: "
            f"{len(self.bids)} bids ({_known(self.bids_known)}), "
            f"{len(self.asks)} asks ({_known(self.asks_known)}), from the {self.based_on}>"
        )


def _known(count: int | None) -> str:
    return "all known" if count is None else f"{count} known"


@dataclass(slots=True)
class Cell:
    """A book cell: its head, and levels as scaled integers, best first."""

    head: np.void
    sides: tuple[Levels, Levels]

    @property
    def sequence(self) -> int:
        """The last record that it reflects."""
        return int(self.head["ring_sequence"])

    def whole(self, side: int) -> bool:
        """It has all levels of the side that the venue has."""
        return bool(self.known(side) == KNOWN_WHOLE)

    def known(self, side: int) -> int:
        """Levels from the best between which none is missing; never less than are shown."""
        name = ("bids", "asks")[side]
        return max(int(self.head[name]), int(self.head[f"{name}_known"]))

    def total(self, side: int) -> int:
        """Levels of the full side, shown or not."""
        return int(self.head[("bids_total", "asks_total")[side]])


def read_cell(segment: Segment, row: int) -> Cell | None:
    """The book cell of a row; None: it was never stored. What it reflects is published then."""
    for _ in range(_TRIES):
        status, raw = segment.cell("books", row)
        if status == READ_EMPTY:
            return None
        if status != READ_OK:
            raise DamagedSegment(
                f"{segment.namespace}.{segment.venue}: book cell {row} cannot be read", "books"
            )
        dtype = DTYPES["book"]
        head = np.frombuffer(raw, dtype, 1)[0]
        levels = np.frombuffer(raw, np.int64, offset=dtype.itemsize).reshape(2, -1, 2)
        cell = Cell(head, (levels[0, : head["bids"]], levels[1, : head["asks"]]))
        if cell.sequence <= segment.published:
            return cell
        time.sleep(0.001)  # the cell is stored before its records are shown
    return None  # its writer ended in between


@dataclass(slots=True)
class Rebuilt:
    """A book from records; levels are scaled by the exponents, best first."""

    sides: tuple[Levels, Levels]
    known: tuple[int | None, int | None]
    price_exponent: int
    size_exponent: int
    based_on: str


def cut_at_time(rows: Rows, when_ns: int) -> int:
    """How many rows are of that time or before: to the first that was received later."""
    later = np.flatnonzero(rows["receive_ns"] > when_ns)
    return int(later[0]) if len(later) else len(rows)


def cut_at_sequence(rows: Rows, sequence: int) -> int:
    """How many rows are up to the end of the message that has that record."""
    cut = int(np.searchsorted(rows["sequence"], sequence, side="right"))
    while 0 < cut < len(rows):
        flags = int(rows["flags"][cut - 1])
        if flags & Flag.LAST and not flags & Flag.MORE:
            break
        cut += 1
    return cut


def rebuild(rows: Rows, cut: int, cell: Cell | None) -> Rebuilt | None:
    """The book after the first `cut` of an instrument's rows, which have no hole; None: it cannot
    be told. `cell`: the book as of a later row."""
    levels = rows[(rows["kind"] == Kind.LEVEL) | (rows["kind"] == Kind.CLEAR)]
    cut = int(np.searchsorted(levels["sequence"], rows["sequence"][cut - 1], "right")) if cut else 0
    if cell is not None:
        levels = levels[: max(cut, np.searchsorted(levels["sequence"], cell.sequence, "right"))]
    before, after = levels[:cut], levels[cut:]
    clears = np.flatnonzero(before["kind"] == Kind.CLEAR)
    renewed = bool((after["kind"] == Kind.CLEAR).any())
    if len(clears):
        return _from_snapshot(before[clears[-1] :], None if renewed else cell)
    if cell is None or renewed:
        return None
    return _from_cell(before, after, cell)


def _from_snapshot(rows: Rows, cell: Cell | None) -> Rebuilt:
    """`rows`: CLEAR and all after it; `cell`: of the same base."""
    ends = np.flatnonzero((rows["flags"] & Flag.LAST != 0) & (rows["flags"] & Flag.MORE == 0))
    base = rows[1 : ends[0] + 1] if len(ends) else rows[1:]
    rows = rows[1:]
    exponents = _exponents(rows)
    sides, known = [], []
    for side in (0, 1):
        price, size = _latest(rows[rows["side"] == side], exponents)
        there = _best_first(price[size != 0], size[size != 0], side)
        first, _ = _latest(base[base["side"] == side], exponents)
        sides.append(there)
        known.append(_known_since(there, first, side, cell))
    return Rebuilt((sides[0], sides[1]), (known[0], known[1]), *exponents, "snapshot")


def _known_since(there: Levels, base: Levels, side: int, cell: Cell | None) -> int | None:
    """How far a side that began with these prices is known: as many as came, down to the worst of
    them; all, if the cell says that the venue has no more, and this is no window of the best."""
    count = len(base)
    if (
        cell is not None
        and cell.whole(side)
        and (len(there) < count or cell.total(side) > count or not count)
    ):
        return None
    if not count:
        return 0
    inside = there[:, 0] <= base.max() if side else there[:, 0] >= base.min()
    return min(int(inside.sum()), count)


def _from_cell(before: Rows, after: Rows, cell: Cell) -> Rebuilt:
    """Back from the cell, which is as of the last of `after`."""
    own = int(cell.head["price_exponent"]), int(cell.head["size_exponent"])
    exponents = _exponents(before, after, own)
    sides, known = [], []
    for side in (0, 1):
        was, size = _latest(before[before["side"] == side], exponents)
        changed, _ = _latest(after[after["side"] == side], exponents)
        shown_now = cell.sides[side]
        price = _scaled(shown_now[:, 0], own[0], exponents[0])
        stood = ~np.isin(price, changed) & ~np.isin(price, was)
        now = _scaled(shown_now[:, 1], own[1], exponents[1])
        there = _best_first(
            np.concatenate((was[size != 0], price[stood])),
            np.concatenate((size[size != 0], now[stood])),
            side,
        )
        lost = changed[~np.isin(changed, was)]
        sides.append(there)
        known.append(_known_back(there, lost, price, side, cell))
    return Rebuilt((sides[0], sides[1]), (known[0], known[1]), *exponents, "cell")


def _known_back(
    there: Levels, lost: Levels, shown_now: Levels, side: int, cell: Cell
) -> int | None:
    """As far as the cell is, and before the first price of which nobody knows what was there."""
    inside = np.ones(len(there), np.bool_)
    whole = cell.whole(side) and cell.total(side) <= len(shown_now)
    if not whole:
        if not len(shown_now):
            return 0
        edge = shown_now[min(cell.known(side), len(shown_now)) - 1]
        inside &= there[:, 0] <= edge if side else there[:, 0] >= edge
    if len(lost):
        inside &= there[:, 0] < lost.min() if side else there[:, 0] > lost.max()
    elif whole:
        return None
    return int(inside.sum())


def _exponents(*parts: Any) -> tuple[int, int]:
    """The finest ones among rows and pairs: all prices and sizes can be written with them."""
    price: list[int] = []
    size: list[int] = []
    for part in parts:
        if isinstance(part, tuple):
            price.append(part[0])
            size.append(part[1])
        elif len(part):
            price.append(int(part["price_exponent"].min()))
            size.append(int(part["size_exponent"].min()))
    return min(price, default=0), min(size, default=0)


def _scaled(values: Levels, own: Any, wanted: int) -> Levels:
    """Integers of an exponent (or one each) as those of a finer one."""
    return np.asarray(values, np.int64) * np.power(10, np.asarray(own, np.int64) - wanted)


def _latest(rows: Rows, exponents: tuple[int, int]) -> tuple[Levels, Levels]:
    """(prices, sizes): of each price its last size."""
    price = _scaled(rows["price"], rows["price_exponent"], exponents[0])
    size = _scaled(rows["size"], rows["size_exponent"], exponents[1])
    there, from_end = np.unique(price[::-1], return_index=True)
    return there, size[::-1][from_end]


def _best_first(price: Levels, size: Levels, side: int) -> Levels:
    order = np.argsort(price if side else -price, kind="stable")
    return np.stack((price[order], size[order]), axis=1)


def state_of(rows: Rows, cut: int, cell: Cell | None) -> tuple[State | None, Reason | None]:
    """What the feed said of the book after the first `cut` rows; None: nobody knows any more."""
    said = rows[(rows["kind"] == Kind.STATE) & (rows["side"] == 0)]
    upto = rows["sequence"][cut - 1] if cut else 0
    before = said[said["sequence"] <= upto]
    if len(before):
        return _member(State, before["price"][-1]), _member(Reason, before["size"][-1])
    if cell is None or len(said[said["sequence"] <= cell.sequence]):
        return None, None
    return _member(State, cell.head["state"]), _member(Reason, cell.head["reason"])


def _member(kind: Any, value: Any) -> Any:
    try:
        return kind(int(value))
    except ValueError:  # of a newer writer
        return None
