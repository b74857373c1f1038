"""Screens benchmark: what `top` and the page cost, and what they cost the writer.

A board of 4,000 options at a steady rate (see board.py); beside it `top` on a terminal, and the
page with five viewers: three look at all venues, one at the venue, one at a book. In turns all of
them are stopped (SIGSTOP) and go on, while the same writer goes on: the stretches in which they are
stopped are the floor of the writer's latency and CPU. Who looks shares the core of the venue's end
and of the strategy, never the writer's, as on a host that is set up for it.
"""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from feedhandler import python_child
from feedhandler.bench.figures import latency
from feedhandler.bench.kit import children, cores, pace, policy
from feedhandler.bench.kit.board_frames import CHANNELS, VENUE, board, first_frames
from feedhandler.bench.kit.histogram import Histogram
from feedhandler.bench.kit.receiving import line
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.kit.scenario import prepare
from feedhandler.bench.kit.stage import Stage, StageError, cpu_ns, end, environment, stage

BENCH = "screens"
INSTRUMENTS = 4_000
RATE = 2_000
SECONDS = 4.0
_SETTLE_S = 2.0  # of screens that go on after they were stopped
_SERVER = "feedhandler.bench.kit.page_server"
_LOOKS = ("view=venues", "view=venues", "view=venues", f"view=venue&venue={VENUE}")
_PERCENTILES = (50.0, 99.0)
_SHARE = "% of a core"


@dataclass(frozen=True)
class Screens:
    """Processes by what they are; `all`: with those who look at the page."""

    top: children.Child
    overview: children.Child
    page: children.Child
    all: Sequence[children.Child]

    def stop(self) -> None:
        """None of them looks."""
        for each in reversed(self.all):
            children.stop(each)

    def go_on(self) -> None:
        """All of them look again."""
        for each in self.all:
            children.go_on(each)


@contextmanager
def _screens(on: Stage, where: cores.Cores, symbol: str) -> Iterator[Screens]:
    with ExitStack() as stack:
        overview = stack.enter_context(_top(on.namespace, where.reader))
        top = stack.enter_context(_top(on.namespace, where.reader, b"\r"))
        page = stack.enter_context(_said(where.reader, "serve", on.namespace))
        port = line(page, 30.0, "its port").removeprefix("ready ")
        queries = [*_LOOKS, f"view=book&venue={VENUE}&symbol={symbol}"]
        viewers = stack.enter_context(_said(where.reader, "look", port, *queries))
        if (said := line(viewers, 30.0, "the first events")) != "ready":
            raise StageError(f"who looks at the page said {said!r}")
        yield Screens(top, overview, page, (page, viewers, overview, top))


def _behind(cpu: int) -> list[str]:
    """On a core, and behind all others there, also where the rest has real-time priority: the
    venue's end is to be on time, whoever looks."""
    return ["chrt", "--other", "0", "nice", "-n", "39", "taskset", "-c", str(cpu)]


@contextmanager
def _said(cpu: int, *arguments: str) -> Iterator[children.Child]:
    made = subprocess.Popen(
        [*_behind(cpu), *python_child.command(_SERVER, *arguments)],
        bufsize=0,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=environment(),
    )
    try:
        yield made
    finally:
        end(made)


@contextmanager
def _top(namespace: str, cpu: int, keys: bytes = b"") -> Iterator[children.Child]:
    """`feedhandler top` on a terminal of 200 x 50 that somebody reads; `keys`: pressed once it is
    drawn."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    made = subprocess.Popen(
        [*_behind(cpu), *python_child.command("feedhandler", "top", "--namespace", namespace)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment() | {"TERM": "xterm-256color"},
    )
    os.close(slave)
    drawn = threading.Event()

    def read() -> None:
        seen = b""
        with suppress(OSError):  # it has left
            while data := os.read(master, 1 << 16):
                seen = b"" if drawn.is_set() else seen + data
                if VENUE.encode() in seen:
                    drawn.set()

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    try:
        if not drawn.wait(60.0):
            raise StageError("top draws nothing")
        os.write(master, keys)
        yield made
    finally:
        end(made)
        reading.join(5.0)
        os.close(master)


@dataclass
class _Stretch:
    """Of the writer, us and ns a frame; of the screens, their shares of a core."""

    held: list[float]
    in_memory: list[float]
    a_frame: float
    shares: dict[str, float]


def _stretch(on: Stage, slice_: pace.Slice, where: cores.Cores, seen: Screens) -> _Stretch:
    watched = {"top, one venue": seen.top, "top, all venues": seen.overview, "page": seen.page}
    began, before = time.monotonic(), {name: cpu_ns(its.pid) for name, its in watched.items()}
    writer = cpu_ns(on.pid)
    taken = latency.engine_slice(on, slice_, "sleep", where)
    seconds, used = time.monotonic() - began, cpu_ns(on.pid) - writer
    if taken.lost:
        raise StageError(f"{taken.lost} records were lost while measuring")
    shares = {
        name: (cpu_ns(its.pid) - before[name]) / 1e7 / seconds for name, its in watched.items()
    }
    percentiles = []
    for latencies in (taken.held, taken.in_memory):
        found = Histogram()
        found.record(latencies)
        percentiles.append([ns / 1e3 for ns in found.percentiles(_PERCENTILES)])
    return _Stretch(percentiles[0], percentiles[1], used / slice_.count, shares)


def run(
    findings: Findings,
    *,
    instruments: int = INSTRUMENTS,
    rate: int = RATE,
    seconds: float = SECONDS,
    settle_s: float = _SETTLE_S,
    repetitions: int = 5,
) -> None:
    """One writer; in turns nobody looks, and all do."""
    where = cores.choose()
    findings.note(f"screens: {where.in_words()}; who looks on {where.reader}")
    each = int(rate * seconds)
    case = board(instruments, 2 * repetitions * each, rate)
    scenario = prepare(case, 2 * instruments, instruments)
    taken: dict[bool, list[_Stretch]] = {False: [], True: []}
    with (
        stage(
            scenario,
            cpu=where.writer,
            spin=False,
            channels=CHANNELS,
            watched=True,
            first=first_frames(case, instruments),
        ) as on,
        _screens(on, where, scenario.instruments[0].symbol) as seen,
    ):
        first = 2 * instruments
        for repetition in range(repetitions):
            findings.progress(f"screens {repetition + 1}/{repetitions}")
            for looked in (False, True) if repetition % 2 == 0 else (True, False):
                if not looked:
                    seen.stop()
                time.sleep(settle_s)
                slice_ = pace.paced(first, rate, seconds)
                taken[looked].append(_stretch(on, slice_, where, seen))
                first = slice_.last
                if not looked:
                    seen.go_on()
    _report(findings, taken, f"{instruments:,} instruments, {rate / 1000:g}k/s")


def _report(findings: Findings, taken: dict[bool, list[_Stretch]], size: str) -> None:
    for name in taken[True][0].shares:
        pairs: list[policy.Pair] = [(one.shares[name], None) for one in taken[True]]
        case = f"{name}{', 5 viewers' if name == 'page' else ''}: {size}"
        findings.results.append(policy.summary(BENCH, case, "CPU", _SHARE, pairs))
    both = list(zip(taken[True], taken[False], strict=True))
    case = f"writer, all of them look: {size}"
    for at, percent in enumerate(_PERCENTILES):
        for what in ("in_memory", "held"):
            pairs = [(getattr(one, what)[at], getattr(other, what)[at]) for one, other in both]
            name = f"p{percent:g}{' in memory' if what == 'in_memory' else ''}"
            findings.results.append(policy.summary(BENCH, case, name, "us", pairs))
    pairs = [(one.a_frame, other.a_frame) for one, other in both]
    findings.results.append(policy.summary(BENCH, case, "CPU a frame", "ns", pairs))
