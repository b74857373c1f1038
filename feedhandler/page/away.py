"""Since when instruments are not LIVE, whatever states they go through meanwhile.

A cell has the time of its state alone: of a book that cannot be healed, which is STALE, SYNCING and
STALE again, that is never long ago. What happens between two looks is not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from feedhandler.view.watch import VenueLook, Watch
from shm import ShmError, State
from shm._native import DEAD_NS

_Times = npt.NDArray[np.int64]


@dataclass(slots=True)
class _Venue:
    epoch: int = -1
    since: _Times = field(default_factory=lambda: np.zeros(0, np.int64))  # by row; 0: LIVE
    silent_ns: int = 0  # since when nothing of its memory is believed; 0: it is


class Away:
    """Of all venues, over the looks at them."""

    def __init__(self) -> None:
        self._venues: dict[str, _Venue] = {}

    def look(self, looks: Sequence[VenueLook], watch: Watch) -> None:
        """Take in one more look."""
        for look in looks:
            with suppress(ShmError, OSError, ValueError):  # a damaged memory is one venue's trouble
                self._look(look, watch)

    def since_ns(self, venue: str) -> int | None:
        """Since when the one is not LIVE that is so for longest; None: all are."""
        its = self._venues.get(venue)
        if its is None:
            return None
        away = its.since[its.since > 0]
        if len(away):
            return int(away.min())
        return its.silent_ns or None

    def _look(self, look: VenueLook, watch: Watch) -> None:
        its = self._venues.setdefault(look.venue, _Venue())
        status, memory = look.status, watch.memory(look.venue)
        if memory is None or status["live"] == status["instruments"]:  # or none is carried
            its.since, its.silent_ns = np.zeros(0, np.int64), 0
            return
        if is_silent(status):
            its.silent_ns = its.silent_ns or status["since_ns"]
            its.since = np.where(its.since > 0, its.since, its.silent_ns)
            return
        quotes = memory.quotes()
        away = (quotes["state"] != State.LIVE) & (quotes["state"] != State.CLOSED)
        since = np.where(away & (quotes["state_ns"] > 0), quotes["state_ns"], 0).astype(np.int64)
        if its.silent_ns and memory.epoch != its.epoch:  # another process, in the same plight
            before = np.full(len(since), its.silent_ns)
        else:
            before = np.zeros(len(since), np.int64)
            if memory.epoch == its.epoch:
                before[: len(its.since)] = its.since[: len(since)]
        its.since = np.where((since > 0) & (before > 0), np.minimum(before, since), since)
        its.epoch, its.silent_ns = memory.epoch, 0


def is_silent(status: dict[str, Any]) -> bool:
    """Whether readers believe nothing of it."""
    age = status.get("heartbeat_age_ns")
    return not status["pid"] or age is None or age >= DEAD_NS
