"""Hop benchmark: from a writer's store to another process holding the record.

The writer publishes one record a message at a steady pace, from a native loop on a core of its own;
each record carries when it was due. Readers: a C program on the contract's header, and strategies
in Python that poll, sleep on the futex, or await; also one that polls beside a reader that is slow,
and beside one that is stopped. The floor is two threads and a cache line each way (pingpong.c), as
far as it goes the way of any message between two cores.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from feedhandler.bench.figures import rivals
from feedhandler.bench.kit import cores, policy
from feedhandler.bench.kit.children import child, followers, recorder, stop
from feedhandler.bench.kit.histogram import Histogram
from feedhandler.bench.kit.latency_reader import Order
from feedhandler.bench.kit.receiving import expect
from feedhandler.bench.kit.result import Curve, Findings
from feedhandler.bench.kit.stage import StageError, namespace
from feedhandler.bench.native import _publisher, programs
from feedhandler.bench.native.programs import NoProgram
from shm import segment
from shm._native import Writer
from shm.segment import WriterSegment

BENCH = "hop"
PERCENTILES = (50.0, 99.0, 99.9)
VENUE = "hop"
_INTERVAL_NS = 200_000
PING_PONGS = 20_000
_MODES = {"Python poll": "spin", "Python sleep": "sleep", "Python asyncio": "asyncio"}
_BESIDE = {"slow": "Python poll beside a slow one", "stopped": "Python poll beside a stopped one"}
Times = npt.NDArray[np.int64]
Taken = tuple[Times, Times | None]  # a reader's, the floor's


def make_segment(stack: ExitStack, depth: int = 5, ring_slots: int = 1 << 16) -> WriterSegment:
    """A writer with room for instruments, in a namespace that goes with the stack."""
    space = stack.enter_context(namespace())
    return stack.enter_context(
        segment.create(VENUE, namespace=space, instruments=4, depth=depth, ring_slots=ring_slots)
    )


def one_instrument(stack: ExitStack) -> Writer:
    writer = make_segment(stack).writer
    writer.directory_add({"symbol": b"X"})
    return writer


def ping_pong(where: cores.Cores, count: int = PING_PONGS) -> Times:
    """Ways between two cores, ns. Raises NoProgram."""
    program, path = programs.build("pingpong"), programs.scratch("ways")
    command: list[str | Path] = [program, str(where.writer), str(where.reader), str(count), path]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return np.fromfile(path, np.int64)


def native(where: cores.Cores, count: int) -> Times:
    """Through the ring to a C program. Raises NoProgram, StageError."""
    program, path = programs.build("ring_reader"), programs.scratch("took")
    with ExitStack() as stack:
        writer = one_instrument(stack)
        data = f"/dev/shm/{writer.namespace}.{VENUE}.{writer.epoch}"
        made = stack.enter_context(child([program, data, str(count), path], where.reader))
        write(writer.capsule(), count, where)
        expect(made, "done")
    return _all_of(np.fromfile(path, np.int64), count, "the C reader")


def in_python(where: cores.Cores, count: int, mode: str, beside: str = "") -> Times:
    """Through the ring to a strategy; `beside`: "slow" or "stopped", another reader. Raises
    StageError."""
    path = programs.scratch("hop.npz")
    with ExitStack() as stack:
        writer = one_instrument(stack)
        if beside:
            kind = "slow" if beside == "slow" else "poll"
            several = followers(writer.namespace, VENUE, kind, 1, where.reader)
            other = stack.enter_context(several)[0]
            if beside == "stopped":
                stop(other)
        order = Order(writer.namespace, VENUE, mode, count, str(path))
        made = stack.enter_context(recorder(order, where.reader))
        write(writer.capsule(), count, where)
        expect(made, "done")
    return held(path, count, mode)


def held(path: Path, count: int, who: str) -> Times:
    """How long after it was due each record was held, by what a recorder wrote."""
    with np.load(path) as saw:
        times, counts = saw["seen"][:, 0], saw["seen"][:, 1]
        took = np.repeat(times, np.diff(counts, prepend=0)) - saw["stamps"]
    return _all_of(took, count, who)


def _all_of(took: Times, count: int, who: str) -> Times:
    if len(took) != count:
        raise StageError(f"hop: {who} had {len(took)} of {count} records")
    return took


def write(capsule: object, count: int, where: cores.Cores) -> None:
    def work() -> None:
        cores.pin(where.writer)
        _publisher.paced(capsule, count, _INTERVAL_NS)

    cores.in_thread(work)


def measure(
    findings: Findings,
    *,
    repetitions: int = 5,
    count: int = 5000,
    readers: Sequence[str] = (),
    rival: bool = True,
) -> None:
    """Every reader, or those of `readers`, each time between two looks at the floor; and what is
    used instead of shared memory, if it is installed and `rival`."""
    where = cores.choose()
    if where.writer == where.reader:
        findings.note("no hop on one core: what is measured would be the scheduler")
        return
    sides: dict[str, Callable[[], Times]] = {"native": partial(native, where, count)}
    for name, mode in _MODES.items():
        sides[name] = partial(in_python, where, count, mode)
    for beside, name in _BESIDE.items():
        sides[name] = partial(in_python, where, count, "spin", beside)
    sides = {name: side for name, side in sides.items() if not readers or name in readers}
    if rival:
        for name, reason in rivals.missing().items():
            findings.note(f"hop without {name}: {reason}")
        for name in rivals.installed():
            sides[name] = partial(rivals.hop, name, where, max(200, count // 5))
    between = _between_floors
    try:
        programs.build("pingpong")
        programs.build("ring_reader")
    except NoProgram as error:
        findings.note(f"no floor and no native reader for hop: {error}")
        sides.pop("native", None)
        between = _without_floor
    floored = {name: partial(between, where, side) for name, side in sides.items()}
    taken = policy.in_turns(
        floored, repetitions, lambda n: findings.progress(f"hop {n}/{repetitions}")
    )
    for name, pairs in taken.items():
        _report(findings, name, pairs)
    ways = [floor for pairs in taken.values() for _, floor in pairs if floor is not None]
    if ways:
        findings.curves.append(
            Curve(BENCH, "readers", "ping-pong", "ns", _merged(ways), floor=True)
        )


def _between_floors(where: cores.Cores, side: Callable[[], Times], /) -> Taken:
    """Cores of a virtual host are moved: the floor's are where its neighbour's were."""
    before = ping_pong(where)
    own = side()
    return own, np.concatenate([before, ping_pong(where)])


def _without_floor(_: cores.Cores, side: Callable[[], Times], /) -> Taken:
    return side(), None


def _report(findings: Findings, name: str, pairs: Sequence[Taken]) -> None:
    own = [_percentiles(one) for one, _ in pairs]
    least = [None if floor is None else _percentiles(floor) for _, floor in pairs]
    for i, percent in enumerate(PERCENTILES):
        figures = [
            (one[i], None if floor is None else floor[i])
            for one, floor in zip(own, least, strict=True)
        ]
        findings.results.append(policy.summary(BENCH, name, f"p{percent:g}", "us", figures))
    arrays = [one for one, _ in pairs]
    findings.curves.append(Curve(BENCH, "readers", name, "ns", _merged(arrays)))


def _percentiles(times: Times) -> list[float]:
    return [ns / 1e3 for ns in _merged([times]).percentiles(PERCENTILES)]


def _merged(arrays: Sequence[Times]) -> Histogram:
    histogram = Histogram()
    for one in arrays:
        histogram.record(one)
    return histogram
