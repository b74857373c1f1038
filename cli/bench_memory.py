"""`feedhandler bench memory`: what the processes hold over a long run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from feedhandler.cli.bench_report import reported

if TYPE_CHECKING:
    from feedhandler.bench.kit.result import Findings


@click.command()
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    default=30.0,
    show_default=True,
    help="How long.",
)
@click.option(
    "--rate",
    type=click.IntRange(1, 200_000),
    default=10_000,
    show_default=True,
    help="Frames a second.",
)
@reported
def memory(findings: Findings, minutes: float, rate: int) -> None:
    """Watch the memory of an IO process and of a strategy over a long run.

    "own" are a process's own pages, "shared" those of the venue's memory that it has touched. The
    slope should be 0 within three spreads; the spread is the slope that scatter alone can make.

    \b
    feedhandler bench memory
    feedhandler bench memory --minutes 2 --plot plots/
    """
    from feedhandler.bench.figures.memory import run

    run(findings, minutes=minutes, rate=rate)
