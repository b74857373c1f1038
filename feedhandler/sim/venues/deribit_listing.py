"""What the simulated Deribit lists, and how its instruments look in get_instruments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import count as counting
from typing import Any

from feedhandler.sim.market import expiries
from feedhandler.sim.market.instrument import Instrument, first
from feedhandler.sim.market.underlyings import FUTURES_CARRY, INDEX_START, PREMIUM

DEFAULT_COUNT = 60
_STRIKE_STEP = {"BTC": 2_500, "ETH": 100}
_PERPETUAL_EXPIRY = 32_503_708_800_000
_BAND = (Decimal("0.005"), Decimal("0.0005"))
_COMMISSIONS: dict[str, tuple[float, float]] = {"option": (0.0003, 0.0003), "future": (0.0, 0.0005)}


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
        quote=base,
        tick=Decimal("0.0001"),
        lot=Decimal("0.1") if btc else Decimal(1),
        typical_lots=100,
        depth=14,
        weight=0.8 / (1 + rank) ** 2,
        inverse=True,
        expiry_ms=expiries.expiry_ms(day),
        strike=strike,
        call=call,
        band=_BAND,
        carry=FUTURES_CARRY,
    )


def _ranked(today: date, bases: tuple[str, ...]) -> Iterator[Instrument]:
    quarters = expiries.quarters(today, 3)
    for base in bases:
        yield _perpetual(base)
    for rank, day in enumerate(quarters[:2]):
        for base in bases:
            yield _future(base, day, rank)
    # Strikes grow outwards from the money over all expiries, so that any prefix is a surface.
    stages = ((expiries.options(today, 3), range(8)), (expiries.options(today, 10), counting()))
    for days, rings in stages:
        for ring in rings:
            for base in bases:
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


def instruments(today: date, count: int | None) -> list[Instrument]:
    """The first ``count`` by importance: perpetuals, futures, options from the money outwards."""
    return first(_ranked(today, ("BTC", "ETH")), DEFAULT_COUNT if count is None else count)


def describe(instrument: Instrument, number: int, listed_ms: int) -> dict[str, Any]:
    """One entry of get_instruments."""
    kind = "option" if instrument.kind == "option" else "future"
    maker, taker = _COMMISSIONS[kind]
    base = instrument.base
    entry: dict[str, Any] = {
        "price_index": f"{base.lower()}_usd",
        "kind": kind,
        "instrument_name": instrument.symbol,
    }
    if kind == "option":
        entry["option_type"] = "call" if instrument.call else "put"
        entry["strike"] = float(instrument.strike)
    entry |= {
        "maker_commission": maker,
        "taker_commission": taker,
        "instrument_type": "reversed",
        "expiration_timestamp": instrument.expiry_ms or _PERPETUAL_EXPIRY,
        "creation_timestamp": listed_ms,
        "is_active": True,
        "state": "open",
        "tick_size": float(instrument.tick),
        "contract_size": float(instrument.contract_size),
        "instrument_id": number,
        "min_trade_amount": float(instrument.lot),
    }
    if kind == "future":
        entry["future_type"] = "reversed"
        entry["max_leverage"] = 50
    entry |= {
        "max_liquidation_commission": 0.0075,
        "block_trade_commission": 0.0003 if kind == "option" else 0.00025,
        "block_trade_min_trade_amount": 25 if kind == "option" else 200_000,
        "block_trade_tick_size": 0.0001 if kind == "option" else 0.01,
        "settlement_currency": base,
        "settlement_period": "perpetual" if instrument.kind == "perpetual" else "month",
        "base_currency": base,
        "counter_currency": "USD",
        "quote_currency": instrument.quote,
        "tick_size_steps": [
            {"above_price": float(instrument.band[0]), "tick_size": float(instrument.band[1])}
        ]
        if instrument.band
        else [],
    }
    return entry
