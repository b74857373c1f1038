"""What the simulated OKX lists: spot, swaps, futures, options from the money outwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import count as counting

from feedhandler.sim.market import expiries
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.market.underlyings import FUTURES_CARRY, INDEX_START, PREMIUM

DEFAULT_COUNT = 20
_STRIKE_STEP = {"BTC": 2_500, "ETH": 100}
_SPOT = (
    # base, tick, lot, typical lots, weight
    ("BTC", "0.1", "0.00000001", 20_000_000, 20.0),
    ("ETH", "0.01", "0.000001", 4_000_000, 14.0),
    ("SOL", "0.01", "0.000001", 20_000_000, 8.0),
)
_SWAPS = (
    # base, quote, tick, lot, typical lots, contract value, weight
    ("BTC", "USDT", "0.1", "0.01", 5_000, "0.01", 24.0),
    ("BTC", "USD", "0.1", "1", 100, "100", 12.0),
    ("ETH", "USDT", "0.01", "0.01", 10_000, "0.1", 14.0),
    ("ETH", "USD", "0.01", "1", 500, "10", 6.0),
    ("SOL", "USDT", "0.01", "0.01", 20_000, "1", 6.0),
)
_OTHERS = ("XRP", "DOGE", "ADA", "LINK", "AVAX", "LTC", "BNB")


def _spot(base: str, tick: str, lot: str, typical: int, weight: float) -> Instrument:
    return Instrument(
        symbol=f"{base}-USDT",
        kind="spot",
        base=base,
        quote="USDT",
        tick=Decimal(tick),
        lot=Decimal(lot),
        typical_lots=typical,
        depth=300,
        weight=weight,
    )


def _swap(
    base: str, quote: str, tick: str, lot: str, typical: int, value: str, weight: float
) -> Instrument:
    return Instrument(
        symbol=f"{base}-{quote}-SWAP",
        kind="perpetual",
        base=base,
        quote=quote,
        tick=Decimal(tick),
        lot=Decimal(lot),
        typical_lots=typical,
        depth=300,
        weight=weight,
        family=f"{base}-{quote}",
        index_name=f"{base}-{quote}",
        inverse=quote == "USD",
        contract_size=Decimal(value),
        carry=PREMIUM,
    )


def _future(base: str, day: date, rank: int) -> Instrument:
    return Instrument(
        symbol=f"{base}-USD-{day:%y%m%d}",
        kind="future",
        base=base,
        quote="USD",
        tick=Decimal("0.1") if base == "BTC" else Decimal("0.01"),
        lot=Decimal(1),
        typical_lots=60,
        depth=150,
        weight=3.0 / (1 + rank),
        family=f"{base}-USD",
        index_name=f"{base}-USD",
        inverse=True,
        expiry_ms=expiries.expiry_ms(day),
        carry=FUTURES_CARRY,
        contract_size=Decimal(100) if base == "BTC" else Decimal(10),
    )


def _option(base: str, day: date, ring: int, call: bool) -> Instrument:
    step = _STRIKE_STEP[base]
    offset = (ring + 1) // 2 * (1 if ring % 2 else -1)
    strike = (round(INDEX_START[base] / step) + offset) * step
    return Instrument(
        symbol=f"{base}-USD-{day:%y%m%d}-{strike}-{'C' if call else 'P'}",
        kind="option",
        base=base,
        quote=base,
        tick=Decimal("0.0001"),
        band=(Decimal("0.005"), Decimal("0.0005")),
        lot=Decimal(1),
        typical_lots=300,
        depth=14,
        weight=0.8 / (1 + ring) ** 2,
        family=f"{base}-USD",
        index_name=f"{base}-USD",
        inverse=True,
        expiry_ms=expiries.expiry_ms(day),
        strike=strike,
        call=call,
        carry=FUTURES_CARRY,
        contract_size=Decimal("0.01"),
    )


def catalogue(today: date) -> Iterator[Instrument]:
    """In the order of importance."""
    for spot in _SPOT:
        yield _spot(*spot)
    for swap in _SWAPS:
        yield _swap(*swap)
    quarters = expiries.quarters(today, 2)
    yield _future("BTC", quarters[0], 0)
    yield _future("ETH", quarters[0], 1)
    for days, rings, bases in (
        (expiries.options(today, 2), range(8), ("BTC",)),
        (expiries.options(today, 9), range(16), ("BTC", "ETH")),
    ):
        for ring in rings:
            for base in bases:
                for day in days:
                    yield _option(base, day, ring, True)
                    yield _option(base, day, ring, False)
    for base in _OTHERS:
        yield _spot(base, "0.0001", "0.0001", 200_000_000, 1.0)
    days = expiries.options(today, 12)
    for ring in counting():
        for base in ("BTC", "ETH"):
            lowest = ring % 2 == 0 and ring // 2 >= round(INDEX_START[base] / _STRIKE_STEP[base])
            if not lowest:  # below it there is no strike
                for day in days:
                    yield _option(base, day, ring, True)
                    yield _option(base, day, ring, False)
