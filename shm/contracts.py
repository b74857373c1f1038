"""What a quantity of contracts is: in coins of the base currency, and in money.

`size` is in the venue's units, as in books and quotes; `c` is the contract size, `p` a price.

=========================  ==============  =====================  =====================
kind                       coins (base)    notional (settle)      notional (quote)
=========================  ==============  =====================  =====================
spot                       size c          size c p               size c p
linear, options too        size c          size c p               size c p
inverse                    size c / p      size c / p             size c
inverse options            size c          size c p               NaN: their prices are coins
quanto                     NaN             size c p               NaN: no fixed rate
combos, kinds unknown      NaN             NaN                    NaN
=========================  ==============  =====================  =====================

The notional of an option is its premium. A spot pair settles in its quote currency.
"""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from shm._native import Instrument
from shm.names import ContractType, InstrumentKind

Floats: TypeAlias = npt.NDArray[np.float64]
Currency: TypeAlias = Literal["settle", "quote"]

_PLAIN = frozenset({InstrumentKind.SPOT, InstrumentKind.PERPETUAL, InstrumentKind.FUTURE})


@overload
def coins(instrument: Instrument, size: float, price: float | None = None) -> float: ...
@overload
def coins(
    instrument: Instrument, size: npt.ArrayLike, price: npt.ArrayLike | None = None
) -> Any: ...
def coins(instrument: Instrument, size: Any, price: Any = None) -> Any:
    """Base currency. `price` is needed of inverse perpetuals and futures alone: ValueError."""
    kind, contract = instrument.kind, instrument.contract_type
    if kind is InstrumentKind.OPTION and contract is not ContractType.QUANTO:
        return _times(size, instrument.contract_size)
    if kind not in _PLAIN or contract is ContractType.QUANTO:
        return _nothing(size, price)
    if contract is ContractType.INVERSE:
        if price is None:
            raise ValueError(f"{instrument.symbol} is inverse: what it is in coins needs a price")
        return _over(_times(size, instrument.contract_size), price)
    return _times(size, instrument.contract_size)


def contracts(instrument: Instrument, amount: Any, price: Any = None) -> Any:
    """The venue's units that so much base currency is: the inverse of `coins`, not rounded."""
    one = coins(instrument, 1.0, price)
    if isinstance(amount, (float, int)) and isinstance(one, float):
        return amount / one if one else math.nan
    return np.divide(amount, one)


@overload
def notional(
    instrument: Instrument, size: float, price: float, currency: Currency = "settle"
) -> float: ...
@overload
def notional(
    instrument: Instrument,
    size: npt.ArrayLike,
    price: npt.ArrayLike,
    currency: Currency = "settle",
) -> Any: ...
def notional(instrument: Instrument, size: Any, price: Any, currency: Currency = "settle") -> Any:
    """What it is worth at a price, in the currency of settlement or in that of quotes."""
    if currency not in ("settle", "quote"):
        raise ValueError(f"currency {currency!r}: settle or quote is wanted")
    kind, contract = instrument.kind, instrument.contract_type
    option = kind is InstrumentKind.OPTION
    inverse = contract is ContractType.INVERSE
    unknown = kind not in _PLAIN and not option
    unfixed = contract is ContractType.QUANTO or (inverse and option)
    if unknown or (unfixed and currency == "quote"):
        return _nothing(size, price)
    amount = _times(size, instrument.contract_size)
    if not inverse or option:
        return _times(amount, price)
    return _over(amount, price) if currency == "settle" else _times(amount, _one(price))


def _plain(*values: Any) -> bool:
    return all(isinstance(value, (float, int)) for value in values)


def _times(a: Any, b: Any) -> Any:
    return a * b if _plain(a, b) else np.multiply(a, b, dtype=np.float64)


def _over(amount: Any, price: Any) -> Any:
    """NaN where there is no price above 0."""
    if _plain(amount, price):
        return amount / price if price > 0 else math.nan
    prices = np.asarray(price, dtype=np.float64)
    return np.divide(amount, np.where(prices > 0, prices, np.nan))


def _one(price: Any) -> Any:
    """1 for each price: the value does not depend on it, and the answer has its shape."""
    return 1.0 if _plain(price) else np.ones(np.shape(price))


def _nothing(size: Any, price: Any) -> Any:
    if _plain(size) and (price is None or _plain(price)):
        return math.nan
    shape = np.broadcast_shapes(np.shape(size), np.shape(price) if price is not None else ())
    return np.full(shape, np.nan)
