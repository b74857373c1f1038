"""The simulated venues that have a rule that no table says, or more to send than is declared: a
line each. `runner` imports a module when its venue is served. Every one is made of what the venue
declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from feedhandler import venues

RULES: Final[Mapping[str, str]] = {
    "deribit": "deribit:DeribitServer",
    "okx": "okx:OkxServer",
    "binance": "binance:BinanceServer",
    "binance-usdm": "binance_usdm:BinanceUsdmServer",
    "binance-coinm": "binance_streams:StreamsServer",
    "binance-options": "binance_streams:StreamsServer",
    "bybit-linear": "bybit:BybitServer",
    "bybit-spot": "bybit:BybitServer",
    "bybit-inverse": "bybit:BybitServer",
    "bybit-option": "bybit:BybitServer",
    "bitfinex": "bitfinex:BitfinexServer",
    "dydx": "dydx:DydxServer",
    "gemini": "gemini:GeminiServer",
}
"""The module in `sim/venues`, and the class in it."""

BESIDE: Final[Mapping[str, str]] = {
    "deribit": "deribit_wire:DERIBIT",
    "okx": "okx_wire:OKX",
    "binance": "binance_wire:SPOT",
    "binance-usdm": "binance_wire:USDM",
    "bybit-linear": "bybit_wire:LINEAR",
    "bybit-spot": "bybit_wire:SPOT",
    "bybit-inverse": "bybit_wire:INVERSE",
    "bybit-option": "bybit_wire:OPTION",
}
"""The same of what they send beside their declarations; of all others it stands in `beside.py`."""


def names() -> list[str]:
    """Every venue that can be simulated, in the order of the feed's own."""
    return list(venues.names())
