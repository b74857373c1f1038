"""What a `serve` costs the writer whose memory it reads: a frame, beside one reader that sleeps."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

from feedhandler.bench.kit import cores, policy
from feedhandler.bench.kit.board_frames import VENUE
from feedhandler.bench.kit.children import followers
from feedhandler.bench.kit.mirror_stage import Net, mirror_stage, source_stage
from feedhandler.bench.kit.result import Findings

BENCH = "mirror"
_RATE = 20_000  # records a second
_BATCH_S = 0.001


def writer_cost(
    findings: Findings, on: Net, where: cores.Cores, seconds: float, repetitions: int
) -> None:
    """A served writer, in turns with one that a strategy reads and one that nobody reads."""
    sides = {
        name: partial(_frame_ns, on, where, seconds, name) for name in ("served", "read", "alone")
    }
    taken = policy.in_turns(sides, repetitions)
    for name, floor in (("served", "read"), ("read", "alone")):
        pairs = list(zip(taken[name], taken[floor], strict=True))
        case = {"served": "a writer that is served", "read": "a writer with one reader"}[name]
        findings.results.append(policy.summary(BENCH, case, "writer per frame", "ns", pairs))


def _frame_ns(on: Net, where: cores.Cores, seconds: float, how: str) -> float:
    """Whoever reads is on the other core."""
    with ExitStack() as stack:
        if how == "served":
            stage = stack.enter_context(mirror_stage(on, where, serve_cpu=where.reader))
        else:
            stage = stack.enter_context(source_stage(on, where))
        if how == "read":
            stack.enter_context(followers(stage.space, VENUE, "sleep", 1, where.reader))
        frames = int(_RATE * seconds / stage.records)
        return stage.pace(_RATE / stage.records, _BATCH_S, frames).frame_ns
