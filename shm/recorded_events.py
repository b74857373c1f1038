"""Events from before the ring: those of a recording, and then without a break the ring's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from shm._native import NO_INSTRUMENT, RAW_EVENT, event_rows, ring_oldest
from shm.errors import WriterLost
from shm.events import Events, kind_mask
from shm.history.columns import Rows
from shm.history.missing import EPOCH_ENDED, OutOfReach
from shm.history.past import RECORD_FIELDS, Past, Stretch, of_kinds, part_of
from shm.history.recorded import Part, Recorded
from shm.history.ring import Ring, joined
from shm.history.start import sequence_of, since_ns
from shm.history.tables import EventTable
from shm.history.times import ALWAYS, Instant
from shm.names import Kind


@dataclass(frozen=True, slots=True)
class Begin:
    """Where events begin: with what was received then or later, or with record `first` of the
    epoch that is running (0: by the time)."""

    from_ns: int
    first: int


def before_ring(past: Past, start: Instant) -> Begin | None:
    """What is asked for if that is before the ring; None: the ring has it."""
    if isinstance(start, str) and start in ("now", "oldest", "state"):
        return None
    ring = past.rings[-1]
    sequence = sequence_of(start)
    if sequence is not None:
        return Begin(ALWAYS, sequence) if 1 <= sequence < ring.oldest else None
    from_ns = since_ns(ring.segment, start)
    reaches = ring.begins_ns if ring.oldest == 1 else ring.received_ns(ring.oldest)
    return Begin(from_ns, 0) if reaches is None or from_ns < reaches else None


class RecordedEvents(Events):
    """Of :meth:`shm.Feed.events` where the ring does not reach as far back as was asked for.

    First come the recorded ones, epoch by epoch, with :class:`shm.WriterLost` once between two of
    them; then the ring's, as of all :class:`shm.Events`. Instruments have the numbers of the epoch
    that is running; those that it has not have numbers behind its rows, and `table` knows them.
    `delivered`, `filtered`, `lost`, `sequence` and `lag` are about the ring.
    """

    def __init__(
        self,
        past: Past,
        recorded: Recorded,
        begin: Begin,
        on_overrun: Literal["raise", "resync"],
        *arguments: Any,
    ) -> None:
        newer, segment, instruments, kinds, raw, reattach, name = arguments
        super().__init__(
            newer,
            segment,
            instruments,
            kinds,
            "oldest",
            on_overrun,
            raw,
            reattach,
            name,
        )
        self._past = past
        self._mask = kind_mask(kinds)
        self._others: dict[str, int] = {}
        self._epoch = segment.epoch
        self._next = self.sequence  # the first record of the ring that is read
        until = part_of(Ring(segment), self._next)
        after = (segment.epoch, begin.first - 1) if begin.first else (0, 0)
        parts = recorded.parts(after, until, begin.from_ns)
        known = [Part(segment.epoch, 0, begin.first - 1, 0, 0)] if begin.first else []
        from_ns = None if begin.first else begin.from_ns
        self.missing = tuple(recorded.missing([*known, *parts], from_ns, until))
        lost = [each for each in self.missing if each.reason != EPOCH_ENDED]
        if lost and on_overrun == "raise":
            raise OutOfReach(
                f"not all events of {segment.venue} are there: {lost[0]}; ask for less, or say "
                'on_overrun="resync" to read what there is',
                lost,
            )
        self._before: Iterator[Rows | WriterLost] | None = self._told(
            recorded, parts, begin.from_ns
        )

    def poll(self) -> npt.NDArray[np.void] | None:
        """As that of :class:`shm.Events`; first of all what was recorded."""
        while self._before is not None and not self._closed:
            self._occupy(True)
            try:
                found = next(self._before, None)
                if found is None:
                    self._before = self._go_over()
            finally:
                self._occupy(False)
            if isinstance(found, WriterLost):
                raise found
            if found is not None and len(found):
                return found
        return super().poll()

    def table(self, batch: npt.NDArray[np.void]) -> EventTable:
        """As that of :class:`shm.Events`."""
        made = super().table(batch)
        newest, others = made._symbol, {row: name for name, row in self._others.items()}
        made._symbol = lambda row: newest(row) or others.get(row)
        return made

    def _go_over(self) -> Iterator[Rows | WriterLost] | None:
        """To the ring, if it still has what comes next; else to what was recorded of it meanwhile.
        What neither has is an overrun, which the ring tells."""
        segment = self.segment
        if segment is None or segment.epoch != self._epoch:
            return None
        if ring_oldest(segment) > self._next:
            recorded, ring = self._past.reopened(), Ring(segment)
            first = ring.first_message()
            parts = [] if recorded is None else recorded.parts(
                (self._epoch, self._next - 1), part_of(ring, first), ALWAYS
            )  # fmt: skip
            at = self._next
            for part in parts:
                if part.first == at:
                    at = part.last + 1
            if recorded is not None and at == first:
                self._next = first
                return self._told(recorded, parts, ALWAYS)
        self._start_at(self._next)
        return None

    def _told(
        self, recorded: Recorded, parts: list[Part], from_ns: int
    ) -> Iterator[Rows | WriterLost]:
        """Batches of whole messages, and between epochs that their writer is lost."""
        kinds = [kind for kind in Kind if self._mask >> kind & 1]
        began = False
        held = np.empty(0, RAW_EVENT)
        for at, part in enumerate(parts):
            numbers = self._numbers(recorded, part.epoch)
            for rows in recorded.batches(part, kinds, self._symbols):
                if not began:
                    late = (rows["receive_ns"] >= from_ns) & (rows["base"] == 0)
                    rows = rows[int(late.argmax()) if late.any() else len(rows) :]
                    began = bool(late.any())
                rows = rows[self._wanted(rows)][RECORD_FIELDS].astype(RAW_EVENT)
                rows = joined([held, rows])
                whole = _whole(rows)
                yield self._made(rows[:whole], numbers)
                held = rows[whole:]
            epoch = parts[at + 1].epoch if at + 1 < len(parts) else self._epoch
            if epoch != part.epoch:
                yield self._made(held, numbers)
                held = held[:0]
                yield WriterLost(self._past.venue, part.epoch, "superseded", part.last)
        if len(held):
            yield self._made(held, self._numbers(recorded, parts[-1].epoch))

    def _wanted(self, rows: Rows) -> npt.NDArray[np.bool_]:
        wanted: npt.NDArray[np.bool_] = of_kinds(rows, self._mask) & (rows["base"] == 0)
        return wanted

    def _numbers(self, recorded: Recorded, epoch: int) -> npt.NDArray[np.uint32] | None:
        if epoch == self._epoch:
            return None
        stretch = Stretch(epoch, np.empty(0, RAW_EVENT), recorded.symbols(epoch))
        return self._past.numbers(stretch, self._others)

    def _made(self, rows: Rows, numbers: npt.NDArray[np.uint32] | None) -> Rows:
        if not self.raw:
            return event_rows(rows, numbers)
        if numbers is not None and len(rows):
            known = rows["instrument"] < len(numbers)
            own = np.minimum(rows["instrument"], len(numbers) - 1)
            rows["instrument"] = np.where(known, numbers[own], NO_INSTRUMENT)
        return rows


def _whole(rows: Rows) -> int:
    """How many rows are of whole messages, as far as can be told: the last one may go on."""
    if not len(rows):
        return 0
    other = np.flatnonzero(rows["receive_ns"] != rows["receive_ns"][-1])
    return int(other[-1]) + 1 if len(other) else 0
