"""`feedhandler bench mirror`: a record on another host, beside bare Zenoh and TCP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from feedhandler.cli.bench_report import repetitions_option, reported

if TYPE_CHECKING:
    from feedhandler.bench.kit.result import Findings


@click.command()
@click.option(
    "--rate",
    "rates",
    type=click.IntRange(100, 2_000_000),
    multiple=True,
    default=(1_000, 20_000, 200_000),
    show_default=True,
    help="Records a second; repeatable.",
)
@click.option(
    "--mirrors",
    "-m",
    type=click.IntRange(1, 200),
    multiple=True,
    default=(1, 16),
    show_default=True,
    help="How many at once; repeatable.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.5, 600.0),
    default=1.0,
    show_default=True,
    help="Of each run.",
)
@repetitions_option(1, least=1)
@reported
def mirror(
    findings: Findings,
    rates: Sequence[int],
    mirrors: Sequence[int],
    seconds: float,
    repetitions: int,
) -> None:
    """Time a record from its source's publication until a reader of a mirror holds it.

    Source and mirrors are on hosts of their own: network namespaces that a bridge joins; where they
    cannot be made, all is on loopback, and a note says so. The floor is bare Zenoh with batches of
    the same size, and its own floor a message over TCP in C. Also what `serve` costs the writer,
    and several mirrors at once, each connected to `serve` or all through `relay`.

    \b
    feedhandler bench mirror
    feedhandler bench mirror --rate 20000 --mirrors 48 -n 1
    """
    from feedhandler.bench.figures.mirror import run
    from feedhandler.link.session import engine

    engine()
    run(findings, rates=rates, mirrors=mirrors, seconds=seconds, repetitions=repetitions)
