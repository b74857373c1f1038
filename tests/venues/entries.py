"""What venues list and tell of an instrument, as the simulator has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from feedhandler.sim.config import SimOptions
from feedhandler.sim.runner import make_server
from feedhandler.sim.venues.declared.server import DeclaredServer

TODAY_MS = 1_795_910_400_000
Entry = dict[str, Any]
Body = Callable[[list[Entry]], Entry]


def rows(venue: str, count: int) -> list[Entry]:
    """The first ones of a venue's list."""
    server = make_server(venue, SimOptions(instruments=count, start_ms=TODAY_MS))
    assert isinstance(server, DeclaredServer)
    return [server.as_listed(symbol, {}) for symbol in server.market.instruments]


def listed(venue: str) -> tuple[Entry, str, Body]:
    """An entry of the venue's list, the key of its status, and the list around it."""
    if venue == "deribit":
        return rows("deribit", 1)[0], "state", lambda rows: {"result": rows}
    if venue == "okx":
        return rows("okx", 1)[0], "state", lambda rows: {"code": "0", "data": rows}
    if venue in ("binance", "binance-usdm"):
        return rows(venue, 1)[0], "status", lambda rows: {"symbols": rows}
    return rows(venue, 1)[0], "status", lambda rows: {"retCode": 0, "result": {"list": rows}}


def deribit_notice(channel: str, data: Any) -> Entry:
    params = {"channel": channel, "data": data}
    return {"jsonrpc": "2.0", "method": "subscription", "params": params}
