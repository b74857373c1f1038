"""What the simulated Bybit lists, linear and spot, and its instruments-info."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import count as counting
from typing import Any

from feedhandler.sim.market import expiries
from feedhandler.sim.market.instrument import Instrument, first, fixed, plain
from feedhandler.sim.market.underlyings import FUTURES_CARRY, INDEX_START, PREMIUM

_LINEAR = {
    # base: tick and lot as the venue writes them, typical lots, weight
    "BTC": ("0.10", "0.001", 300, 30.0),
    "ETH": ("0.01", "0.01", 500, 20.0),
    "SOL": ("0.010", "0.1", 500, 12.0),
    "XRP": ("0.0001", "0.1", 20_000, 8.0),
    "DOGE": ("0.00001", "1", 20_000, 6.0),
    "BNB": ("0.10", "0.01", 500, 5.0),
    "ADA": ("0.0001", "1", 5_000, 4.0),
    "LINK": ("0.001", "0.1", 1_000, 3.0),
    "AVAX": ("0.001", "0.1", 2_000, 3.0),
    "LTC": ("0.01", "0.1", 200, 2.0),
}
_SPOT = {
    "BTC": ("0.1", "0.000001", 200_000, 25.0),
    "ETH": ("0.01", "0.00001", 300_000, 18.0),
    "SOL": ("0.01", "0.0001", 200_000, 10.0),
    "XRP": ("0.0001", "0.01", 200_000, 8.0),
    "DOGE": ("0.00001", "0.1", 100_000, 5.0),
    "BNB": ("0.1", "0.0001", 30_000, 5.0),
    "ADA": ("0.0001", "0.01", 300_000, 4.0),
    "LINK": ("0.001", "0.001", 100_000, 3.0),
    "AVAX": ("0.001", "0.001", 80_000, 3.0),
    "LTC": ("0.01", "0.00001", 200_000, 2.0),
}
_TABLES = {"linear": _LINEAR, "spot": _SPOT}
DEFAULT_COUNTS = {"linear": 14, "spot": 12}


def places(instrument: Instrument) -> tuple[int, int]:
    """Decimals that the venue writes prices and sizes of a linear instrument with."""
    tick, lot, *_ = _LINEAR[instrument.base]
    return len(tick.partition(".")[2]), len(lot.partition(".")[2])


def _make(
    category: str, symbol: str, base: str, quote: str, rank: int, day: date | None = None
) -> Instrument:
    tick, lot, typical, weight = _TABLES[category][base]
    return Instrument(
        symbol=symbol,
        kind="spot" if category == "spot" else "future" if day else "perpetual",
        base=base,
        quote=quote,
        tick=Decimal(tick),
        lot=Decimal(lot),
        typical_lots=typical,
        depth=300 if rank == 0 else 80,
        weight=weight / (1 + rank) ** 3,
        family=base + quote,
        expiry_ms=expiries.expiry_ms(day) if day else 0,
        carry=0.0 if category == "spot" else FUTURES_CARRY if day else PREMIUM,
    )


def _spot() -> Iterator[Instrument]:
    for base in _SPOT:
        yield _make("spot", f"{base}USDT", base, "USDT", 0)
    for tier in counting(1):
        quote = "USDC" if tier == 1 else f"Q{tier}"
        for base in _SPOT:
            yield _make("spot", base + quote, base, quote, tier)


def _linear(today: date) -> Iterator[Instrument]:
    for base in _LINEAR:
        yield _make("linear", f"{base}USDT", base, "USDT", 0)
    for base in ("BTC", "ETH"):
        yield _make("linear", f"{base}PERP", base, "USDC", 1)
    for rank, day in enumerate(expiries.quarters(today, 2), 1):
        name = expiries.deribit_name(day)
        yield _make("linear", f"BTCUSDT-{name}", "BTC", "USDT", rank, day)
        yield _make("linear", f"BTC-{name}", "BTC", "USDC", rank, day)
    for tier in counting(2):
        for base in _LINEAR:
            quote = "USDC" if tier == 2 else f"Q{tier}"
            yield _make("linear", f"{base}{'PERP' if tier == 2 else quote}", base, quote, tier)


def instruments(category: str, today: date, count: int | None) -> list[Instrument]:
    """The first ``count`` of a product: the main ones, then ever quieter ones."""
    ranked = _spot() if category == "spot" else _linear(today)
    return first(ranked, DEFAULT_COUNTS[category] if count is None else count)


def describe(category: str, instrument: Instrument, number: int, listed_ms: int) -> dict[str, Any]:
    """One entry of instruments-info."""
    shared = {
        "symbol": instrument.symbol,
        "symbolId": number,
        "status": "Trading",
        "baseCoin": instrument.base,
        "quoteCoin": instrument.quote,
        "symbolType": "",
    }
    tick, lot, *_ = _TABLES[category][instrument.base]
    if category == "spot":
        return shared | {
            "innovation": "0",
            "marginTrading": "utaOnly",
            "stTag": "0",
            "lotSizeFilter": {
                "basePrecision": lot,
                "quotePrecision": "0.0000001",
                "minOrderQty": lot,
                "maxOrderQty": "230",
                "minOrderAmt": "5",
                "maxOrderAmt": "8000000",
            },
            "priceFilter": {"tickSize": tick},
            "riskParameters": {"priceLimitRatioX": "0.005", "priceLimitRatioY": "0.01"},
            "xstockMultiplier": "1",
        }
    price_places, _ = places(instrument)
    top = fixed(price_places)(int(INDEX_START[instrument.base] * 20), 0)
    dated = bool(instrument.expiry_ms)
    return shared | {
        "contractType": "LinearFutures" if dated else "LinearPerpetual",
        "launchTime": str(listed_ms),
        "deliveryTime": str(instrument.expiry_ms),
        "deliveryFeeRate": "0" if dated else "",
        "priceScale": str(price_places),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": tick, "maxPrice": top, "tickSize": tick},
        "lotSizeFilter": {
            "maxOrderQty": "1500",
            "minOrderQty": lot,
            "qtyStep": lot,
            "postOnlyMaxOrderQty": "1500",
            "maxMktOrderQty": "150",
            "minNotionalValue": "5",
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 0 if dated else 480,
        "settleCoin": instrument.quote,
        "copyTrading": "none" if dated else "both",
        "upperFundingRate": "0.005",
        "lowerFundingRate": "-0.005",
        "isPreListing": False,
        "preListingInfo": None,
        "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.02"},
        "displayName": "",
        "forbidUplWithdrawal": False,
    }


def size_style(category: str, instrument: Instrument) -> Any:
    """How sizes are written: spot without trailing zeros, nothing as 0 everywhere."""
    if category == "spot":
        return plain
    style = fixed(places(instrument)[1])
    return lambda mantissa, digits: style(mantissa, digits) if mantissa else "0"
