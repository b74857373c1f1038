"""`feedhandler bench board`: a venue's whole option board, beside ten instruments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from feedhandler.cli.bench_report import repetitions_option, reported

if TYPE_CHECKING:
    from feedhandler.bench.kit.result import Findings


@click.command()
@click.option(
    "--instruments",
    "-i",
    "counts",
    type=click.IntRange(11, 10_000),
    multiple=True,
    default=(1_000, 4_000),
    show_default=True,
    help="How many; repeatable.",
)
@click.option(
    "--rate",
    type=click.IntRange(1, 100_000),
    default=5_000,
    show_default=True,
    help="Messages a second, over all instruments.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.5, 600.0),
    default=5.0,
    show_default=True,
    help="Of each part: first nothing comes, then the messages.",
)
@repetitions_option(3, least=1)
@reported
def board(
    findings: Findings, counts: Sequence[int], rate: int, seconds: float, repetitions: int
) -> None:
    """Carry the whole option board of one venue: books, trades and tickers of every instrument.

    Measured: from the start of the process until all is LIVE, CPU and the longest stretch in which
    nothing is read (by the CPU time of the process, so that its neighbours do not count), while
    nothing comes and at the rate, latencies from when a message is due at the venue to a strategy
    that sleeps, and memory. The floor is the same run with ten instruments.

    \b
    feedhandler bench board
    feedhandler bench board --instruments 4000 --rate 20000 --seconds 20
    """
    from feedhandler.bench.figures.board import run

    run(findings, counts=counts, rate=rate, seconds=seconds, repetitions=repetitions)
