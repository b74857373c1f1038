"""Latency benchmark: from when a frame is due at the venue to the strategy's process holding it.

Three processes, as in life: the venue's end, the IO process, and a strategy in Python that spins,
sleeps on the futex, or awaits. The clock is CLOCK_MONOTONIC, which all of them share. A frame's
latency counts from when it was *due*, not from when the sender got round to it, so that nobody
waits unseen. Which records are a frame's is known from a dry run (scenario.py), so that frames need
no mark and a record that never came is counted as lost. The floor is two processes in C: the same
sender, and receiver.c, which spins on the socket, or sleeps in it, and stamps the time when a
frame's slots are written.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial

import msgspec
import numpy as np
import numpy.typing as npt

from feedhandler import python_child
from feedhandler.bench.kit import cores, policy
from feedhandler.bench.kit.histogram import Histogram
from feedhandler.bench.kit.latency_reader import Order
from feedhandler.bench.kit.pace import Slice
from feedhandler.bench.kit.receiving import expect, floor_process, no_floor
from feedhandler.bench.kit.result import Curve, Findings
from feedhandler.bench.kit.scenario import Scenario
from feedhandler.bench.kit.server import Server, Session
from feedhandler.bench.kit.stage import Stage, StageError, end, environment, stage
from feedhandler.bench.native import _sender, programs
from feedhandler.sim.server.frames import encode

BENCH = "latency"
READERS = ("spin", "sleep", "asyncio")
PERCENTILES = (50.0, 99.0, 99.9)
IN_MEMORY = (50.0, 99.9)  #: those shown of the way to the memory
_SPIN_NS = 100_000  # the sender's, before a frame is due, on a core of its own
_LEAD_NS = 20_000_000  # before a slice's first frame is due
Latencies = npt.NDArray[np.int64]
NOTHING = nullcontext()


@dataclass
class Taken:
    """What one slice took, once: ns by frame to the strategy and to the memory, how late the sender
    was, records lost."""

    held: Latencies
    in_memory: Latencies
    late: Latencies
    lost: int = 0


@dataclass
class Gathered:
    """The same over repetitions."""

    held: list[list[float]] = field(default_factory=list)
    in_memory: list[list[float]] = field(default_factory=list)
    histogram: Histogram = field(default_factory=Histogram)
    late: Histogram = field(default_factory=Histogram)
    lost: int = 0

    def add(self, taken: Taken) -> None:
        """One repetition."""
        for latencies, percentiles in ((taken.held, self.held), (taken.in_memory, self.in_memory)):
            one = Histogram()
            one.record(latencies)
            percentiles.append([ns / 1e3 for ns in one.percentiles(PERCENTILES)])
        self.histogram.record(taken.held)
        self.late.record(taken.late)
        self.lost += taken.lost


def engine_run(
    scenario: Scenario, slices: Sequence[Slice], reader: str, where: cores.Cores
) -> list[Taken]:
    """One IO process and a reader for each slice. Raises StageError."""
    with stage(scenario, cpu=where.writer, spin=reader == "spin") as on:
        taken = [engine_slice(on, one, reader, where) for one in slices]
        if bad := {name: n for name, n in on.counters().items() if n}:
            raise StageError(f"{scenario.case.name}: while measuring: {bad}")
        return taken


def engine_slice(
    on: Stage,
    one: Slice,
    reader: str,
    where: cores.Cores,
    sending: AbstractContextManager[object] = NOTHING,
) -> Taken:
    """One slice, with a reader of its own; `sending`: entered while it is sent. Raises
    StageError."""
    expected = on.scenario.records[one.first : one.last]
    path = programs.scratch("seen.npz")
    order = Order(
        on.namespace, on.scenario.case.venue, reader, int(expected.sum()), str(path), where.reader
    )
    child = subprocess.Popen(
        python_child.command("feedhandler.bench.kit.latency_reader"),
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    )
    try:
        assert child.stdin is not None
        child.stdin.write(msgspec.json.encode(order) + b"\n")
        expect(child, "ready")
        with sending:
            due, sent = _send(on.session, on.scenario.case.frames, one, where)
        expect(child, "done")
        with np.load(path) as saw:
            return joined(saw["seen"], saw["published"], expected, due, sent)
    finally:
        end(child)


def joined(
    seen: Latencies, published: Latencies, expected: Latencies, due: Latencies, sent: Latencies
) -> Taken:
    """The reader's batches and the sender's times, put together by the records of each frame.

    `seen`: (batches, 3) time, records handed out, records lost; `published`: by record handed out;
    `expected`: records by frame. A frame is held when the batch with its last record is. What was
    lost, even in part, has no latency.
    """
    times, delivered, lost = seen[:, 0], seen[:, 1], seen[:, 2]
    ends = np.cumsum(expected)
    batch = np.searchsorted(delivered + lost, ends)  # the one that its last record is in or before
    come = (expected > 0) & (batch < len(times))
    handed = np.ones(int(ends[-1]) + 1, bool)  # by record
    fresh = np.diff(lost, prepend=0)
    for i in np.flatnonzero(fresh):  # they were overwritten before this batch began
        first = int(delivered[i - 1] + lost[i - 1]) if i else 0
        handed[first : first + int(fresh[i])] = False
    handed[int(delivered[-1] + lost[-1]) if len(times) else 0 :] = False
    missed = np.concatenate([[0], np.cumsum(~handed)])
    come &= missed[ends] == missed[ends - expected]
    place = np.cumsum(handed)[ends[come] - 1] - 1  # of a frame's last record among those handed out
    return Taken(
        held=times[batch[come]] - due[come],
        in_memory=published[place] - due[come],
        late=sent - due,
        lost=int(ends[-1]) - (int(delivered[-1]) if len(times) else 0),
    )


def floor_run(
    scenario: Scenario, slices: Sequence[Slice], reader: str, where: cores.Cores
) -> list[Taken]:
    """One C receiver for all slices. Raises NoProgram."""
    program, path = programs.build("receiver"), programs.scratch("times")
    spin = reader == "spin"
    with (
        Server() as server,
        floor_process(
            program,
            server,
            scenario,
            where.writer,
            spin=spin,
            times=path,
            count=slices[-1].last - scenario.warm,
        ) as child,
        _neighbour(where if spin and where.shared else None),
    ):
        session = server.session()
        session.send(*(encode(frame) for frame in scenario.warming))
        expect(child, "warm")
        timed = [_send(session, scenario.case.frames, one, where) for one in slices]
        expect(child, "done")
        expect(child, "written")
    times = np.fromfile(path, np.int64)
    taken = []
    for one, (due, sent) in zip(slices, timed, strict=True):
        held = times[one.first - scenario.warm : one.last - scenario.warm]
        some = scenario.records[one.first : one.last] > 0  # as the engine has it
        taken.append(Taken((held - due)[some], (held - due)[some], sent - due))
    return taken


@contextmanager
def _neighbour(where: cores.Cores | None) -> Iterator[None]:
    """Where a spinning strategy shares the sender's core, somebody spins there beside the floor:
    a core that is never idle wakes its sender sooner."""
    if where is None:
        yield
        return
    spinner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import os; os.sched_setaffinity(0, {{{where.reader}}})\nwhile True: pass",
        ],
        env=environment(),
    )
    try:
        yield
    finally:
        end(spinner)


def _send(
    session: Session, frames: Sequence[bytes], one: Slice, where: cores.Cores
) -> tuple[Latencies, Latencies]:
    """When each frame was due, and when it was sent. In a thread of its own, urgent if it may."""
    with session.alone():
        data, offsets = session.seal([encode(frame) for frame in frames[one.first : one.last]])
        sent = np.zeros(one.count, np.int64)
        failed: list[OSError] = []
        due = np.zeros(one.count, np.int64)

        spin_ns = one.spin_ns if where.shared else _SPIN_NS

        def work() -> None:
            cores.pin(where.sender)
            cores.urgent()
            due[:] = time.monotonic_ns() + _LEAD_NS + one.after_ns
            try:
                _sender.paced(session.socket.fileno(), data, offsets, due, sent, spin_ns)
            except OSError as error:
                failed.append(error)

        cores.in_thread(work)
        if failed:
            raise StageError(f"{one.name}: the receiver is gone: {failed[0]}")
    return due, sent


def measure(
    scenario: Scenario,
    slices: Sequence[Slice],
    findings: Findings,
    *,
    readers: Sequence[str] = READERS,
    repetitions: int = 3,
) -> None:
    """Every slice with every reader, in turns with the floor."""
    where = cores.choose()
    runs = {"own": engine_run, "floor": floor_run}
    if why := no_floor(scenario.case):
        findings.note(f"no floor for latency: {why}")
        del runs["floor"]
    for reader in readers:
        sides = {
            name: partial(one_run, scenario, slices, reader, where)
            for name, one_run in runs.items()
        }
        told = partial(_tell, findings, f"latency {reader}", repetitions)
        taken = policy.in_turns(sides, repetitions, told)
        for i, one in enumerate(slices):
            gathered = {name: Gathered() for name in sides}
            for name, all_taken in taken.items():
                for each in all_taken:
                    gathered[name].add(each[i])
            _report(findings, f"{scenario.case.venue} {one.name}", reader, gathered)


def _tell(findings: Findings, what: str, of: int, repetition: int) -> None:
    findings.progress(f"{what} {repetition}/{of}")


def _report(findings: Findings, name: str, reader: str, gathered: dict[str, Gathered]) -> None:
    own, floor = gathered["own"], gathered.get("floor")
    case = f"{name} {reader}"
    for of, shown in (("held", PERCENTILES), ("in_memory", IN_MEMORY)):
        for percent in shown:
            i = PERCENTILES.index(percent)
            mine = [one[i] for one in getattr(own, of)]
            least = [one[i] for one in getattr(floor, of)] if floor else [None] * len(mine)
            metric = f"p{percent:g}" + (" in memory" if of == "in_memory" else "")
            pairs = list(zip(mine, least, strict=True))
            findings.results.append(policy.summary(BENCH, case, metric, "us", pairs))
    lost = policy.summary(BENCH, case, "records lost", "records", [(float(own.lost), None)])
    late = own.late.percentile(99.9) / 1e3
    findings.results += [
        lost,
        policy.summary(BENCH, case, "sender late p99.9", "us", [(late, None)]),
    ]
    findings.curves.append(Curve(BENCH, name, reader, "ns", own.histogram))
    if floor is not None:
        below = Curve(BENCH, name, f"floor, {reader}", "ns", floor.histogram, floor=True)
        findings.curves.append(below)
