"""Several strategies asleep at once: how long after a record was due the first and the last of them
held it.

One is woken by the writer, the others by those who were woken before: the last one is what that
costs. With two cores all of them share one, and come one after another whoever wakes them.
"""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np

from feedhandler.bench.figures import hop
from feedhandler.bench.kit import cores, policy
from feedhandler.bench.kit.children import recorder
from feedhandler.bench.kit.latency_reader import Order
from feedhandler.bench.kit.receiving import expect
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.native import programs

READERS = 8
_PERCENTILES = (50.0, 99.0)


def together(where: cores.Cores, count: int, readers: int) -> dict[str, hop.Times]:
    """When the first and when the last reader held each record, ns. Raises StageError."""
    paths = [programs.scratch(f"together-{number}.npz") for number in range(readers)]
    with ExitStack() as stack:
        writer = hop.one_instrument(stack)
        made = []
        for path in paths:
            order = Order(writer.namespace, hop.VENUE, "sleep", count, str(path))
            made.append(stack.enter_context(recorder(order, where.reader)))
        hop.write(writer.capsule(), count, where)
        for one in made:
            expect(one, "done")
    held = np.stack([hop.held(path, count, "one who sleeps") for path in paths])
    return {"the first": held.min(axis=0), "the last": held.max(axis=0)}


def measure(
    findings: Findings, *, repetitions: int = 5, count: int = 5000, readers: int = READERS
) -> None:
    """First and last of one reader, which is the floor, and of several."""
    where = cores.choose()
    if where.writer == where.reader:
        return
    sides = {
        "one": lambda: together(where, count, 1),
        "several": lambda: together(where, count, readers),
    }
    taken = policy.in_turns(
        sides, repetitions, lambda n: findings.progress(f"hop, {readers} asleep {n}/{repetitions}")
    )
    for who in ("the first", "the last"):
        for percent in _PERCENTILES:
            pairs = [
                (float(np.percentile(own[who], percent)) / 1e3,
                 float(np.percentile(one[who], percent)) / 1e3)
                for own, one in zip(taken["several"], taken["one"], strict=True)
            ]  # fmt: skip
            case = f"{readers} asleep, {who}"
            summary = policy.summary(hop.BENCH, case, f"p{percent:g}", "us", pairs)
            findings.results.append(summary)
