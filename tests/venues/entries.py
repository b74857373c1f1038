"""What venues list and tell of an instrument, as the simulator has it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from feedhandler.sim.venues import (
    binance_listing,
    binance_usdm_listing,
    bybit_listing,
    deribit_listing,
    okx_listing,
)

TODAY = date(2026, 11, 29)
Entry = dict[str, Any]
Body = Callable[[list[Entry]], Entry]


def _bybit(category: str) -> tuple[Entry, str, Body]:
    (one,) = bybit_listing.instruments(category, TODAY, 1)
    entry = bybit_listing.describe(category, one, 1, 0)
    return entry, "status", lambda rows: {"retCode": 0, "result": {"list": rows}}


def listed(venue: str) -> tuple[Entry, str, Body]:
    """An entry of the venue's list, the key of its status, and the list around it."""
    if venue == "deribit":
        (one,) = deribit_listing.instruments(TODAY, 1)
        return deribit_listing.describe(one, 1, 0), "state", lambda rows: {"result": rows}
    if venue == "okx":
        (one,) = okx_listing.instruments(TODAY, 1)
        return okx_listing.describe(one, 1, 0), "state", lambda rows: {"code": "0", "data": rows}
    if venue == "binance":
        (one,) = binance_listing.instruments(1)
        return binance_listing.describe(one), "status", lambda rows: {"symbols": rows}
    if venue == "binance-usdm":
        (one,) = binance_usdm_listing.instruments(TODAY, 1)
        return binance_usdm_listing.describe(one, 0), "status", lambda rows: {"symbols": rows}
    return _bybit(venue.removeprefix("bybit-"))


def deribit_notice(channel: str, data: Any) -> Entry:
    params = {"channel": channel, "data": data}
    return {"jsonrpc": "2.0", "method": "subscription", "params": params}
