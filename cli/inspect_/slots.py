"""`feedhandler inspect slots`: places of the ring as they lie in memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from feedhandler.cli import complete
from feedhandler.cli.errors import CliError
from feedhandler.cli.inspect_.memory import open_venue
from feedhandler.cli.inspect_.records import Describer, heading, line
from feedhandler.cli.options import json_option, namespace_option
from feedhandler.cli.output import Column, dim, echo, echo_table, json_out

if TYPE_CHECKING:
    import numpy as np

    from shm.inspect import Memory

_RANGE = re.compile(r"(-?\d*):(\d*)")
_DEFAULT = 16


@click.command()
@click.argument("venue", shell_complete=complete.venues)
@click.option(
    "--range",
    "span",
    default=f"-{_DEFAULT}:",
    show_default=True,
    metavar="A:B",
    help="Records A to B, both included; '-N:' the last N, 'A:' from A on.",
)
@click.option("--hex", "as_hex", is_flag=True, help="The 64 bytes of each, as eight words.")
@namespace_option
@json_option
def slots(venue: str, span: str, as_hex: bool, namespace: str, as_json: bool) -> None:
    """Show places of the ring as they are, whole, half written or overwritten.

    STATUS says what the place holds instead of the record asked for: ok, empty (never written),
    busy (half written), lapped (a later record). Record n is whole when the stamp is 2n.

    \b
    feedhandler inspect slots okx --range 1000:1010
    feedhandler inspect slots okx --range -4: --hex
    """
    from shm import _native
    from shm.inspect import SLOT_STATUS

    with open_venue(namespace, venue) as memory:
        first, last = _ends(span, memory)
        rows = memory.slots(first, last)
        describer = Describer(memory)
        mask = memory.segment.slots - 1
        shown = []
        for row in rows:
            status = SLOT_STATUS[int(row["status"])]
            whole = int(row["status"]) == _native.READ_OK
            place: dict[str, Any] = {
                "sequence": int(row["sequence"]),
                "place": int(row["sequence"]) & mask,
                "status": status,
                "stamp": int(row["stamp"]),
                "words": [f"{word:016x}" for word in _words(row)],
                "record": describer.record(row) if whole else None,
            }
            shown.append(place)
    if as_json:
        json_out({"venue": venue, "epoch": memory.epoch, "slots": shown})
        return
    if as_hex:
        for place in shown:
            echo(
                f"{place['sequence']:>8}  place {place['place']}  {place['status']}"
                f"  stamp {place['stamp']}"
            )
            echo(dim("          " + " ".join(place["words"][:4])))
            echo(dim("          " + " ".join(place["words"][4:])))
        return
    columns = [
        Column("PLACE", right=True),
        Column("STATUS"),
        Column("STAMP", right=True),
        Column(heading(timed=False, wide=False), shrink=30),
    ]
    echo_table(
        columns,
        [
            (
                str(place["place"]),
                place["status"],
                str(place["stamp"]),
                line(place["record"], timed=False, wide=False)
                if place["record"]
                else f"{place['sequence']:>8} -",
            )
            for place in shown
        ],
    )


def _words(row: np.void) -> list[int]:
    """The slot's eight 64-bit words."""
    import numpy as np

    from shm import _native

    slot = np.zeros(1, dtype=_native.DTYPES["slot"])
    for name in slot.dtype.names or ():
        slot[name] = row[name]
    return [int(word) for word in np.frombuffer(slot.tobytes(), dtype=np.uint64)]


def _ends(span: str, memory: Memory) -> tuple[int, int]:
    """First and last sequence of a range."""
    found = _RANGE.fullmatch(span)
    if found is None or not any(found.groups()):
        raise CliError(f"--range {span!r}", "a range is A:B, A: or -N:, such as 1000:1010 or -16:")
    begin, end = found.groups()
    published, size = memory.segment.published, memory.segment.slots
    last = int(end) if end else published
    if begin.startswith("-"):
        first = max(1, last - int(begin[1:] or 0) + 1)
    else:
        first = int(begin) if begin else max(1, last - size + 1)
    if first < 1 or last < first - 1 or last - first + 1 > size:
        raise CliError(
            f"--range {span!r}: from 1, rising, at most {size} records",
            f"the newest record is {published}",
        )
    return first, last
