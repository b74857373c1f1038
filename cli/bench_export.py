"""`feedhandler bench export`: a recording into files of each format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedhandler.cli.bench_report import repetitions_option, reported

if TYPE_CHECKING:
    from feedhandler.bench.kit.result import Findings


@click.command("export")
@click.option(
    "--records",
    type=click.IntRange(10_000),
    default=10_000_000,
    show_default=True,
    help="Of one instrument, in the recording.",
)
@click.option(
    "--to",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="The disk that is meant; else where temporary files are.",
)
@click.option(
    "--file",
    "files",
    multiple=True,
    metavar="NAME",
    help="Only this one, as `feedhandler export -o` has it; repeatable.",
)
@repetitions_option(1, least=1)
@reported
def export_(
    findings: Findings, records: int, to: Path | None, files: tuple[str, ...], repetitions: int
) -> None:
    """Record a market, and export it into each format.

    Measured: the time by the clock from the command to its end, CPU of all threads, the most
    memory, and the size of the file.

    \b
    feedhandler bench export
    feedhandler bench export --records 1000000 --to /data
    feedhandler bench export --file btc.npz --file trades.parquet
    """
    from feedhandler.bench.figures.export import FILES, run

    run(findings, records=records, files=files or FILES, repetitions=repetitions, to=to)
