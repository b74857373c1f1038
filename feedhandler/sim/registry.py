"""The simulated venues that have a server of their own: a line each. `runner` imports a module when
its venue is served. Every other one is made of what the venue declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from feedhandler import venues

VENUES: Final[Mapping[str, str]] = {
    "binance": "binance:BinanceServer",
    "binance-usdm": "binance_usdm:BinanceUsdmServer",
}
"""The module in `sim/venues`, and the class in it."""
RULES: Final[Mapping[str, str]] = {
    "deribit": "deribit:DeribitServer",
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
"""The same of those that are made of what they declare, and have a rule that no table says."""


def names() -> list[str]:
    """Every venue that can be simulated, in the order of the feed's own."""
    return list(dict.fromkeys((*VENUES, *venues.names())))
