"""Of a mirror: whose it is, over which link, how late, and how far the clocks are apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from feedhandler.number_text import count, duration
from shm.attach import text

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


def in_words(mirror: Mapping[str, Any]) -> str:
    """Such as `mirror of tokyo/feedhandler over tcp/10.0.0.5:7447, 1.2 ms late, its clock 3 ms
    ahead within 80 us`."""
    offset, error = mirror["clock_offset_ns"], duration(max(1, mirror["clock_error_ns"]))
    parts = [f"mirror of {mirror['source']} over {mirror['link']}"]
    if mirror["late_ns"] > 0:
        parts.append(f"{duration(mirror['late_ns'])} late")
    if abs(offset) <= mirror["clock_error_ns"]:
        parts.append(f"clocks agree within {error}")
    else:
        where = "ahead" if offset > 0 else "behind"
        parts.append(f"its clock {duration(abs(offset))} {where}, within {error}")
    if mirror["lost"]:
        parts.append(f"{count(mirror['lost'])} records lost")
    return ", ".join(parts)
