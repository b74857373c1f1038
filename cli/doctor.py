"""`feedhandler doctor`: what of this host helps a feed, and what hurts it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedhandler.cli.errors import FINDING, FINE
from feedhandler.cli.options import (
    FilePath,
    json_option,
    namespace_override_option,
    venue_file_option,
)
from feedhandler.cli.output import dim, echo, json_out, screen_width

if TYPE_CHECKING:
    from feedhandler.doctor import Check

_COLOURS = {"fine": "green", "advice": "yellow", "problem": "red"}
_VERDICT, _NAME = 9, 15  # columns
_WIDEST = 120


@click.command()
@click.argument("config", required=False, type=FilePath())
@click.option("--venue", "-v", "venues", multiple=True, help="Only this one; may be repeated.")
@venue_file_option
@namespace_override_option
@json_option
def doctor(
    config: Path | None, venues: tuple[str, ...], namespace: str | None, as_json: bool
) -> int:
    """Examine this host: does it suit the feed, and what would suit it better?

    Room in shared memory, limits, cores and who shares them, the clock, what killed feeds have
    left, and bans that still hold; each with its cure. Nothing is changed. CONFIG is as for
    `start`. You may ignore advice, but not a problem.

    \b
    feedhandler doctor
    feedhandler doctor feed.toml --json

    \b
    Exit codes: 0 no problem, 1 a problem, 2 the configuration is wrong.
    """
    from feedhandler.config.load import load
    from feedhandler.doctor import Verdict, examine

    found = examine(load(config, venues=venues, namespace=namespace))
    if as_json:
        json_out({"checks": found})
    else:
        _show(found)
    return FINDING if any(one.verdict is Verdict.PROBLEM for one in found) else FINE


def _show(found: Sequence[Check]) -> None:
    width = min(screen_width() or _WIDEST, _WIDEST)
    indent = " " * (_VERDICT + _NAME)
    for one in found:
        verdict = click.style(f"{one.verdict:<{_VERDICT}}", fg=_COLOURS[one.verdict])
        lines = textwrap.wrap(one.found, max(20, width - len(indent)), break_long_words=False)
        echo(f"{verdict}{one.name:<{_NAME}}{lines[0]}")
        for line in lines[1:]:
            echo(indent + line)
        for cure in one.cures:
            for line in textwrap.wrap(
                f"-> {cure}",
                width,
                initial_indent=indent,
                subsequent_indent=f"{indent}   ",
                break_long_words=False,
                break_on_hyphens=False,
            ):
                echo(dim(line))
