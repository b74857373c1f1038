"""Capacity benchmark: the rate that one connection, and one process, sustain before lag grows.

The measured process is the IO process itself on a core of its own (stage.py); the venue's end sends
frames when they are due, at one rate after another. A rate is sustained if what was sent and is not
in memory yet is no more at the end of a trial than at its beginning. The first trial sends without
a pause: what is taken then is about the limit, around which the search goes by halves. The floor is
the C receiver of `wire`, never idle, on one connection.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from feedhandler.bench.figures import wire
from feedhandler.bench.kit import cores, policy
from feedhandler.bench.kit.receiving import no_floor
from feedhandler.bench.kit.rendered import rendered
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.kit.scenario import Scenario, begins_anew, lasting, prepare
from feedhandler.bench.kit.server import Session
from feedhandler.bench.kit.stage import Stage, StageError, stage, until
from feedhandler.bench.kit.synthetic import VENUES, synthetic
from feedhandler.bench.native import _sender
from feedhandler.sim.server.certificates import CertificateError
from feedhandler.sim.server.frames import encode
from shm import Counter

BENCH = "capacity"
#: The venues whose stream can go on for ever: it begins again with a full book.
REPEATED = tuple(name for name in VENUES if begins_anew(name))
PASS = 4000  #: frames until it does
SECONDS = 1.5
CONNECTIONS = (1, 4)
_GROWTH = 0.01  # of a trial's time: more lag than that is lag that grows, and
_GROWTH_S = 0.004  # so much it may be at least
_LATE = 0.1  # of a trial's time: a sender that is so late did not send at the rate
_PIECE_NS = 500_000  # frames that are due within this are one write
_LEAD_NS = 30_000_000
_SAMPLE_S = 0.002
_STEPS = 4  # of the search, between a rate that is sustained and one that is not
_DOWN, _UP, _TRIES = 0.8, 1.12, 8
_BLAST_S = 0.25
Times = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Trial:
    """`lag_s`: the median of the last third; `growth_s`: by how much that is more than that of the
    first third; `late_s`: how late the sender was, at most."""

    rate: float
    seconds: float
    lag_s: float
    growth_s: float
    late_s: float

    @property
    def sustained(self) -> bool:
        """Whether no lag grew."""
        return self.growth_s <= max(_GROWTH_S, _GROWTH * self.seconds)

    @property
    def sent(self) -> bool:
        """Whether the sender kept up with its own times."""
        return self.late_s <= _LATE * self.seconds


class Stream:
    """A connection's frames, for ever, from wherever the last trial ended."""

    def __init__(self, scenario: Scenario, session: Session) -> None:
        self.session = session
        self._frames = [encode(frame) for frame in scenario.case.frames]
        self._at = scenario.warm % len(self._frames)

    def take(self, count: int) -> list[bytes]:
        """The next ones, as they go over the line."""
        size, begin = len(self._frames), self._at
        self._at = (begin + count) % size
        return (self._frames * -(-(begin + count) // size))[begin : begin + count]


def scenarios(venue: str, connections: int, frames: int = PASS) -> list[Scenario]:
    """A book for each connection."""
    if venue in VENUES:
        case = synthetic(venue, count=frames - 1)
    else:
        case = lasting(rendered(venue, count=frames))
    first = prepare(case, len(case.frames))
    (known,) = first.instruments
    made = [first]
    for n in range(1, connections):
        symbol = f"{n:03}{known.symbol[3:]}"
        named = [frame.replace(known.symbol.encode(), symbol.encode()) for frame in case.frames]
        steps = known.price_exponent, known.size_exponent
        other = replace(case, frames=named, instruments={symbol: steps})
        listed = type(known)(symbol, *steps)
        made.append(Scenario(other, [listed], first.records, first.warm))
    return made


def saturated(on: Stage, lines: Sequence[Stream], guess: float = 40_000.0) -> float:
    """Frames a second when all are sent without a pause."""
    count = int(guess * _BLAST_S)
    while True:
        each = count // len(lines)
        with _alone(lines):
            sealed = [one.session.seal(one.take(each))[0] for one in lines]
            before, begin = on.frames(), time.monotonic()
            threads = _started(partial(_blast, lines, sealed), len(lines))
            _reached(on, before + each * len(lines))
            rate = each * len(lines) / (time.monotonic() - begin)
            for thread in threads:
                thread.join()
        if count >= rate * _BLAST_S:
            return rate
        count = int(2 * rate * _BLAST_S)


def _blast(lines: Sequence[Stream], sealed: Sequence[bytes], line: int) -> None:
    lines[line].session.blast(sealed[line])


def trial(on: Stage, lines: Sequence[Stream], rate: float, seconds: float) -> Trial:
    """Send at a rate, over all connections together, and look at the lag meanwhile."""
    each = max(1, int(rate * seconds / len(lines)))
    after = (np.arange(each) * (1e9 * len(lines) / rate)).astype(np.int64)
    first = np.flatnonzero(np.diff(after // _PIECE_NS, prepend=-1))  # frames that begin a piece
    ends = np.append(first, each)
    sent = np.zeros((len(lines), len(first)), np.int64)
    with _alone(lines):
        sealed = [one.session.seal(one.take(each)) for one in lines]
        before, begin = on.frames(), time.monotonic_ns() + _LEAD_NS
        due = begin + after[first]

        def send(line: int) -> None:
            data, offsets = sealed[line]
            fd = lines[line].session.socket.fileno()
            _sender.paced(fd, data, offsets[ends], due, sent[line], 0)

        threads = _started(send, len(lines))
        times, counts = _sampled(on, begin, begin + int(seconds * 1e9))
        for thread in threads:
            thread.join()
        _reached(on, before + each * len(lines))
    gone = sum(ends[np.searchsorted(one, times, "right")] for one in sent)
    lag = (gone - (counts - before)) / rate
    third = seconds * 1e9 / 3
    early, late = lag[times < begin + third], lag[times >= begin + 2 * third]
    if not len(early) or not len(late):
        raise StageError(f"{on.scenario.case.name}: the host is too busy to look at the lag")
    least, most = float(np.median(early)), float(np.median(late))
    return Trial(rate, seconds, most, most - least, float((sent - due).max()) / 1e9)


def _sampled(on: Stage, begin: int, end: int) -> tuple[Times, Times]:
    """(times, frames in memory by then) between two times."""
    taken = []
    while (now := time.monotonic_ns()) < end:
        if now >= begin:
            taken.append((now, on.frames()))
        time.sleep(_SAMPLE_S)
    times, counts = np.array(taken, np.int64).reshape(-1, 2).T
    return times, counts


def _reached(on: Stage, target: int) -> None:
    until(lambda: on.frames() >= target, f"{on.scenario.case.name}: all frames are in memory")


@contextmanager
def _alone(lines: Sequence[Stream]) -> Iterator[None]:
    with ExitStack() as stack:
        for one in lines:
            stack.enter_context(one.session.alone())
        yield


def _started(work: Callable[[int], None], count: int) -> list[threading.Thread]:
    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    return threads


def limit(
    on: Stage, lines: Sequence[Stream], seconds: float, told: Callable[[Trial], None]
) -> float:
    """The highest rate that is sustained, frames a second. Raises StageError if none is."""
    good, bad, rate = 0.0, 0.0, 0.95 * saturated(on, lines)
    for _ in range(_TRIES):
        taken = trial(on, lines, rate, seconds)
        told(taken)
        if taken.sustained and taken.sent:
            good, rate = rate, _UP * rate
        else:
            bad, rate = rate, _DOWN * rate
        if good and bad:
            break
    if not good:
        raise StageError(f"{on.scenario.case.name}: not even {bad:,.0f} frames/s are sustained")
    for _ in range(_STEPS if bad else 0):
        taken = trial(on, lines, (good + bad) / 2, seconds)
        told(taken)
        if taken.sustained and taken.sent:
            good = taken.rate
        else:
            bad = taken.rate
    return good


@dataclass(frozen=True)
class Sustained:
    """What a process takes: frames a second, and what a frame is on average."""

    frames: float
    levels_each: float = 0.0
    bytes_each: float = 0.0


def process_limit(
    made: Sequence[Scenario],
    where: cores.Cores,
    *,
    tls: bool,
    seconds: float,
    told: Callable[[Trial], None],
) -> Sustained:
    """One IO process with a connection for each scenario, from start to end. Raises StageError."""
    with stage(*made, cpu=where.writer, spin=False, tls=tls) as on:
        lines = [Stream(*pair) for pair in zip(made, on.sessions, strict=True)]
        assert on.feed.segment is not None
        before = on.feed.segment.counters()
        frames = limit(on, lines, seconds, told)
        after = on.feed.segment.counters()
        count, levels, size = (
            after[one] - before[one] for one in (Counter.FRAMES, Counter.LEVELS, Counter.BYTES)
        )
        if bad := {name: n for name, n in on.counters().items() if n}:
            raise StageError(f"{on.scenario.case.name}: while measuring: {bad}")
        return Sustained(frames, levels / count, size / count)


def measure(
    venue: str,
    findings: Findings,
    *,
    connections: int = 1,
    tls: bool = False,
    repetitions: int = 3,
    seconds: float = SECONDS,
    frames: int = PASS,
) -> None:
    """One venue's stream over so many connections, plain or under TLS."""
    where = cores.choose()
    made = scenarios(venue, connections, frames)
    plural = "s" if connections > 1 else ""
    name = f"{made[0].case.name} {connections} connection{plural} {'TLS' if tls else 'plain'}"
    floor = wire.scenario_of(made[0].case, 10 * frames)
    turn = 0

    def told(taken: Trial) -> None:
        verdict = "sustained" if taken.sustained and taken.sent else "lag grows"
        lag = f"{taken.lag_s * 1e3:.1f} ms"
        findings.progress(f"{name} {turn}/{repetitions}: {taken.rate:,.0f}/s {verdict} ({lag})")
        if taken.sustained and not taken.sent:
            findings.note(f"{name}: bounded by the sender, at {taken.rate:,.0f} frames/s")

    def began(repetition: int) -> None:
        nonlocal turn
        turn = repetition
        findings.progress(f"{name} {turn}/{repetitions}")

    sides: dict[str, Callable[[], Sustained]] = {
        "own": lambda: process_limit(made, where, tls=tls, seconds=seconds, told=told),
        "floor": lambda: Sustained(1e9 / wire.floor_cost(floor, where, tls=tls).wall),
    }
    if why := no_floor(made[0].case, tls=tls):
        findings.note(f"no floor for {name}: {why}")
        del sides["floor"]
    with cores.pinned(where.sender):
        taken = policy.in_turns(sides, repetitions, began)
    least: Sequence[Sustained | None] = taken.get("floor") or [None] * repetitions
    for metric, unit, of in _METRICS:
        pairs = [
            (one.frames * of(one), other.frames * of(one) if other is not None else None)
            for one, other in zip(taken["own"], least, strict=True)
        ]
        findings.results.append(policy.summary(BENCH, name, metric, unit, pairs))


_METRICS: tuple[tuple[str, str, Callable[[Sustained], float]], ...] = (
    ("frames", "frames/s", lambda _: 1.0),
    ("levels", "levels/s", lambda one: one.levels_each),
    ("payload", "MB/s", lambda one: one.bytes_each / 1e6),
)


def run(
    findings: Findings,
    *,
    chosen: Sequence[str] = (),
    connections: Sequence[int] = CONNECTIONS,
    repetitions: int = 3,
    seconds: float = SECONDS,
) -> None:
    """Every count of connections, plain and under TLS."""
    findings.note(f"capacity: {cores.choose().in_words()}")
    for venue in chosen or REPEATED[-1:]:
        if not begins_anew(venue):
            findings.note(f"no capacity of {venue}: its stream cannot be sent again from its begin")
            continue
        for count in connections:
            for tls in (False, True):
                try:
                    measure(
                        venue,
                        findings,
                        connections=count,
                        tls=tls,
                        repetitions=repetitions,
                        seconds=seconds,
                    )
                except CertificateError as error:
                    findings.note(f"no TLS: {error}")
