"""What readers cost the writer: its time a message and a frame, with readers and without.

To wake who sleeps on a core that sleeps, too, costs an interrupt from one core to the other, which
on a virtual machine is a call of its host. So it is measured once more while cores are kept awake.

Rings that nobody reads and rings with readers get the same work in turns; readers that do not take
part in a turn are stopped. The floor of each figure is the ring that nobody reads, so that the
ratio is what the readers cost. A *message* is the bare store of one record and its publication,
16 at once: nothing hides what a reader costs. A *frame* is an order-book update through the engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

import numpy as np

from feedhandler import venues
from feedhandler.adapter.engine import make_engine
from feedhandler.bench.figures.hop import BENCH, VENUE, make_segment
from feedhandler.bench.kit import cores, policy
from feedhandler.bench.kit.children import Child, followers, go_on, stop
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.kit.synthetic import synthetic
from feedhandler.bench.native import _publisher
from shm._native import Writer

READERS = (1, 2, 4, 8)
_BURST = 16  # messages, or frames
_INTERVAL_NS = 100_000
_ENGINE = "okx"
Work = Callable[[], float]


class Messages:
    """Bare messages into a ring."""

    metric = "writer per message"

    def __init__(self, writer: Writer) -> None:
        writer.directory_add({"symbol": b"X"})
        self._writer = writer

    def __call__(self, bursts: int) -> float:
        took = np.zeros(bursts, np.int64)
        _publisher.bursts(self._writer.capsule(), _BURST, _INTERVAL_NS, took)
        return float(np.median(took)) / _BURST


class Frames:
    """Book updates through an engine; the stream begins anew with its snapshot, which is not
    timed."""

    metric = "writer per frame"

    def __init__(self, writer: Writer) -> None:
        engine = make_engine(venues.load(_ENGINE), writer, auto_add=True)
        self._feed = engine.connection(0).feed_all
        frames = synthetic(_ENGINE, count=_BURST * 250).frames
        self._snapshot, changes = frames[:1], frames[1:]
        self._bursts = [changes[i : i + _BURST] for i in range(0, len(changes), _BURST)]
        self._at = len(self._bursts)

    def __call__(self, bursts: int) -> float:
        took, due = [], time.perf_counter_ns()
        for _ in range(bursts):
            if self._at == len(self._bursts):
                self._at = 0
                self._feed(self._snapshot)
            frames = self._bursts[self._at]
            self._at += 1
            due += _INTERVAL_NS
            while (begin := time.perf_counter_ns()) < due:
                pass
            self._feed(frames)
            took.append(time.perf_counter_ns() - begin)
        return float(np.median(took)) / _BURST


def measure(
    findings: Findings,
    *,
    repetitions: int = 20,
    bursts: int = 300,
    most: int = READERS[-1],
    kinds: Sequence[type[Messages] | type[Frames]] = (),
) -> None:
    """Polling readers, sleeping ones, and such that are stopped while they poll or sleep."""
    where = cores.choose()
    for kind in kinds or (Messages, Frames):
        with ExitStack() as stack:
            alone, polled, slept = (make_segment(stack).writer for _ in range(3))
            pollers = _followers(stack, polled, "poll", most, where)
            sleepers = _followers(stack, slept, "sleep", most, where)
            nobody, to_polling, to_sleeping = kind(alone), kind(polled), kind(slept)
            run = partial(_run, where, bursts)
            busy = _followers(stack, alone, "busy", 1, where)
            sides: dict[str, Work] = {"": partial(run, nobody, [])}
            sides["a busy neighbour"] = partial(run, nobody, busy)
            for count in (number for number in READERS if number <= most):
                sides[f"{count} polling"] = partial(run, to_polling, pollers[:count])
            for count in sorted({1, most}):
                sides[f"{count} sleeping"] = partial(run, to_sleeping, sleepers[:count])
            if cores.may_keep_awake():
                awake = partial(_awake, partial(run, to_sleeping, sleepers))
                sides[f"{most} sleeping, cores kept awake"] = awake
            sides[f"{most} stopped polling"] = partial(run, to_polling, [])
            sides[f"{most} stopped asleep"] = partial(run, to_sleeping, [])
            for one in (*pollers, *sleepers, *busy):
                stop(one)
            what = f"hop, {kind.metric}"
            taken = policy.in_turns(
                sides,
                repetitions,
                lambda n, what=what: findings.progress(f"{what} {n}/{repetitions}"),  # type: ignore[misc]
            )
            for one in (*pollers, *sleepers, *busy):
                go_on(one)
        least = taken.pop("")
        for name, own in taken.items():
            pairs = list(zip(own, least, strict=True))
            findings.results.append(policy.summary(BENCH, name, kind.metric, "ns", pairs))


def _followers(
    stack: ExitStack, writer: Writer, mode: str, count: int, where: cores.Cores
) -> list[Child]:
    several = followers(writer.namespace, VENUE, mode, count, where.reader)
    return stack.enter_context(several)


def _awake(work: Work) -> float:
    with cores.awake():
        return work()


def _run(
    where: cores.Cores, bursts: int, work: Callable[[int], float], readers: list[Child]
) -> float:
    """Nanoseconds a message or frame while these readers run: the median of the bursts."""
    took = 0.0

    def pinned() -> None:
        nonlocal took
        cores.pin(where.writer)
        took = work(bursts)

    for one in readers:
        go_on(one)
    try:
        cores.in_thread(pinned)
    finally:
        for one in readers:
            stop(one)
    return took
