"""`feedhandler bench wire`: a socket to records in memory, beside the C floor."""

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
@repetitions_option(5)
@click.option(
    "--frames",
    type=click.IntRange(1000),
    default=200_000,
    show_default=True,
    help="In a repetition, where the venue's stream can be repeated.",
)
@reported
def wire(
    findings: Findings,
    captures: Path | None,
    venues: Sequence[str],
    repetitions: int,
    frames: int,
) -> None:
    """Blast frames over a WebSocket on loopback, plain and TLS, at an IO process.

    "CPU per frame" is all that the process spends, kernel included; "before lag" the frames a
    second that it takes when it is never idle. The floor is a C program that reads the same bytes:
    unframes, parses, keeps the books, writes 64-byte slots.

    \b
    feedhandler bench wire
    feedhandler bench wire --captures recordings/ --venue okx
    """
    from feedhandler.bench.figures.wire import run

    run(findings, folder=captures, repetitions=repetitions, frames=frames, chosen=venues)
