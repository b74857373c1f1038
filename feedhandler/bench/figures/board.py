"""Board benchmark: the whole option board of one venue, beside the same run with ten instruments.

Books, trades and tickers of every instrument, on the one connection that the venue allows them. The
measured process is the IO process itself, with all its watches (stage.py); the strategy sleeps on
the futex. First nothing is sent, for what it costs to have so many instruments; then messages come
at a steady rate. Ten instruments at the same rate are the floor: what is more is the board's size.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from feedhandler.bench.figures import latency
from feedhandler.bench.kit import cores, pace, policy
from feedhandler.bench.kit.board_frames import CHANNELS, board, first_frames
from feedhandler.bench.kit.histogram import Histogram
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.kit.scenario import prepare
from feedhandler.bench.kit.stage import Stage, StageError, cpu_ns, stage
from feedhandler.bench.kit.stretches import Stretches

BENCH = "board"
FEW = 10  #: instruments of the run that the others stand beside
COUNTS = (1_000, 4_000)
RATE = 5_000
SECONDS = 5.0
PERCENTILES = (50.0, 99.0, 99.9)
_SETTLE_S = 6.0  # after the start: first words are due, and were said
_UNITS = {
    "start to all LIVE": "s",
    "idle CPU": "% of a core",
    "idle longest stretch": "us",
    "idle stretches over 1 ms": "1/s",
    "CPU": "% of a core",
    "longest stretch": "us",
    "stretches over 1 ms": "1/s",
    **{f"p{percent:g}": "us" for percent in PERCENTILES},
    "records lost": "records",
    "memory": "MB",
}


@dataclass(frozen=True)
class Size:
    """Of a run: instruments, messages a second, and for how long each part is measured."""

    instruments: int
    rate: int = RATE
    seconds: float = SECONDS
    settle_s: float = _SETTLE_S


def one_run(size: Size, where: cores.Cores) -> dict[str, float]:
    """The figures of `_UNITS`. Raises StageError, NoProgram."""
    count = size.instruments
    case = board(count, int(size.rate * size.seconds), size.rate)
    scenario = prepare(case, 2 * count, count)
    stretches = Stretches(f"stretches-{count}")
    with stage(
        scenario,
        cpu=where.writer,
        spin=False,
        channels=CHANNELS,
        watched=True,
        extra_environment=stretches.environment,
        first=first_frames(case, count),
    ) as on:
        taken = {"start to all LIVE": on.live_s}
        time.sleep(size.settle_s)
        with _Watched(on, stretches, taken, "idle "):
            time.sleep(size.seconds)
        slice_ = pace.paced(2 * count, size.rate, size.seconds)
        watched = _Watched(on, stretches, taken, "")
        held = latency.engine_slice(on, slice_, "sleep", where, watched)
        found = Histogram()
        found.record(held.held)
        for percent, ns in zip(PERCENTILES, found.percentiles(PERCENTILES), strict=True):
            taken[f"p{percent:g}"] = ns / 1e3
        taken["records lost"] = float(held.lost)
        taken["memory"] = _resident_bytes(on.pid) / 1e6
        if bad := {name: n for name, n in on.counters().items() if n}:
            raise StageError(f"{case.name}: while measuring: {bad}")
        return taken


class _Watched(AbstractContextManager[None]):
    """A part of a run: CPU, and the stretches in which nothing was read."""

    def __init__(
        self, on: Stage, stretches: Stretches, taken: dict[str, float], prefix: str
    ) -> None:
        self._on, self._stretches, self._taken, self._prefix = on, stretches, taken, prefix

    def __enter__(self) -> None:
        self._began, self._cpu = time.monotonic(), cpu_ns(self._on.pid)
        self._stretches.begin()

    def __exit__(self, *_: object) -> None:
        longest, seconds = self._stretches.taken(), time.monotonic() - self._began
        used = (cpu_ns(self._on.pid) - self._cpu) / 1e9
        name = f"{self._prefix}CPU"
        self._taken[name] = 100 * used / seconds
        self._taken[f"{self._prefix}longest stretch"] = longest.us
        self._taken[f"{self._prefix}stretches over 1 ms"] = longest.over_a_ms / seconds


def _resident_bytes(pid: int) -> int:
    (line,) = (
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmRSS:")
    )
    return int(line.split()[1]) * 1024


def run(
    findings: Findings,
    *,
    counts: Sequence[int] = COUNTS,
    rate: int = RATE,
    seconds: float = SECONDS,
    settle_s: float = _SETTLE_S,
    repetitions: int = 3,
) -> None:
    """Every count of instruments, in turns with `FEW`."""
    where = cores.choose()
    findings.note(f"board: {where.in_words()}")
    sizes = [Size(count, rate, seconds, settle_s) for count in (FEW, *counts)]
    sides = {str(each.instruments): partial(one_run, each, where) for each in sizes}

    def told(repetition: int) -> None:
        findings.progress(f"board {repetition}/{repetitions}")

    taken = policy.in_turns(sides, repetitions, told)
    for count in counts:
        for metric, unit in _UNITS.items():
            pairs = [
                (own[metric], few[metric] or None)
                for own, few in zip(taken[str(count)], taken[str(FEW)], strict=True)
            ]
            case = f"{count:,} instruments, {rate / 1000:g}k/s"
            findings.results.append(policy.summary(BENCH, case, metric, unit, pairs))
