"""Prices on ticks and sizes in lots, exactly: 0.1 three times is 0.3, as it is written."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from shm._native import Instrument
from shm.names import Side


def price_on(instrument: Instrument, price: float, side: int | None = None) -> float:
    """See `Instrument.round_price`. A price that rounds up into the next band is on its tick, too:
    bands begin on ticks of the band below."""
    rounding: dict[int | None, str] = {None: ROUND_HALF_EVEN}
    rounding |= {int(Side.BID): ROUND_FLOOR, int(Side.ASK): ROUND_CEILING}
    if side not in rounding:
        raise ValueError(f"side {side!r}: shm.Side.BID, shm.Side.ASK, or None for the nearest tick")
    return _on(price, instrument.tick_at(price), rounding[side])


def size_on(instrument: Instrument, size: float) -> float:
    """See `Instrument.round_size`."""
    return _on(size, instrument.lot, ROUND_DOWN)


def _on(value: float, step: float, rounding: str) -> float:
    if not step or not math.isfinite(value):
        return value
    exact = Decimal(repr(step))  # as it is written, not as binary has it
    steps = (Decimal(repr(float(value))) / exact).quantize(Decimal(1), rounding)
    return float(steps * exact)
