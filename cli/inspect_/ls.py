"""`feedhandler inspect ls`: what is in shared memory."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from feedhandler import number_text
from feedhandler.cli import complete
from feedhandler.cli.inspect_.memory import nothing, open_venue, ring_span_ns
from feedhandler.cli.options import json_option, namespace_option
from feedhandler.cli.output import Column, json_out, paged, table_lines
from feedhandler.view.instrument_fields import FIELDS

if TYPE_CHECKING:
    from shm.listing import ObjectInfo


@click.command()
@click.argument("venue", required=False, shell_complete=complete.venues)
@click.option("--filter", "-f", "pattern", default="", help="Part of a name, or a glob: 'ETH-*-C'.")
@click.option("--state", "-s", "states", multiple=True, metavar="STATE", help="Only in that state.")
@click.option(
    "--sort",
    type=click.Choice(FIELDS),
    metavar="FIELD",
    help=f"By {', '.join(FIELDS)}; else in the directory's order.",
)
@click.option("--reverse", "-r", is_flag=True, help="The last ones first.")
@click.option("--no-pager", is_flag=True, help="All at once, also onto a terminal.")
@namespace_option
@json_option
def ls(
    venue: str | None,
    pattern: str,
    states: tuple[str, ...],
    sort: str | None,
    reverse: bool,
    no_pager: bool,
    namespace: str,
    as_json: bool,
) -> None:
    """List the shared-memory objects, or a VENUE's instruments.

    The size of a venue's ring is shown as time: how long a record stays in it at the present rate.
    What does not fit on the terminal goes through a pager (PAGER, or less).

    \b
    feedhandler inspect ls
    feedhandler inspect ls deribit
    feedhandler inspect ls deribit --filter 'BTC-*-C' --sort volume --reverse
    feedhandler inspect ls okx --state STALE --state SYNCING

    \b
    Exit codes: 0 fine, 3 nothing is there.
    """
    if venue is not None:
        from feedhandler.cli.inspect_.listed import listed

        lines = listed(namespace, venue, pattern, states, sort, reverse, as_json)
    elif pattern or states or sort or reverse:
        raise click.UsageError(
            "--filter, --state, --sort and --reverse are of a VENUE's instruments"
        )
    else:
        lines = _objects(namespace, as_json)
    paged(lines, whole=no_pager)


def _objects(namespace: str, as_json: bool) -> list[str]:
    from shm.inspect import list_objects

    found = list_objects(namespace)
    spans = {info.path: _span_ns(info) for info in found}
    if as_json:
        told = [asdict(info) | {"ring_span_ns": spans[info.path]} for info in found]
        json_out({"objects": told})
    if not found:
        raise nothing(namespace)
    if as_json:
        return []
    columns = [
        Column("OBJECT"),
        Column("KIND", drop=1),
        Column("BYTES", right=True),
        Column("MODE", right=True, drop=2),
        Column("WRITER", right=True),
        Column(""),
    ]
    rows = []
    for info in found:
        remarks = []
        if info.part == "control":
            remarks = ["locked by its writer" if info.locked else "no writer"]
        elif info.part == "data":
            remarks = [] if info.current else ["superseded"]
            if span := spans[info.path]:
                remarks.append(f"its ring holds {number_text.duration(span)}")
            remarks += [] if info.writer_alive else ["its writer is gone"]
        rows.append(
            (
                info.path,
                info.part,
                number_text.count(info.bytes),
                f"{info.mode:o}",
                str(info.writer_pid or "-"),
                info.error or ", ".join(remarks),
            )
        )
    return table_lines(columns, rows)


def _span_ns(info: ObjectInfo) -> int | None:
    """Of the memory of a writer that lives."""
    from shm import ShmError

    if info.part != "data" or not info.current or not info.writer_alive:
        return None
    with suppress(ShmError), open_venue(info.namespace, info.venue, info.epoch) as memory:
        return ring_span_ns(memory)
    return None
