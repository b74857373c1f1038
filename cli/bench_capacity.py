"""`feedhandler bench capacity`: what one connection and one process sustain before lag grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from feedhandler.cli.bench_report import repetitions_option, reported, venue_option

if TYPE_CHECKING:
    from feedhandler.bench.kit.result import Findings


@click.command()
@venue_option
@repetitions_option(3, least=1)
@click.option(
    "--connections",
    "-c",
    type=click.IntRange(1, 32),
    multiple=True,
    default=(1, 4),
    show_default=True,
    help="Of the one process; repeatable.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.2, 60.0),
    default=1.5,
    show_default=True,
    help="Of one trial: a rate is sustained if its lag does not grow for so long.",
)
@reported
def capacity(
    findings: Findings,
    venues: Sequence[str],
    repetitions: int,
    connections: Sequence[int],
    seconds: float,
) -> None:
    """Search for the rate that one connection, and one process with several, can keep up with.

    The IO process itself, over WebSockets on loopback, plain and TLS, gets book updates when they
    are due, at one rate after another. The result is the highest rate at which the backlog does not
    grow: what was sent and is not yet in memory. The floor is a C receiver that is never idle, on
    one connection.

    \b
    feedhandler bench capacity
    feedhandler bench capacity --venue deribit --connections 1 --connections 8
    """
    from feedhandler.bench.figures.capacity import run

    run(findings, chosen=venues, connections=connections, repetitions=repetitions, seconds=seconds)
