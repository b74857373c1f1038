"""`feedhandler bench latency`: from the venue to the strategy, beside two processes in C."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedhandler.cli.bench_report import captures_option, repetitions_option, reported, venue_option

if TYPE_CHECKING:
    from feedhandler.bench.kit.result import Findings


@click.command()
@captures_option
@venue_option
@click.option(
    "--rate",
    "rates",
    multiple=True,
    type=click.IntRange(1, 200_000),
    default=(100, 2000, 20_000),
    show_default=True,
    help="Frames a second; repeatable.",
)
@click.option(
    "--reader",
    "readers",
    multiple=True,
    type=click.Choice(["spin", "sleep", "asyncio"]),
    default=("spin", "sleep", "asyncio"),
    show_default=True,
    help="Repeatable.",
)
@click.option(
    "--burst",
    type=click.FloatRange(0),
    default=10.0,
    show_default=True,
    help="Busiest seconds of the recording to play; 0: none.",
)
@repetitions_option(3)
@reported
def latency(
    findings: Findings,
    captures: Path | None,
    venues: Sequence[str],
    rates: Sequence[int],
    readers: Sequence[str],
    burst: float,
    repetitions: int,
) -> None:
    """Time frames from when they are due at the venue until a strategy's process holds them.

    At steady rates, and in the busiest seconds of a recording, at true spacing and 10 times
    compressed, with the number of records lost. The strategy spins, sleeps on the futex, or
    awaits. The floor is a C process that reads the socket and writes slots.

    \b
    feedhandler bench latency --captures recordings/
    feedhandler bench latency --reader spin --rate 2000 --burst 0
    """
    from feedhandler.bench.figures.latency_plan import run

    if len(venues) > 1:
        raise click.UsageError("--venue: one stream is played, so name one venue")
    run(
        findings,
        folder=captures,
        venue=venues[0] if venues else None,
        rates=rates,
        readers=readers,
        burst_s=burst,
        repetitions=repetitions,
    )
