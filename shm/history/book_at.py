"""A book of the past, as it is asked for: where its records are, and what is said if nowhere."""

from __future__ import annotations

import time

import numpy as np

from shm._native import Instrument, scaled_values
from shm.directory import Directory
from shm.history import books
from shm.history.books import PastBook, Rebuilt
from shm.history.columns import Rows
from shm.history.missing import OutOfReach
from shm.history.past import Past
from shm.history.ring import Ring
from shm.history.times import FIRST_NS, Instant, instant_ns, shown
from shm.names import Kind, Reason, State


class Place:
    """A time, or a record of the newest epoch."""

    def __init__(self, at: Instant, now_ns: int) -> None:
        self.sequence: int | None = None
        self.ns = 0
        if isinstance(at, (int, np.integer)) and not isinstance(at, bool) and at < FIRST_NS:
            self.sequence = int(at)
            return
        self.ns = instant_ns(at, now_ns, "at")
        if self.ns > max(now_ns, time.time_ns()):
            raise ValueError(f"at={at!r}: that is to come")

    def __str__(self) -> str:
        if self.sequence is not None:
            return f"record {self.sequence}"
        return f"{shown(self.ns, day=True)} UTC"

    def cut(self, rows: Rows) -> int:
        """How many of an instrument's rows are up to there."""
        if self.sequence is not None:
            return books.cut_at_sequence(rows, self.sequence)
        return books.cut_at_time(rows, self.ns)


def book_at(
    past: Past, instrument: Instrument | str, at: Instant, depth: int | None, raw: bool
) -> PastBook:
    """See :meth:`shm.Feed.book_at`."""
    if depth is not None and depth < 0:
        raise ValueError(f"depth {depth}")
    symbol = past.symbol_of(instrument)
    place = Place(at, past.now_ns)
    which = len(past.rings) - 1
    if place.sequence is not None and not 1 <= place.sequence <= past.rings[-1].last:
        raise ValueError(f"at={at}: records 1 to {past.rings[-1].last} are there")
    while which and place.sequence is None and place.ns < past.rings[which].begins_ns:
        which -= 1
    return _of_ring(past.rings[which], past.directories[which], symbol, place, depth, raw)


def _of_ring(
    ring: Ring, directory: Directory, symbol: str, place: Place, depth: int | None, raw: bool
) -> PastBook:
    row = directory.find_symbol(symbol)
    if row is None:
        raise directory.unknown(symbol)
    cell = books.read_cell(ring.segment, row)
    ring = Ring(ring.segment)  # with all that is in the cell
    chosen = np.zeros(row + 1, np.uint8)
    chosen[row] = 1
    part = ring.between(ring.oldest, ring.last, books.KINDS, chosen)
    begin = max([part.first, *((each.last or 0) + 1 for each in part.missing)])
    rows = part.rows[part.rows["sequence"] >= begin]
    reaches_ns = ring.begins_ns if begin == 1 else ring.received_ns(begin) or 0
    reached = place.sequence >= begin - 1 if place.sequence is not None else place.ns >= reaches_ns
    if reached and place.sequence is None:
        reached = place.ns <= max(ring.ends_ns, reaches_ns) or ring.segment.gone() is None
    cut = place.cut(rows) if reached else 0
    rebuilt = books.rebuild(rows, cut, cell) if reached else None
    if rebuilt is None:
        back = f"the ring reaches back to {shown(reaches_ns, day=True)} UTC, record {begin}"
        why = ", and holds no full book of it from before" if reached else ""
        raise OutOfReach(f"no book of {symbol} at {place}: {back}{why}")
    state = books.state_of(rows, cut, cell)
    return _made(directory.at(row), ring.epoch, rebuilt, rows, cut, state, depth, raw)


def _made(
    instrument: Instrument,
    epoch: int,
    rebuilt: Rebuilt,
    rows: Rows,
    cut: int,
    state: tuple[State | None, Reason | None],
    depth: int | None,
    raw: bool,
) -> PastBook:
    changes = np.flatnonzero(rows["kind"][:cut] != Kind.STATE)
    last = rows[changes[-1]] if len(changes) else None
    sides = [side[:depth] for side in rebuilt.sides]
    if not raw:
        sides = [_floats(side, rebuilt) for side in sides]
    return PastBook(
        instrument=instrument,
        epoch=epoch,
        sequence=_of(last, "sequence"),
        receive_ns=_of(last, "receive_ns"),
        exchange_ns=_of(last, "exchange_ns"),
        venue_sequence=_of(last, "venue_sequence"),
        state=state[0],
        reason=state[1],
        price_exponent=rebuilt.price_exponent,
        size_exponent=rebuilt.size_exponent,
        bids=sides[0],
        asks=sides[1],
        bids_known=rebuilt.known[0],
        asks_known=rebuilt.known[1],
        based_on=rebuilt.based_on,
    )


def _floats(levels: books.Levels, rebuilt: Rebuilt) -> books.Levels:
    prices = scaled_values(levels[:, 0], rebuilt.price_exponent)
    return np.stack((prices, scaled_values(levels[:, 1], rebuilt.size_exponent)), axis=1)


def _of(last: np.void | None, field: str) -> int:
    return 0 if last is None else int(last[field])
