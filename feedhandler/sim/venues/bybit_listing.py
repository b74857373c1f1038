"""What the simulated Bybit lists of linear contracts and of spot: the main ones, then ever quieter
ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import count as counting
from typing import Final

from feedhandler.sim.market import expiries
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.market.underlyings import FUTURES_CARRY, PREMIUM

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
DEFAULT_COUNTS: Final = {"linear": 14, "spot": 12}


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


def spot(_: date) -> Iterator[Instrument]:
    """Every base in ever more quotes."""
    for base in _SPOT:
        yield _make("spot", f"{base}USDT", base, "USDT", 0)
    for tier in counting(1):
        quote = "USDC" if tier == 1 else f"Q{tier}"
        for base in _SPOT:
            yield _make("spot", base + quote, base, quote, tier)


def linear(today: date) -> Iterator[Instrument]:
    """Perpetuals, and futures of the two great ones."""
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
