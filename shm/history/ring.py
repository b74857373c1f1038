"""What of the past one epoch's ring still has, read while its writer goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from shm._native import DEAD_NS, RAW_EVENT, Segment, ring_begin, ring_oldest, ring_rows
from shm.history.columns import Rows
from shm.history.missing import GONE, OVERRUN, RING, SILENT, Missing
from shm.history.times import ALWAYS, NEVER
from shm.names import Flag, Kind

Wanted = npt.NDArray[np.uint8]
"""1 for an instrument that is asked for, by its row."""

_ALL = (1 << 64) - 1
_MARKET = sum(1 << kind for kind in Kind if kind not in (Kind.WRITER, Kind.STATE, Kind.ABSENT))
_TRIES = 100
_LOOKS = 256  # records, to see which time a replay has
_RATES_NS = (10_000_000_000, 60_000_000_000, 600_000_000_000)  # a rate is of as many ns
_FEW = 100  # records, from which there is no telling a rate


@dataclass(slots=True)
class RingPart:
    """Records of one epoch: rows of RAW_EVENT in the ring's order; `first`: where reading began."""

    rows: Rows
    first: int
    missing: list[Missing] = field(default_factory=list)


class Ring:
    """One epoch's ring. `oldest`: the first record that it had when this was made, `last` the last
    one; `begins_ns`: the time of the epoch's first record. What is written later is not looked at.
    """

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.epoch = segment.epoch
        self._look()
        head = self._peek(self.oldest, min(self.last, self.oldest + _LOOKS))
        created_ns = segment.created_ns + _offset_ns(segment)
        self.begins_ns = int(head["receive_ns"].min(initial=created_ns))

    def _look(self) -> None:
        self.last = self.segment.published
        self.oldest = ring_oldest(self.segment)

    @property
    def now_ns(self) -> int:
        """What time it is by the clock of its records: of a replay, that of its last one."""
        if not self.segment.replay:
            return self.segment.now_ns
        tail = self._peek(max(self.oldest, self.last - _LOOKS), self.last)
        return int(tail["receive_ns"].max(initial=0)) + 1

    def _peek(self, first: int, last: int, kinds: int = _MARKET) -> Rows:
        return ring_rows(self.segment, first, last, kinds, None, ALWAYS, NEVER)[0]

    def received_ns(self, sequence: int) -> int | None:
        """When a record was received; None: it is no more there, or not yet."""
        if not self.oldest <= sequence <= self.last:
            return None
        rows = self._peek(sequence, sequence, _ALL)
        return int(rows["receive_ns"][0]) if len(rows) else None

    @property
    def reaches_ns(self) -> int:
        """The time of its oldest record."""
        return self.begins_ns if self.oldest == 1 else self.received_ns(self.oldest) or 0

    @property
    def ends_ns(self) -> int:
        """When its writer was last known to be well: the end of what it can tell."""
        heartbeat_ns = self.segment.heartbeat_ns + _offset_ns(self.segment)
        return max(heartbeat_ns, self.received_ns(self.last) or 0)

    def span_ns(self, now_ns: int) -> int | None:
        """How long a record stays in it, at the rate of the last ten seconds, or of as many minutes
        where little comes; None: too little came to tell."""
        for window in _RATES_NS:
            begin = self.begin(now_ns - window)
            count = self.last - begin + 1
            if count >= _FEW:
                break
        since = now_ns - window
        if begin <= self.oldest:  # it does not reach back so far
            since = self.reaches_ns or since
        else:  # one before: where it begins was looked for in steps
            since = min(since, self.received_ns(begin) or since)
        if count <= 0 or (count < _FEW and now_ns - since < _RATES_NS[1]):
            return None
        return round(self.segment.slots * max(1, now_ns - since) / count)

    def ended(self, to_ns: int) -> Missing | None:
        """What is missing up to `to_ns` since its writer is gone, or says nothing."""
        why = self.segment.gone()
        ends = self.ends_ns
        if why is None and to_ns - ends < DEAD_NS:
            return None
        if self.segment.replay or ends >= to_ns:
            return None
        return Missing(ends, to_ns, f"{GONE} ({why})" if why else SILENT, self.epoch)

    def begin(self, from_ns: int) -> int:
        """Where what was received at `from_ns` or later begins; after the last: nothing was."""
        return ring_begin(self.segment, self.oldest, self.last, from_ns)

    def since(self, kinds: int, wanted: Wanted | None, from_ns: int, to_ns: int) -> RingPart:
        """Records that were received from `from_ns` to before `to_ns`."""
        for _ in range(_TRIES):
            begin = self.oldest if from_ns == ALWAYS else self.begin(from_ns)
            part = self.between(begin, self.last, kinds, wanted, from_ns, to_ns)
            if part.first <= self.last or begin > self.last:
                break
            self._look()  # all of it was overwritten meanwhile
        else:
            part.missing.append(Missing(None, None, OVERRUN, self.epoch, begin, self.last))
        if from_ns != ALWAYS and begin == self.oldest:
            part.missing[:0] = self._unreached(part.first, from_ns, to_ns)
        return part

    def _unreached(self, first: int, from_ns: int, to_ns: int) -> list[Missing]:
        """What of the epoch was overwritten already when reading began at `first`."""
        if first == 1:
            return []
        reaches = self.received_ns(first)
        since = max(from_ns, self.begins_ns)
        if reaches is not None and reaches <= since:
            return []
        all_of_it = from_ns <= self.begins_ns
        until = to_ns if reaches is None else min(reaches, to_ns)
        return [
            Missing(
                since,
                None if until == NEVER else until,
                RING,
                self.epoch,
                1 if all_of_it else None,
                first - 1 if all_of_it and until == reaches else None,
            )
        ]

    def first_message(self) -> int:
        """The first record of the oldest message that is whole; behind the last: there is none."""
        for at in range(self.oldest, self.last + 1, _LOOKS):
            rows = self.between(at, min(at + _LOOKS - 1, self.last)).rows
            firsts = rows["sequence"][rows["flags"] & Flag.FIRST != 0]
            if len(firsts):
                return int(firsts[0])
        return self.last + 1

    def between(
        self,
        first: int,
        last: int,
        kinds: int = _ALL,
        wanted: Wanted | None = None,
        from_ns: int = ALWAYS,
        to_ns: int = NEVER,
    ) -> RingPart:
        """Records `first` to `last`; what is overwritten meanwhile is in `missing`.

        If that is so at the beginning, reading begins later, and `first` says where.
        """
        parts: list[Rows] = []
        missing: list[Missing] = []
        begin = next_ = first
        while next_ <= last:
            rows, read_to = ring_rows(self.segment, next_, last, kinds, wanted, from_ns, to_ns)
            parts.append(rows)
            if read_to > last:
                break
            # Some way ahead of the writer, or it is met again at once.
            ahead = ring_oldest(self.segment) + self.segment.slots // 16
            lost_to = min(max(ahead, read_to + 1), last + 1) - 1
            if read_to == begin:
                begin = lost_to + 1
            elif missing and missing[-1].last == read_to - 1:  # nothing was read between them
                missing[-1] = replace(
                    missing[-1], to_ns=self.received_ns(lost_to + 1), last=lost_to
                )
            else:
                before = self.received_ns(read_to - 1) or _last_ns(parts)
                missing.append(
                    Missing(
                        before, self.received_ns(lost_to + 1), OVERRUN, self.epoch, read_to, lost_to
                    )
                )
            next_ = lost_to + 1
        return RingPart(joined(parts), begin, missing)

    def latest(
        self,
        count: int,
        kinds: int,
        wanted: Wanted | None,
        to_ns: int,
        counted: Callable[[Rows], int],
    ) -> RingPart:
        """The last records until `counted` says `count`, or all that there are."""
        parts: list[RingPart] = []
        high, chunk, found = self.last, max(4096, 4 * count), 0
        begin = self.last + 1
        while high >= self.oldest and found < count:
            low = max(self.oldest, high - chunk + 1)
            part = self.between(low, high, kinds, wanted, ALWAYS, to_ns)
            parts.append(part)
            found += counted(part.rows)
            begin, high, chunk = part.first, low - 1, chunk * 4
            if part.first > low:  # overwritten from here on back
                break
        parts.reverse()
        missing = [each for part in parts for each in part.missing]
        return RingPart(joined([part.rows for part in parts]), begin, missing)


def _last_ns(parts: list[Rows]) -> int | None:
    for rows in reversed(parts):
        if len(rows):
            return int(rows["receive_ns"][-1])
    return None


def joined(parts: list[Rows]) -> Rows:
    """One array of several. (numpy's own way makes rows of another layout.)"""
    parts = [rows for rows in parts if len(rows)]
    if not parts:
        return np.empty(0, RAW_EVENT)
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts, out=np.empty(sum(map(len, parts)), parts[0].dtype))


def _offset_ns(segment: Segment) -> int:
    """A mirror's host says by its own clock when it was made, and when its writer was well; its
    records have another's."""
    return int((segment.mirror or {}).get("clock_offset_ns", 0))
