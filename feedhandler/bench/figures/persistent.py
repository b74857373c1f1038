"""Persistence benchmark: what it buys to keep a connection, and to be told instead of asking.

Over TLS on loopback, between two processes, with the libraries that the feed uses. First a
request, one at a time: over the WebSocket that is open anyway, over HTTP that is kept alive, over a
connection of its own. Then the same knowledge of a book by being streamed its changes and by
polling it: a venue that gathers changes for a time lets nobody know them later than that, and
whoever polls as often knows them as early. What is compared is what that costs.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
import uvloop

from feedhandler import python_child
from feedhandler.bench.figures.persistent_market import Market, Times, change_of
from feedhandler.bench.figures.persistent_server import Order, Ready, Told
from feedhandler.bench.figures.persistent_ways import WAYS, OpenSocket, Way
from feedhandler.bench.kit import cores, policy
from feedhandler.bench.kit.histogram import Histogram
from feedhandler.bench.kit.result import Curve, Findings
from feedhandler.bench.kit.stage import StageError, cpu_ns, end, environment
from feedhandler.network.route import Route

BENCH = "persistent"
REQUESTS = {"open socket": 400, "kept-alive HTTP": 400, "new connection": 80}
FRESH_S = 0.02
SECONDS = 3.0
QUIET = 10  #: times fewer changes than there are chances to tell one
_WARM = 10
_IDLE = Order(3600.0)
Figures = dict[str, float]
Latencies = npt.NDArray[np.int64]


class Venue:
    """The other end, in a process of its own on a core of its own."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self.ready = msgspec.json.decode(self._line(), type=Ready)
        self.route = Route(ca_file=self.ready.ca_file)

    def _line(self) -> bytes:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise StageError("the venue's process ended")
        return line

    def order(self, order: Order) -> Told:
        """Begin anew; what was counted since the last order."""
        assert self._child.stdin is not None
        self._child.stdin.write(msgspec.json.encode(order) + b"\n")
        return msgspec.json.decode(self._line(), type=Told)

    def way(self, kind: Callable[[int, Route], Way]) -> Way:
        """Not yet open."""
        return kind(self.ready.port, self.route)

    def cpu_ns(self) -> int:
        """What the process has used."""
        return cpu_ns(self._child.pid)


@contextmanager
def venue(cpu: int) -> Iterator[Venue]:
    """Raises StageError, and CertificateError's text on stderr, where it cannot start."""
    child = subprocess.Popen(
        [
            *("taskset", "-c", str(cpu)),
            *python_child.command("feedhandler.bench.figures.persistent_server"),
        ],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    )
    try:
        yield Venue(child)
    finally:
        end(child)


@dataclass
class _Meter:
    """CPU of both ends, connections and bytes, from `order` to `read`."""

    venue: Venue

    def order(self, order: Order) -> int:
        """Start; when the market begins, ns."""
        began = self.venue.order(order).began
        self._cpu = self.venue.cpu_ns(), time.process_time_ns()
        self._at = time.monotonic_ns()
        return began

    def read(self) -> tuple[float, float, float, Told]:
        """(seconds, client's CPU ns, venue's CPU ns, what was counted)"""
        client, there = time.process_time_ns(), self.venue.cpu_ns()
        seconds = (time.monotonic_ns() - self._at) / 1e9
        told = self.venue.order(_IDLE)
        return seconds, client - self._cpu[1], there - self._cpu[0], told


# ---- requests -----------------------------------------------------------------------------------


async def request_figures(there: Venue, kind: type[Way], count: int) -> tuple[Figures, Latencies]:
    """One request after another."""
    meter = _Meter(there)
    async with there.way(kind) as way:
        for _ in range(min(_WARM, count)):
            await way.ask()
        meter.order(_IDLE)
        taken = np.zeros(count, np.int64)
        for n in range(count):
            begin = time.monotonic_ns()
            await way.ask()
            taken[n] = time.monotonic_ns() - begin
        _, client, server, told = meter.read()
    histogram = Histogram()
    histogram.record_corrected(taken, int(np.median(taken)))
    half, most = histogram.percentiles((50.0, 99.0))
    figures = {
        "p50": half / 1e3,
        "p99": most / 1e3,
        "our CPU": client / count / 1e3,
        "venue CPU": server / count / 1e3,
        "line": told.bytes / count,
        "handshakes": told.connections / count,
    }
    return figures, taken


REQUEST_UNITS = {
    "p50": "us",
    "p99": "us",
    "our CPU": "us",
    "venue CPU": "us",
    "line": "bytes",
    "handshakes": "each",
}


# ---- streaming and polling ----------------------------------------------------------------------


def known_after(times: Times, seen: Sequence[tuple[int, int]], until: int) -> Latencies:
    """How long after it happened each change was known, ns.

    `seen`: (ns, the newest change that was known then); `until`: changes after that are not looked
    at. What was passed over is known with what came after it. Raises StageError where one is
    missing.
    """
    order = sorted(seen)
    when = np.array([at for at, _ in order], np.int64)
    newest = np.maximum.accumulate(np.array([change for _, change in order], np.int64))
    count = int(np.searchsorted(times, until, "right"))
    first = np.searchsorted(newest, np.arange(1, count + 1), "left")
    if count == 0 or first[-1] >= len(when):
        raise StageError("not every change became known in time")
    known: Latencies = when[first] - times[:count]
    return known


async def fresh_figures(
    there: Venue, kind: type[Way] | None, order: Order, every_s: float, seconds: float
) -> tuple[Figures, Latencies]:
    """Know a book for some seconds: streamed (`kind` None), or by asking so often."""
    meter = _Meter(there)
    seen: list[tuple[int, int]] = []
    async with there.way(kind or OpenSocket) as way:
        await way.ask()
        began = meter.order(order)
        loop = asyncio.get_running_loop()
        due = loop.time()
        over = due + seconds
        while kind is not None and due < over:
            answer = await way.ask()
            seen.append((time.monotonic_ns(), change_of(answer)))
            due += every_s
            await asyncio.sleep(max(0.0, due - loop.time()))
        if kind is None:
            await asyncio.sleep(seconds)
        spent, client, server, told = meter.read()
        if isinstance(way, OpenSocket):
            seen += [(at, change_of(message)) for at, message in way.taken]
    times = Market(began, order.gap_s).times()
    last = max((at for at, _ in seen), default=0)
    known = known_after(times, seen, last - int(2 * every_s * 1e9))
    figures = {
        "known p50": float(np.percentile(known, 50)) / 1e6,
        "known p99": float(np.percentile(known, 99)) / 1e6,
        "our CPU": client / spent / 1e7,
        "venue CPU": server / spent / 1e7,
        "line": told.bytes / spent / 1e3,
        "handshakes": told.connections / spent,
    }
    return figures, known


FRESH_UNITS = {
    "known p50": "ms",
    "known p99": "ms",
    "our CPU": "%",
    "venue CPU": "%",
    "line": "kB each s",
    "handshakes": "each s",
}


# ---- all of it ----------------------------------------------------------------------------------

Side = Callable[[], tuple[Figures, Latencies]]


def request_sides(there: Venue, counts: Mapping[str, int]) -> dict[str, Side]:
    """By way."""

    def side(name: str) -> Side:
        return lambda: uvloop.run(request_figures(there, WAYS[name], counts[name]))

    return {name: side(name) for name in WAYS}


def fresh_sides(there: Venue, fresh_s: float, seconds: float) -> dict[str, Side]:
    """By way; the first is what the others are compared with."""
    gap = fresh_s / 2
    streams = {
        "streamed": Order(gap, fresh_s, stream=True),
        "streamed, quiet market": Order(QUIET * fresh_s, fresh_s, stream=True),
        "streamed at once": Order(gap, 0.0, stream=True),
    }

    def side(kind: type[Way] | None, order: Order) -> Side:
        return lambda: uvloop.run(fresh_figures(there, kind, order, fresh_s, seconds))

    sides = {name: side(None, order) for name, order in streams.items()}
    return sides | {f"polled, {name}": side(kind, Order(gap)) for name, kind in WAYS.items()}


def gathered(
    findings: Findings, title: str, sides: Mapping[str, Side], units: Mapping[str, str], count: int
) -> None:
    """Measure the sides in turns; the first one is the floor of the others."""

    def told(name: str, side: Side) -> Side:
        def measured() -> tuple[Figures, Latencies]:
            findings.progress(f"{title} {name} {turn}/{count}")
            return side()

        return measured

    turn = 0

    def began(repetition: int) -> None:
        nonlocal turn
        turn = repetition

    taken = policy.in_turns({name: told(name, side) for name, side in sides.items()}, count, began)
    base = next(iter(sides))
    for name, runs in taken.items():
        case = f"{title} {name}"
        for metric, unit in units.items():
            pairs: list[policy.Pair] = [
                (figures[metric], (other[metric] or None) if name != base else None)
                for (figures, _), (other, _) in zip(runs, taken[base], strict=True)
            ]
            findings.results.append(policy.summary(BENCH, case, metric, unit, pairs))
        histogram = Histogram()
        for _, latencies in runs:
            histogram.record(latencies)
        findings.curves.append(Curve(BENCH, title, name, "ns", histogram, floor=name == base))


def run(
    findings: Findings,
    *,
    repetitions: int = 3,
    fresh_s: float = FRESH_S,
    seconds: float = SECONDS,
    requests: Mapping[str, int] = REQUESTS,
) -> None:
    """Requests, then streaming beside polling."""
    where = cores.choose()
    findings.note(f"persistent: we on CPU {where.writer}, the venue on {where.sender}")
    findings.wide.add(BENCH)
    with cores.pinned(where.writer), venue(where.sender) as there:
        gathered(findings, "request:", request_sides(there, requests), REQUEST_UNITS, repetitions)
        title = f"{fresh_s * 1e3:g} ms fresh:"
        gathered(findings, title, fresh_sides(there, fresh_s, seconds), FRESH_UNITS, repetitions)
