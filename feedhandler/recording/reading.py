"""The reader's half: every record of each venue's ring, and what happened to it, into one queue."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple, TypeAlias

from feedhandler.log import Throttle
from feedhandler.recording import cells
from feedhandler.recording.cells import BookCell
from feedhandler.recording.columns import Rows
from feedhandler.recording.venue_recorder import Committed
from shm import NoSuchVenue, NotReady, Overrun, ShmError, WriterLost
from shm._native import Segment
from shm.attach import open_segment
from shm.events import Events, Life
from shm.history.ring import Ring

NAME = "record"  #: in the registry of readers
_RETRY_S = 0.2
_BATCHES = 16  #: of one venue, before the next has its turn


@dataclass(frozen=True, slots=True)
class Opened:
    """Records of an epoch follow, from `first` on; `found`: its book cells, if that is not 1."""

    venue: str
    segment: Segment
    first: int
    found: Sequence[BookCell] | None
    why: str


class Records(NamedTuple):
    """Whole messages."""

    venue: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class Ended:
    """The epoch has no record after `last`."""

    venue: str
    epoch: int
    last: int
    why: str


Item: TypeAlias = Opened | Records | Ended


class Queue:
    """Between the two threads, with room for so many bytes: who puts more waits."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._items: deque[tuple[Item, float]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closed = False  #: nothing is taken: what is put is dropped

    @property
    def bytes(self) -> int:
        """In it now."""
        return self._bytes

    def age_ns(self) -> int:
        """How long the next one has been in it."""
        with self._changed:
            return int((monotonic() - self._items[0][1]) * 1e9) if self._items else 0

    def put(self, item: Item) -> None:
        """Waits for room."""
        size = _size(item)
        with self._changed:
            while self._bytes + size > self._room and self._items and not self._closed:
                self._changed.wait(0.1)
            if not self._closed:
                self._items.append((item, monotonic()))
                self._bytes += size
                self._changed.notify_all()

    def get(self, timeout: float) -> Item | None:
        """The next one; None after the timeout."""
        with self._changed:
            if not self._items:
                self._changed.wait(timeout)
            if not self._items:
                return None
            item, _ = self._items.popleft()
            self._bytes -= _size(item)
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Drop what is there, and what comes, until `open`."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._bytes = 0
            self._changed.notify_all()

    def open(self) -> None:
        with self._changed:
            self._closed = False


def _size(item: Item) -> int:
    return item.rows.nbytes if isinstance(item, Records) else 0


class VenueReader:
    """One venue's ring, followed from where the recording ends. One thread polls it."""

    def __init__(self, namespace: str, venue: str, owners: frozenset[int], queue: Queue) -> None:
        self.venue = venue
        self.waits_for = ""  #: why nothing comes
        self.events: Events | None = None
        self._namespace, self._owners = namespace, owners
        self._queue = queue
        self._segment: Segment | None = None
        self._committed: Committed | None = None
        self._why = "run"
        self._try_at = 0.0
        self._quiet = Throttle()

    @property
    def lag(self) -> int:
        """Records that are there and not read."""
        return 0 if self.events is None else self.events.lag

    def waited_ns(self) -> int:
        """How long the next record that is not read has been in the ring."""
        events, segment = self.events, self._segment
        if events is None or segment is None or events.lag == 0:
            return 0
        return max(0, segment.now_ns - int(segment.ring(events.sequence, 1)["receive_ns"][0]))

    def ring_ns(self) -> int | None:
        """How long a record stays in its ring, by what its writer writes; None: too little to tell.

        Not by what is read of it: who catches up reads a minute's records in a second.
        """
        segment = self._segment
        if segment is None:
            return None
        ring = Ring(segment)
        return ring.span_ns(ring.now_ns)

    def begin(self, committed: Committed | None, why: str) -> None:
        """Read what comes after that, from now on: as far back as the ring still has it."""
        self._committed, self._why = committed, why
        self._close_events()
        segment = self._segment
        if segment is None or (
            committed is not None and committed.ended and committed.epoch == segment.epoch
        ):
            return
        self._follow(segment)  # it stays readable, whatever became of its writer

    def close(self) -> None:
        self._close_events()
        self._segment = None

    def _close_events(self) -> None:
        if self.events is not None:
            self.events.close()
            self.events = None

    def poll(self) -> bool:
        """Take what is there, some batches at most; whether there was something."""
        try:
            if self.events is None and not self._attach():
                return False
            return self._read()
        except (NoSuchVenue, NotReady) as error:
            self.waits_for = str(error)
        except ShmError as error:
            self.waits_for = str(error)
            self._quiet.warning(self.venue, f"{self.venue}: {error}")
            self._close_events()
            self._segment = None
        self._try_at = monotonic() + _RETRY_S
        return False

    def _attach(self) -> bool:
        if monotonic() < self._try_at:
            return False
        self._follow(open_segment(self._namespace, self.venue, self._owners))
        return True

    def _newer(self, life: Life) -> Segment | None:
        if monotonic() < self._try_at:
            return None
        self._try_at = monotonic() + _RETRY_S
        try:
            segment = open_segment(self._namespace, self.venue, self._owners)
        except (NoSuchVenue, NotReady) as error:
            self.waits_for = str(error)
            return None
        return None if segment.life == life else segment

    def _follow(self, segment: Segment) -> None:
        """From the record after the last that is on disk; or a bit after the oldest one, which
        would be overwritten before it is read."""
        its = self._committed
        wanted = its.last + 1 if its is not None and its.epoch == segment.epoch else 1
        oldest = max(1, segment.published + 1 - segment.slots)
        if wanted < oldest:
            wanted = min(segment.published + 1, oldest + segment.slots // 8)
        wanted = min(wanted, segment.published + 1)
        self.events = Events(self._newer, segment, None, None, wanted, "raise", True, True, NAME)
        self._opened(segment, self._why)

    def _opened(self, segment: Segment, why: str) -> None:
        assert self.events is not None
        self._segment = segment
        self.waits_for = ""
        first = self.events.sequence
        found = None if first == 1 else cells.read_all(segment)
        self._queue.put(Opened(self.venue, segment, first, found, why))

    def _read(self) -> bool:
        events = self.events
        assert events is not None
        some = False
        for _ in range(_BATCHES):
            try:
                rows = events.poll()
            except Overrun:
                rows = None
                if events.segment is not None:
                    self._opened(events.segment, "loss")
                    some = True
            except WriterLost as lost:
                self._queue.put(Ended(self.venue, lost.epoch, lost.published, lost.reason))
                self._why = "epoch"
                return True
            if rows is None:
                break
            if events.segment is not None and events.segment is not self._segment:
                self._first_of(events.segment, int(rows["sequence"][0]))
            self._queue.put(Records(self.venue, rows))
            some = True
        return some

    def _first_of(self, segment: Segment, sequence: int) -> None:
        """Another epoch: a reader goes over to it by itself, to its first record."""
        self._segment = segment
        self.waits_for = ""
        found = None if sequence == 1 else cells.read_all(segment)
        self._queue.put(Opened(self.venue, segment, sequence, found, "epoch"))
