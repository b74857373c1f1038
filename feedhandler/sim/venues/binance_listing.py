"""What the simulated Binance spot lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Final

from feedhandler.sim.market.instrument import Instrument

DEFAULT_COUNT: Final = 10
_LAST_DIGIT: Final = Decimal("0.00000001")  # of whatever the venue writes
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


def catalogue(_: date) -> Iterator[Instrument]:
    """USDT pairs, then other quotes, then numbered quiet listings."""
    for tier in count():
        names = ("USDT", *_ALTERNATIVE_QUOTES)
        quote = names[tier] if tier < len(names) else f"Q{tier}"
        for base, tick, lot, typical, weight in _MAIN:
            yield Instrument(
                symbol=base + quote,
                kind="spot",
                base=base,
                quote=quote,
                tick=Decimal(tick).quantize(_LAST_DIGIT),
                lot=Decimal(lot).quantize(_LAST_DIGIT),
                typical_lots=typical,
                depth=300 if tier == 0 else 60,
                weight=weight / (1 + tier) ** 3,
            )
