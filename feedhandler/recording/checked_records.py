"""The records of some segments that follow one another: none is missing, and their books are right.

Books are made again from their bases on, and compared with what the feed held: with each mark, and
with each base that the recorder wrote in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from feedhandler.number_text import plural
from feedhandler.recording.findings import Checked, Finding, Findings
from shm import Kind
from shm.recording import schema
from shm.recording._books import Books, Rebuilt
from shm.recording.errors import RecordingError
from shm.recording.manifest import Segment
from shm.recording.marks import Mark, marks
from shm.recording.reader import Recording
from shm.recording.streams import Rows, joined, keys_of

Advance = Callable[[int], None]

#: the fields of a change of state that are kept: when, of whom, and to what
STATE = np.dtype([("at", "<i8"), ("instrument", "<u4"), ("state", "u1"), ("reason", "u1")])


@dataclass(slots=True)
class _Doubt:
    """A book that is not what the feed held, since when, and how often that was seen."""

    first: int
    last: int
    from_ns: int
    to_ns: int
    text: str
    marks: int = 1


@dataclass(slots=True)
class RecordsChecked:
    """What was found. `states`: every change of an instrument's state, in order."""

    checked: Checked = field(default_factory=Checked)
    findings: Findings = field(default_factory=Findings)
    states: list[NDArray[np.void]] = field(default_factory=list)


class CheckedRecords:
    """`segments`: of one epoch, none missing between. `whole`: all tables can be read; else only
    the books'. `marked`: the marks can be. `symbols`: by row, for words."""

    def __init__(
        self,
        recording: Recording,
        venue: str,
        segments: Sequence[Segment],
        symbols: Mapping[int, tuple[str, str]],
        *,
        whole: bool,
        marked: bool,
        advance: Advance,
    ) -> None:
        self._recording = recording
        self._venue = venue
        self._segments = segments
        self._symbols = symbols
        self._whole = whole
        self._advance = advance
        self._epoch = segments[0].epoch
        self._books = Books()
        self._marks = marks(recording.directory, segments) if marked else iter(())
        self._next = segments[0].first
        self._base: list[Rows] = []
        self._sound: dict[int, tuple[int, int]] = {}  # the last mark that was right
        self._doubts: dict[int, _Doubt] = {}
        self._faults: set[int] = set()
        self._seen = [[0, 1 << 63, 0] for _ in segments]  # records, lowest and highest time
        self.result = RecordsChecked()

    def check(self) -> RecordsChecked:
        first, last = self._segments[0].first, self._segments[-1].last
        tables = schema.RECORD_TABLES if self._whole else ("book",)
        mark = next(self._marks, None)
        try:
            for rows in self._recording.merge(self._venue, self._epoch, tables, first, last):
                self._count(rows)
                mark = self._books_of(rows, mark)
                self._advance(len(rows))
            self._based()
            while mark is not None:
                self._compare(mark)
                mark = next(self._marks, None)
        except RecordingError as error:
            self._find("unreadable", str(error), self._next, last)
            return self.result
        for instrument in list(self._doubts):
            self._settle(instrument)
        if self._whole:
            self._ends(last)
        if self._books.bad:
            self._find("book", f"{self._books.bad} rows of books cannot be", first, last)
        unmarked = self.result.checked.unmarked
        if unmarked and self._segments[0].bases:
            self._find("book", f"{unmarked} marks are of books that no base begins", first, last)
        return self.result

    # ---- none missing ------------------------------------------------------------------------

    def _count(self, rows: Rows) -> None:
        checked = self.result.checked
        base = rows["base"] != 0
        records = rows if not base.any() else rows[~base]
        checked.bases += len(rows) - len(records)
        checked.records += len(records)
        if not self._whole or not len(records):
            return
        numbers = records["sequence"]
        steps = np.diff(numbers.astype(np.int64), prepend=self._next - 1)
        for at in np.flatnonzero(steps != 1).tolist():
            number, step = int(numbers[at]), int(steps[at])
            if step > 1:
                self._missing(number - step + 1, number - 1)
            else:
                self._find("twice", f"record {number} is there twice", number, number)
        self._next = int(numbers[-1]) + 1
        self._times(records)
        states = records[(records["kind"] == Kind.STATE) & (records["side"] == 0)]
        if len(states):
            kept = np.empty(len(states), STATE)
            for name, of in zip(
                ("at", "instrument", "state", "reason"),
                ("receive_ns", "instrument", "price", "size"),
                strict=True,
            ):
                kept[name] = states[of]
            self.result.states.append(kept)

    def _times(self, records: Rows) -> None:
        """Per segment, what its line says."""
        numbers, times = records["sequence"], records["receive_ns"]
        for segment, seen in zip(self._segments, self._seen, strict=True):
            if segment.last < numbers[0] or segment.first > numbers[-1]:
                continue
            low, high = np.searchsorted(
                numbers, np.array([segment.first, segment.last + 1], np.uint64)
            )
            if low < high:
                seen[0] += int(high - low)
                seen[1] = min(seen[1], int(times[low:high].min()))
                seen[2] = max(seen[2], int(times[low:high].max()))

    def _missing(self, first: int, last: int) -> None:
        count = last - first + 1
        text = f"{plural(count, 'record')} missing within a segment: {first} to {last}"
        self._find("missing", text, first, last)

    def _ends(self, last: int) -> None:
        if self._next <= last:
            self._missing(self._next, last)
        for segment, (records, low, high) in zip(self._segments, self._seen, strict=True):
            if records != segment.records:
                self._find(
                    "rows",
                    f"a segment has {plural(records, 'record')}, its line says {segment.records}",
                    segment.first,
                    segment.last,
                )
            elif (low, high) != (segment.from_ns, segment.to_ns):
                self._find(
                    "value",
                    f"a segment was received from {low} to {high}, and its line says "
                    f"{segment.from_ns} to {segment.to_ns}",
                    segment.first,
                    segment.last,
                )

    # ---- books -------------------------------------------------------------------------------

    def _books_of(self, rows: Rows, mark: Mark | None) -> Mark | None:
        """Take these, and stop at each mark among them; the first mark that is behind them."""
        keys = keys_of(rows)
        last = int(keys[-1]) // 2
        done = 0
        while mark is not None and mark.sequence < last:
            high = int(np.searchsorted(keys, np.uint64(2 * mark.sequence), side="right"))
            self._take(rows[done:high])
            done = high
            self._compare(mark)
            mark = next(self._marks, None)
        self._take(rows[done:])
        return mark

    def _take(self, rows: Rows) -> None:
        base = rows["base"] != 0
        if not base.any():
            if len(rows):
                self._based()
                self._books.apply(rows)
            return
        edges = np.flatnonzero(np.diff(base.astype(np.int8))) + 1
        for part in np.split(rows, edges):
            if part["base"][0]:
                if self._base and self._base[-1]["sequence"][-1] != part["sequence"][0]:
                    self._based()
                self._base.append(part)
            else:
                self._based()
                self._books.apply(part)

    def _based(self) -> None:
        """A base is whole: it should say what the books are already, where they are."""
        if not self._base:
            return
        rows = joined(self._base)
        self._base = []
        edges = np.flatnonzero(np.diff(rows["instrument"].astype(np.int64))) + 1
        for part in np.split(rows, edges):
            instrument = int(part["instrument"][0])
            there = self._books.book(instrument) if instrument in self._books else None
            self._books.apply(part)
            if there is None or instrument not in self._books:
                continue
            if (why := _different(there, self._books.book(instrument))) is not None:
                sequence = int(part["sequence"][0])
                since = self._sound.get(instrument, (self._segments[0].first, 0))[0]
                self._find(
                    "base",
                    f"{self._symbol(instrument)}: the base as of record {sequence} is not the "
                    f"book that the records before it make: {why}",
                    since,
                    sequence,
                    int(part["receive_ns"][0]),
                )

    def _compare(self, mark: Mark) -> None:
        self._based_before(mark.sequence)
        sequence, instrument, at = mark.sequence, mark.instrument, mark.receive_ns
        bids, asks = mark.bids, mark.asks
        self.result.checked.marks += 1
        if instrument not in self._books:
            fault = self._books.faults().get(instrument)
            if fault is not None and instrument not in self._faults:
                self._faults.add(instrument)
                self._find("book", f"{self._symbol(instrument)}: {fault}", sequence, sequence, at)
            if bids or asks:
                self.result.checked.unmarked += 1
            return
        found = self._books.digest(instrument, bids, asks, mark.price_exponent, mark.size_exponent)
        wrong = [
            side
            for side, ours, theirs in zip(
                ("bids", "asks"), found, (mark.bid_digest, mark.ask_digest), strict=True
            )
            if ours != theirs
        ]
        if not wrong:
            self._settle(instrument)
            self._sound[instrument] = sequence, at
            return
        doubt = self._doubts.get(instrument)
        if doubt is not None:
            doubt.last, doubt.to_ns, doubt.marks = sequence, at, doubt.marks + 1
            return
        since, since_ns = self._sound.get(instrument, (self._segments[0].first, at))
        self._doubts[instrument] = _Doubt(since, sequence, since_ns, at, " and ".join(wrong))

    def _based_before(self, sequence: int) -> None:
        if self._base and int(self._base[-1]["sequence"][-1]) < sequence:
            self._based()

    def _settle(self, instrument: int) -> None:
        doubt = self._doubts.pop(instrument, None)
        if doubt is None:
            return
        self.result.findings.add(
            Finding(
                "mark",
                f"{self._symbol(instrument)}: {doubt.text} that the records make are not those "
                f"that the feed held, at {doubt.marks} mark{'s' if doubt.marks > 1 else ''}",
                self._venue,
                self._epoch,
                doubt.first,
                doubt.last,
                doubt.from_ns,
                doubt.to_ns,
            )
        )

    def _symbol(self, instrument: int) -> str:
        return self._symbols.get(instrument, (f"row {instrument}", ""))[0]

    def _find(self, what: str, text: str, first: int, last: int, at: int | None = None) -> None:
        there = [s for s in self._segments if s.last >= first and s.first <= last]
        from_ns = at if at is not None else there[0].from_ns if there else None
        to_ns = at if at is not None else there[-1].to_ns if there else None
        self.result.findings.add(
            Finding(what, text, self._venue, self._epoch, first, last, from_ns, to_ns)
        )


def _different(book: Rebuilt, base: Rebuilt) -> str | None:
    """What differs, as far as both are known."""
    for name in ("bids", "asks"):
        ours, theirs = getattr(book, name), getattr(base, name)
        counts = [len(ours), len(theirs)]
        for at, each in enumerate((book, base)):
            known = getattr(each, f"{name}_known")
            counts[at] = counts[at] if known is None else min(counts[at], known)
        both = min(counts)
        whole = getattr(book, f"{name}_known") is None and getattr(base, f"{name}_known") is None
        if whole and counts[0] != counts[1]:
            return f"{counts[0]} {name}, and {counts[1]} in the base"
        finer = (
            min(book.price_exponent, base.price_exponent),
            min(book.size_exponent, base.size_exponent),
        )
        if _exact(ours[:both], book, finer) != _exact(theirs[:both], base, finer):
            return f"other {name}"
    return None


def _exact(
    levels: NDArray[np.int64], book: Rebuilt, exponents: tuple[int, int]
) -> list[tuple[int, int]]:
    price = 10 ** (book.price_exponent - exponents[0])
    size = 10 ** (book.size_exponent - exponents[1])
    return [(each[0] * price, each[1] * size) for each in levels.tolist()]
