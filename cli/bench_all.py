"""`feedhandler bench all`: one report of everything that takes minutes and not hours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedhandler.cli.bench_report import captures_option, reported

if TYPE_CHECKING:
    from feedhandler.bench.kit.result import Findings


@click.command("all")
@captures_option
@click.option("--quick", is_flag=True, help="Fewer repetitions: a look, not a figure to quote.")
@reported
def everything(findings: Findings, captures: Path | None, quick: bool) -> None:
    """Run decode, wire, latency, hop and api, into one report.

    Takes about a quarter of an hour; with --quick three minutes. The others (capacity, persistent,
    mirror, memory, record, export, peers, keep) are runs of their own.

    \b
    feedhandler bench all --captures recordings/ --json > today.json
    feedhandler bench all --captures recordings/ --compare today.json
    """
    from feedhandler.bench.figures import (
        api,
        decode,
        hop,
        hop_cost,
        hop_together,
        latency_plan,
        wire,
    )

    decode.run(findings, folder=captures, repetitions=8 if quick else 30)
    wire.run(
        findings,
        folder=captures,
        repetitions=3 if quick else 5,
        frames=50_000 if quick else wire.FRAMES,
    )
    latency_plan.run(
        findings,
        folder=captures,
        repetitions=1 if quick else 3,
        burst_s=3.0 if quick else latency_plan.BURST_S,
        scale=0.4 if quick else 1.0,
    )
    hop.measure(findings, repetitions=3 if quick else 5, count=2000 if quick else 5000)
    hop_together.measure(findings, repetitions=3 if quick else 5, count=2000 if quick else 5000)
    hop_cost.measure(findings, repetitions=8 if quick else 20)
    api.run(findings, repetitions=10 if quick else 30)
