"""The watchdog over subscriptions: data of each against its own rhythm.

It tells a dead subscription (the socket lives, this key does not, and it used to be fast) from a
quiet market (nothing wrong); a dead socket is `connection/heartbeat.py`'s to notice. Pure logic:
time is given, nothing is done. Times are seconds of a monotonic clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class RhythmOptions:
    """How much slower than its own rhythm a subscription may become before it is suspected.

    The threshold is the larger of `mean_factor` times the smoothed and `longest_factor` times the
    longest recent gap, not below `floor_s`, not above `ceiling_s`; before `samples` gaps are known
    it is `ceiling_s`. For exponentially distributed gaps 20 means is one false alarm in 5e8 gaps.
    """

    mean_factor: float = 20.0
    longest_factor: float = 4.0
    floor_s: float = 10.0
    ceiling_s: float = 600.0
    samples: int = 20


#: seconds: of all instruments, or one (instruments, 1) of each
Clock = float | npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Cells = tuple[Rows, Rows]  #: (rows, channels)
_COLUMNS = (
    "_seen",
    "_gaps",
    "_at",
    "_mean",
    "_longest",
    "_slack",
    "_watched",
    "_suspect",
    "_fresh",
    "_most",
    "_limit",
)


class RhythmWatchdog:
    """Data per subscription: one row an instrument, one column a channel, as `Engine.activity()`.

    Only subscriptions that are `watch`ed are judged, each from its own past; a suspect is named
    once, and again only after it was `widen`ed, `revive`d or has spoken. Nothing is done about
    those that neither spoke nor are late: of each is known when it will be.
    """

    def __init__(self, channels: int, options: RhythmOptions | None = None) -> None:
        self.options = options or RhythmOptions()
        self._channels = channels
        self._rows = 0
        shape = (0, channels)
        self._seen: npt.NDArray[np.int64] = np.zeros(shape, dtype=np.int64)
        self._gaps: npt.NDArray[np.int64] = np.zeros(shape, dtype=np.int64)
        self._at: npt.NDArray[np.float64] = np.zeros(shape)
        self._mean: npt.NDArray[np.float64] = np.zeros(shape)
        self._longest: npt.NDArray[np.float64] = np.zeros(shape)
        self._slack: npt.NDArray[np.float64] = np.ones(shape)
        self._watched: npt.NDArray[np.bool_] = np.zeros(shape, dtype=np.bool_)
        self._suspect: npt.NDArray[np.bool_] = np.zeros(shape, dtype=np.bool_)
        self._fresh: npt.NDArray[np.bool_] = np.zeros(shape, dtype=np.bool_)
        self._most: npt.NDArray[np.float64] = np.ones(shape)
        self._limit: npt.NDArray[np.float64] = np.ones(shape)  # late after that; inf: not judged
        self._soonest = np.inf  # none is late before

    def _grow(self, rows: int) -> None:
        extra = rows - self._rows
        if extra <= 0:
            return
        for name in _COLUMNS:
            old = getattr(self, name)
            fill = {"_slack": 1.0, "_most": np.inf, "_limit": np.inf}.get(name, 0)
            more = np.full((extra, self._channels), fill, dtype=old.dtype)
            setattr(self, name, np.concatenate([old, more]))
        self._rows = rows

    def watch(self, row: int, channel: int, now: float) -> None:
        """Judge this subscription from now on; its clock starts here, its rhythm is kept."""
        self._grow(row + 1)
        self._watched[row, channel] = True
        self._suspect[row, channel] = False
        self._fresh[row, channel] = True
        self._at[row, channel] = now
        self._plan_one(row, channel)

    def watched(self, row: int, channel: int) -> bool:
        """Whether it is judged."""
        return row < self._rows and bool(self._watched[row, channel])

    def ignore(self, row: int, channel: int) -> None:
        """Do not judge it: it is down, being resubscribed, or gone."""
        if row < self._rows:
            self._watched[row, channel] = False
            self._suspect[row, channel] = False
            self._plan_one(row, channel)

    def widen(self, row: int, channel: int, factor: float = 2.0) -> None:
        """It was only quiet: believe in longer silences of it, the ceiling included."""
        self._grow(row + 1)
        self._slack[row, channel] = min(self._slack[row, channel] * factor, 1e3)
        self._plan_one(row, channel)

    def at_most(self, row: int, channel: int, seconds: float) -> None:
        """It promised to speak more often than that, whatever its rhythm has been."""
        self._grow(row + 1)
        self._most[row, channel] = max(seconds, self.options.floor_s)
        self._plan_one(row, channel)

    def _thresholds(self, cells: Cells) -> npt.NDArray[np.float64]:
        """Seconds of silence after which each is suspected."""
        o = self.options
        raw = np.maximum(o.mean_factor * self._mean[cells], o.longest_factor * self._longest[cells])
        raw = np.minimum(np.maximum(raw, o.floor_s), o.ceiling_s)
        raw = np.where(self._gaps[cells] >= o.samples, raw, o.ceiling_s)
        return np.asarray(np.minimum(raw * self._slack[cells], self._most[cells]), dtype=np.float64)

    def _plan(self, cells: Cells) -> None:
        """When each will be late."""
        judged = self._watched[cells] & ~self._suspect[cells]
        limit = np.where(judged, self._at[cells] + self._thresholds(cells), np.inf)
        self._limit[cells] = limit
        if len(limit):
            self._soonest = min(self._soonest, float(limit.min()))

    def _plan_one(self, row: int, channel: int) -> None:
        """The same of one, which is quicker without arrays."""
        cell, o = (row, channel), self.options
        if not self._watched[cell] or self._suspect[cell]:
            self._limit[cell] = np.inf
            return
        raw = o.ceiling_s
        if self._gaps[cell] >= o.samples:
            own = max(o.mean_factor * self._mean[cell], o.longest_factor * self._longest[cell])
            raw = min(max(own, o.floor_s), o.ceiling_s)
        limit = float(self._at[cell] + min(raw * self._slack[cell], self._most[cell]))
        self._limit[cell] = limit
        self._soonest = min(self._soonest, limit)

    def observe(
        self, activity: npt.NDArray[np.int64], now: Clock, rows: Rows | None = None
    ) -> None:
        """Take in `Engine.activity()`: (instruments, channels) receive times of the last message;
        of these rows only, or of all.

        Gaps are measured by the clock given here and not by the receive times: a clock that is
        set must not look like a silence.
        """
        rows = np.arange(len(activity)) if rows is None else rows
        if not len(rows):
            return
        self._grow(int(rows.max()) + 1)
        places, channels = np.nonzero(activity != self._seen[rows])
        if not len(places):
            return
        cells = rows[places], channels
        seen, gap = self._seen[cells], self._clock(cells, now) - self._at[cells]
        # The first message after a (re)subscription says nothing about the rhythm.
        counted = self._watched[cells] & ~self._fresh[cells] & (seen > 0)
        if counted.any():
            some, its = (cells[0][counted], cells[1][counted]), gap[counted]
            weight = np.maximum(0.05, 1.0 / (self._gaps[some] + 1))  # a plain mean at first
            self._mean[some] += weight * (its - self._mean[some])
            self._longest[some] = np.maximum(self._longest[some] * 0.99, its)
            self._gaps[some] += 1
        self._at[cells] = self._clock(cells, now)
        self._fresh[cells] = False
        self._suspect[cells] = False
        self._seen[cells] = activity[places, channels]
        self._plan(cells)

    @staticmethod
    def _clock(cells: Cells, now: Clock) -> npt.NDArray[np.float64]:
        return now[cells[0], 0] if isinstance(now, np.ndarray) else np.full(len(cells[0]), now)

    def last(self, rows: Sequence[int], channel: int) -> int:
        """When any of these was last heard of, as `observe` was told; 0: not yet."""
        known = [row for row in rows if row < self._rows]
        return int(self._seen[known, channel].max()) if known else 0

    def suspects(self, now: Clock, rows: Rows | None = None) -> list[tuple[int, int]]:
        """(row, channel) of those silent for longer than they should be, the most overdue first; of
        these rows only, or of all."""
        if isinstance(now, np.ndarray):
            rows = np.arange(self._rows) if rows is None else rows[rows < self._rows]
            places, channels = np.nonzero(self._limit[rows] < now[rows])
            cells = rows[places], channels
        elif now <= self._soonest:
            return []
        else:
            late, channels = np.nonzero(self._limit < now)
            cells = late, channels
        silent = self._clock(cells, now) - self._at[cells]
        ratio = silent / np.maximum(self._thresholds(cells), 1e-9)
        self._suspect[cells] = True
        self._limit[cells] = np.inf
        if not isinstance(now, np.ndarray):
            self._soonest = float(self._limit.min(initial=np.inf))
        order = np.argsort(-ratio, kind="stable")
        return [(int(cells[0][i]), int(cells[1][i])) for i in order]

    def knows(self, row: int, channel: int) -> bool:
        """Whether it has spoken often enough to have a rhythm."""
        return row < self._rows and bool(self._gaps[row, channel] >= self.options.samples)

    def silent_share(self, rows: Sequence[int], channel: int, now: float) -> float:
        """The share of these subscriptions, of those watched whose rhythm is known, that are silent
        for too long."""
        known = np.array([row for row in rows if self.knows(row, channel)], dtype=np.int64)
        cells = known, np.full(len(known), channel)
        watched = self._watched[cells]
        if not watched.any():
            return 0.0
        late = (now - self._at[cells]) > self._thresholds(cells)
        return float((late & watched).sum() / watched.sum())
