"""What the simulated Binance USD-M lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import count as counting
from typing import Final

from feedhandler.sim.market import expiries
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.market.underlyings import FUTURES_CARRY, PREMIUM

DEFAULT_COUNT: Final = 14
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


def catalogue(today: date) -> Iterator[Instrument]:
    """Perpetuals, quarters, other quotes, then numbered quiet listings."""
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
