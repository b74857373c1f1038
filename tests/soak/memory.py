"""Memory of processes, and of what they share, over time: does it grow?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from feedhandler.bench.figures.memory import Points, slope
from shm.dev_shm import objects


def rss_kb(pid: int) -> int:
    """Resident memory, without the shared kind: what a process alone has. 0: it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    rows = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return int(rows["RssAnon"].split()[0]) if "RssAnon" in rows else 0


def shared_kb(namespace: str) -> int:
    """What a namespace has of /dev/shm."""
    found = 0
    for one in objects(namespace):
        try:
            found += Path(f"/dev/shm{one.path}").stat().st_blocks * 512
        except OSError:  # a writer that died has made room
            continue
    return found // 1024


class Grown(NamedTuple):
    """The medians of the first and of the last fifth, kB; the slope and its noise, kB/h."""

    first: int
    last: int
    slope: float
    noise: float
    samples: int


class Watch:
    """The series of each process, by name; a restarted one begins anew."""

    def __init__(self, warm_s: float) -> None:
        self._warm_s = warm_s
        self._began: dict[str, tuple[int, float]] = {}
        self._series: dict[str, Points] = {}

    def look(self, name: str, pid: int, now: float, measure: Callable[[int], int] = rss_kb) -> None:
        """Note how much it has."""
        its, began = self._began.get(name, (-1, now))
        if its != pid:
            self._began[name] = pid, now
            self._series[name] = []
            return
        size = measure(pid)
        if size and now - began >= self._warm_s:
            self._series[name].append((now - began, size))

    def grown(self) -> dict[str, Grown]:
        """By name, after warming up. Those watched too shortly are left out."""
        found = {}
        for name, series in self._series.items():
            fifth = len(series) // 5
            if fifth:
                first, last = (
                    sorted(size for _, size in some) for some in (series[:fifth], series[-fifth:])
                )
                found[name] = Grown(
                    int(first[fifth // 2]), int(last[fifth // 2]), *slope(series), len(series)
                )
        return found
