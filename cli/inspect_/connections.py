"""`feedhandler inspect connections`: the links of the venues."""

from __future__ import annotations

import time
from typing import Any

import click

from feedhandler import number_text
from feedhandler.cli import complete
from feedhandler.cli.inspect_.memory import open_venue, venues_there
from feedhandler.cli.options import json_option, namespace_option
from feedhandler.cli.output import Column, echo_table, json_out, state
from feedhandler.view.believable import SILENT_NS, silence_ns, word

_UP = ("SUBSCRIBING", "SYNCING", "LIVE")


@click.command()
@click.argument("venue", required=False, shell_complete=complete.venues)
@namespace_option
@json_option
def connections(venue: str | None, namespace: str, as_json: bool) -> None:
    """Show the connections of a VENUE, or of all: state and why, rates, round trips, queues.

    KEYS counts subscriptions: live, waiting for the venue's answer, refused. WINS counts the book
    messages that it brought before another connection with the same keys did, LEAD by how much.
    BEHIND is how much later than usual its messages are read, once it does not keep up. SLOW counts
    frames of books, trades and quotes in a form that was not seen before: a few at the start, then
    no more, unless the venue writes every frame differently.

    \b
    Exit codes: 0 fine, 3 nothing is there.
    """
    found: list[dict[str, Any]] = []
    for name in [venue] if venue else venues_there(namespace):
        found += _rows(namespace, name)
    if as_json:
        json_out({"connections": found})
        return
    columns = [
        Column("VENUE"),
        Column("ROW", right=True),
        Column("STATE"),
        Column("FOR", right=True),
        Column("KEYS", right=True),
        Column("FRAMES/S", right=True, drop=1),
        Column("BYTES/S", right=True, drop=4),
        Column("RTT P50", right=True, drop=3),
        Column("P99", right=True, drop=5),
        Column("QUEUE", right=True, drop=6),
        Column("BEHIND", right=True, drop=1),
        Column("WINS", right=True, drop=6),
        Column("LEAD P50", right=True, drop=6),
        Column("SLOW", right=True, drop=7),
        Column("CONNECTS", right=True, drop=2),
        Column("URL", drop=8),
        Column("REASON", under=True),
    ]
    echo_table(columns, [_line(row) for row in found])


def _rows(namespace: str, venue: str) -> list[dict[str, Any]]:
    from feedhandler.connection.state import ConnectionState
    from feedhandler.view.mirrored import by_our_clock
    from shm.names import Reason

    with open_venue(namespace, venue) as memory:
        alive = memory.writer == "alive"
        silent_ns = silence_ns(memory)
        rows = []
        for each in memory.connections():
            row = by_our_clock(each, memory.segment)
            row |= {
                "venue": venue,
                "state": word(ConnectionState, row["state"]) if alive else "CLOSED",
                "reason": word(Reason, row["reason"]) if alive else "FAILED",
            }
            if not alive:
                row["detail"] = f"its writer {memory.writer}"
            elif silent_ns >= SILENT_NS:
                row |= {"state": "SILENT", "reason": word(Reason, Reason.HEARTBEAT)}
                row["detail"] = f"its writer has been silent for {number_text.duration(silent_ns)}"
            rows.append({"venue": venue} | row)
    return rows


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    keys = [str(row["live"]) if row["state"] != "CLOSED" else "-"]
    keys += [f"{row['pending']} waiting"] if row["pending"] else []
    keys += [f"{row['failed']} refused"] if row["failed"] else []
    up = row["state"] in _UP
    since = row["since_ns"]
    reason = "" if row["reason"] == "NONE" else row["reason"]
    return (
        row["venue"],
        str(row["id"]),
        state(row["state"]),
        number_text.duration(max(0, time.time_ns() - since)) if since else "-",
        ", ".join(keys),
        number_text.rate(row["frames_per_second"]) if up else "-",
        number_text.size(row["bytes_per_second"]) if up else "-",
        number_text.duration(row["rtt_p50_ns"]) if row["rtt_p50_ns"] else "-",
        number_text.duration(row["rtt_p99_ns"]) if row["rtt_p99_ns"] else "-",
        number_text.size(row["queue_bytes"]) if up else "-",
        number_text.duration(row["behind_ns"]) if row["behind_ns"] else "-",
        str(row["wins"]) if row["wins"] else "-",
        number_text.duration(row["lead_p50_ns"]) if row["lead_p50_ns"] else "-",
        number_text.count(row["slow_frames"]) if row["frames"] else "-",
        str(row["connects"]),
        row["url"],
        ": ".join(part for part in (reason, row["detail"]) if part),
    )
