"""Two watchdogs: any byte on a socket, and data per subscription against its own rhythm.

They tell three things apart: a dead socket (no byte although we asked), a dead subscription (the
socket lives, this key does not, and it used to be fast), and a quiet market (nothing wrong). Pure
logic: time is given, nothing is done. Times are seconds of a monotonic clock.
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
)


class RhythmWatchdog:
    """Data per subscription: one row an instrument, one column a channel, as `Engine.activity()`.

    Only subscriptions that are `watch`ed are judged, each from its own past; a suspect is named
    once, and again only after it was `widen`ed, `revive`d or has spoken.
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

    def _grow(self, rows: int) -> None:
        extra = rows - self._rows
        if extra <= 0:
            return
        for name in _COLUMNS:
            old = getattr(self, name)
            fill = {"_slack": 1.0, "_most": np.inf}.get(name, 0)
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

    def watched(self, row: int, channel: int) -> bool:
        """Whether it is judged."""
        return row < self._rows and bool(self._watched[row, channel])

    def ignore(self, row: int, channel: int) -> None:
        """Do not judge it: it is down, being resubscribed, or gone."""
        if row < self._rows:
            self._watched[row, channel] = False
            self._suspect[row, channel] = False

    def widen(self, row: int, channel: int, factor: float = 2.0) -> None:
        """It was only quiet: believe in longer silences of it, the ceiling included."""
        self._grow(row + 1)
        self._slack[row, channel] = min(self._slack[row, channel] * factor, 1e3)

    def at_most(self, row: int, channel: int, seconds: float) -> None:
        """It promised to speak more often than that, whatever its rhythm has been."""
        self._grow(row + 1)
        self._most[row, channel] = max(seconds, self.options.floor_s)

    def thresholds(self) -> npt.NDArray[np.float64]:
        """Seconds of silence after which each is suspected."""
        o = self.options
        raw = np.maximum(o.mean_factor * self._mean, o.longest_factor * self._longest)
        raw = np.where(self._gaps >= o.samples, np.clip(raw, o.floor_s, o.ceiling_s), o.ceiling_s)
        return np.asarray(np.minimum(raw * self._slack, self._most), dtype=np.float64)

    def observe(self, activity: npt.NDArray[np.int64], now: Clock) -> None:
        """Take in `Engine.activity()`: (instruments, channels) receive times of the last message.

        Gaps are measured by the clock given here and not by the receive times: a clock that is
        set must not look like a silence.
        """
        self._grow(len(activity))
        rows = len(activity)
        moved = activity != self._seen[:rows]
        if not moved.any():
            return
        at, gaps = self._at[:rows], self._gaps[:rows]
        mean, longest = self._mean[:rows], self._longest[:rows]
        # The first message after a (re)subscription says nothing about the rhythm.
        counted = moved & self._watched[:rows] & ~self._fresh[:rows] & (self._seen[:rows] > 0)
        clock = np.broadcast_to(now[:rows] if isinstance(now, np.ndarray) else now, at.shape)
        gap = clock - at
        weight = np.maximum(0.05, 1.0 / (gaps[counted] + 1))  # a plain mean at first
        mean[counted] += weight * (gap[counted] - mean[counted])
        longest[counted] = np.maximum(longest[counted] * 0.99, gap[counted])
        gaps[counted] += 1
        at[moved] = clock[moved]
        self._fresh[:rows][moved] = False
        self._suspect[:rows][moved] = False
        self._seen[:rows] = activity

    def suspects(self, now: Clock) -> list[tuple[int, int]]:
        """(row, channel) of those silent for longer than they should be, the most overdue first."""
        silent = (now[: self._rows] if isinstance(now, np.ndarray) else now) - self._at
        limit = self.thresholds()
        late = self._watched & ~self._suspect & (silent > limit)
        if not late.any():
            return []
        self._suspect |= late
        rows, channels = np.nonzero(late)
        ratio = (silent / np.maximum(limit, 1e-9))[rows, channels]
        return [(int(rows[i]), int(channels[i])) for i in np.argsort(-ratio, kind="stable")]

    def knows(self, row: int, channel: int) -> bool:
        """Whether it has spoken often enough to have a rhythm."""
        return row < self._rows and bool(self._gaps[row, channel] >= self.options.samples)

    def silent_share(self, rows: Sequence[int], channel: int, now: float) -> float:
        """The share of these subscriptions, of those watched whose rhythm is known, that are silent
        for too long."""
        known = [row for row in rows if self.knows(row, channel)]
        watched = self._watched[known, channel]
        if not watched.any():
            return 0.0
        late = (now - self._at[known, channel]) > self.thresholds()[known, channel]
        return float((late & watched).sum() / watched.sum())
