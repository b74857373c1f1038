"""`feedhandler bench record`: what keeping a feed costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedhandler.cli.bench_report import repetitions_option, reported
from feedhandler.cli.options import FilePath

if TYPE_CHECKING:
    from feedhandler.bench.kit.result import Findings


@click.command()
@click.option(
    "--rate",
    type=click.IntRange(100, 2_000_000),
    default=200_000,
    show_default=True,
    help="Records a second.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(2.0, 3600.0),
    default=20.0,
    show_default=True,
    help="How long at that rate.",
)
@click.option(
    "--to",
    type=FilePath(exists=True, file_okay=False),
    metavar="DIR",
    help="The disk to record on; else where temporary files are.",
)
@repetitions_option(3, least=1)
@reported
def record(
    findings: Findings, rate: int, seconds: float, to: Path | None, repetitions: int
) -> None:
    """Keep a feed at a steady rate, and then as fast as one core does.

    Measured: the recorder's CPU, what it writes, how far it was behind at most, its memory and by
    how much that grew, and how many records a core keeps in a second of its time.

    \b
    feedhandler bench record
    feedhandler bench record --rate 500000 --seconds 60 --to /data
    """
    from feedhandler.bench.figures.record import run

    run(findings, rate=rate, seconds=seconds, repetitions=repetitions, to=to)
