"""`feedhandler bench hop`: from a writer to another process, beside a cache line each way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from feedhandler.cli.bench_report import repetitions_option, reported

if TYPE_CHECKING:
    from feedhandler.bench.kit.result import Findings


@click.command()
@click.option(
    "--messages",
    type=click.IntRange(100),
    default=5000,
    show_default=True,
    help="To each reader, in a repetition.",
)
@click.option("--rivals/--no-rivals", default=True, help="Also pyzmq and others, if installed.")
@click.option("--cost/--no-cost", default=True, help="Also what readers cost the writer.")
@repetitions_option(5)
@reported
def hop(findings: Findings, messages: int, rivals: bool, cost: bool, repetitions: int) -> None:
    """Time a record from the writer's store until another process holds it.

    Readers in C and in Python (polling, sleeping, asyncio), one beside a slow and beside a stopped
    reader, and eight asleep at once; what 1, 2, 4 and 8 readers cost the writer; and
    multiprocessing.Queue, pyzmq and iceoryx2 over the same hop, where they are installed. The floor
    is two cores that pass a cache line each way.

    \b
    feedhandler bench hop
    feedhandler bench hop --no-rivals --plot plots/
    """
    from feedhandler.bench.figures import hop as hopping
    from feedhandler.bench.figures import hop_cost, hop_together

    hopping.measure(findings, repetitions=repetitions, count=messages, rival=rivals)
    hop_together.measure(findings, repetitions=repetitions, count=messages)
    if cost:
        hop_cost.measure(findings, repetitions=4 * repetitions)
