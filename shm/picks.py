"""What traders pick of an option chain: the forward, at the money, and a strike by its delta."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from shm.names import OptionType

Rows = npt.NDArray[np.void]


def forward(rows: Rows) -> float:
    """What the venue has the options on, by its own price: the middle of what its rows say. NaN:
    none says it, or they are of several expiries, which have several forwards."""
    if len(np.unique(rows["expiry_ns"])) != 1:
        return float("nan")
    said = rows["underlying"][np.isfinite(rows["underlying"])]
    return float(np.median(said)) if len(said) else float("nan")


def at_the_money(rows: Rows) -> npt.NDArray[np.intp]:
    """Which rows have the strike next to the forward; none without a forward."""
    price = forward(rows)
    if not np.isfinite(price):
        return np.empty(0, np.intp)
    strike = rows["strike"][np.abs(rows["strike"] - price).argmin()]
    return np.flatnonzero(rows["strike"] == strike)


def by_delta(rows: Rows, delta: float, option: OptionType) -> int | None:
    """The row of a side whose delta is next to that; None: none of them says its delta."""
    wanted = abs(delta) * (1 if option is OptionType.CALL else -1)
    chosen: npt.NDArray[Any] = np.flatnonzero(
        (rows["option"] == option) & np.isfinite(rows["delta"])
    )
    if not len(chosen):
        return None
    return int(chosen[np.abs(rows["delta"][chosen] - wanted).argmin()])
