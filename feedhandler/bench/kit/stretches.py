"""The stretches in which a process reads nothing, by a library that is loaded into it for that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from feedhandler.bench.native import programs

_STEPS = 256
_STEP_US = 100.0
_FIELDS = ("longest_ns", "longest_by_clock_ns", "over_ns")


@dataclass(frozen=True)
class Longest:
    """`us`: by the CPU time of the thread; `by_clock_us`: what the host took from it counts too;
    `over_a_ms`: how many were longer than a millisecond."""

    us: float
    by_clock_us: float
    over_a_ms: int


class Stretches:
    """Of one process, which `environment` makes count. Raises NoProgram."""

    def __init__(self, name: str = "stretches.table") -> None:
        self._library = programs.build("stretches", preload=True)
        self._path: Path = programs.scratch(name)
        zeros = np.zeros(len(_FIELDS) + _STEPS, np.int64)
        zeros.tofile(self._path)
        self._table: npt.NDArray[np.int64] = np.memmap(self._path, np.int64, "r+")

    @property
    def environment(self) -> dict[str, str]:
        """Of the process that is to count."""
        return {"LD_PRELOAD": str(self._library), "STRETCHES": str(self._path)}

    def begin(self) -> None:
        """Count from now on."""
        self._table[:] = 0

    def taken(self) -> Longest:
        """What was seen since."""
        longest, by_clock, _ = self._table[: len(_FIELDS)].tolist()
        counts = self._table[len(_FIELDS) :]
        first = int(1000 / _STEP_US)
        return Longest(longest / 1e3, by_clock / 1e3, int(counts[first:].sum()))
