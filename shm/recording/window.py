"""A part of a venue's records: from a start in the middle, too, with the books as of then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shm.recording._books import Books
from shm.recording.manifest import Segment
from shm.recording.streams import joined

Rows: TypeAlias = NDArray[np.void]
#: a time in unix ns, or (epoch, sequence)
Place: TypeAlias = int | tuple[int, int]
#: (epoch, tables, first, last): those records with their base rows, in order
Merge: TypeAlias = Callable[[int, Sequence[str], int, int], Iterator[Rows]]

ALL = "all"


def contiguous(segments: Sequence[Segment], at: int) -> bool:
    """Whether nothing is missing between a segment and the one before it."""
    if at == 0:
        return False
    before, segment = segments[at - 1], segments[at]
    return before.epoch == segment.epoch and segment.first <= before.last + 1


def based(segments: Sequence[Segment], at: int) -> int:
    """The nearest segment with bases that leads to this one; if none does, as far as it goes."""
    while not segments[at].bases and contiguous(segments, at):
        at -= 1
    return at


def begins_books(segments: Sequence[Segment], at: int) -> bool:
    """Whether nothing before a segment that leads to it has bases: its own are needed."""
    return not contiguous(segments, at) or not segments[based(segments, at - 1)].bases


class Window:
    """What of these segments' records is asked for. `bases`: True, False, or ALL."""

    def __init__(
        self, segments: Sequence[Segment], tables: Sequence[str], merge: Merge, bases: bool | str
    ) -> None:
        self._segments = segments
        self._tables = tables
        self._merge = merge
        self._bases = bases if "book" in tables else False

    def rows(self, start: Place | None, end: Place | None) -> Iterator[Rows]:
        """From the first record at `start` or behind it to the last before `end`."""
        found = self._from(0) if start is None else self._started(start)
        for rows in found:
            stop = None if end is None else first_at(rows, end)
            if stop is None:
                yield rows
                continue
            if stop:
                yield rows[:stop]
            return

    def _from(self, at: int) -> Iterator[Rows]:
        """All from the beginning of a segment on."""
        while at < len(self._segments):
            begin = self._segments[at]
            while at < len(self._segments) and self._segments[at].epoch == begin.epoch:
                at += 1
            last = self._segments[at - 1].last
            found = self._merge(begin.epoch, self._tables, begin.first, last)
            yield from self._shown(found, begin.epoch)

    def _started(self, start: Place) -> Iterator[Rows]:
        at = next((i for i, s in enumerate(self._segments) if reaches(s, start)), None)
        if at is None:
            return
        books = self._books_before(at)
        while at < len(self._segments):
            segment = self._segments[at]
            found = self._merge(segment.epoch, self._tables, segment.first, segment.last)
            for rows in found:
                begin = first_at(rows, start)
                books.apply(rows[:begin])
                if begin is None:
                    continue
                if self._bases:
                    yield from _bases_of(books, rows[begin])
                yield from self._shown(iter((rows[begin:],)), segment.epoch)
                yield from self._shown(found, segment.epoch)
                yield from self._from(at + 1)
                return
            at += 1
            if at < len(self._segments) and not contiguous(self._segments, at):
                books.clear()

    def _books_before(self, at: int) -> Books:
        """The books at the beginning of a segment, from the nearest bases that lead there."""
        books = Books()
        begin, end = self._segments[based(self._segments, at)], self._segments[at]
        if self._bases and begin != end:
            for rows in self._merge(begin.epoch, ["book"], begin.first, end.first - 1):
                books.apply(rows)
        return books

    def _shown(self, found: Iterator[Rows], epoch: int) -> Iterator[Rows]:
        """Without the base rows that nobody asked for."""
        if self._bases == ALL:
            yield from found
            return
        ours = [i for i, segment in enumerate(self._segments) if segment.epoch == epoch]
        firsts = np.array([self._segments[i].first for i in ours], np.uint64)
        anew = np.array([begins_books(self._segments, i) for i in ours])
        for rows in found:
            base = rows["base"] != 0
            if not base.any():
                yield rows
                continue
            kept = ~base
            if self._bases:
                of = np.searchsorted(firsts, rows["sequence"] + np.uint64(1), side="right")
                kept |= anew[np.maximum(of, 1) - 1]
            if kept.any():
                yield rows[kept]


def first_at(rows: Rows, place: Place) -> int | None:
    """Which of these rows, all of one epoch, is the first record at that place or behind it."""
    if isinstance(place, tuple):
        epoch = int(rows["epoch"][0])
        if epoch != place[0]:
            return 0 if epoch > place[0] else None
        there = rows["sequence"] >= place[1]
    else:
        there = rows["receive_ns"] >= place
    there &= rows["base"] == 0
    return int(there.argmax()) if there.any() else None


def reaches(segment: Segment, place: Place) -> bool:
    """Whether it has something at that place or behind it."""
    if isinstance(place, tuple):
        return (segment.epoch, segment.last) >= place
    return segment.to_ns >= place


def _bases_of(books: Books, before: np.void) -> Iterator[Rows]:
    """All books as of the record before that one."""
    parts: list[Rows] = []
    count = 0
    for instrument in books.instruments():
        parts.append(
            books.base(instrument, int(before["sequence"]) - 1, epoch=int(before["epoch"]))
        )
        count += len(parts[-1])
        if count > 65_536:
            yield joined(parts)
            parts, count = [], 0
    if parts:
        yield joined(parts)
