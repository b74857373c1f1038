"""The memory of a running feed as a source: what its ring has, and what comes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

import shm
from feedhandler.export.source import Asked, Batch, Hole, Terms
from shm import Instrument, WriterLost


def terms_of(instrument: Instrument) -> Terms:
    """What an export says of an instrument of the memory."""
    return Terms(
        instrument.symbol,
        instrument.name,
        instrument.kind,
        instrument.option,
        instrument.strike,
        instrument.expiry_ns,
    )


class LiveSource:
    """A venue's ring from its oldest record on.

    `follow`: goes on until `Asked.end_ns`, or Ctrl-C without one, and over a writer's restarts;
    where books are asked for it begins with the state instead of the oldest record: of a book whose
    base is no longer in the ring, older records tell nothing.
    """

    def __init__(self, venue: str, *, namespace: str, follow: bool = False) -> None:
        self.venue = venue
        self.holes: list[Hole] = []
        self._follow = follow
        self._feed = shm.attach(venue, namespace=namespace, timeout=0)
        self._terms: dict[tuple[int, int], Terms] = {}

    def end_ns(self) -> int:
        """Now, by the clock of the records: a mirror's are by its source's."""
        segment = self._feed.segment
        return time.time_ns() if segment is None else segment.now_ns

    def terms(self, epoch: int, row: int) -> Terms:
        return self._terms[epoch, row]

    def _learn(self, segment: shm._native.Segment, rows: np.ndarray) -> None:
        """While the memory is there: later it may not be."""
        for row in np.unique(rows["instrument"]).tolist():
            if row != shm.NO_INSTRUMENT and (segment.epoch, row) not in self._terms:
                self._terms[segment.epoch, row] = terms_of(segment.instrument(row))

    def batches(self, asked: Asked) -> Iterator[Batch]:
        with self._feed.events(
            kinds=asked.kinds,
            start="state" if self._follow and asked.books else "oldest",
            on_overrun="resync",
            raw=True,
        ) as events:
            epoch, lost, broken = 0, 0, True
            assert events.segment is not None  # it was just attached to
            last = None if self._follow else events.segment.published
            while last is None or events.sequence <= last:
                try:
                    rows = events.poll()
                    if events.lost > lost:
                        self.holes.append(self._hole(events, events.lost - lost))
                        lost, broken = events.lost, True
                    if rows is None:
                        if last is not None or self._over(asked):
                            return
                        events.wait()
                        continue
                except WriterLost:
                    if last is not None or self._over(asked):
                        return
                    continue
                except KeyboardInterrupt:
                    return
                segment = events.segment
                assert segment is not None  # a batch came of it
                self._learn(segment, rows)
                yield Batch(rows, segment.epoch, broken or segment.epoch != epoch)
                epoch, broken = segment.epoch, False

    def _over(self, asked: Asked) -> bool:
        return asked.end_ns is not None and self.end_ns() > asked.end_ns

    @staticmethod
    def _hole(events: shm.Events, count: int) -> Hole:
        """What `events` has just passed over."""
        epoch = events.segment.epoch if events.segment is not None else 0
        after = events.sequence
        why = "overwritten before they were read"
        return Hole(epoch, after - count, after - 1, count, why)
