"""`feedhandler bench decode`: frames to shared memory, beside the C floor."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import click

from cli.options import json_option
from cli.output import Column, dim, echo_table, json_out


@click.command()
@click.option(
    "--captures",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder of recordings [env var: FEEDHANDLER_RECORDINGS]; else frames made in code.",
)
@click.option("--repetitions", "-n", type=click.IntRange(3), default=30, show_default=True)
@json_option
def decode(captures: Path | None, repetitions: int, as_json: bool) -> None:
    """Feed frames through decoder, book and memory in one process, and time them.

    Each case takes short turns with a C program that does the least possible for the same frames;
    RATIO is a median of pairs, so both met the same clock speed and the same noise. A ratio with a
    question mark was taken while so much else ran that it is not to be relied on.

    \b
    JSON: {"host": {...}, "results": [{"bench", "case", "metric",
    "unit", "value", "spread", "floor", "ratio", "noisy"}]}
    """
    from feedhandler.bench.decode import run

    results = [result.asdict() for result in run(captures, repetitions)]
    if as_json:
        json_out({"host": host(), "results": results})
        return
    columns = [
        Column("CASE", shrink=16),
        Column("METRIC", drop=2),
        Column("VALUE", right=True),
        Column("UNIT"),
        Column("SPREAD", right=True, drop=1),
        Column("FLOOR", right=True),
        Column("RATIO", right=True),
    ]
    echo_table(columns, [_row(result) for result in results])
    about = host()
    click.echo(dim(f"\n{about['cpu']}, {about['cpus']} CPUs, Linux {about['kernel']}"))


def _row(result: dict[str, Any]) -> tuple[str, ...]:
    def number(value: float | None, form: str = ",.0f") -> str:
        return "-" if value is None else format(value, ",.2f" if abs(value) < 100 else form)

    return (
        result["case"],
        result["metric"],
        number(result["value"]),
        result["unit"],
        number(result["spread"]),
        number(result["floor"]),
        number(result["ratio"]) + ("?" if result["noisy"] else ""),
    )


def host() -> dict[str, Any]:
    """What the numbers were measured on."""
    model = platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return {
        "cpu": model,
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
