"""What a recording has of a venue before the ring, and what it has not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from shm.history.columns import Rows
from shm.history.missing import EPOCH_ENDED, Missing

if TYPE_CHECKING:
    from shm.recording.manifest import Segment
    from shm.recording.reader import Recording

BEGINS = "the recording begins later"
UNSEEN = "the epoch ended while nobody recorded it"
UNRECORDED = "not in the recording"
BETWEEN = "neither in the recording nor in the ring any more"

Place = tuple[int, int]
"""(epoch, sequence)."""


@dataclass(frozen=True, slots=True)
class Part:
    """Records `first` to `last` of an epoch that are there, and between which times."""

    epoch: int
    first: int
    last: int
    from_ns: int
    to_ns: int
    ring: bool = False  # of the ring, not of the recording


@dataclass(slots=True)
class RecordedStretch:
    """Records of one epoch."""

    part: Part
    rows: Rows
    symbols: Mapping[int, str]


class Recorded:
    """One venue of a recording, as it is now.

    Raises :class:`shm.recording.errors.NoRecording` where the recording has other venues only.
    """

    def __init__(self, recording: Recording, venue: str) -> None:
        self._recording = recording
        self._venue = venue
        self._symbols: dict[int, dict[int, str]] = {}
        there = recording.venues()
        self._segments: list[Segment] = recording.segments(venue) if there else []

    def symbols(self, epoch: int) -> dict[int, str]:
        """What the instruments of an epoch are called, by row."""
        if epoch not in self._symbols:
            from shm.recording.directory import instrument_rows

            files = {
                file.path: file
                for segment in self._segments
                for file in segment.files
                if segment.epoch == epoch and file.table == "instruments"
            }
            rows = instrument_rows(self._recording.directory, files.values())
            self._symbols[epoch] = {row.instrument: row.symbol for row in rows}
        return self._symbols[epoch]

    def find(self, name: str) -> str | None:
        """The symbol of an instrument that has that symbol or normalised name, the newest first."""
        for epoch in sorted({segment.epoch for segment in self._segments}, reverse=True):
            from shm.recording.directory import instrument_rows

            files = [
                file
                for segment in self._segments
                for file in segment.files
                if segment.epoch == epoch and file.table == "instruments"
            ]
            for row in instrument_rows(self._recording.directory, files):
                if name in (row.symbol, row.name):
                    return row.symbol
        return None

    def parts(self, after: Place, until: Part, from_ns: int) -> list[Part]:
        """What there is behind `after` and before `until`, of `from_ns` or later."""
        found = []
        for each in self._segments:
            first, last = each.first, each.last
            if each.epoch == after[0]:
                first = max(first, after[1] + 1)
            if each.epoch == until.epoch:
                last = min(last, until.first - 1)
            inside = after[0] <= each.epoch <= until.epoch and first <= last
            if inside and each.to_ns >= from_ns:
                found.append(Part(each.epoch, first, last, each.from_ns, each.to_ns))
        return found

    def rows(self, part: Part, kinds: Collection[int], symbols: Collection[str] | None) -> Rows:
        """The records of these kinds and instruments (None: all) of a part, with base rows."""
        from shm.recording._books import RECORD

        found = list(self.batches(part, kinds, symbols))
        return np.concatenate(
            found or [np.empty(0, RECORD)], out=np.empty(sum(map(len, found)), RECORD)
        )

    def read(
        self, part: Part, kinds: Collection[int], symbols: Collection[str] | None
    ) -> RecordedStretch:
        """The same, and what the instruments are called."""
        return RecordedStretch(part, self.rows(part, kinds, symbols), self.symbols(part.epoch))

    def batches(
        self, part: Part, kinds: Collection[int], symbols: Collection[str] | None
    ) -> Iterator[Rows]:
        """The same, batch by batch."""
        from shm.recording.schema import table_of

        tables = sorted({table_of(kind) for kind in kinds})
        return self._recording.merge(
            self._venue,
            part.epoch,
            tables,
            part.first,
            part.last,
            symbols=None if symbols is None else frozenset(symbols),
        )

    def leading_to(
        self, epoch: int, sequence: int | None, when_ns: int
    ) -> tuple[Part, Part] | None:
        """The contiguous records that lead to a record, or without `sequence` to a time: from the
        nearest bases of books on, and all of them. None: it is in none of the parts."""
        there = self._segments
        if sequence is None:
            at = max((i for i, s in enumerate(there) if s.from_ns <= when_ns), default=None)
            if at is None or (when_ns > there[at].to_ns and not self._goes_on(at)):
                return None
        else:
            inside = (i for i, s in enumerate(there) if s.epoch == epoch)
            at = next((i for i in inside if there[i].first <= sequence <= there[i].last), None)
            if at is None:
                return None
        based = at
        while not there[based].bases and based and self._goes_on(based - 1):
            based -= 1
        begins = based
        while begins and self._goes_on(begins - 1):
            begins -= 1
        last = there[at]
        return tuple(  # type: ignore[return-value]
            Part(last.epoch, there[i].first, last.last, there[i].from_ns, last.to_ns)
            for i in (based, begins)
        )

    def _goes_on(self, at: int) -> bool:
        """Whether the next segment begins where this one ends."""
        if at + 1 >= len(self._segments):
            return False
        one, other = self._segments[at], self._segments[at + 1]
        return one.epoch == other.epoch and other.first <= one.last + 1

    def missing(self, parts: list[Part], from_ns: int | None, until: Part) -> list[Missing]:
        """What is between these parts, and before `until`; before the first, from `from_ns` on."""
        found = []
        if parts and from_ns is not None and from_ns < parts[0].from_ns:
            found += self._before(parts[0], from_ns)
        elif not parts and from_ns is not None and from_ns < until.from_ns:
            found += self._before(until, from_ns)
        for one, other in pairwise([*parts, until]):
            found += self._between(one, other)
        return found

    def _before(self, part: Part, from_ns: int) -> list[Missing]:
        older = [
            each
            for each in self._segments
            if (each.epoch, each.last) < (part.epoch, part.first) and each.to_ns < from_ns
        ]
        if older:
            last = older[-1]
            before = Part(last.epoch, last.first, last.last, last.from_ns, last.to_ns)
            found = self._between(before, part)
            return [_clipped(each, from_ns) for each in found]
        why = UNRECORDED if part.ring else BEGINS
        return [Missing(from_ns, part.from_ns, why, part.epoch)]

    def _between(self, one: Part, other: Part) -> list[Missing]:
        why = BETWEEN if other.ring and not one.ring else UNRECORDED
        if one.epoch == other.epoch:
            if other.first <= one.last + 1:
                return []
            return [
                self._hole(one.to_ns, other.from_ns, why, one.epoch, one.last + 1, other.first - 1)
            ]
        found = []
        end = self._recording.manifest.ends(self._venue).get(one.epoch)
        if not one.ring and (end is None or end.last > one.last):
            last = None if end is None else end.last
            unseen = UNSEEN if end is None else UNRECORDED
            found.append(
                self._hole(one.to_ns, other.from_ns, unseen, one.epoch, one.last + 1, last)
            )
        found += [
            Missing(one.to_ns, other.from_ns, UNSEEN, each.epoch, each.first, each.last)
            for each in self._recording.manifest.unseen(self._venue)
            if one.epoch < each.epoch < other.epoch
        ]
        if other.first > 1:
            found.append(self._hole(one.to_ns, other.from_ns, why, other.epoch, 1, other.first - 1))
        if not found and one.to_ns < other.from_ns:
            found.append(Missing(one.to_ns, other.from_ns, EPOCH_ENDED, one.epoch))
        return found

    def _hole(
        self, from_ns: int, to_ns: int, why: str, epoch: int, first: int, last: int | None
    ) -> Missing:
        """With what the recorder says of it."""
        said = [
            loss.why
            for loss in self._recording.losses(self._venue)
            if loss.epoch == epoch
            and (last is None or loss.first <= last)
            and (loss.last is None or loss.last >= first)
        ]
        if said:
            why = f"{why}: {', '.join(dict.fromkeys(said))}"
        return Missing(from_ns, to_ns, why, epoch, first, last)


def _clipped(each: Missing, from_ns: int) -> Missing:
    """A window of which a part is not asked for: how much of it is, nobody knows."""
    return Missing(from_ns, each.to_ns, each.reason, each.epoch, None, None)


Open = Callable[[], Recorded | None]
"""The recording that was configured, when it is needed; None: there is none."""
