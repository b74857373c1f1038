"""`feedhandler inspect readers`: who reads, and how far behind."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from feedhandler import number_text
from feedhandler.cli import complete
from feedhandler.cli.inspect_.memory import venues_there
from feedhandler.cli.options import json_option, namespace_option
from feedhandler.cli.output import Column, echo_table, json_out, prose

if TYPE_CHECKING:
    from shm.registry import Reader


@click.command()
@click.argument("venue", required=False, shell_complete=complete.venues)
@namespace_option
@json_option
def readers(venue: str | None, namespace: str, as_json: bool) -> None:
    """Show the registered readers of a VENUE, or of all: place, lag, losses.

    A strategy registers with `feed.events(name="...")`; one that reads without a name leaves no
    trace. LAG counts records that are published and that it has not read; LOST those that were
    overwritten before it read them. A dead reader's row is taken by the next one that registers.
    A venue has 56 rows: who comes later reads as well, and is not shown.

    \b
    Exit codes: 0 fine, 3 nothing is there.
    """
    from shm._native import READERS
    from shm.inspect import readers as registered

    found: list[dict[str, Any]] = []
    for each in [venue] if venue else venues_there(namespace):
        for row in registered(each, namespace=namespace):
            found.append({"venue": each, **row, "reclaimable": not row["alive"]})
    if as_json:
        json_out({"readers": found})
        return
    if not found:
        prose('nobody is registered: a strategy is with feed.events(name="...")')
        return
    columns = [
        Column("VENUE"),
        Column("NAME", shrink=8),
        Column("PID", right=True),
        Column("READER"),
        Column("CURSOR", right=True, drop=3),
        Column("LAG", right=True),
        Column("LOST", right=True),
        Column("OVERRUNS", right=True, drop=2),
        Column("LAST READ", right=True, drop=1),
        Column("", under=True),
    ]
    echo_table(columns, [(row["venue"], *_line(row)) for row in found])
    alive = Counter(row["venue"] for row in found if row["alive"])
    for name in [name for name, count in alive.items() if count >= READERS]:
        prose(f"{name}: all {READERS} rows are taken; whoever else reads it is not shown")


def _line(row: Reader | dict[str, Any]) -> tuple[str, ...]:
    remark = "" if row["lag"] is not None else f"reads epoch {row['epoch']}, which is over"
    if not row["alive"]:
        remark = "its row is free for the next reader"
    return (
        row["name"],
        str(row["pid"]),
        "alive" if row["alive"] else "dead",
        number_text.count(row["cursor"]),
        "-" if row["lag"] is None else number_text.count(row["lag"]),
        number_text.count(row["lost"]),
        number_text.count(row["overruns"]),
        f"{number_text.duration(max(0, time.time_ns() - row['updated_ns']))} ago",
        remark,
    )
