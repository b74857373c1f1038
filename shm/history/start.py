"""Where events begin that are asked for from a time on."""

from __future__ import annotations

import numpy as np

from shm._native import Segment
from shm.history.missing import EPOCH_BEFORE, RING, Missing
from shm.history.ring import Ring
from shm.history.times import FIRST_NS, NEVER, Instant, instant_ns
from shm.names import Flag

_ALL = (1 << 64) - 1
_CHUNK = 4096


def sequence_of(start: Instant) -> int | None:
    """A whole number that is no time is a record."""
    if isinstance(start, (int, np.integer)) and not isinstance(start, (bool, np.timedelta64)):
        return int(start) if start < FIRST_NS else None
    return None


def since_ns(segment: Segment, start: Instant) -> int:
    """The time that is meant. Raises ValueError for what is none, or is to come."""
    now = Ring(segment).now_ns
    when = instant_ns(start, now)
    if when > now:
        raise ValueError(f"start={start!r}: that is to come")
    return when


def first_since(segment: Segment, from_ns: int) -> tuple[int, tuple[Missing, ...]]:
    """The first message that was received at that time or later, by its first record; and what is
    missing since then: the ring may not reach so far back."""
    ring = Ring(segment)
    missing = []
    if from_ns < ring.begins_ns:
        missing.append(Missing(from_ns, ring.begins_ns, EPOCH_BEFORE, ring.epoch))
    next_ = begin = ring.begin(from_ns)
    while next_ <= ring.last:
        part = ring.between(next_, min(next_ + _CHUNK - 1, ring.last), _ALL, None, from_ns, NEVER)
        firsts = part.rows[part.rows["flags"] & Flag.FIRST != 0]
        if len(firsts):
            next_ = int(firsts["sequence"][0])
            if begin == ring.oldest:
                missing += _unreached(ring, next_, from_ns)
            return next_, tuple(missing)
        next_ = max(next_ + _CHUNK, part.first)
    return ring.last + 1, tuple(missing)


def _unreached(ring: Ring, first: int, from_ns: int) -> list[Missing]:
    """What was overwritten before `first`, which is the first record that is read."""
    if ring.oldest == 1 or (ring.received_ns(ring.oldest) or NEVER) <= from_ns:
        return []
    since = max(from_ns, ring.begins_ns)
    exact = from_ns <= ring.begins_ns
    reaches = ring.received_ns(first)
    return [Missing(since, reaches, RING, ring.epoch, *((1, first - 1) if exact else (None, None)))]
