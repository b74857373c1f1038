"""The notation: one kind of frame of a venue, with `$holes` where its values stand.

    Frame(
        "book",
        '{"topic":"book.$word.$symbol","data":{"b":$bids,"a":$asks,"u":$final,"t":$time_ms}}',
        level='["$price","$size"]',
    )

Keys come in any order, and others among them. What is written without a hole has to be there just
so. Inside a string, holes are parts of it: `$word` and `$symbol` end where the next sign is
written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from feedhandler.shape.errors import ShapeError


class Role(IntEnum):
    """What a value is to the engine; the numbers are those of `engine/shape.h`."""

    SKIP = 0  #: nothing
    WORD = 1  #: one of a few: the reader is another one for each of them
    NEVER = 2  #: its key does not come in such frames
    SYMBOL = 3
    FIRST = 4
    FINAL = 5
    PREVIOUS = 6
    PREVIOUS_SIGNED = 7  #: below 0 for none
    PLACE = 8
    CHECKSUM = 9
    TIME_MS = 10  #: when it was so at the venue
    SENT_MS = 11  #: when the venue sent it
    ID = 12
    ID_OR_PLACE = 13  #: digits in a string; if it is another name, the place numbers the trade
    ID_TAIL = 14  #: the digits at the end of a string
    PRICE = 15
    SIZE = 16
    TAKER = 17
    BID = 18
    BID_SIZE = 19
    ASK = 20
    ASK_SIZE = 21
    BIDS = 22
    ASKS = 23


HOLES: Mapping[str, Role] = MappingProxyType(
    {"_": Role.SKIP} | {role.name.lower(): role for role in Role if role is not Role.SKIP}
)
REPEATED = {Role.SKIP, Role.WORD, Role.NEVER, Role.SYMBOL}  #: may stand in a frame more than once
IN_STRINGS = {Role.WORD, Role.SYMBOL, Role.SKIP}  #: may be a part of a string

#: the layouts of a level; the numbers are those of `engine/levels.h`
LEVELS: Mapping[str, int] = MappingProxyType(
    {
        '["$price","$size"]': 0,
        '["$price","$size","0","$_"]': 0,
        "[$price,$size]": 1,
        '["$verb",$price,$size]': 2,
    }
)

#: what each kind of frame must have
KINDS: Mapping[str, frozenset[Role]] = MappingProxyType(
    {
        "book": frozenset({Role.SYMBOL, Role.BIDS, Role.ASKS}),
        "trade": frozenset({Role.SYMBOL, Role.PRICE, Role.SIZE, Role.TAKER}),
        "liquidation": frozenset({Role.SYMBOL, Role.PRICE, Role.SIZE, Role.TAKER}),
        "quote": frozenset({Role.SYMBOL, Role.BID, Role.BID_SIZE, Role.ASK, Role.ASK_SIZE}),
    }
)


@dataclass(frozen=True, slots=True)
class Frame:
    """One kind of frame. `taker`: the words for a taker who buys, and for one who sells."""

    kind: str
    sample: str
    level: str = ""
    taker: tuple[str, str] = ("buy", "sell")


def wrapped(frame: Frame, wrapper: str) -> Frame:
    """The same frame where `wrapper` has `$frame`."""
    if wrapper.count("$frame") != 1:
        raise ShapeError(f"wrapper {wrapper!r}: there is not one $frame in it")
    sample = wrapper.replace("$frame", frame.sample)
    return Frame(frame.kind, sample, frame.level, frame.taker)
