"""`feedhandler bench keep`: frames onto disk, beside what users do otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedhandler.cli.bench_report import repetitions_option, reported, venue_option

if TYPE_CHECKING:
    from feedhandler.bench.kit.result import Findings


@click.command()
@venue_option
@click.option("--install", is_flag=True, help="Make the environments that are missing, with pip.")
@click.option(
    "--environments",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where they are  [default: the user's cache]",
)
@click.option(
    "--frames",
    type=click.IntRange(1000),
    default=50_000,
    show_default=True,
    help="In a repetition.",
)
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
