"""What the stress writer writes and its readers expect: every field follows from a number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

MASK = (1 << 64) - 1
INSTRUMENTS = 3
DEPTH = 4
SLOTS = 256
LONG = 100  # records; more than a quarter of the ring: the message is split


def mix(n: int, salt: int) -> int:
    """A number of 40 bits that gives its argument away to nobody but us."""
    return (((n * 0x9E3779B97F4A7C15 + salt * 0xBF58476D1CE4E5B9) & MASK) >> 23) & ((1 << 40) - 1)


def mixed(n: npt.NDArray[np.uint64], salt: int) -> npt.NDArray[np.int64]:
    """`mix` of many."""
    with np.errstate(over="ignore"):
        product = n.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(
            salt * 0xBF58476D1CE4E5B9 & MASK
        )
    return ((product >> np.uint64(23)) & np.uint64((1 << 40) - 1)).astype(np.int64)


QUOTE_WORDS = (
    "exchange_ns", "receive_ns", "publish_ns", "bid_price", "bid_size", "ask_price", "ask_size",
    "last_price", "last_size", "last_ns", "stats_ns", "state_ns", "data_ns",
)  # fmt: skip
QUOTE_FLOATS = (
    "mark", "index", "underlying", "bid_iv", "ask_iv", "mark_iv", "delta", "gamma", "vega",
    "theta", "rho", "funding", "open_interest", "volume", "predicted_funding",
)  # fmt: skip
