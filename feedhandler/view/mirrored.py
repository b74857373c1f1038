"""Of a mirror: whose it is, over which link, how late, and how far the clocks are apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from feedhandler.number_text import duration, plural
from shm._native import Segment
from shm.attach import text

_SILENT_NS = 1_000_000_000
TIMES = (
    *("since_ns", "connected_ns", "first_ns", "last_receive_ns", "oldest_unread_ns"),
    "next_rotation_ns",
)
_NUMBERS = ("late_ns", "heard_ns", "clock_offset_ns", "clock_error_ns", "lost", "repaired")


def mirror_of(header: np.void | Mapping[str, Any]) -> dict[str, Any] | None:
    """What a header says of it: as of :attr:`shm._native.Segment.mirror`; None: a feed's own."""
    hops = int(header["mirror"])
    if hops == 0:
        return None
    found: dict[str, Any] = {"hops": hops}
    for name in ("source", "link"):
        value = header[name]
        found[name] = text(value) if isinstance(value, bytes) else value
    return found | {name: int(header[name]) for name in _NUMBERS}


def by_our_clock(row: Mapping[str, Any], segment: Segment) -> dict[str, Any]:
    """A connection's row with its times by the clock of this host, where a mirror has another's."""
    offset = (segment.mirror or {}).get("clock_offset_ns", 0)
    return dict(row) | {name: row[name] - offset for name in TIMES if offset and row[name]}


def said(status: Mapping[str, Any], now_ns: int) -> str:
    """Of a venue's status: that it is a mirror, in words; "" of a feed's own."""
    mirror = status.get("mirror")
    return f"mirror {in_words(mirror, now_ns)}" if mirror else ""


def in_words(mirror: Mapping[str, Any], now_ns: int) -> str:
    """Such as `of tokyo/feedhandler over tcp/10.0.0.5:7447, 1.2 ms late, its clock 3 ms ahead,
    within 80 us`."""
    offset, error = mirror["clock_offset_ns"], duration(max(1, mirror["clock_error_ns"]))
    parts = [f"of {mirror['source']} over {mirror['link']}"]
    if mirror["late_ns"] > 0:
        parts.append(f"{duration(mirror['late_ns'])} late")
    if abs(offset) <= mirror["clock_error_ns"]:
        parts.append(f"clocks agree within {error}")
    else:
        where = "ahead" if offset > 0 else "behind"
        parts.append(f"its clock {_rounded(abs(offset))} {where}, within {error}")
    silent_ns = now_ns - mirror["heard_ns"]
    if silent_ns > _SILENT_NS and mirror["heard_ns"]:
        parts.append(f"not heard for {duration(silent_ns)}")
    if mirror["repaired"]:
        parts.append(f"{plural(mirror['repaired'], 'repair')}")
    if mirror["lost"]:
        parts.append(f"{plural(mirror['lost'], 'record')} lost")
    return ", ".join(parts)


def _rounded(ns: int) -> str:
    """Ten minutes less a microsecond are ten minutes."""
    unit = next((unit for unit in (10**9, 10**6) if ns >= unit), 1)
    return duration(round(ns / unit) * unit)
