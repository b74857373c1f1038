"""Decode benchmark: frames to shared memory, the engine against the C floor, in one process.

Engine and floor take turns of a fraction of a millisecond on the same frames, so that both meet
the same clock speed and the same noise. What other processes take is not our cost: of several
passes over the frames the best time of each turn counts, and they add up to one ratio; the median
of many such is reported, with their spread, and whether the host was too noisy to believe it. Loops
over frames run in native code. Recorded frames are used where there are any, and frames made in
code beside them. Those of venues that are declared are rendered from their shapes, and have no
floor: a floor is spelled by hand, and one that was made from shapes would be our own reader again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from feedhandler import venues
from feedhandler.adapter.engine import make_engine
from feedhandler.bench.kit import leftovers, policy
from feedhandler.bench.kit.feeding import add_known, begin
from feedhandler.bench.kit.frames import Case, Frames, by_kind, recorded, recordings
from feedhandler.bench.kit.rendered import declared, kinds, rendered
from feedhandler.bench.kit.replayed import replayed
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.kit.scenario import lasting
from feedhandler.bench.kit.synthetic import REORDERED, VENUES, synthetic
from feedhandler.bench.native._floor import PADDING, Floor
from shm import State, segment
from shm._native import Writer

BENCH = "decode"
_TURN_NS = 300_000
_MADE = 4000
_LEARNING = 100  # frames, in which skeletons are learned


class _Bench:
    """One engine and one floor, warm, that take turns on a case."""

    def __init__(self, case: Case, writer: Writer) -> None:
        self.case = case
        venue = venues.load(case.venue)
        if not case.verified:
            venue.checksum = None
        self.engine = make_engine(venue, writer, auto_add=True)
        self._connection = self.engine.connection(0)
        self._floor = Floor(case.venue) if case.floor else None
        self._frames = [frame + bytes(PADDING) for frame in case.frames]
        self._turns = [self._frames]
        add_known(self.engine, case)

    def slow(self) -> float:
        """The first pass: the share of the frames that were of no known skeleton, in %, when those
        of the first hundred had been learned."""
        connection, frames = self._connection, self._frames
        begin(self.engine, self.case)
        self._feed(frames[:_LEARNING])
        learned = connection.slow
        self._feed(frames[_LEARNING:])
        return 100 * (connection.slow - learned) / max(1, len(frames) - _LEARNING)

    def warm(self) -> None:
        """Two passes; from the second is known how many frames make a turn."""
        self.one_pass()
        took = self.one_pass()[0][0]
        size = max(1, int(len(self.case.frames) * _TURN_NS / took))
        frames = self._frames
        self._turns = [frames[i : i + size] for i in range(0, len(frames), size)]

    def _feed(self, frames: Frames) -> None:
        """Where they lie, as what was received is."""
        self._connection.feed_all(frames, PADDING)

    def one_pass(self) -> tuple[list[float], list[float]]:
        """Nanoseconds of each turn over all frames: the engine's, the floor's."""
        begin(self.engine, self.case)
        if self._floor is not None:
            self._floor.begin()
            for symbol, body in self.case.snapshots.items():
                self._floor.snapshot(symbol.encode(), body)
        engine, floor = [], []
        for frames in self._turns:
            engine.append(_timed(self._feed, frames))
            if self._floor is not None:
                floor.append(_timed(self._floor.feed, frames))
        return engine, floor

    def best(self, passes: int) -> tuple[float, float]:
        """The sums of the best times of each turn."""
        done = [self.one_pass() for _ in range(passes)]
        engine = sum(map(min, zip(*(d[0] for d in done), strict=True)))
        floor = sum(map(min, zip(*(d[1] for d in done), strict=True)))
        return engine, floor

    def levels(self) -> int:
        """Levels of one pass. Raises RuntimeError where the engine does not like the frames."""
        before = self.engine.counters()
        begin(self.engine, self.case)
        begun = self.engine.counters()
        self.one_pass()
        after = self.engine.counters()
        bad = {k: after[k] - before[k] for k in ("malformed", "gaps", "unknown", "crossed")}
        late = [symbol for symbol in self.case.instruments if not self._is_live(symbol)]
        if any(bad.values()) or (late and self.case.kind == "book"):
            bad |= dict.fromkeys(late, 1)
            raise RuntimeError(f"{self.case.name}: the frames are not what they should be: {bad}")
        kept = self._floor.counters() if self._floor is not None else {}
        if kept.get("refused") or kept.get("gaps"):
            raise RuntimeError(f"{self.case.name}: the floor does not take these frames: {kept}")
        in_snapshots = begun["levels"] - before["levels"]
        return after["levels"] - begun["levels"] - in_snapshots

    def _is_live(self, symbol: str) -> bool:
        return self.engine.state(self.engine.instrument_id(symbol))[0] == State.LIVE


def _timed(run: Callable[[Frames], object], frames: Frames) -> float:
    for frame in frames:
        frame.find(b"\n")  # so that it is in the cache, as what the kernel has just copied is
    begin = time.perf_counter_ns()
    run(frames)
    return float(time.perf_counter_ns() - begin)


def measure(case: Case, findings: Findings, repetitions: int = 30, passes: int = 0) -> None:
    """Engine and floor, in turns, after two passes of warming up. `passes` 0: as many as make a
    repetition of some 4,000 frames."""
    with segment.create(
        case.venue,
        namespace=leftovers.memory(f"bench{os.getpid()}"),
        instruments=256,
        depth=20,
        ring_slots=1 << 17,
    ) as held:
        bench = _Bench(case, held.writer)
        slow = bench.slow()
        bench.warm()
        levels = bench.levels()
        passes = passes or max(4, 4000 // len(case.frames))
        times = []
        for repetition in range(repetitions):
            findings.progress(f"{case.name} {repetition + 1}/{repetitions}")
            times.append(bench.best(passes))
    for metric, count in (("frame", len(case.frames)), ("level", levels)):
        if count:
            pairs = [(own / count, floor / count if case.floor else None) for own, floor in times]
            what = (BENCH, case.name, f"time per {metric}", "ns")
            findings.results.append(policy.summary(*what, pairs))
    what = (BENCH, case.name, "slow frames", "%")
    findings.results.append(policy.summary(*what, [(slow, None)]))


def cases(folder: Path | None = None) -> list[Case]:
    """Recorded cases where `folder` has them, whole and by kind of frame, and synthetic ones."""
    found = []
    for whole in (recorded(venue, folder) for venue in venues.names()):
        if whole is not None:
            parts = by_kind(whole)
            found += [whole, *parts] if whole.floor and len(parts) > 1 else parts
    made = [synthetic(venue) for venue in VENUES]
    return found + made + [synthetic(venue, live=True) for venue in REORDERED]


def from_shapes(name: str, folder: Path | None = None) -> list[Case]:
    """Of a venue that is declared: what it sent, where `folder` has that, and what can be rendered;
    its books with and without their checksum, where it has one. Of another one none."""
    venue = declared(name)
    sent = replayed(name, folder)
    found = [sent] if sent is not None else []
    for kind in kinds(venue) if venue is not None else ():
        book = kind == "book"
        case = rendered(name, kind, count=_MADE if book else _MADE // 4)
        case = lasting(case) if book else case
        found.append(case)
        if kind == "book" and venue is not None and venue.checksum is not None:
            found.append(replace(case, verified=False))
    return found


def run(
    findings: Findings,
    *,
    folder: Path | None = None,
    repetitions: int = 30,
    chosen: Sequence[str] = (),
) -> None:
    """All cases, or those of the `chosen` venues. `folder` None: FEEDHANDLER_RECORDINGS."""
    folder = recordings(folder)
    if folder is None:
        findings.note("no recordings (--captures): decode ran on frames made in code only")
    for case in cases(folder):
        if not chosen or case.venue in chosen:
            measure(case, findings, repetitions)
    shaped = [case for venue in chosen or venues.names() for case in from_shapes(venue, folder)]
    if shaped:
        findings.note("venues that are declared have no floor: one made from shapes is our reader")
    for case in shaped:
        measure(case, findings, repetitions)
