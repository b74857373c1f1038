"""One venue's records into segments: where they begin and end, and what is missing between them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from time import monotonic, time_ns
from typing import Any, NamedTuple

import numpy as np

from feedhandler.config.record_keys import RecordConfig
from feedhandler.recording import cells
from feedhandler.recording.cells import BookCell
from feedhandler.recording.columns import Rows
from feedhandler.recording.directory import RecordingDirectory
from feedhandler.recording.listing import Listing, as_row
from feedhandler.recording.open_segment import OpenSegment
from shm import Flag
from shm._native import Segment as Memory
from shm.recording._books import Books
from shm.recording.manifest import EPOCH_ENDED, LAPPED, End, Line, Loss, Manifest
from shm.recording.schema import DAY_NS, day_of

_LOOK_S = 1.0  #: between looks at the directory for rows that were stored again


class Committed(NamedTuple):
    """The last record that is on disk, or told to be lost. `ended`: its epoch has none after it.
    `rowless`: losses after the last segment, which no row tells of yet."""

    epoch: int
    last: int
    to_ns: int
    ended: bool
    rowless: tuple[Loss, ...] = ()

    @staticmethod
    def of(known: Manifest, venue: str) -> Committed | None:
        """What a manifest says; None: nothing of that venue."""
        segments = known.segments(venue)
        if not segments:
            return None
        newest = segments[-1]
        end = known.ends(venue).get(newest.epoch)
        at = (newest.epoch, newest.last)
        rowless = tuple(each for each in known.losses(venue) if (each.epoch, each.first) > at)
        told = [each.last or 0 for each in rowless if each.epoch == newest.epoch]
        last = max(newest.last, *told, 0)
        return Committed(newest.epoch, last, newest.to_ns, end is not None, rowless)


class VenueRecorder:
    """What comes goes in by `opened`, `rows` and `ended`, in order; `tick` now and then.

    All that is told raises OSError when the disk cannot take it: `abandon` then, and let the ring
    be read again from after `committed`.
    """

    def __init__(
        self,
        directory: RecordingDirectory,
        venue: str,
        config: RecordConfig,
        committed: Committed | None,
        cause: str,
    ) -> None:
        self.venue = venue
        self.committed = committed
        self.open: OpenSegment | None = None
        self.records = self.bytes = self.lost = self.segments = 0
        self._directory = directory
        self._config = config
        self._cause = cause  #: of what is missing before the next segment
        self._listing: Listing | None = None
        self._books = Books()
        self._follows = 0  #: the record that the ring was read from last
        self._joined_at = 0  #: after this record the books are whole
        self._marks: list[BookCell] = []  #: by the record that they are as of, which is to come
        self._why = "run"
        self._day = ""  #: of the last segment
        self._needs_bases = self._needs_listing = True
        self._began = self._based = self._marked = self._looked = monotonic()

    # ---- what comes

    def opened(
        self, memory: Memory, first: int, found: Sequence[BookCell] | None, why: str
    ) -> None:
        """Records of this epoch follow, from `first` on. `found`: the cells, where these are not
        its first ones. `why` the next segment begins."""
        self.commit(inside=True)
        self._follows = first
        self._why = why
        if self._listing is None or self._listing.segment is not memory:
            self._listing = Listing(memory)
            self._needs_listing = True
        self._books.clear()
        self._joined_at = 0
        self._marks.clear()
        self._needs_bases = True
        for cell in found or ():
            cells.join(self._books, cell)
            self._joined_at = max(self._joined_at, cell.sequence)

    def rows(self, rows: Rows) -> None:
        """The next ring records, whole messages."""
        before = self.committed
        if self.open is not None and int(rows["sequence"][0]) != self.open.last + 1:
            self.commit(inside=True)
            self._why = "loss"
        elif before is not None and self._epoch == before.epoch:
            rows = rows[rows["sequence"] > before.last]
        for piece in self._pieces(rows):
            self._take(piece)

    @property
    def _epoch(self) -> int:
        return 0 if self._listing is None else self._listing.segment.epoch

    def ended(self, epoch: int, last: int, why: str) -> None:
        """The epoch has no more records than those up to `last`."""
        self.commit(inside=True)
        end = End(time_ns(), self.venue, epoch, last, why)
        before = self.committed
        seen = before.last if before is not None and before.epoch == epoch else 0
        if last <= seen or before is None:
            self._directory.append([end])
        else:
            cause, since = self._cause or LAPPED, before.to_ns
            self._tell([self._loss(epoch, seen + 1, last, cause, since, None)], end)
        if self.committed is not None and self.committed.epoch == epoch:
            self.committed = self.committed._replace(ended=True)
        self._cause = ""

    def _tell(self, losses: Sequence[Loss], *lines: Line) -> None:
        """Losses after which no segment has come yet."""
        self._directory.append([*losses, *lines])
        self.lost += sum(loss.count or 0 for loss in losses)
        if self.committed is not None:
            its = [each.last or 0 for each in losses if each.epoch == self.committed.epoch]
            self.committed = self.committed._replace(
                last=max(self.committed.last, *its, 0), rowless=(*self.committed.rowless, *losses)
            )

    def tick(self) -> None:
        """By the clock: marks, rows of the directory, rotation."""
        now = monotonic()
        if self._listing is None:
            return
        if now - self._looked >= _LOOK_S:
            self._looked = now
            self._look()
        if now - self._marked >= self._config.mark_s:
            self._mark()
        its = self.open
        if its is not None and (
            now - self._began >= self._config.rotate_s or its.bytes >= self._config.rotate_mib << 20
        ):
            self.commit()

    def commit(self, *, inside: bool = False) -> None:
        """End the open segment, if there is one, and make it count. Unless `inside`, not between
        the parts of a message that was split: its cells are stored at its end only."""
        its = self.open
        if its is None or (its.splits and not inside):
            return
        self._mark()
        self._look()
        segment = its.commit()
        self._directory.append([segment, *its.losses])
        self.open = None
        self._cause = ""
        self.committed = Committed(its.epoch, its.last, its.to_ns, ended=False)
        self.segments += 1
        self.bytes += sum(file.bytes for file in segment.files)
        self.lost += sum(loss.count or 0 for loss in its.losses)
        self._why = "rotation"

    def finish(self) -> None:
        """Commit what there is, and say what is missing after it."""
        self.commit(inside=True)
        before = self.committed
        if before is None or before.epoch != self._epoch:
            return
        losses = self._losses(before.epoch, self._follows, time_ns())
        if losses:
            self._tell(losses)

    def abandon(self, cause: str) -> None:
        """Nothing of the open segment is kept. `cause`: why its records are missing, if they are
        not read again."""
        if self.open is not None:
            self.open.abandon()
            self.open = None
        self._marks.clear()
        self._listing = None
        self._needs_listing = self._needs_bases = True
        self._cause = self._cause or cause

    # ---- pieces of what comes

    def _pieces(self, rows: Rows) -> Iterator[Rows]:
        """Cut where a day ends, and where the books that were joined are whole."""
        while len(rows):
            cut = len(rows)
            first = int(rows["sequence"][0])
            if first <= self._joined_at < first + cut - 1:
                cut = self._joined_at + 1 - first
            later = np.flatnonzero(rows["receive_ns"][:cut] >= self._day_end(rows))
            if len(later):
                cut = self._message_begin(rows, int(later[0])) or cut
            yield rows[:cut]
            rows = rows[cut:]

    def _day_end(self, rows: Rows) -> int:
        """Of the open segment's day; of one that the first of these rows would begin."""
        if self.open is None:
            begins = int(rows["receive_ns"][0])
            return begins - begins % DAY_NS + DAY_NS
        day = datetime.fromisoformat(self.open.day).replace(tzinfo=UTC)
        return int(day.timestamp()) * 1_000_000_000 + DAY_NS

    def _message_begin(self, rows: Rows, at: int) -> int:
        """The place of the first record of the message that has the one at `at`."""
        begins = np.flatnonzero(rows["flags"][: at + 1] & Flag.FIRST)
        return int(begins[-1]) if len(begins) else 0

    def _take(self, rows: Rows) -> None:
        its = self.open
        if its is not None and int(rows["receive_ns"][0]) >= self._day_end(rows):
            self.commit()
            self._why = "day"
        if self.open is None:
            self._begin(rows)
        assert self.open is not None
        self.open.add(rows)
        self._apply(rows)
        self.records += len(rows)
        if self.open.last == self._joined_at and self._needs_bases:
            self.commit()

    def _begin(self, rows: Rows) -> None:
        assert self._listing is not None
        first, receive_ns = int(rows["sequence"][0]), int(rows["receive_ns"][0])
        if day_of(receive_ns) != self._day:  # it may go back, too, with the clock
            self._day = day_of(receive_ns)
            self._needs_bases = self._needs_listing = True
        its = OpenSegment(
            self._directory.path,
            self.venue,
            self._listing,
            first,
            receive_ns,
            self._why,
            self._losses(self._listing.segment.epoch, first, receive_ns),
            () if self.committed is None else self.committed.rowless,
        )
        self.open = its
        now = self._began = monotonic()
        whole = first > self._joined_at
        if whole and (self._needs_bases or now - self._based >= self._config.base_s):
            epoch = its.epoch
            its.add_bases(
                self._books.base(row, first - 1, epoch=epoch, receive_ns=receive_ns)
                for row in self._books.instruments()
            )
            self._needs_bases = False
            self._based = now
        if self._needs_listing:
            its.add_instruments(as_row(one, its.epoch, first - 1) for one in self._listing.all())
            self._needs_listing = False

    # ---- what is missing

    def _losses(self, epoch: int, first: int, receive_ns: int) -> list[Loss]:
        """What is missing before record `first`, of this epoch and of the one before it."""
        before = self.committed
        if before is None:
            return []  # the recording begins here
        cause = self._cause or LAPPED
        if before.epoch == epoch:
            if first <= before.last + 1:
                return []
            return [self._loss(epoch, before.last + 1, first - 1, cause, before.to_ns, receive_ns)]
        found = []
        if not before.ended:
            found.append(
                self._loss(
                    before.epoch, before.last + 1, None, EPOCH_ENDED, before.to_ns, receive_ns
                )
            )
        found += self._unseen(before, receive_ns)
        if first > 1:
            found.append(self._loss(epoch, 1, first - 1, cause, before.to_ns, receive_ns))
        return found

    def _unseen(self, before: Committed, receive_ns: int) -> list[Loss]:
        """Epochs that began and ended between those two, of which nothing was read."""
        assert self._listing is not None
        told = {each.epoch for each in before.rowless}
        return [
            self._loss(epoch, 1, None, EPOCH_ENDED, before.to_ns, receive_ns)
            for epoch in reversed(self._listing.segment.earlier)
            if epoch > before.epoch and epoch not in told
        ]

    def _loss(
        self, epoch: int, first: int, last: int | None, why: str, since: int, until: int | None
    ) -> Loss:
        count = None if last is None else last + 1 - first
        return Loss(time_ns(), self.venue, epoch, first, last, count, why, since, until)

    # ---- what the feed held, and lists

    def _mark(self) -> None:
        """Look at all book cells: what they show belongs to the record that they are as of."""
        self._marked = monotonic()
        if self._listing is None or self._needs_bases:
            return
        its, before = self.open, self.committed
        done = its.last if its is not None else before.last if before is not None else 0
        found = cells.read_all(self._listing.segment)
        if its is not None and not its.splits:
            its.add_marks(self._as_marks(cell for cell in found if cell.as_of == done))
        later = [cell for cell in (*self._marks, *found) if cell.as_of > done]
        self._marks = sorted(later, key=lambda cell: cell.as_of)

    def _apply(self, rows: Rows) -> None:
        """To the books, stopping where a cell that was looked at is as of: only there it is known
        how deep they can be compared."""
        assert self.open is not None
        first, last, at = int(rows["sequence"][0]), int(rows["sequence"][-1]), 0
        while self._marks and self._marks[0].as_of <= last:
            as_of = self._marks[0].as_of
            count = bisect_right(self._marks, as_of, key=lambda cell: cell.as_of)
            due, self._marks = self._marks[:count], self._marks[count:]
            if as_of < first:
                continue
            self._books.apply(rows[at : as_of + 1 - first])
            at = as_of + 1 - first
            if not rows["flags"][at - 1] & Flag.MORE:  # else its cell is older than that
                self.open.add_marks(self._as_marks(due))
        self._books.apply(rows[at:])

    def _as_marks(self, found: Iterable[BookCell]) -> Iterator[dict[str, Any]]:
        assert self._listing is not None
        self._listing.learn()
        for cell in found:
            if cell.instrument in self._books:
                symbol = self._listing.symbols[cell.instrument]
                yield cells.as_mark(cell, self._books, self._epoch, symbol)

    def _look(self) -> None:
        """Rows of the directory that are new or other ones."""
        if self._listing is None or self.open is None or self._needs_listing:
            return
        its = self.open
        its.add_instruments(as_row(one, its.epoch, its.last) for one in self._listing.fresh())
