"""Marks of a recording: digests and depths of books that the feed held, by record."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from shm.recording.manifest import File, Segment
from shm.recording.streams import opened


class Mark(NamedTuple):
    """What the cell of a book was when record `sequence` was the last in it."""

    sequence: int
    instrument: int
    bids: int  #: levels that the digest is of
    asks: int
    bids_known: int
    asks_known: int
    price_exponent: int
    size_exponent: int
    bid_digest: int
    ask_digest: int
    receive_ns: int
    state: str
    reason: str


def marks(directory: Path, segments: Sequence[Segment]) -> Iterator[Mark]:
    """Those of segments of one epoch, in order. Raises what reading their files raises."""
    first, last = segments[0].first, segments[-1].last
    families: dict[str, dict[str, File]] = {}
    for segment in segments:
        for file in segment.files:
            if file.table == "marks":
                families.setdefault(file.family, {})[file.path] = file
    chains = [_marks_in(directory, list(files.values())) for files in families.values()]
    for mark in heapq.merge(*chains):
        if first <= mark.sequence <= last:
            yield mark


def _marks_in(directory: Path, files: Sequence[File]) -> Iterator[Mark]:
    for file in files:
        with opened(directory, file) as found:
            for batch in found.iter_batches(8192, columns=list(Mark._fields)):
                columns = [batch.column(name).to_pylist() for name in Mark._fields]
                yield from map(Mark._make, zip(*columns, strict=True))
