"""The simulated venues that have a rule that no table says: a line each. `runner` imports a module
when its venue is served. Every one is made of what the venue declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from feedhandler import venues

RULES: Final[Mapping[str, str]] = {
    "deribit": "deribit:DeribitServer",
    "binance": "binance:BinanceServer",
    "binance-usdm": "binance_usdm:BinanceUsdmServer",
    "okx": "okx:OkxServer",
    "bitfinex": "bitfinex:BitfinexServer",
    "bybit-linear": "bybit:LinearServer",
    "bybit-spot": "bybit:SpotServer",
    "bybit-inverse": "bybit:InverseServer",
    "bybit-option": "bybit:OptionServer",
    "binance-coinm": "binance_streams:CoinmServer",
    "binance-options": "binance_streams:OptionsServer",
    "dydx": "dydx:DydxServer",
    "gemini": "gemini:GeminiServer",
}
"""The module in `sim/venues`, and the class in it."""


def names() -> list[str]:
    """Every venue that can be simulated, in the order of the feed's own."""
    return list(venues.names())
