"""Quotes of instruments whose venue has no channel of them: the best of their books."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from shm._native import QUOTE, scaled_values
from shm.history import books
from shm.history.columns import Rows, used
from shm.history.missing import Missing
from shm.history.past import Past, Stretch, wanted
from shm.history.ring import Ring
from shm.history.times import Window
from shm.names import Flag, Kind, Source

if TYPE_CHECKING:
    from shm.directory import Directory
    from shm.recording._books import Books

_SIDES = ("bid", "bid_size", "ask", "ask_size")


def tops(
    past: Past, symbols: Collection[str] | None, asked: Window, told: set[str]
) -> tuple[list[Rows], list[Missing]]:
    """QUOTE rows by epoch, and what cannot be told; without instruments that were `told` of."""
    parts: list[Rows] = []
    missing: list[Missing] = []
    others: dict[str, int] = {}
    for ring, directory in zip(past.rings, past.directories, strict=True):
        directory.learn()
        names = [
            name
            for row, name in dict(directory.symbols).items()
            if name not in told
            and (symbols is None or name in symbols)
            and directory.at(row).has_book
        ]
        if names:
            rows, unknown = _of_ring(ring, directory, names, asked)
            numbers = past.numbers(Stretch(ring.epoch, rows, directory.symbols), others)
            if numbers is not None:
                rows["instrument"] = numbers[rows["instrument"]]
            parts.append(rows)
            missing += unknown
    return parts, missing


def _of_ring(
    ring: Ring, directory: Directory, names: list[str], asked: Window
) -> tuple[Rows, list[Missing]]:
    from shm.recording._books import Books

    from_ns, to_ns = asked.bounds
    cells = {row: books.read_cell(ring.segment, row) for row in _rows_of(directory, names)}
    ring = Ring(ring.segment)  # with all that is in the cells
    part = ring.between(ring.oldest, ring.last, books.KINDS, wanted(directory, names))
    begin = max([part.first, *((each.last or 0) + 1 for each in part.missing)])
    rows = part.rows[(part.rows["sequence"] >= begin) & (part.rows["kind"] != Kind.STATE)]
    late = np.flatnonzero(rows["receive_ns"] >= from_ns)
    first = int(late[0]) if len(late) else len(rows)
    ours, unknown = Books(), []
    before = rows[:first]
    until = 0
    for row in used(rows["instrument"][first:]):
        own = rows[rows["instrument"] == row]
        cut = int(np.count_nonzero(before["instrument"] == row))
        known = _joined(ours, row, own, cut, cells.get(row))
        if known != cut:
            unknown.append(directory.symbols[row])
            until = max(until, int(own["receive_ns"][min(known, len(own) - 1)]))
    changes = ours.tops(rows[first:])
    made = _made(rows[first:], changes, ring.epoch)
    made = made[(made["receive_ns"] >= from_ns) & (made["receive_ns"] < to_ns)]
    missing = []
    if unknown:
        named = ", ".join(unknown[:3]) + (f" and {len(unknown) - 3} more" if unknown[3:] else "")
        why = f"the ring holds no full book of {named} from before"
        missing.append(Missing(asked.from_ns, until, why, ring.epoch))
    return made, missing


def _rows_of(directory: Directory, names: list[str]) -> list[int]:
    rows = map(directory.find_symbol, names)
    return [row for row in rows if row is not None]


def _joined(ours: Books, row: int, own: Rows, cut: int, cell: books.Cell | None) -> int:
    """Begin with the book as it was after the first `cut` of an instrument's rows, or if its best
    cannot be told, after more of them; how many these are. All: it begins with a full book."""
    if own["kind"][cut] == Kind.CLEAR:
        return cut
    for eighth in range(8):
        at = _message_end(own, cut + (len(own) - cut) * eighth // 8)
        rebuilt = books.rebuild(own, at, cell)
        if rebuilt is not None and 0 not in rebuilt.known:
            _join(ours, row, own, at, rebuilt)
            return at
    clears = np.flatnonzero(own["kind"] == Kind.CLEAR)
    return int(clears[0]) if len(clears) else len(own)


def _message_end(own: Rows, at: int) -> int:
    while 0 < at < len(own) and not own["flags"][at - 1] & Flag.LAST:
        at += 1
    return at


def _join(ours: Books, row: int, own: Rows, cut: int, rebuilt: books.Rebuilt) -> None:
    limits = [
        None if known is None else _edge(side, known)
        for side, known in zip(rebuilt.sides, rebuilt.known, strict=True)
    ]
    ours.join(
        row,
        *rebuilt.sides,
        sequence=int(own["sequence"][cut - 1]) if cut else int(own["sequence"][0]) - 1,
        price_exponent=rebuilt.price_exponent,
        size_exponent=rebuilt.size_exponent,
        bid_limit=limits[0],
        ask_limit=limits[1],
    )


def _edge(side: npt.NDArray[np.int64], known: int) -> int:
    """The worst price down to which a side is known."""
    return int(side[known - 1, 0])


def _made(rows: Rows, changes: npt.NDArray[np.int64], epoch: int) -> Rows:
    made = np.zeros(len(changes), QUOTE)
    of = rows[changes[:, 0]]
    for name in ("receive_ns", "exchange_ns", "instrument", "flags", "venue_sequence", "sequence"):
        made[name] = of[name]
    made["source"] = Source.BOOK
    made["epoch"] = epoch
    made["price_exponent"], made["size_exponent"] = changes[:, 5], changes[:, 6]
    for at, name in enumerate(_SIDES, 1):
        made[f"{name}_scaled"] = changes[:, at]
        exponents = changes[:, 6 if name.endswith("size") else 5]
        for exponent in np.unique(exponents):
            these = exponents == exponent
            made[name][these] = scaled_values(
                np.ascontiguousarray(changes[these, at]), int(exponent)
            )
    return made


def with_tops(
    rows: Rows, parts: list[Rows], missing: list[Missing], more: list[Missing], asked: Window
) -> tuple[Rows, list[Missing]]:
    """Both together in the order of the ring; with enough rows, the ring reached far enough."""
    whole = np.concatenate([rows, *parts])
    whole = whole[np.lexsort((whole["sequence"], whole["epoch"]))]
    if asked.rows is not None:
        if len(whole) >= asked.rows:
            missing = [each for each in missing if each.from_ns is not None]
        whole = whole[-asked.rows :]
    return whole, [*missing, *more]
