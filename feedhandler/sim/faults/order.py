"""The reading of an order for a fault.

An order is a table: ``{"kind": "gap", "symbol": "BTC-PERPETUAL", "count": 3}``, as JSON to POST
/sim/fault or as a ``[[fault]]`` of a script. Everything about it is checked here but whether the
venue lists the symbol.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from feedhandler.sim.faults.keys import KEYS
from feedhandler.sim.faults.kinds import KINDS
from feedhandler.suggest import did_you_mean


class FaultError(ValueError):
    """An order that makes no sense; the text says why."""


@dataclass(frozen=True)
class Order:
    """An order that makes sense: the kind and a value or None for each of its keys."""

    kind: str
    values: Mapping[str, Any]

    def said(self) -> dict[str, Any]:
        """What was said or goes by default."""
        return {key: value for key, value in self.values.items() if value is not None}


def read_order(request: Mapping[str, Any]) -> Order:
    """Check an order; whether a venue can do it, its server says. Raises FaultError."""
    name = request.get("kind")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise FaultError(f"kind: unknown kind {name!r}{did_you_mean(str(name), KINDS)}")
    keys = (*kind.needs, *kind.takes)
    for key, value in request.items():
        if key == "kind":
            continue
        if key not in keys:
            known = ", ".join(keys) or "nothing else"
            raise FaultError(f"{key}: not a key of {name}, which takes {known}")
        rule = KEYS[key]
        if not rule.fits(value):
            raise FaultError(f"{key} must be {rule.allowed}: {value!r}")
    for key in kind.needs:
        if key not in request:
            rule = KEYS[key]
            raise FaultError(f"{name} needs a {key}: {rule.allowed}")
    values = {key: request.get(key, kind.defaults.get(key)) for key in keys}
    if kind.once and values.get("count") is None and values.get("seconds") is None:
        values["count"] = 1
    if name == "garbage" and (values["form"] == "truncated") != (values["symbol"] is not None):
        raise FaultError("garbage: the form 'truncated' needs a symbol, the others take none")
    if name == "bad_list" and values["symbol"] is not None and values["rows"] != "odd":
        raise FaultError("bad_list: a symbol, whose row is odd, goes with no other rows than 'odd'")
    if name == "redefine":
        said = [key for key in ("tick", "lot", "contract_size") if values[key] is not None]
        if not said:
            raise FaultError("redefine needs a tick, a lot or a contract_size")
    if values.get("symbol") is not None and values.get("channel") is not None:
        raise FaultError("symbol, channel: one of them, not both")
    if values.get("heartbeats") and (values.get("symbol") or values.get("channel")):
        raise FaultError(
            "heartbeats: not with a symbol or a channel: then only its data stops anyway"
        )
    return Order(str(name), MappingProxyType(values))


def near_symbol(symbol: str, names: Iterable[str]) -> str:
    """A hint: the name most like a symbol, or the first few; all of them would be a page."""
    known = list(names)
    if found := get_close_matches(symbol.upper(), known, n=1):
        return f"; did you mean {found[0]!r}?"
    return f"; there are {', '.join(known[:5])}, ..."
