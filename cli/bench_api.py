"""`feedhandler bench api`: the calls of a strategy, beside the same reads in C."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from feedhandler.cli.bench_report import repetitions_option, reported

if TYPE_CHECKING:
    from feedhandler.bench.kit.result import Findings


@click.command()
@repetitions_option(30)
@reported
def api(findings: Findings, repetitions: int) -> None:
    """Time poll, quote, book, board and the past, on memory that is warm.

    The floor is the same read in C by the contract's header: what is left is Python, its objects
    and its floats. The board has 4,000 options, the chain 160, the book cells 50 levels a side; of
    the past there are 100,000 trades.

    \b
    feedhandler bench api
    feedhandler bench api --json > before.json
    """
    from feedhandler.bench.figures.api import run

    run(findings, repetitions=repetitions)
