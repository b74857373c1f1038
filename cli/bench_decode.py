"""`feedhandler bench decode`: frames to shared memory, beside the C floor."""

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
@repetitions_option(30)
@reported
def decode(
    findings: Findings, captures: Path | None, venues: Sequence[str], repetitions: int
) -> None:
    """Feed frames through decoder, book and memory in one process, and time them.

    Each case takes short turns with a C program that does the least possible for the same frames;
    RATIO is a median of pairs, so both met the same clock speed and the same noise. Frames of
    venues that are declared, also in a file of yours, are rendered from their shapes; there is no
    such floor for them.

    \b
    feedhandler bench decode
    feedhandler bench decode --captures recordings/ --venue okx --json
    feedhandler bench decode --venue-file mine.py --venue mine
    """
    from feedhandler.bench.figures.decode import run

    run(findings, folder=captures, repetitions=repetitions, chosen=venues)
