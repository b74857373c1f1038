"""What readers lost, summed by name: a number that only rises, though readers come and go.

A reader that ends takes its count along, and several may have one name. A plain sum of those that
are there would fall then, which for a Prometheus is a counter that began anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from shm.registry import Reader

Losses = tuple[int, int]  #: records, overruns


class ReaderLosses:
    """Of all venues, over the looks at them."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[tuple[int, int, str], Losses]] = {}  # (row, pid, name)
        self._sums: dict[str, dict[str, Losses]] = {}

    def add(self, venue: str, rows: Sequence[Reader]) -> dict[str, Losses]:
        """One more look at a venue's registry; by name, as long as it has a row of that name."""
        before, seen = self._seen.get(venue, {}), {}
        sums = {row["name"]: (0, 0) for row in rows}
        sums.update((name, its) for name, its in self._sums.get(venue, {}).items() if name in sums)
        for row in rows:
            key = row["row"], row["pid"], row["name"]
            now = seen[key] = row["lost"], row["overruns"]
            last = before.get(key, (0, 0))
            if now[0] < last[0] or now[1] < last[1]:  # it registered anew
                last = (0, 0)
            records, times = sums[row["name"]]
            sums[row["name"]] = records + now[0] - last[0], times + now[1] - last[1]
        self._seen[venue], self._sums[venue] = seen, sums
        return dict(sums)
