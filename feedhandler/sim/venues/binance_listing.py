"""What the simulated Binance spot lists, and its exchangeInfo."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from feedhandler.sim.market.instrument import Instrument, fixed8
from feedhandler.sim.market.underlyings import INDEX_START

DEFAULT_COUNT = 10
_MAIN = (
    # base, tick, lot, typical lots, weight
    ("BTC", "0.01", "0.00001", 20_000, 30.0),
    ("ETH", "0.01", "0.0001", 40_000, 18.0),
    ("SOL", "0.01", "0.001", 20_000, 10.0),
    ("BNB", "0.01", "0.001", 3_000, 6.0),
    ("XRP", "0.0001", "0.1", 20_000, 6.0),
    ("DOGE", "0.00001", "1", 10_000, 5.0),
    ("ADA", "0.0001", "0.1", 30_000, 4.0),
    ("LINK", "0.01", "0.01", 10_000, 3.0),
    ("AVAX", "0.01", "0.01", 8_000, 3.0),
    ("LTC", "0.01", "0.001", 20_000, 2.0),
)
_ALTERNATIVE_QUOTES = ("USDC", "FDUSD", "TUSD", "EUR", "TRY", "BRL", "DAI", "JPY")


def instruments(count: int | None) -> list[Instrument]:
    """The first ``count``: USDT pairs, then other quotes, then numbered quiet listings."""
    wanted = DEFAULT_COUNT if count is None else count
    found: list[Instrument] = []
    number = 0
    while len(found) < wanted:
        base, tick, lot, typical, weight = _MAIN[number % len(_MAIN)]
        tier = number // len(_MAIN)
        names = ("USDT", *_ALTERNATIVE_QUOTES)
        quote = names[tier] if tier < len(names) else f"Q{tier}"
        instrument = Instrument(
            symbol=base + quote,
            kind="spot",
            base=base,
            quote=quote,
            tick=Decimal(tick),
            lot=Decimal(lot),
            typical_lots=typical,
            depth=300 if tier == 0 else 60,
            weight=weight / (1 + tier) ** 3,
        )
        found.append(instrument)
        number += 1
    return found


def describe(instrument: Instrument) -> dict[str, Any]:
    """One entry of exchangeInfo's symbols."""
    top = fixed8(int(INDEX_START[instrument.base] * 20), 0)
    tick = instrument.prices(fixed8)[1]
    lot = instrument.sizes(fixed8)[1]
    return {
        "symbol": instrument.symbol,
        "status": "TRADING",
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": [
            "LIMIT",
            "LIMIT_MAKER",
            "MARKET",
            "STOP_LOSS",
            "STOP_LOSS_LIMIT",
            "TAKE_PROFIT",
            "TAKE_PROFIT_LIMIT",
        ],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "opoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": True,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": top, "tickSize": tick},
            {
                "filterType": "LOT_SIZE",
                "minQty": lot,
                "maxQty": "9000000.00000000",
                "stepSize": lot,
            },
            {"filterType": "ICEBERG_PARTS", "limit": 10},
            {
                "filterType": "NOTIONAL",
                "minNotional": "5.00000000",
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        ],
        "permissions": [],
        "permissionSets": [["SPOT", "MARGIN"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }
