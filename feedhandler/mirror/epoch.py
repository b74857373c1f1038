"""One epoch of a recorded venue, played into a memory of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from feedhandler.mirror._mirror import Mirror
from feedhandler.mirror.rows import Rows as Directory
from feedhandler.venues.tardis_ids import in_percent
from shm import Flag, Kind, Reason, State
from shm.recording._books import RECORD
from shm.recording.directory import InstrumentRow
from shm.recording.manifest import Segment
from shm.recording.marks import Mark, marks
from shm.recording.reader import Recording
from shm.recording.streams import Rows, joined, keys_of
from shm.segment import create

_SPARE_ROWS = 256


class Geometry(NamedTuple):
    """Of the memory that is made."""

    namespace: str
    depth: int
    ring_slots: int


class Epoch:
    """`play` its rows in order; `prime` with those before, which are in the cells alone.

    `segments`: those that are played, and the one before them, whose last marks say how the books
    were when it ended.
    """

    def __init__(
        self,
        recording: Recording,
        venue: str,
        segments: Sequence[Segment],
        definitions: Sequence[InstrumentRow],
        geometry: Geometry,
    ) -> None:
        most = max((row.instrument for row in definitions), default=0)
        self.number = segments[0].epoch
        self._segment = create(
            venue,
            namespace=geometry.namespace,
            instruments=most + 1 + _SPARE_ROWS,
            depth=geometry.depth,
            ring_slots=geometry.ring_slots,
            replay=True,
        )
        self._writer = self._segment.writer
        self._writer.set_state(State.LIVE, Reason.NONE, f"replay of {recording.directory.name}")
        self._mirror = Mirror(self._writer, percent=in_percent(venue))
        self._directory = Directory(definitions, self._writer, self._mirror)
        self._marks = marks(recording.directory, segments)
        self._mark = next(self._marks, None)
        self._last: int | None = None  # the last record that was taken, or is in a base
        self._rest = np.empty(0, RECORD)  # of a message that is not whole yet
        self._waiting: dict[int, Mark] = {}  # of books whose base has not come
        self._lost: list[int] = []  # books that were there before records that are missing

    def beat(self) -> None:
        self._writer.heartbeat()

    def close(self) -> list[str]:
        """The memory is removed; what was wrong with the directory."""
        self._segment.close()
        return [f"row {row} is in no directory of the recording" for row in self._directory.unknown]

    def prime(self, rows: Rows) -> None:
        """What was before: the cells come to be as they were."""
        for part, _ in self._parts(rows):
            self._take(part[part["kind"] != Kind.WRITER], recorded=False)

    def play(self, rows: Rows) -> int:
        """Into the ring, and seen at once, in whole messages; how many records are missing before
        or between them."""
        missing = 0
        for part, lost in self._parts(rows):
            if lost:
                missing += lost
                self._end()
                self._lost = self._mirror.forget()
            # this memory has a writer of its own
            self._whole(joined((self._rest, part[part["kind"] != Kind.WRITER])))
        self._mirror.show()
        return missing

    def flush(self) -> None:
        """Nothing follows: what is there of the last message is shown."""
        self._end()
        self._mirror.show()

    def _parts(self, rows: Rows) -> Iterator[tuple[Rows, int]]:
        """Rows without a hole, and how many records are missing before them."""
        numbers = rows["sequence"].astype(np.int64)
        record = (rows["base"] == 0).astype(np.int64)
        if not len(rows):
            return
        before = int(numbers[0] - record[0]) if self._last is None else self._last
        lost = np.diff(numbers, prepend=before) - record
        edges = [0, *(at for at in np.flatnonzero(lost > 0).tolist() if at), len(rows)]
        for low, high in pairwise(edges):
            yield rows[low:high], max(0, int(lost[low]))
        self._last = int(numbers[-1])

    def _whole(self, rows: Rows) -> None:
        """Take what is whole of them, and keep the rest."""
        flags = rows["flags"] & (Flag.LAST | Flag.MORE)
        ends = np.flatnonzero((flags == Flag.LAST) | (rows["base"] != 0))
        count = int(ends[-1]) + 1 if len(ends) else 0
        self._rest = rows[count:].copy()
        rows = rows[:count]
        if self._lost and len(rows):
            bases = int((rows["base"] == 0).argmax()) if (rows["base"] == 0).any() else len(rows)
            self._take(rows[:bases], recorded=True)
            rows = rows[bases:]
            if len(rows):
                self._say_lost(rows[0])
        self._take(rows, recorded=True)

    def _end(self) -> None:
        if len(self._rest):
            rows, self._rest = self._rest, np.empty(0, RECORD)
            rows["flags"][-1] |= Flag.LAST
            self._take(rows, recorded=True)

    def _say_lost(self, record: np.void) -> None:
        """Books that no base begins again after a loss are not what they were."""
        gone = [instrument for instrument in self._lost if not self._mirror.known(instrument)]
        self._lost = []
        rows = np.zeros(len(gone), RECORD)
        rows["instrument"] = gone
        rows["kind"], rows["flags"] = Kind.STATE, Flag.FIRST | Flag.LAST
        rows["price"], rows["size"] = State.STALE, Reason.GAP
        rows["receive_ns"] = record["receive_ns"]
        self._play(rows, recorded=True)

    def _take(self, rows: Rows, *, recorded: bool) -> None:
        """With the terms and the marks that are among them."""
        if not len(rows):
            return
        self._directory.until(int(rows["sequence"][0]))
        keys = keys_of(rows)
        cuts: list[tuple[int, Mark | np.void]] = [
            (at, rows[at])
            for at in np.flatnonzero(
                (rows["kind"] == Kind.DEFINITION) & (rows["base"] == 0)
            ).tolist()
        ]
        while self._mark is not None and 2 * self._mark.sequence <= int(keys[-1]):
            at = int(np.searchsorted(keys, np.uint64(2 * self._mark.sequence), side="right"))
            cuts.append((at, self._mark))
            self._mark = next(self._marks, None)
        done = 0
        for at, cut in sorted(cuts, key=lambda each: each[0]):
            self._play(rows[done:at], recorded)
            done = at
            if isinstance(cut, Mark):
                self._marked(cut)
            else:
                self._directory.defined(int(cut["instrument"]), int(cut["aux"]))
        self._play(rows[done:], recorded)
        if self._waiting and (rows["base"] != 0).any():
            waiting, self._waiting = self._waiting, {}
            for mark in waiting.values():
                self._marked(mark)

    def _play(self, rows: Rows, recorded: bool) -> None:
        done = self._mirror.play(rows, recorded=recorded)
        while done < len(rows):
            rows = rows[done:]
            self._directory.fit(rows[0])
            done = self._mirror.play(rows, recorded=recorded)

    def _marked(self, mark: Mark) -> None:
        if not self._directory.has(mark.instrument):
            return
        if self._directory.has_book(mark.instrument) and not self._mirror.known(mark.instrument):
            self._waiting[mark.instrument] = mark  # what is not there is not called LIVE
        else:
            self._mirror.mark(
                mark.instrument,
                mark.bids_known,
                mark.asks_known,
                State[mark.state.upper()],
                Reason[mark.reason.upper()],
            )
