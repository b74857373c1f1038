"""Memory of processes over time: does it grow?"""

from __future__ import annotations

from pathlib import Path


def rss_kb(pid: int) -> int:
    """Resident memory, without the shared kind: what a process alone has. 0: it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    rows = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return int(rows["RssAnon"].split()[0]) if "RssAnon" in rows else 0


class Watch:
    """The series of each process, by name; a restarted one begins anew."""

    def __init__(self, warm_s: float) -> None:
        self._warm_s = warm_s
        self._began: dict[str, tuple[int, float]] = {}
        self._series: dict[str, list[int]] = {}

    def look(self, name: str, pid: int, now: float) -> None:
        """Note how much it has."""
        its, began = self._began.get(name, (0, now))
        if its != pid:
            self._began[name] = pid, now
            self._series[name] = []
            return
        size = rss_kb(pid)
        if size and now - began >= self._warm_s:
            self._series[name].append(size)

    def grown(self) -> dict[str, tuple[int, int, int]]:
        """By name: the median of the first and of the last fifth after warming up, kB, and the
        number of samples. Those watched too shortly are left out."""
        found = {}
        for name, series in self._series.items():
            fifth = len(series) // 5
            if fifth:
                first, last = sorted(series[:fifth]), sorted(series[-fifth:])
                found[name] = first[fifth // 2], last[fifth // 2], len(series)
        return found
