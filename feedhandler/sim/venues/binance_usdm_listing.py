"""What the simulated Binance USD-M lists, and its exchangeInfo."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import count as counting
from typing import Any

from feedhandler.sim.market import expiries
from feedhandler.sim.market.instrument import Instrument, first, fixed
from feedhandler.sim.market.underlyings import FUTURES_CARRY, INDEX_START, PREMIUM

DEFAULT_COUNT = 14
PERPETUAL_END_MS = 4_133_404_800_000
"""What the venue gives as the delivery date of a perpetual: the year 2100."""
_MAIN = {
    # base: tick and lot as the venue writes them, typical lots, weight
    "BTC": ("0.10", "0.001", 300, 30.0),
    "ETH": ("0.01", "0.001", 5_000, 20.0),
    "SOL": ("0.0100", "0.01", 5_000, 12.0),
    "BNB": ("0.010", "0.01", 500, 6.0),
    "XRP": ("0.0001", "0.1", 20_000, 8.0),
    "DOGE": ("0.000010", "1", 20_000, 6.0),
    "ADA": ("0.00010", "1", 5_000, 4.0),
    "LINK": ("0.001", "0.01", 10_000, 3.0),
    "AVAX": ("0.0010", "1", 200, 3.0),
    "LTC": ("0.01", "0.001", 20_000, 2.0),
}


def places(instrument: Instrument) -> tuple[int, int]:
    """Decimals that the venue writes prices and sizes with."""
    tick, lot, *_ = _MAIN[instrument.base]
    return len(tick.partition(".")[2]), len(lot.partition(".")[2])


def _make(base: str, quote: str, rank: int, day: date | None = None) -> Instrument:
    tick, lot, typical, weight = _MAIN[base]
    dated = "" if day is None else f"_{day:%y%m%d}"
    return Instrument(
        symbol=base + quote + dated,
        kind="future" if day else "perpetual",
        base=base,
        quote=quote,
        tick=Decimal(tick),
        lot=Decimal(lot),
        typical_lots=typical,
        depth=300 if rank == 0 else 80,
        weight=weight / (1 + rank) ** 3,
        family=base + quote,
        expiry_ms=expiries.expiry_ms(day) if day else 0,
        carry=FUTURES_CARRY if day else PREMIUM,
    )


def _ranked(today: date) -> Iterator[Instrument]:
    for base in _MAIN:
        yield _make(base, "USDT", 0)
    for base in ("BTC", "ETH"):
        yield _make(base, "USDC", 1)
    for rank, day in enumerate(expiries.quarters(today, 2), 1):
        for base in ("BTC", "ETH"):
            yield _make(base, "USDT", rank, day)
    for tier in counting(2):
        for base in _MAIN:
            yield _make(base, "USDC" if tier == 2 else f"Q{tier}", tier)


def instruments(today: date, count: int | None) -> list[Instrument]:
    """The first ``count``: perpetuals, quarters, other quotes, then numbered quiet listings."""
    return first(_ranked(today), DEFAULT_COUNT if count is None else count)


def describe(instrument: Instrument, listed_ms: int) -> dict[str, Any]:
    """One entry of exchangeInfo's symbols."""
    tick, lot, *_ = _MAIN[instrument.base]
    price_places, size_places = places(instrument)
    top = fixed(price_places)(int(INDEX_START[instrument.base] * 20), 0)
    return {
        "symbol": instrument.symbol,
        "pair": instrument.family,
        "contractType": "CURRENT_QUARTER" if instrument.expiry_ms else "PERPETUAL",
        "deliveryDate": instrument.expiry_ms or PERPETUAL_END_MS,
        "onboardDate": listed_ms,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "marginAsset": instrument.quote,
        "pricePrecision": price_places,
        "quantityPrecision": size_places,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"] if instrument.base in ("BTC", "DOGE", "LTC") else [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10_000,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": top, "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "1000000", "stepSize": lot},
            {"filterType": "MARKET_LOT_SIZE", "minQty": lot, "maxQty": "12000", "stepSize": lot},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MIN_NOTIONAL", "notional": "5"},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": "1.0500",
                "multiplierDown": "0.9500",
                "multiplierDecimal": "4",
            },
        ],
        "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }
