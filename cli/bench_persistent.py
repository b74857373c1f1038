"""`feedhandler bench persistent`: what an open connection buys, and what being told does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from feedhandler.cli.bench_report import repetitions_option, reported

if TYPE_CHECKING:
    from feedhandler.bench.kit.result import Findings


@click.command()
@repetitions_option(3)
@click.option(
    "--fresh-ms",
    type=click.FloatRange(2.0, 1000.0),
    default=20.0,
    show_default=True,
    help="The venue gathers changes for so long, and polling asks as often.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.5, 60.0),
    default=3.0,
    show_default=True,
    help="Of streaming, and of polling, in each repetition.",
)
@reported
def persistent(findings: Findings, repetitions: int, fresh_ms: float, seconds: float) -> None:
    """Compare an open socket with HTTP, and streaming with polling, over TLS on loopback.

    Requests, one at a time: over the WebSocket that is open anyway, over HTTP kept alive, over a
    connection of its own each. Then a book that changes, known equally early by a stream and by
    polling: the CPU of both ends, the bytes on the line, the handshakes.

    In brackets: how many times what the first line of each table needs. The same in --json, where
    "floor" is that first line.

    \b
    feedhandler bench persistent
    feedhandler bench persistent --fresh-ms 100
    """
    from feedhandler.bench.figures.persistent import run

    run(findings, repetitions=repetitions, fresh_s=fresh_ms / 1e3, seconds=seconds)
