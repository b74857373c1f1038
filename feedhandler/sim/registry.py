"""The simulated venues: a line each. `runner` imports a module when its venue is served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

VENUES: Final[Mapping[str, str]] = {
    "deribit": "deribit:DeribitServer",
    "okx": "okx:OkxServer",
    "binance": "binance:BinanceServer",
    "binance-usdm": "binance_usdm:BinanceUsdmServer",
    "bybit-linear": "bybit:BybitLinearServer",
    "bybit-spot": "bybit:BybitSpotServer",
}
"""The module in `sim/venues`, and the class in it."""
