"""Whether the times of recorded frames can be meant in the unit that is declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from feedhandler.shape import tree
from feedhandler.shape.meaning import Meaning

_UNITS = {"s": 1.0, "frac": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
_FIRST = 1_230_768_000  # 2009: nothing that any venue trades is older
_LAST = 4_102_444_800  # 2100


def misdated(told: Meaning, value: Any) -> str:
    """Which hole has a time that was never; "" for none. In a unit that is too small for it it is
    one of 1970; in one that is too large it has yet to come, and is refused by the engine."""
    for name, said in _times(tree.matched(told.tree, value) or {}):
        unit = _UNITS.get(name.partition("_")[2])
        try:
            if unit and 0 < float(said) / unit < _FIRST:
                return f"${name}: {said} is of before 2009: is its unit another one?"
            if unit and float(said) / unit > _LAST:
                return f"${name}: {said} is of after 2100: is its unit another one?"
        except (TypeError, ValueError):
            continue
    return ""


def _times(found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, said in found.items():
        if name.startswith(("time_", "sent_")):
            yield name, said
    for row in found.get("rows") or ():
        yield from _times(row)
