"""Wire benchmark: a WebSocket on loopback to records in memory, plain and under TLS.

The measured process is the IO process itself, all of it, on a core of its own. The venue's end
writes frames as fast as they are taken, so that the receiver is never idle: its CPU time per frame,
user and kernel, is the cost, and frames per second what it can bear before it lags. The floor is a
C program (receiver.c) that reads the same bytes from the same server. Each repetition starts both
anew, and neither is timed before it is warm.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from feedhandler import venues
from feedhandler.bench.kit import cores, policy
from feedhandler.bench.kit.frames import Case, by_kind, recorded, recordings
from feedhandler.bench.kit.receiving import expect, floor_process, no_floor
from feedhandler.bench.kit.rendered import declared, rendered
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.kit.scenario import Scenario, lasting, prepare, repeated
from feedhandler.bench.kit.server import Server, Session
from feedhandler.bench.kit.stage import StageError, cpu_ns, stage, until
from feedhandler.bench.kit.synthetic import VENUES, synthetic
from feedhandler.bench.native import programs
from feedhandler.sim.server.certificates import CertificateError
from feedhandler.sim.server.frames import encode

BENCH = "wire"
FRAMES = 200_000
_MADE = 20_000
_FEW = 1000  # a recording of fewer frames than this is no stream


@dataclass(frozen=True)
class Cost:
    """Of one frame: CPU and wall time, ns."""

    cpu: float
    wall: float


def cases(folder: Path | None, chosen: Sequence[str] = ()) -> list[Case]:
    """A stream a venue: recorded, all that the floor reads of it; or made in code."""
    found = []
    for venue in venues.names():
        if chosen and venue not in chosen:
            continue
        whole = recorded(venue, folder)
        if whole is not None and not whole.floor:
            whole = next((part for part in by_kind(whole) if part.kind == "book"), None)
        if whole is not None and len(whole.frames) >= _FEW:
            found.append(whole)
        elif venue in VENUES:
            found.append(synthetic(venue, count=_MADE))
        elif declared(venue) is not None:
            found.append(lasting(rendered(venue, count=_MADE)))
    return found


def scenario_of(case: Case, frames: int) -> Scenario:
    """The case, long enough, warm after its first pass or, where it cannot be repeated, a fifth."""
    long = repeated(case, frames + len(case.frames))
    again = len(long.frames) > len(case.frames)
    if not again and len(long.frames) > frames:
        long.frames = long.frames[: frames + frames // 4]
    return prepare(long, len(case.frames) if again else len(long.frames) // 5)


def engine_cost(scenario: Scenario, where: cores.Cores, *, tls: bool) -> Cost:
    """One IO process, from start to end. Raises StageError where frames or records are missing."""
    with stage(scenario, cpu=where.writer, spin=False, tls=tls) as on:
        target = on.base + int(scenario.expected.sum())
        count = scenario.warm + len(scenario.measured)
        cost = blasted(
            on.session,
            scenario,
            on.pid,
            lambda: on.frames() >= count and on.published() >= target,
        )
        if bad := {name: n for name, n in on.counters().items() if n}:
            raise StageError(f"{scenario.case.name}: while measuring: {bad}")
        return cost


def floor_cost(scenario: Scenario, where: cores.Cores, *, tls: bool) -> Cost:
    """One C receiver, from start to end. Raises NoProgram."""
    program = programs.build("receiver", tls=tls)
    with Server(tls=tls) as server, floor_process(program, server, scenario, where.writer) as child:
        session = server.session()
        session.send(*(encode(frame) for frame in scenario.warming))
        expect(child, "warm")
        return blasted(session, scenario, child.pid, lambda: expect(child, "done"))


def blasted(session: Session, scenario: Scenario, pid: int, done: Callable[[], bool]) -> Cost:
    """Every measured frame as fast as the process takes them, until `done`: its cost of a frame."""
    count = len(scenario.measured)
    frames = [encode(frame) for frame in scenario.measured]
    with session.alone():
        data, _ = session.seal(frames)
        cpu, begin = cpu_ns(pid), time.monotonic_ns()
        session.blast(data)
        until(done, f"{scenario.case.name}: all frames are in memory")
        return Cost((cpu_ns(pid) - cpu) / count, (time.monotonic_ns() - begin) / count)


def measure(
    case: Case, findings: Findings, *, tls: bool = False, repetitions: int = 5, frames: int = FRAMES
) -> None:
    """One stream, plain or under TLS."""
    where = cores.choose()
    scenario = scenario_of(case, frames)
    name = f"{case.name} {'TLS' if tls else 'plain'}"
    sides: dict[str, Callable[[], Cost]] = {
        "own": lambda: engine_cost(scenario, where, tls=tls),
        "floor": lambda: floor_cost(scenario, where, tls=tls),
    }
    if why := no_floor(case, tls=tls):
        findings.note(f"no floor for {name}: {why}")
        del sides["floor"]
    with cores.pinned(where.sender):
        taken = policy.in_turns(
            sides, repetitions, lambda n: findings.progress(f"wire {name} {n}/{repetitions}")
        )
    own, least = taken["own"], taken.get("floor")

    def pairs(of: Callable[[Cost], float]) -> list[policy.Pair]:
        floors = [None] * len(own) if least is None else [of(cost) for cost in least]
        return [(of(cost), floor) for cost, floor in zip(own, floors, strict=True)]

    cpu = policy.summary(BENCH, name, "CPU per frame", "ns", pairs(lambda cost: cost.cpu))
    rate = policy.summary(
        BENCH, name, "before lag", "frames/s", pairs(lambda cost: 1e9 / cost.wall)
    )
    findings.results += [cpu, rate]


def run(
    findings: Findings,
    *,
    folder: Path | None = None,
    repetitions: int = 5,
    frames: int = FRAMES,
    chosen: Sequence[str] = (),
) -> None:
    """Every venue, plain and under TLS."""
    folder = recordings(folder)
    if folder is None:
        findings.note("no recordings (--captures): wire ran on frames made in code only")
    findings.note(f"wire: {cores.choose().in_words()}")
    for case in cases(folder, chosen):
        for tls in (False, True):
            try:
                measure(case, findings, tls=tls, repetitions=repetitions, frames=frames)
            except CertificateError as error:
                findings.note(f"no TLS: {error}")
