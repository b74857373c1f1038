"""`feedhandler bench screens`: what it costs that people look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from feedhandler.cli.bench_report import repetitions_option, reported

if TYPE_CHECKING:
    from feedhandler.bench.kit.result import Findings


@click.command()
@click.option(
    "--instruments",
    "-i",
    type=click.IntRange(11, 10_000),
    default=4_000,
    show_default=True,
    help="How many.",
)
@click.option(
    "--rate",
    type=click.IntRange(1, 100_000),
    default=2_000,
    show_default=True,
    help="Messages a second, over all instruments.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.5, 600.0),
    default=4.0,
    show_default=True,
    help="Of each stretch.",
)
@repetitions_option(5, least=1)
@reported
def screens(
    findings: Findings, instruments: int, rate: int, seconds: float, repetitions: int
) -> None:
    """Let people look at a feed: `top`, and the page with five viewers.

    Measured: the CPU of `top` on all venues and on one with all its instruments, that of the page's
    server, and the writer's latency and CPU while all of them look. The floor of the writer's
    figures is the same writer while all of them are stopped.

    \b
    feedhandler bench screens
    feedhandler bench screens --instruments 1000 --seconds 10
    """
    from feedhandler.bench.figures.screens import run

    run(findings, instruments=instruments, rate=rate, seconds=seconds, repetitions=repetitions)
