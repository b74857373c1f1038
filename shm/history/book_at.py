"""A book of the past, as it is asked for: where its records are, and what is said if nowhere."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from shm._native import Instrument, scaled_values
from shm.directory import Directory
from shm.history import books
from shm.history.books import PastBook, Rebuilt
from shm.history.columns import Rows
from shm.history.missing import OutOfReach
from shm.history.past import Past
from shm.history.recorded import Recorded
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
    found, why = _of_ring(past.rings[which], past.directories[which], symbol, place)
    if found is None and past.recorded is not None:
        found = _of_recording(past.recorded, past.newest, symbol, place)
        why += ", and the recording does not have it"
    if found is None:
        raise OutOfReach(f"no book of {symbol} at {place}: {why}")
    return found.made(past.newest, depth, raw)


@dataclass(slots=True)
class _Found:
    symbol: str
    epoch: int
    rebuilt: Rebuilt
    last: np.void | None  # the record that changed it last
    state: tuple[State | None, Reason | None]

    def made(self, newest: Directory, depth: int | None, raw: bool) -> PastBook:
        rebuilt = self.rebuilt
        sides = [side[:depth] for side in rebuilt.sides]
        if not raw:
            sides = [_floats(side, rebuilt) for side in sides]
        row = newest.find_symbol(self.symbol)
        return PastBook(
            symbol=self.symbol,
            instrument=None if row is None else newest.at(row),
            epoch=self.epoch,
            sequence=_of(self.last, "sequence"),
            receive_ns=_of(self.last, "receive_ns"),
            exchange_ns=_of(self.last, "exchange_ns"),
            venue_sequence=_of(self.last, "venue_sequence"),
            state=self.state[0],
            reason=self.state[1],
            price_exponent=rebuilt.price_exponent,
            size_exponent=rebuilt.size_exponent,
            bids=sides[0],
            asks=sides[1],
            bids_known=rebuilt.known[0],
            asks_known=rebuilt.known[1],
            based_on=rebuilt.based_on,
        )


def _of_ring(
    ring: Ring, directory: Directory, symbol: str, place: Place
) -> tuple[_Found | None, str]:
    """The book, or None and why."""
    row = directory.find_symbol(symbol)
    if row is None:
        return None, f"epoch {ring.epoch} does not have it"
    cell = books.read_cell(ring.segment, row)
    ring = Ring(ring.segment)  # with all that is in the cell
    chosen = np.zeros(row + 1, np.uint8)
    chosen[row] = 1
    part = ring.between(ring.oldest, ring.last, books.KINDS, chosen)
    begin = max([part.first, *((each.last or 0) + 1 for each in part.missing)])
    rows = part.rows[part.rows["sequence"] >= begin]
    reaches_ns = ring.begins_ns if begin == 1 else ring.received_ns(begin) or 0
    if place.sequence is not None:
        reached = place.sequence >= begin - 1
    else:
        over = place.ns > max(ring.ends_ns, reaches_ns) and ring.segment.gone() is not None
        reached = place.ns >= reaches_ns and not over
    cut = place.cut(rows) if reached else 0
    rebuilt = books.rebuild(rows, cut, cell) if reached else None
    if rebuilt is None:
        back = f"the ring reaches back to {shown(reaches_ns, day=True)} UTC, record {begin}"
        return None, f"{back}, and holds no full book of it from before" if reached else back
    state = books.state_of(rows, cut, cell)
    return _Found(symbol, ring.epoch, rebuilt, _last_change(rows[:cut]), state), ""


def _of_recording(
    recorded: Recorded, newest: Directory, symbol: str, place: Place
) -> _Found | None:
    from shm.recording._books import Books

    found = recorded.leading_to(newest.segment.epoch, place.sequence, place.ns)
    if found is None:
        return None
    based, contiguous = found
    kinds = (Kind.LEVEL, Kind.CLEAR)
    rows = recorded.rows(based, kinds, {symbol})
    rows = rows[: _cut_of_recorded(rows, place)]
    ours = Books()
    ours.apply(rows)
    if not len(rows) or int(rows["instrument"][0]) not in ours:
        return None
    book = ours.book(int(rows["instrument"][0]))
    states = recorded.rows(contiguous, (Kind.STATE,), {symbol})
    states = states[: _cut_of_recorded(states, place)]
    rebuilt = Rebuilt(
        (book.bids, book.asks),
        (book.bids_known, book.asks_known),
        book.price_exponent,
        book.size_exponent,
        "recording",
    )
    state = books.state_of(states, len(states), None)
    return _Found(symbol, based.epoch, rebuilt, _last_change(rows[rows["base"] == 0]), state)


def _cut_of_recorded(rows: Rows, place: Place) -> int:
    """How many rows are up to there; base rows are no records, and stand where they are needed."""
    records = np.flatnonzero(rows["base"] == 0)
    cut = place.cut(rows[records])
    return int(records[cut]) if cut < len(records) else len(rows)


def _last_change(rows: Rows) -> np.void | None:
    changes = np.flatnonzero(rows["kind"] != Kind.STATE)
    return rows[changes[-1]] if len(changes) else None


def _floats(levels: books.Levels, rebuilt: Rebuilt) -> books.Levels:
    prices = scaled_values(levels[:, 0], rebuilt.price_exponent)
    return np.stack((prices, scaled_values(levels[:, 1], rebuilt.size_exponent)), axis=1)


def _of(last: np.void | None, field: str) -> int:
    return 0 if last is None else int(last[field])
