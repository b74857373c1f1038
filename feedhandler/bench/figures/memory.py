"""Memory benchmark: what the IO process and a strategy hold over a long run, and its slope.

A stream that begins anew with its snapshot goes on and on at a steady rate; between two rounds the
kernel is asked what each process has resident, its own pages and the shared ones apart. The slope
is the median of the slopes between pairs of samples after a warm part (Theil and Sen), so that a
single step does not tilt it. There is no floor: it should be 0.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from feedhandler.bench.kit import cores
from feedhandler.bench.kit.children import followers
from feedhandler.bench.kit.policy import significant, spread
from feedhandler.bench.kit.result import Findings, Result, Series
from feedhandler.bench.kit.scenario import prepare
from feedhandler.bench.kit.stage import Stage, StageError, stage
from feedhandler.bench.kit.synthetic import synthetic
from feedhandler.bench.native import _sender
from feedhandler.sim.server.frames import encode
from shm.dev_shm import objects

BENCH = "memory"
RATE = 10_000
_VENUE = "okx"
_WARM = 0.1  # of the run
_LEAST_WARM_S = 15.0  # the ring is lapped, and what is made once is made
_KIB = 1024
Points = list[tuple[float, float]]  # seconds, KiB


@dataclass
class Held:
    """A process's memory over time."""

    name: str
    pid: int
    own: Points = field(default_factory=list)
    shared: Points = field(default_factory=list)

    def sample(self, at: float) -> None:
        """What it has now. Raises StageError when the process is gone."""
        found = {}
        try:
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                key, _, value = line.partition(":")
                if key in ("RssAnon", "RssShmem"):
                    found[key] = float(value.split()[0])
        except OSError as error:
            raise StageError(f"{self.name}, process {self.pid}: {error.strerror}") from None
        self.own.append((at, found["RssAnon"]))
        self.shared.append((at, found["RssShmem"]))


def slope(points: Points) -> tuple[float, float]:
    """(slope, noise) per hour, of points (seconds, value): the median of the slopes between pairs
    half the run apart, and the slope that scatter around that line alone can make."""
    if len(points) < 4:
        return 0.0, 0.0
    times, values = np.array(points).T
    apart = len(times) // 2
    steps: npt.NDArray[np.float64] = (values[apart:] - values[:-apart]) / (
        times[apart:] - times[:-apart]
    )
    middle = float(np.median(steps))
    wobble = spread((values - middle * times).tolist())
    return 3600 * middle, 3600 * wobble / float(times[-1] - times[0])


def run(
    findings: Findings, *, minutes: float = 30.0, rate: int = RATE, cycle: int = 20_000
) -> None:
    """One run; `cycle`: frames between two snapshots."""
    case = synthetic(_VENUE, count=cycle)
    scenario = prepare(case, len(case.frames) // 2)
    where = cores.choose()
    with ExitStack() as stack:
        on = stack.enter_context(stage(scenario, cpu=where.writer, spin=False))
        strategy = stack.enter_context(followers(on.namespace, _VENUE, "sleep", 1, where.reader))[0]
        held = [Held("IO process", on.pid), Held("strategy", strategy.pid)]
        frames = _play(on, held, findings, minutes * 60, rate, where)
        if bad := {name: n for name, n in on.counters().items() if n}:
            raise StageError(f"memory: while measuring: {bad}")
        size = sum(Path(f"/dev/shm{one.path}").stat().st_size for one in objects(on.namespace))
    findings.note(f"memory: {frames:,} frames in {minutes:g} min")
    for one in held:
        _report(findings, one, minutes * 60)
    shared = Result(BENCH, "shared memory", "size", "MiB", significant(size / _KIB**2))
    findings.results.append(shared)


def _play(
    on: Stage, held: list[Held], findings: Findings, seconds: float, rate: int, where: cores.Cores
) -> int:
    """Whole cycles until the time is over; frames sent."""
    frames = on.scenario.case.frames
    data, offsets = on.session.seal([encode(frame) for frame in frames])
    spacing = np.arange(len(frames), dtype=np.int64) * 10**9 // rate
    sent = np.zeros(len(frames), np.int64)
    began, cycles, failed = time.monotonic(), 0, []
    # The books are half a cycle on: the stream begins anew with its snapshot.
    while (at := time.monotonic() - began) < seconds:
        for one in held:
            one.sample(at)
        findings.progress(f"memory {at / 60:.1f} of {seconds / 60:.1f} min")

        def work() -> None:
            cores.pin(where.sender)
            try:
                due = time.monotonic_ns() + spacing
                _sender.paced(on.session.socket.fileno(), data, offsets, due, sent, 0)
            except OSError as error:
                failed.append(error)

        with on.session.alone():
            cores.in_thread(work)
        if failed:
            raise StageError(f"memory: the IO process is gone: {failed[0]}")
        cycles += 1
    return cycles * len(frames)


def _report(findings: Findings, one: Held, seconds: float) -> None:
    warm = max(_WARM * seconds, min(_LEAST_WARM_S, seconds / 2))
    for what, points in (("own", one.own), ("shared", one.shared)):
        kept = [point for point in points if point[0] >= warm]
        drift, noise = slope(kept)
        resident = [value / _KIB for _, value in kept]
        middle = float(np.median(resident)) if resident else 0.0
        findings.results += [
            Result(
                BENCH,
                one.name,
                f"{what}, slope",
                "KiB/h",
                significant(drift),
                significant(noise, 3),
            ),
            Result(
                BENCH,
                one.name,
                f"{what}, resident",
                "MiB",
                significant(middle),
                significant(spread(resident) if resident else 0.0, 3),
            ),
        ]
        course = [(at, value / _KIB) for at, value in points]
        findings.series.append(Series(BENCH, what, one.name, "MiB", course))
