"""A recording, read back: records in the order of the ring, bases of books, and what is missing.

    recording = Recording("recordings")
    for rows in recording.rows("deribit", tables=["trades"], start=yesterday_ns):
        ...  # numpy structured arrays, RECORD

Needs pyarrow, and little memory however long a recording is.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from shm.recording import manifest as manifests
from shm.recording import schema
from shm.recording.directory import InstrumentRow, instrument_rows
from shm.recording.errors import NoRecording
from shm.recording.manifest import File, Loss, Manifest, Segment
from shm.recording.streams import Chain, merged
from shm.recording.window import Place, Rows, Window


@dataclass(frozen=True, slots=True)
class Missing:
    """Records `first` to `last` of an epoch are not there.

    `last` and `count` None: nobody knows how many. `from_ns` and `to_ns`: of the records on both
    sides; None: there are none. `why`: what the recorder said, "" if nothing.
    """

    epoch: int
    first: int
    last: int | None
    count: int | None
    why: str
    from_ns: int | None
    to_ns: int | None


class Recording:
    """What a recorder has kept in a directory, as of now; `refresh` for what came since.

    Raises :class:`shm.recording.errors.NoRecording` if there is none, `OtherFormat` if another
    version wrote it, and where it is read `DamagedRecording`, `NoPyarrow`.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        self.manifest: Manifest = manifests.read(self.directory)

    def refresh(self) -> None:
        """Read the manifest again."""
        self.manifest = manifests.read(self.directory)

    def venues(self) -> list[str]:
        return self.manifest.venues()

    def segments(self, venue: str) -> list[Segment]:
        """What is there, by epoch and record: each segment has all of its records."""
        found = self.manifest.segments(venue)
        if not found:
            there = self.venues()
            near = difflib.get_close_matches(venue, there, n=1, cutoff=0.6)
            hint = f"; did you mean {near[0]!r}?" if near else ":"
            has = ", ".join(there) or "nothing"
            raise NoRecording(f"{self.directory} has no venue {venue!r}{hint} it has {has}")
        return found

    def losses(self, venue: str) -> list[Loss]:
        """What the recorder says is missing."""
        return self.manifest.losses(venue)

    def missing(self, venue: str) -> list[Missing]:
        """What is missing in fact, between the segments, with what the recorder says of it."""
        segments = self.segments(venue)
        found = []
        for epoch, first, last in manifests.holes(self.manifest, venue):
            before = [s for s in segments if (s.epoch, s.last) < (epoch, first)]
            after = [s for s in segments if (s.epoch, s.first) > (epoch, first)]
            why = [
                loss.why
                for loss in self.losses(venue)
                if loss.epoch == epoch
                and (last is None or loss.first <= last)
                and (loss.last is None or loss.last >= first)
            ]
            found.append(
                Missing(
                    epoch,
                    first,
                    last,
                    None if last is None else last - first + 1,
                    ", ".join(dict.fromkeys(why)),
                    before[-1].to_ns if before else None,
                    after[0].from_ns if after else None,
                )
            )
        found += [
            Missing(
                each.epoch, each.first, each.last, each.count, each.why, each.from_ns, each.to_ns
            )
            for each in self.manifest.unseen(venue)
        ]
        return sorted(found, key=lambda missing: (missing.epoch, missing.first))

    def definitions(self, venue: str) -> list[InstrumentRow]:
        """Rows of the directory, by epoch and record: each as often as the recorder wrote it."""
        files = {
            file.path: file
            for segment in self.segments(venue)
            for file in segment.files
            if file.table == "instruments"
        }
        return sorted(
            instrument_rows(self.directory, files.values()),
            key=lambda row: (row.epoch, row.sequence, row.instrument),
        )

    def instruments(self, venue: str) -> dict[tuple[int, int], InstrumentRow]:
        """By (epoch, row): each instrument as it was last."""
        return {(row.epoch, row.instrument): row for row in self.definitions(venue)}

    def rows(
        self,
        venue: str,
        tables: Iterable[str] | None = None,
        *,
        start: Place | None = None,
        end: Place | None = None,
        symbols: Iterable[str] | None = None,
        bases: bool | str = True,
        batch_rows: int = 65_536,
    ) -> Iterator[Rows]:
        """Records in the order of the ring, as arrays of RECORD (`shm.recording._books`).

        `tables`: of `schema.RECORD_TABLES`; None: all, which is every record. `symbols`: of these
        instruments only. `start`: the first record that is that one, or was received then or later;
        `end`: the first one after `start` that is not wanted any more. Between records that were
        received in other than their order, it is the order of the ring that counts.

        `bases`: with "book" among the tables, base rows where the books have to begin anew: all of
        them as of `start`, and after records that are missing. "all": also those in between, which
        only say again what the books are. False: none.
        """
        wanted = schema.checked_tables(tables)
        names = None if symbols is None else frozenset(symbols)
        segments = self.segments(venue)

        def merge(epoch: int, tables: Sequence[str], first: int, last: int) -> Iterator[Rows]:
            return self.merge(
                venue, epoch, tables, first, last, symbols=names, batch_rows=batch_rows
            )

        return Window(segments, wanted, merge, bases).rows(start, end)

    def _files(self, venue: str, epoch: int, first: int, last: int, table: str) -> list[File]:
        """Those of segments that have some of these records."""
        files = {
            file.path: file
            for segment in self.manifest.segments(venue)
            if segment.epoch == epoch and segment.first <= last and segment.last >= first
            for file in segment.files
            if file.table == table
        }
        return list(files.values())

    def merge(
        self,
        venue: str,
        epoch: int,
        tables: Sequence[str],
        first: int,
        last: int,
        *,
        symbols: frozenset[str] | None = None,
        batch_rows: int = 65_536,
    ) -> Iterator[Rows]:
        """Records `first` to `last` of an epoch, with all base rows among them."""
        chains = []
        for table in tables:
            families = {file.family for file in self._files(venue, epoch, first, last, table)}
            for family in sorted(families):

                def files(anew: bool, table: str = table, family: str = family) -> list[File]:
                    if anew:
                        self.refresh()
                    there = self._files(venue, epoch, first, last, table)
                    return [file for file in there if file.family == family]

                chains.append(
                    Chain(
                        self.directory,
                        table,
                        epoch,
                        files,
                        first=first,
                        last=last,
                        symbols=symbols,
                        batch_rows=batch_rows,
                    )
                )
        return merged(chains)
