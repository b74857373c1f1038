"""A namespace looked at again and again: its venues, dead or alive, and their newest memory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from feedhandler.connection.state import ConnectionState, is_open
from feedhandler.quality.report import report
from feedhandler.view.mirrored import by_our_clock
from feedhandler.view.rates import NOTHING, Latency, Rates
from feedhandler.view.words import trouble
from shm import Counter, Histogram, Reason, ShmError
from shm.inspect import Memory, open_memory, readers
from shm.memory import epochs
from shm.registry import Reader

#: from the worst on: of which connection is there most to say
_WORST = (
    ConnectionState.BACKOFF,
    ConnectionState.CONNECTING,
    ConnectionState.SUBSCRIBING,
    ConnectionState.SYNCING,
    ConnectionState.DRAINING,
    ConnectionState.IDLE,
    ConnectionState.LIVE,
    ConnectionState.CLOSED,
)
_QUALITY_NS = 5_000_000_000  # from one reading of the day's file to the next


@dataclass(frozen=True, slots=True)
class VenueLook:
    """A venue at one moment.

    `status`: see :func:`feedhandler.view.status.venue_status`; `trouble`: in words, "" without any;
    a second: `frames`, `bytes`, `records`; `lag`: from the venue's clock to ours, `publish`: from
    the socket to memory; of the last hour, or since `since_ns`: `gaps`, `heals` (books that were
    made right again); `connections`: rows of the connection table, by field; `quality`: of this
    day, see :func:`feedhandler.quality.report.report`, None: it is not kept.
    """

    venue: str
    status: dict[str, Any]
    trouble: str
    connections: Sequence[dict[str, Any]] = ()
    frames: float = 0.0
    bytes: float = 0.0
    records: float = 0.0
    lag: Latency = NOTHING
    publish: Latency = NOTHING
    gaps: int = 0
    heals: int = 0
    since_ns: int = 0
    quality: dict[str, Any] | None = None

    @property
    def worst(self) -> dict[str, Any] | None:
        """The connection that is worst off; None: there is none."""
        order = {int(state): at for at, state in enumerate(_WORST)}
        return min(
            self.connections,
            key=lambda row: (order.get(row["state"], 0), -row["behind_ns"], -row["disconnects"]),
            default=None,
        )


@dataclass(slots=True)
class _Venue:
    memory: Memory | None = None
    rates: Rates = field(default_factory=Rates)
    published: tuple[int, int, int] = (0, 0, 0)  # at, epoch, records
    quality: dict[str, Any] | None = None
    asked_ns: int = 0
    dying: dict[str, Any] | None = None  # its process died while it was looked at, and when
    ended: dict[str, Any] | None = None  # and there is another one

    def due(self, now_ns: int) -> bool:
        """Whether its quality is to be read again."""
        if now_ns - self.asked_ns < _QUALITY_NS:
            return False
        self.asked_ns = now_ns
        return True


class Watch:
    """Keeps what it has mapped, and goes over to a venue's next start by itself."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._venues: dict[str, _Venue] = {}

    def close(self) -> None:
        """Give the memory back."""
        for each in self._venues.values():
            if each.memory is not None:
                each.memory.close()
        self._venues.clear()

    def look(self, statuses: Sequence[dict[str, Any]]) -> list[VenueLook]:
        """Each venue that a status has (`namespace_status`, or a supervisor's), and how it is. What
        was kept of others goes: memory of a venue that is gone is memory all the same."""
        there = {status["venue"] for status in statuses}
        for venue in self._venues.keys() - there:
            gone = self._venues.pop(venue).memory
            if gone is not None:
                gone.close()
        return [self._look(status) for status in statuses]

    def memory(self, venue: str) -> Memory | None:
        """The newest memory of a venue, mapped, dead or alive; None: there is none to be had."""
        its = self._venues.setdefault(venue, _Venue())
        if its.memory is not None and its.memory.writer == "alive":
            return its.memory
        if its.memory is not None and its.memory.writer == "died":
            its.dying = {"why": "its process died", "at_ns": its.memory.segment.heartbeat_ns}
        there = epochs(venue, namespace=self.namespace)
        if not there or (its.memory is not None and its.memory.epoch == max(there)):
            return its.memory
        try:
            newer = open_memory(venue, namespace=self.namespace)
        except (ShmError, OSError):
            return its.memory
        if its.memory is not None:
            its.memory.close()
            its.ended = its.dying
        its.memory = newer
        return newer

    def readers(self, venue: str) -> list[Reader]:
        """Who has registered to read a venue."""
        try:
            return list(readers(venue, namespace=self.namespace))
        except (ShmError, OSError):
            return []

    def _look(self, status: dict[str, Any]) -> VenueLook:
        now, venue = time.time_ns(), status["venue"]
        memory = self.memory(venue)
        if memory is None:
            return VenueLook(venue, status, trouble(status, now))
        its = self._venues[venue]
        status = {"ended": its.ended} | status
        rates = its.rates
        try:
            rates.add(memory, now)
            rows = [by_our_clock(each, memory.segment) for each in memory.connections()]
        except (ShmError, OSError, ValueError) as error:  # damaged since it was mapped
            return VenueLook(venue, status, str(error))
        records = _records(its, memory, now)
        kept = (
            report(self.namespace, venue, now_ns=now, whole=False) if its.due(now) else its.quality
        )
        its.quality = kept
        hour = (kept or {}).get("hour")
        alive = memory.writer == "alive"
        return VenueLook(
            venue,
            status,
            trouble(status, now),
            [row if alive else _dead(row) for row in rows],
            rates.a_second(Counter.FRAMES),
            rates.a_second(Counter.BYTES),
            records,
            rates.latency(Histogram.EXCHANGE_RECEIVE),
            rates.latency(Histogram.RECEIVE_PUBLISH),
            hour["gaps"] if hour else rates.of_hour(Counter.GAPS),
            hour["heals"] if hour else rates.of_hour(Counter.RESYNCS),
            kept["began_ns"] if kept else rates.since_ns,
            kept,
        )


def _records(its: _Venue, memory: Memory, now_ns: int) -> float:
    """Records a second since the look before."""
    at, epoch, before = its.published
    its.published = now_ns, memory.epoch, memory.segment.published
    if epoch != memory.epoch or now_ns <= at:
        return 0.0
    return (memory.segment.published - before) / ((now_ns - at) / 1e9)


def _dead(row: dict[str, Any]) -> dict[str, Any]:
    """A connection of a process that is gone, whatever its memory says."""
    reason = row["reason"] if not is_open(ConnectionState(row["state"])) else int(Reason.FAILED)
    return row | {"state": int(ConnectionState.CLOSED), "reason": reason, "connected_ns": 0}
