"""Lists of instruments as a venue in trouble answers them: empty, short, or with odd rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

from feedhandler.sim.faults.in_force import Faults

_SHORT = 10
_ODD: tuple[Any, ...] = (None, "", 7, [], {})
_ODD_FIELDS: tuple[Any, ...] = (None, "", -1, 1e300, "x" * 100, [])
_NAMES = ("symbol", "instId", "instrument_name")


def as_ordered(faults: Faults, rows: list[Any], names: Sequence[str] = _NAMES) -> list[Any]:
    """The rows of a list, as the fault `bad_list` has them. `names`: fields of the symbol."""
    found = faults.of("bad_list")
    if not found or not rows:  # of one that has nothing, nothing is odd
        return rows
    fault = found[-1]
    faults.spend(fault)
    if fault["rows"] == "empty":
        return []
    if fault["rows"] == "short":
        return rows[::_SHORT]
    if fault["symbol"] is not None:
        its = fault["symbol"]
        return [_unreadable(row, names) if its in map(row.get, names) else row for row in rows]
    return [*rows, *_ODD, *(row for one in rows[:1] for row in _variants(one))]


def _unreadable(row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """A row with nothing but its name."""
    return {key: value if key in names else None for key, value in row.items()}


def _variants(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The row again and again, each time with one odd field."""
    odd = cycle(_ODD_FIELDS)
    return [{**row, key: value} for key, value in zip(row, odd, strict=False)]
