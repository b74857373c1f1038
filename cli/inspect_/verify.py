"""`feedhandler inspect verify`: shared memory against the contract."""

from __future__ import annotations

from typing import Any

import click

from feedhandler import number_text
from feedhandler.cli import complete
from feedhandler.cli.errors import FINDING, FINE
from feedhandler.cli.inspect_.memory import open_venue, venues_there
from feedhandler.cli.options import json_option, namespace_option
from feedhandler.cli.output import json_out, prose


@click.command()
@click.argument("venue", required=False, shell_complete=complete.venues)
@namespace_option
@json_option
def verify(venue: str | None, namespace: str, as_json: bool) -> int:
    """Check a VENUE's memory, or all, against everything that the contract promises.

    Header and regions, every ring slot's stamp, whole messages, readable cells, sorted and
    uncrossed books, directory and connection rows; of a live writer or of a dead one.

    \b
    Exit codes: 0 nothing is wrong, 1 findings, 3 nothing is there.
    """
    results = [_check(namespace, name) for name in ([venue] if venue else venues_there(namespace))]
    clean = not any(result["findings"] for result in results)
    if as_json:
        json_out({"ok": clean, "venues": results})
        return FINE if clean else FINDING
    for result in results:
        for finding in result["findings"]:
            mark = click.style("found:", fg="red")
            prose(f"{mark} {result['venue']}: {finding['place']}: {finding['text']}")
        if not result["findings"]:
            prose(
                f"{click.style('ok:', fg='green')} {result['venue']}: "
                f"{number_text.plural(result['instruments'], 'instrument')}, "
                f"{number_text.plural(result['records'], 'record')}, "
                f"writer {result['writer']}"
            )
    return FINE if clean else FINDING


def _check(namespace: str, venue: str) -> dict[str, Any]:
    from shm.errors import DamagedSegment, VersionMismatch
    from shm.verify import verify as check

    result: dict[str, Any] = {"venue": venue, "findings": []}
    try:
        with open_venue(namespace, venue) as memory:
            segment = memory.segment
            result |= {
                "epoch": memory.epoch,
                "writer": memory.writer,
                "instruments": segment.instruments,
                "records": min(segment.published, segment.slots),
            }
            for finding in check(memory):
                result["findings"].append({"place": finding.place, "text": finding.text})
    except (DamagedSegment, VersionMismatch) as error:
        place = getattr(error, "field", "") or "header"
        result["findings"].append({"place": place, "text": str(error)})
    return result
