"""The checksum that a venue sends with its books: CRC-32 over its best levels as text, as data."""

from dataclasses import dataclass
from enum import Enum


class Order(Enum):
    """In which order the levels stand."""

    PAIRS = "bid, ask, bid, ask; a side that has run out is skipped"
    ASKS = "all asks, then all bids"
    BIDS = "all bids, then all asks"


class Number(Enum):
    """How prices and sizes are written."""

    PLAIN = "no exponent, no trailing zeros: 0.001"
    WRITTEN = "with all decimals that the venue writes: 0.0010"
    DIGITS = "the same, without the point and without leading zeros: 10"
    SCRIPT = "as JavaScript makes text of a Number: 0.001, 1.7e-7"


@dataclass(frozen=True, slots=True)
class Checksum:
    """`levels`: of each side, 1 to 50. `separator`: one character between all numbers, or none.

    `signed_asks`: the sizes of asks are negative. `signed`: what is sent is the int32 of the same
    bits. How many decimals the venue writes, its instruments say (`ListedInstrument.written`).
    """

    levels: int
    order: Order
    number: Number
    separator: str = ""
    signed_asks: bool = False
    signed: bool = True
