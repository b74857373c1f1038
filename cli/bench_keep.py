"""`feedhandler bench keep`: frames onto disk, beside what users do otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedhandler.cli.bench_report import (
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
@venue_option
@install_option
@environments_option
@frames_option(50_000)
@repetitions_option(3)
@reported
def keep(
    findings: Findings,
    venues: Sequence[str],
    install: bool,
    environments: Path | None,
    frames: int,
    repetitions: int,
) -> None:
    """Turn a venue's book frames into rows of a file: CSV, and Parquet.

    Ours is the floor: decoder, books, shared memory, export. Beside it cryptofeed with a callback
    that writes, and the catalog of nautilus_trader, each in an environment of its own.

    \b
    feedhandler bench keep --install
    feedhandler bench keep --venue okx --frames 20000
    """
    from feedhandler.bench.peers.keep import run

    run(
        findings,
        chosen_venues=venues,
        environments=environments,
        install=install,
        repetitions=repetitions,
        frames=frames,
    )
