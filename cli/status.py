"""`feedhandler status`: how the venues are."""

from __future__ import annotations

from collections.abc import Sequence
from time import time_ns
from typing import Any

import click

from feedhandler import number_text
from feedhandler.cli.errors import FINDING, FINE, NOTHING, START, CliError
from feedhandler.cli.options import json_option, namespace_option, plot_option
from feedhandler.cli.output import Column, dim, echo, folded, json_out, screen_width, state, table
from feedhandler.view.believable import SILENT_NS

_COLUMNS = (
    Column("VENUE"),
    Column("STATE"),
    Column("LIVE", right=True),
    Column("FRAMES", right=True, drop=4),
    Column("CONNS", right=True, drop=2),
    Column("HEARTBEAT", right=True),
    Column("UPTIME", right=True, drop=3),
    Column("RESTARTS", right=True, drop=1, idle=("0",)),
    Column("PID", right=True, drop=5),
    Column("MEMORY", right=True, drop=6),
    Column("REASON", under=True),
)


@click.command()
@namespace_option
@json_option
@click.option("--watch", "-w", "watched", is_flag=True, help="Refresh until Ctrl-C.")
@click.option("--quality", is_flag=True, help="How good the data was, of a day.")
@plot_option
@click.option("--day", metavar="DAY", help="With --quality: such as 2026-11-30.  [default: today]")
def status(
    namespace: str,
    as_json: bool,
    watched: bool,
    quality: bool,
    plot: str | None,
    day: str | None,
) -> int:
    """Say how every venue is: its state and why, its process, its heartbeat.

    Asks the running supervisor; if none answers, it reads shared memory alone. LIVE counts the
    instruments that are in exact step with the venue.

    \b
    feedhandler status --json | jq '.venues[] | {venue, state, reason}'
    feedhandler status --quality --day 2026-11-30

    \b
    Exit codes: 0 every venue is LIVE, 1 one is not, or is late, 3 none is there.
    """
    if quality or day or plot:
        from feedhandler.cli.quality import show

        show(namespace, day, as_json, plot)
        return FINE
    found = gather(namespace)
    if watched:
        from feedhandler.cli.watch import watch

        watch(lambda: _view(gather(namespace), namespace, as_json), 0.5)
    if as_json:
        json_out(found)
    elif found["venues"]:
        for line in _view(found, namespace):
            echo(line)
    if not found["venues"]:
        raise CliError(
            f"nothing runs in the namespace {namespace!r}",
            START,
            NOTHING,
        )
    return FINE if all(map(is_well, found["venues"])) else FINDING


def gather(namespace: str) -> dict[str, Any]:
    """The supervisor's answer, or what memory says: {"namespace", "supervisor", "venues",
    "recorders", "serving"}."""
    from feedhandler.supervisor.control_socket import NotRunning, request

    try:
        return request(namespace, {"do": "status"}, 2.0)
    except NotRunning:
        from feedhandler.status_file import SERVE, beside, recorders
        from feedhandler.view.status import namespace_status

        return namespace_status(namespace) | {
            "recorders": recorders(namespace),
            "serving": beside(SERVE, namespace),
        }


def is_well(venue: dict[str, Any]) -> bool:
    """Whether a venue is LIVE, with nothing to say of it, and its writer says so now."""
    age = venue.get("heartbeat_age_ns")
    live = venue["state"] == "LIVE" and venue["reason"] == "NONE"
    return live and age is not None and age < SILENT_NS


def _view(found: dict[str, Any], namespace: str, as_json: bool = False) -> list[str]:
    if as_json:
        import orjson

        return [orjson.dumps(found).decode()]
    supervisor = found.get("supervisor")
    if supervisor:
        up = number_text.duration(supervisor["uptime_ns"])
        title = f"{namespace}: supervisor {supervisor['pid']}, up {up}"
        if supervisor.get("http"):
            title += f", {supervisor['http']}"
    elif pids := sorted({one["pid"] for one in found["venues"] if one.get("mirror")}):
        title = f"{namespace}: mirrored by process {', '.join(map(str, pids))}"
    else:
        title = f"{namespace}: no supervisor answers; this is what shared memory says"
    lines = table(_COLUMNS, [_row(venue) for venue in found["venues"]], screen_width())
    told = [*_recorders(found.get("recorders") or []), *_serving(found.get("serving") or [])]
    width = screen_width()
    return [
        *folded(dim(title), width),
        "",
        *lines,
        *(each for line in told for each in folded(line, width)),
    ]


def _recorders(found: Sequence[dict[str, Any]]) -> list[str]:
    """A line a recorder, and one for each venue of which there is something to say."""
    if not found:
        return []
    from feedhandler.cli.record import words

    lines = [""]
    for one in found:
        lines.append(f"recorder {one['pid'] or '-'} to {one['directory']}: {words(one)}")
        if one.get("restarts"):
            lines[-1] += f", {number_text.plural(one['restarts'], 'restart')}"
        for venue in one["venues"]:
            if venue["lost"]:
                text = f"{number_text.plural(venue['lost'], 'record')} lost"
                lines.append(f"  {venue['venue']}: {text}; `feedhandler verify` says which")
    return lines


def _serving(found: Sequence[dict[str, Any]]) -> list[str]:
    """A line for each process that serves mirrors, and one for each of these."""
    lines = [""] if found else []
    for one in found:
        followers = [(v["venue"], its) for v in one["venues"] for its in v["mirrors"]]
        hosts = {(its["host"], its["namespace"], its["pid"]) for _, its in followers}
        batches = number_text.rate(one["batches_per_second"])
        lines.append(
            f"serve {one['pid']} as {one['name']}, {', '.join(one['endpoints'])}: "
            f"{number_text.plural(len(hosts), 'mirror')}, {batches} batches/s, "
            f"{number_text.size(one['bytes_per_second'])}/s"
        )
        for venue in one["venues"]:
            if venue["left_out"]:
                text = number_text.plural(venue["left_out"], "record")
                lines.append(f"  {venue['venue']}: {text} overwritten before they were sent")
        for venue, its in followers:
            said = [f"{number_text.duration(its['late_ns'])} late"] if its["late_ns"] else []
            said += [number_text.plural(its["repaired"], "repair")] if its["repaired"] else []
            said += [f"{number_text.plural(its['lost'], 'record')} lost"] if its["lost"] else []
            where = f"{its['host']}/{its['namespace']}, process {its['pid']}"
            lines.append(f"  {venue} at {where}: {', '.join(said) or 'in step'}")
    return lines


def _row(venue: dict[str, Any]) -> tuple[str, ...]:
    from feedhandler.view.mirrored import said as mirrored
    from feedhandler.view.words import shown_state, trouble

    age = venue.get("heartbeat_age_ns")
    connections = venue.get("connections") or {"live": 0, "total": 0}
    starting = venue["state"] == "NONE" and venue["detail"] in ("", "starting")
    said = "" if starting else trouble(venue)
    return (
        venue["venue"],
        state("STARTING" if starting else shown_state(venue)),
        f"{venue['live']}/{venue['instruments']}",
        number_text.count(venue.get("frames", 0)),
        f"{connections['live']}/{connections['total']}",
        "-" if age is None else number_text.duration(age),
        number_text.duration(venue["uptime_ns"]) if venue.get("uptime_ns") else "-",
        str(venue["restarts"]),
        str(venue["pid"] or "-"),
        number_text.size(venue["resident_bytes"]) if venue.get("resident_bytes") else "-",
        "; ".join(filter(None, (said, mirrored(venue, time_ns()), _losses(venue)))),
    )


def _losses(venue: dict[str, Any]) -> str:
    """What readers have lost, worst first: it is theirs, and the venue is as well as it says."""
    losing = sorted((venue.get("readers") or {}).get("losing", ()), key=lambda one: -one["lost"])
    if not losing:
        return ""
    first = losing[0]
    more = f", and {number_text.plural(len(losing) - 1, 'reader')} more" if losing[1:] else ""
    return (
        f"reader {first['name']} ({first['pid']}) has lost "
        f"{number_text.plural(first['lost'], 'record')}{more}: feedhandler inspect readers"
    )
