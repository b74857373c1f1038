"""Fees as data, with their sources. Look them up again before you believe them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Fees:
    """Of a venue's coin-settled options and of the futures that hedge them, for a taker.

    Rates are shares of the underlying: of one coin of an option, of the coins that a future's
    dollars are worth.
    """

    source: str
    option: float
    option_cap: float  #: no option's fee is more than this share of its price
    option_delivery: float  #: of an option that ends in the money; the same cap on its value
    future: float
    future_delivery: float

    def of_option(self, price: float) -> float:
        """Of trading one coin of an option at a price, in coins."""
        return min(self.option, self.option_cap * price)


FEES: Mapping[str, Fees] = MappingProxyType(
    {
        # BTC and ETH, the lowest tier. Not taken off, to be on the safe side: options that expire
        # daily and weekly futures are delivered for nothing; of a combo the cheaper leg is free.
        "deribit": Fees(
            source="https://support.deribit.com/hc/en-us/articles/25944746248989-Fees",
            option=0.0003,
            option_cap=0.125,
            option_delivery=0.00015,
            future=0.0005,
            future_delivery=0.00025,
        ),
    }
)
