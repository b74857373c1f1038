"""A range of one epoch's records on its way to disk: nothing of it counts until all of it does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from time import time_ns
from typing import TYPE_CHECKING, Any

import numpy as np

from feedhandler.recording import columns
from feedhandler.recording.columns import Rows
from feedhandler.recording.listing import Listing
from feedhandler.recording.part import Part, write_out
from shm import Flag
from shm.recording.manifest import Loss, Segment
from shm.recording.schema import (
    FAMILIES,
    NO_FAMILY,
    RECORD_TABLES,
    day_of,
    part_name,
    partition,
    table_of,
)

if TYPE_CHECKING:
    import pyarrow as pa

GROUP_ROWS = 131_072
"""Rows of a group in a file: so many are kept in memory before they are written."""

_MARKS_AT_ONCE = 4096
_FAMILY_COUNT = len(FAMILIES)
_TABLE_NUMBER = np.array(
    [RECORD_TABLES.index(table_of(kind)) for kind in range(256)], dtype=np.uint8
)
Key = tuple[str, str]


class OpenSegment:
    """From record `first` on. `losses`: what is missing before it, to be committed with it;
    `told`: what the manifest says already, and no row."""

    def __init__(
        self,
        root: Path,
        venue: str,
        listing: Listing,
        first: int,
        receive_ns: int,
        why: str,
        losses: Sequence[Loss] = (),
        told: Sequence[Loss] = (),
    ) -> None:
        self.venue = venue
        self.epoch = listing.segment.epoch
        self.first, self.last = first, first - 1
        self.day = day_of(receive_ns)
        self.from_ns = self.to_ns = receive_ns
        self.losses = tuple(losses)
        self.bases = False
        self.splits = False  #: the last record is inside a message that goes on
        self._why = why
        self._root = root
        self._listing = listing
        listing.learn()
        self._parts: dict[Key, Part] = {}
        self._rows: dict[Key, list[Rows]] = defaultdict(list)
        self._counts: dict[Key, int] = defaultdict(int)
        self._marks: dict[Key, list[Mapping[str, Any]]] = defaultdict(list)
        self._instruments: dict[Key, list[Mapping[str, Any]]] = defaultdict(list)
        if told or losses:
            self._keep_losses([*told, *losses])

    @property
    def records(self) -> int:
        """How many it has."""
        return self.last + 1 - self.first

    @property
    def bytes(self) -> int:
        """On disk so far."""
        return sum(part.bytes for part in self._parts.values())

    @property
    def buffered(self) -> int:
        """Rows in memory."""
        return sum(self._counts.values())

    # ---- what it gets

    def add(self, rows: Rows) -> None:
        """Ring records, the next ones."""
        receive = rows["receive_ns"]
        self.from_ns = min(self.from_ns, int(receive.min()))
        self.to_ns = max(self.to_ns, int(receive.max()))
        self.last = int(rows["sequence"][-1])
        self.splits = bool(rows["flags"][-1] & Flag.MORE)
        families = self._listing.families
        if int(rows["instrument"].max(initial=0)) >= len(families) - 1:
            self._listing.learn()
            families = self._listing.families
        family = families[np.minimum(rows["instrument"], len(families) - 1)]
        number = _TABLE_NUMBER[rows["kind"]] * np.uint8(_FAMILY_COUNT) + family
        present = np.flatnonzero(np.bincount(number))
        for each in present.tolist():
            key = RECORD_TABLES[each // _FAMILY_COUNT], FAMILIES[each % _FAMILY_COUNT]
            its = rows if len(present) == 1 else rows[number == each]
            self._rows[key].append(its)
            self._counts[key] += len(its)
            if self._counts[key] >= GROUP_ROWS:
                self._write_rows(key)

    def add_bases(self, books: Iterable[Rows]) -> None:
        """The books as of the record before the first: base rows, a book an array."""
        self.bases = True
        by_family: dict[str, list[Rows]] = defaultdict(list)
        count: dict[str, int] = defaultdict(int)
        for rows in books:
            family = FAMILIES[self._listing.families[int(rows["instrument"][0])]]
            by_family[family].append(rows)
            count[family] += len(rows)
            if count[family] >= GROUP_ROWS:
                self._write(("book", family), by_family.pop(family))
                count[family] = 0
        for family, rest in by_family.items():
            self._write(("book", family), rest)

    def add_instruments(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Rows of the directory."""
        for row in rows:
            self._instruments["instruments", str(row["kind"])].append(row)

    def add_marks(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Marks of books."""
        for row in rows:
            key = "marks", FAMILIES[self._listing.families[row["instrument"]]]
            self._marks[key].append(row)
        for key, its in self._marks.items():
            if len(its) >= _MARKS_AT_ONCE:
                self._write_plain(key, its)
                its.clear()

    def spill(self) -> None:
        """Write the most of what is in memory."""
        if self._counts:
            self._write_rows(max(self._counts, key=self._counts.__getitem__))

    def _keep_losses(self, losses: Sequence[Loss]) -> None:
        row = {"kind": "loss", "flags": 0, "precision": 0, "price_exponent": 0}
        row |= {"size_exponent": 0, "publish_delta_ns": 0, "venue_sequence": 0, "aux": 0}
        rows = []
        for loss in losses:
            when = loss.to_ns if loss.to_ns is not None else loss.from_ns
            when = self.from_ns if when is None else when
            last = loss.last if loss.last is not None else loss.first
            rows.append(
                {
                    **row,
                    "epoch": loss.epoch,
                    "sequence": last,
                    "receive_ns": when,
                    "receive_time": when,
                    "lost": loss.count,
                    "loss_first": loss.first,
                    "loss_last": loss.last,
                    "note": loss.why,
                }
            )
        self._write_plain(("states", NO_FAMILY), rows)

    # ---- to disk

    def _part(self, key: Key) -> Part:
        part = self._parts.get(key)
        if part is None:
            table, family = key
            name = PurePosixPath(
                partition(self.venue, table, self.day, family), part_name(self.epoch, self.first)
            )
            part = self._parts[key] = Part(self._root, name, table, family)
        return part

    def _write_rows(self, key: Key) -> None:
        rows = self._rows.pop(key)
        del self._counts[key]
        self._write(key, rows)

    def _write(self, key: Key, rows: Sequence[Rows]) -> None:
        whole = rows[0] if len(rows) == 1 else np.concatenate(rows)
        table = columns.table_of(key[0], self.epoch, whole, self._listing.symbols)
        self._put(key, table, int(whole["sequence"][0]), int(whole["sequence"][-1]))

    def _write_plain(self, key: Key, rows: Sequence[Mapping[str, Any]]) -> None:
        if key[0] == "marks":  # of cells that were looked at one after the other
            rows = sorted(rows, key=lambda row: int(row["sequence"]))
        sequences = [row["sequence"] for row in rows]
        self._put(key, columns.table_from(key[0], rows), min(sequences), max(sequences))

    def _put(self, key: Key, table: pa.Table, first: int, last: int) -> None:
        self._part(key).write(table, first, last)

    def commit(self) -> Segment:
        """Everything to the disk, under its names; the line that makes it count. OSError: abandon
        it then."""
        for key in list(self._rows):
            self._write_rows(key)
        for plain in (self._marks, self._instruments):
            for key, rows in plain.items():
                if rows:
                    self._write_plain(key, rows)
            plain.clear()
        parts = list(self._parts.values())
        write_out(parts)
        return Segment(
            time_ns(),
            self.venue,
            self.epoch,
            self.first,
            self.last,
            self.records,
            self.day,
            self.from_ns,
            self.to_ns,
            self.bases,
            self._why,
            tuple(part.file for part in parts),
        )

    def abandon(self) -> None:
        """Take all of it away."""
        for part in self._parts.values():
            part.abandon()
        self._parts.clear()
