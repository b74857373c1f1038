"""Venues, connections, instruments and readers as rows of tables."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from feedhandler import number_text
from feedhandler.cli.terminal import utf8
from feedhandler.cli.top.table import Cell, TableColumn
from feedhandler.connection.state import ConnectionState, is_open
from feedhandler.view.believable import word
from feedhandler.view.mirrored import said
from feedhandler.view.watch import VenueLook
from feedhandler.view.words import shown_state
from shm import Reason

_GOOD = ("LIVE",)
_WARN = ("SYNCING", "SUBSCRIBING", "CONNECTING", "DRAINING", "DEGRADED", "IDLE", "NONE")
_QUIET = ("CLOSED",)
_BARS = "▁▂▃▄▅▆▇█"

VENUES = (
    TableColumn("VENUE", 20),
    TableColumn("STATE", 8),
    TableColumn("FOR", 9, right=True, drop=5, most=True),
    TableColumn("LIVE", 11, right=True),
    TableColumn("CONNS", 7, right=True, drop=3),
    TableColumn("FRAMES/S", 8, right=True, most=True),
    TableColumn("LAG P50", 8, right=True, drop=4, most=True),
    TableColumn("P99", 8, right=True, most=True),
    TableColumn("PUBLISH", 8, right=True, drop=6, most=True),
    TableColumn("GAPS", 5, right=True, drop=1, most=True),
    TableColumn("HEALS", 5, right=True, drop=2, most=True),
    TableColumn("FRAMES", 20, drop=8),
    TableColumn("WORST CONNECTION", 22, drop=7),
    TableColumn("WHAT IS WRONG", 30, drop=9, grow=True),
)
CONNECTIONS = (
    TableColumn("ROW", 3, right=True),
    TableColumn("STATE", 11),
    TableColumn("FOR", 11, right=True, most=True),
    TableColumn("KEYS", 5, right=True, most=True),
    TableColumn("WAITING", 7, right=True, drop=5, most=True),
    TableColumn("REFUSED", 7, right=True, drop=4, most=True),
    TableColumn("FRAMES/S", 8, right=True, most=True),
    TableColumn("BYTES/S", 8, right=True, drop=6, most=True),
    TableColumn("RTT P50", 8, right=True, drop=1, most=True),
    TableColumn("P99", 8, right=True, drop=3, most=True),
    TableColumn("BEHIND", 7, right=True, drop=2, most=True),
    TableColumn("CONNECTS", 8, right=True, drop=7, most=True),
    TableColumn("WHY", 20, drop=8, grow=True),
)
INSTRUMENTS = (
    TableColumn("SYMBOL", 20, grow=True),
    TableColumn("STATE", 8),
    TableColumn("BID", 12, right=True, most=True),
    TableColumn("SIZE", 10, right=True, drop=3, most=True),
    TableColumn("ASK", 12, right=True, most=True),
    TableColumn("SIZE", 10, right=True, drop=4, most=True),
    TableColumn("LAST", 12, right=True, drop=5, most=True),
    TableColumn("MARK", 12, right=True, drop=7, most=True),
    TableColumn("VOLUME", 12, right=True, drop=8, most=True),
    TableColumn("AGE", 8, right=True, most=True),
    TableColumn("STATUS", 11, drop=2),
    TableColumn("WHY", 13, drop=1),
)
READERS = (
    TableColumn("NAME", 20, grow=True),
    TableColumn("VENUE", 20),
    TableColumn("PID", 8, right=True),
    TableColumn("READER", 6),
    TableColumn("LAG", 10, right=True, most=True),
    TableColumn("LOST", 10, right=True, most=True),
    TableColumn("OVERRUNS", 8, right=True, drop=1, most=True),
    TableColumn("LAST READ", 9, right=True, drop=2, most=True),
)


def state_cell(name: str) -> Cell:
    """A state, in its colour."""
    style = "good" if name in _GOOD else "warn" if name in _WARN else "bad"
    return (name, "dim" if name in _QUIET else style)


def spark(values: Sequence[float], width: int) -> str:
    """The last values as a row of bars, 0 at the bottom."""
    last = list(values)[-width:]
    top = max(last, default=0.0)
    if not top or not utf8():
        return ""
    return "".join(_BARS[min(7, int(8 * value / top))] for value in last)


def of_mirror(look: VenueLook) -> str:
    """What there is to add to its words."""
    return f"; {told}" if (told := said(look.status, time.time_ns())) else ""


def venue_row(look: VenueLook, frames: Sequence[float]) -> list[Cell]:
    """In the order of VENUES; `frames`: of the last looks."""
    status = look.status
    state = shown_state(status)
    since = status.get("since_ns")
    lasts = number_text.duration(max(0, time.time_ns() - since)) if since else "-"
    connections = status.get("connections") or {"live": 0, "total": 0}
    missing = status["live"] < status["instruments"]
    cut = connections["live"] < connections["total"]
    return [
        (look.venue, "bold" if look.trouble else ""),
        state_cell(state),
        (lasts, ""),
        (f"{status['live']}/{status['instruments']}", "warn" if missing else ""),
        (f"{connections['live']}/{connections['total']}", "warn" if cut else ""),
        (number_text.rate(look.frames), ""),
        (_length(look.lag.p50), ""),
        (_length(look.lag.p99), ""),
        (_length(look.publish.p99), ""),
        (str(look.gaps or "-"), "warn" if look.gaps else "dim"),
        (str(look.heals or "-"), "" if look.heals else "dim"),
        (spark(frames, 20), "dim"),
        _worst(look),
        (look.trouble, "" if look.trouble else "dim"),
    ]


def venue_key(look: VenueLook, column: int) -> Any:
    """What VENUES are sorted by."""
    status = look.status
    keys = (
        look.venue,
        shown_state(status),
        time.time_ns() - (status.get("since_ns") or 0),
        status["instruments"] - status["live"],
        -(status.get("connections") or {"live": 0})["live"],
        look.frames,
        look.lag.p50,
        look.lag.p99,
        look.publish.p99,
        look.gaps,
        look.heals,
        look.frames,
        look.worst["state"] if look.worst else 0,
        look.trouble,
    )
    return keys[column]


def _worst(look: VenueLook) -> Cell:
    row = look.worst
    if row is None:
        return ("-", "dim")
    name = word(ConnectionState, row["state"])
    if name == "LIVE" and row["behind_ns"]:
        return (f"{row['id']} late by {_length(row['behind_ns'])}", "warn")
    if name == "LIVE":
        return (f"{row['id']} {name} {_length(row['rtt_p99_ns'])}", "dim")
    return (f"{row['id']} {name}", state_cell(name)[1])


def connection_row(row: dict[str, Any]) -> list[Cell]:
    """In the order of CONNECTIONS."""
    state = ConnectionState(row["state"])
    open_ = is_open(state)
    since = row["since_ns"]
    reason = word(Reason, row["reason"])
    why = ": ".join(part for part in ("" if reason == "NONE" else reason, row["detail"]) if part)
    return [
        (str(row["id"]), ""),
        state_cell(state.name),
        (number_text.duration(max(0, time.time_ns() - since)) if since else "-", ""),
        (str(row["live"]), ""),
        (str(row["pending"] or "-"), "warn" if row["pending"] else "dim"),
        (str(row["failed"] or "-"), "bad" if row["failed"] else "dim"),
        (number_text.rate(row["frames_per_second"]) if open_ else "-", ""),
        (number_text.size(row["bytes_per_second"]) if open_ else "-", ""),
        (_length(row["rtt_p50_ns"]), ""),
        (_length(row["rtt_p99_ns"]), ""),
        (_length(row["behind_ns"]), "warn" if row["behind_ns"] else "dim"),
        (str(row["connects"]), ""),
        (why, "dim" if open_ else ""),
    ]


def connection_key(row: dict[str, Any], column: int) -> Any:
    """What CONNECTIONS are sorted by."""
    names = (
        "id",
        "state",
        "since_ns",
        "live",
        "pending",
        "failed",
        "frames_per_second",
        "bytes_per_second",
        "rtt_p50_ns",
        "rtt_p99_ns",
        "behind_ns",
        "connects",
        "detail",
    )
    value = row[names[column]]
    return -value if names[column] == "since_ns" else value


def reader_row(venue: str, row: Any) -> list[Cell]:
    """In the order of READERS."""
    ago = number_text.duration(max(0, time.time_ns() - row["updated_ns"]))
    lag = row["lag"]
    return [
        (row["name"], ""),
        (venue, ""),
        (str(row["pid"]), ""),
        ("alive", "good") if row["alive"] else ("dead", "dim"),
        ("-" if lag is None else number_text.count(lag), ""),
        (number_text.count(row["lost"]) if row["lost"] else "-", "bad" if row["lost"] else "dim"),
        (str(row["overruns"] or "-"), "warn" if row["overruns"] else "dim"),
        (ago, ""),
    ]


def reader_key(venue: str, row: Any, column: int) -> Any:
    """What READERS are sorted by."""
    keys = (row["name"], venue, row["pid"], row["alive"], row["lag"] or 0, row["lost"])
    return (*keys, row["overruns"], -row["updated_ns"])[column]


def _length(ns: int) -> str:
    return number_text.duration(ns) if ns else "-"
