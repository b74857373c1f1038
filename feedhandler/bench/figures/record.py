"""Record benchmark: what keeping a feed costs, and how much of it a core keeps up with.

A writer publishes messages of a book at a steady rate, with trades among them, into the memory of a
venue; a recorder in a process of its own, on one core, keeps them. Reported: the CPU that it takes,
bytes on disk, its memory, and by how much that grew from the second quarter to the last half. Then
as fast as it goes: the writer waits for the recorder, so that nothing is lost; and how fast one
core reads all of it again (`verify`). There is no floor.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from feedhandler import python_child
from feedhandler.bench.kit import cores, leftovers
from feedhandler.bench.kit.policy import significant, spread
from feedhandler.bench.kit.result import Findings, Result, Series
from feedhandler.bench.kit.stage import StageError, cpu_ns
from feedhandler.config.record_keys import RecordConfig
from feedhandler.recording.process import Order
from feedhandler.recording.verify import verify
from feedhandler.status_file import recorders
from shm import Kind
from shm._native import Writer
from shm.registry import readers
from shm.segment import create

BENCH = "record"
RATE = 200_000
SECONDS = 20.0
VENUE = "made"
_SLOTS = 1 << 20
_INSTRUMENTS = 200
_MESSAGE = 8  #: records
_BURST_S = 0.005
_READY_S = 30.0
_UNITS = {
    "rate": "records/s",
    "CPU": "% of a core",
    "disk": "MiB/s per 100,000 records/s",
    "record": "bytes",
    "behind at most": "ms",
    "records lost": "records",
    "memory": "MiB",
    "memory growth": "MiB",
}


class _Made(NamedTuple):
    """Messages, to be written again and again: (instrument, records)."""

    messages: list[tuple[int, list[tuple[int, int, int, int]]]]


def _messages(seed: int = 7, count: int = 50_000) -> _Made:
    """Levels near a price that every instrument has of its own; one message in ten is a trade. They
    do not come again within a group of rows, so that no compression has it too easy."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        instrument = int(rng.integers(_INSTRUMENTS))
        middle = 1_000_000 + 1000 * instrument
        kind = int(Kind.TRADE if number % 10 == 0 else Kind.LEVEL)
        records = [
            (kind, int(side), int(middle + away), int(size))
            for side, away, size in zip(
                rng.integers(0, 2, _MESSAGE),
                rng.integers(-400, 400, _MESSAGE),
                rng.integers(1, 10_000_000, _MESSAGE),
                strict=True,
            )
        ]
        found.append((instrument, records))
    return _Made(found)


def _listed(writer: Writer) -> None:
    for row in range(_INSTRUMENTS):
        writer.directory_add(
            {
                "symbol": f"MADE-{row}",
                "kind": 1 + row % 5,
                "has_book": 1,
                "price_exponents": [-2] * 8,
                "size_exponents": [-4] * 8,
            }
        )


@contextmanager
def recorder(namespace: str, to: Path, cpu: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process that keeps that venue, on a core; stopped in order at the end."""
    config = RecordConfig(to=str(to), cpu=cpu, rotate_s=5.0, free_mib=1, compact=False)
    process = subprocess.Popen(
        python_child.command("feedhandler.recording.process"),
        stdin=subprocess.PIPE,
        env=python_child.environment(),
    )
    try:
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(Order(namespace, (VENUE,), config, os.getpid())))
        process.stdin.close()
        until = time.monotonic() + _READY_S
        while not any(each["alive"] for each in readers(VENUE, namespace=namespace)):
            if process.poll() is not None or time.monotonic() > until:
                raise StageError("the recorder does not start")
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(60)


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return float(line.split()[1]) / 1024
    raise StageError(f"process {pid} is gone")


def _status(namespace: str) -> dict[str, Any]:
    found = recorders(namespace)
    return found[0]["venues"][0] if found else {"behind_ns": 0, "lost": 0}


class _Sending:
    """The writer: bursts at a rate, or as fast as the recorder reads."""

    def __init__(self, writer: Writer, namespace: str, made: _Made) -> None:
        self._writer, self._namespace, self._made = writer, namespace, made
        self._at = 0

    def some(self, messages: int) -> None:
        """Write and publish."""
        its = self._made.messages
        for _ in range(messages):
            instrument, records = its[self._at % len(its)]
            self._writer.message(instrument, records, exchange_ns=time.time_ns())
            self._at += 1
        self._writer.publish()
        self._writer.wake()

    def cursor(self) -> int:
        """The next record that the recorder reads."""
        return int(readers(VENUE, namespace=self._namespace)[0]["cursor"])

    def room(self) -> int:
        """How far ahead of the recorder the ring lets us be."""
        return _SLOTS // 2 - (int(self._writer.published) + 1 - self.cursor())


def _steady(sending: _Sending, pid: int, namespace: str, rate: int, seconds: float) -> Any:
    """Figures of the recorder at that rate, and its memory over time."""
    taken = {"behind at most": 0.0}
    began, cpu = time.monotonic(), cpu_ns(pid)
    sent, looked, points = 0, 0.0, []
    while (now := time.monotonic() - began) < seconds:
        due = int(now * rate / _MESSAGE)
        sending.some(due - sent)
        sent = due
        if now - looked > 0.5:
            looked = now
            points.append((now, _resident_mib(pid)))
            taken["behind at most"] = max(
                taken["behind at most"], _status(namespace)["behind_ns"] / 1e6
            )
        time.sleep(_BURST_S)
    taken["CPU"] = 100 * (cpu_ns(pid) - cpu) / ((time.monotonic() - began) * 1e9)
    late = [value for when, value in points if when > seconds / 2]
    early = [value for when, value in points if seconds / 4 < when <= seconds / 2]
    taken["memory"] = late[-1] if late else 0.0
    taken["memory growth"] = float(np.median(late) - np.median(early)) if early else 0.0
    taken["rate"] = sent * _MESSAGE / (time.monotonic() - began)
    return taken, points


def _flat_out(sending: _Sending, pid: int, seconds: float) -> float:
    """Records a second of a core: what it gets through, by its CPU time."""
    first, cpu, until = sending.cursor(), cpu_ns(pid), time.monotonic() + seconds
    while time.monotonic() < until:
        if sending.room() > 100 * _MESSAGE:
            sending.some(100)
        else:
            time.sleep(0.002)
    return (sending.cursor() - first) / ((cpu_ns(pid) - cpu) / 1e9)


def run(
    findings: Findings,
    *,
    rate: int = RATE,
    seconds: float = SECONDS,
    repetitions: int = 3,
    to: Path | None = None,
) -> None:
    """`to`: where to record, on the disk that is meant; None: in the directory for temporaries."""
    made = _messages()
    taken: dict[str, list[float]] = {name: [] for name in _UNITS}
    speeds: list[float] = []
    checked: list[float] = []
    where = cores.choose()
    for number in range(repetitions):
        findings.progress(f"{rate:,} records/s for {seconds:g} s, {number + 1} of {repetitions}")
        namespace = leftovers.memory(f"bench-record-{os.getpid()}-{number}")
        with leftovers.temporary(to) as folder:
            with create(
                VENUE, namespace=namespace, instruments=_INSTRUMENTS, ring_slots=_SLOTS
            ) as held:
                _listed(held.writer)
                sending = _Sending(held.writer, namespace, made)
                with recorder(namespace, Path(folder), where.writer) as process:
                    figures, points = _steady(sending, process.pid, namespace, rate, seconds)
                    lost = _status(namespace)["lost"]
                    speeds.append(_flat_out(sending, process.pid, seconds / 4))
            size = sum(each.stat().st_size for each in Path(folder).rglob("*.parquet"))
            records = int(_recorded(Path(folder)))
            checked.append(_verified(Path(folder)))
        figures["record"] = size / records
        figures["disk"] = figures["record"] * 100_000 / (1 << 20)
        figures["records lost"] = float(lost)
        for name in _UNITS:
            taken[name].append(figures[name])
        findings.series.append(Series(BENCH, "memory", f"run {number + 1}", "MiB", points))
    case = f"{rate:,} records/s"
    for name, unit in _UNITS.items():
        findings.results.append(_result(case, name, unit, taken[name]))
    findings.results.append(_result("flat out", "a core keeps", "records/s", speeds))
    findings.results.append(_result("flat out", "a core verifies", "rows/s", checked))


def _verified(folder: Path) -> float:
    """Rows a second of a core: all of it read again, by its CPU time."""
    began = time.process_time()
    report = verify(folder)
    spent = time.process_time() - began
    if report.findings:
        raise StageError(f"what was recorded is not right: {report.findings[0].text}")
    return report.total.rows / spent


def _recorded(folder: Path) -> int:
    from shm.recording import manifest

    found = manifest.read(folder)
    return sum(segment.records for segment in found.segments(VENUE))


def _result(case: str, name: str, unit: str, values: list[float]) -> Result:
    return Result(
        BENCH, case, name, unit, significant(float(np.median(values))), significant(spread(values))
    )
