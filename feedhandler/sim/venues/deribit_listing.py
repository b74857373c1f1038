"""What the simulated Deribit lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import count as counting
from typing import Final

from feedhandler.sim.market import expiries
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.market.underlyings import FUTURES_CARRY, INDEX_START, PREMIUM

DEFAULT_COUNT: Final = 60
_BASES: Final = ("BTC", "ETH")
_STRIKE_STEP = {"BTC": 2_500, "ETH": 100}
_BAND = (Decimal("0.005"), Decimal("0.0005"))


def _perpetual(base: str) -> Instrument:
    btc = base == "BTC"
    return Instrument(
        symbol=f"{base}-PERPETUAL",
        kind="perpetual",
        base=base,
        quote="USD",
        tick=Decimal("0.5") if btc else Decimal("0.01"),
        lot=Decimal(10) if btc else Decimal(1),
        typical_lots=500 if btc else 5_000,
        depth=300,
        weight=30.0 if btc else 18.0,
        family=base,
        index_name=f"{base.lower()}_usd",
        inverse=True,
        expiry_ms=0,
        carry=PREMIUM,
        contract_size=Decimal(10) if btc else Decimal(1),
    )


def _future(base: str, day: date, rank: int) -> Instrument:
    btc = base == "BTC"
    return Instrument(
        symbol=f"{base}-{expiries.deribit_name(day)}",
        kind="future",
        base=base,
        quote="USD",
        tick=Decimal("2.5") if btc else Decimal("0.05"),
        lot=Decimal(10) if btc else Decimal(1),
        typical_lots=200 if btc else 2_000,
        depth=150,
        weight=5.0 / (1 + rank),
        family=base,
        index_name=f"{base.lower()}_usd",
        inverse=True,
        expiry_ms=expiries.expiry_ms(day),
        carry=FUTURES_CARRY,
        contract_size=Decimal(10) if btc else Decimal(1),
    )


def _option(base: str, day: date, strike: int, call: bool, rank: int) -> Instrument:
    btc = base == "BTC"
    side = "C" if call else "P"
    return Instrument(
        symbol=f"{base}-{expiries.deribit_name(day)}-{strike}-{side}",
        kind="option",
        base=base,
        quote="USD",
        tick=Decimal("0.0001"),
        lot=Decimal("0.1") if btc else Decimal(1),
        typical_lots=100,
        depth=14,
        weight=0.8 / (1 + rank) ** 2,
        family=base,
        index_name=f"{base.lower()}_usd",
        inverse=True,
        expiry_ms=expiries.expiry_ms(day),
        strike=strike,
        call=call,
        band=_BAND,
        carry=FUTURES_CARRY,
    )


def catalogue(today: date) -> Iterator[Instrument]:
    """By importance: perpetuals, futures, options from the money outwards."""
    quarters = expiries.quarters(today, 3)
    for base in _BASES:
        yield _perpetual(base)
    for rank, day in enumerate(quarters[:2]):
        for base in _BASES:
            yield _future(base, day, rank)
    # Strikes grow outwards from the money over all expiries, so that any prefix is a surface.
    stages = ((expiries.options(today, 3), range(8)), (expiries.options(today, 10), counting()))
    for days, rings in stages:
        for ring in rings:
            for base in _BASES:
                for day in days:
                    yield from _pair(base, day, ring)


def _pair(base: str, day: date, ring: int) -> Iterator[Instrument]:
    step = _STRIKE_STEP[base]
    centre = round(INDEX_START[base] / step)
    offset = (ring + 1) // 2 * (1 if ring % 2 else -1)
    strike = (centre + offset) * step
    if strike > 0:
        for call in (True, False):
            yield _option(base, day, strike, call, ring)
