"""`feedhandler bench peers`: what others spend on the same frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedhandler.cli.bench_report import (
    captures_option,
    environments_option,
    frames_option,
    install_option,
    repetitions_option,
    reported,
    venue_option,
)

if TYPE_CHECKING:
    from feedhandler.bench.kit.result import Findings


@click.command()
@captures_option
@venue_option
@click.option(
    "--peer",
    "peers",
    multiple=True,
    type=click.Choice(["cryptofeed", "ccxt", "nautilus_trader"]),
    help="Only this one; repeatable.",
)
@install_option
@environments_option
@frames_option(20_000)
@repetitions_option(5)
@reported
def peers(
    findings: Findings,
    captures: Path | None,
    venues: Sequence[str],
    peers: Sequence[str],
    install: bool,
    environments: Path | None,
    frames: int,
    repetitions: int,
) -> None:
    """Give other handlers the same frames, from the same server, and compare CPU per frame.

    Each keeps the books, in a process and a virtual environment of its own. FLOOR is the IO process
    of feedhandler here, so that RATIO is how many times as much the other one spends.

    \b
    feedhandler bench peers --install --captures recordings/
    feedhandler bench peers --peer ccxt
    """
    from feedhandler.bench.peers.peers import run

    run(
        findings,
        folder=captures,
        environments=environments,
        install=install,
        chosen=peers,
        chosen_venues=venues,
        repetitions=repetitions,
        frames=frames,
    )
