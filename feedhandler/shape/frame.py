"""The notation: one kind of frame of a venue, with `$holes` where its values stand.

    Frame(
        "book",
        '{"topic":"book.$word.$symbol","data":{"b":$bids,"a":$asks,"u":$final,"t":$time_ms}}',
        level='["$price","$size"]',
    )

Keys come in any order, and others among them; `"key?"` need not come. What is written without a
hole has to be there just so: it is the route, which says what frame it is; where no such word is,
its keys are. A hole takes a string or a number alike. Inside a string, holes are parts of it, and
end where the next sign is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from types import MappingProxyType

from feedhandler.shape.errors import ShapeError


class Role(IntEnum):
    """What a value is to the engine; the numbers are those of `engine/roles.h`."""

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
    DIGITS = 24  #: only digits: what is none is another frame
    WINDOW = 25  #: digits: levels a side that the channel keeps; in a string: two and more
    CHANNEL = 26  #: a number that stands for an instrument, as the acknowledgement said
    CONN = 27  #: one more with each frame of the connection
    TIME_S = 28  #: with or without decimals
    TIME_US = 29
    TIME_NS = 30
    TIME_ISO = 31  #: 2026-11-22T10:00:00.123456Z
    SENT_S = 32
    SENT_US = 33
    SENT_NS = 34
    SENT_ISO = 35
    AMOUNT = 36  #: a size, below 0 for asks and for a taker who sells
    LEVELS = 37  #: of both sides
    SIDE = 38  #: of a level
    VERB = 39  #: what becomes of a level
    COUNT = 40  #: orders of a level: 0 removes it
    FORCED = 41  #: if it is there, the trade is a liquidation
    ID_NAME = 42  #: any name, such as a UUID: what stands for it is a hash of 53 bits
    SORT = 43  #: of a trade: some are passed over
    STATUS = 44  #: of a ticker: the venue's word for what may be done with the instrument
    INDEX_NAME = 45  #: of an index: it is about all instruments that follow this one


#: what a ticker says, by the numbers of FH_STAT_* in shm/include/feedhandler_shm.h
STATS: Mapping[str, int] = MappingProxyType(
    {
        name: at
        for at, name in enumerate(
            (
                *("mark", "index", "underlying", "bid_iv", "ask_iv", "mark_iv"),
                *("delta", "gamma", "vega", "theta", "rho", "funding", "open_interest"),
                *("volume", "predicted_funding", "next_funding"),
            ),
            1,
        )
    }
)
STAT, PERCENT = 64, 96  #: the roles of statistics begin here; of those that are divided by 100
#: volumes of a day that are not in units of size: in the base or the quote currency, of instruments
#: whose sizes count that; of both sides of each trade
VOLUMES: Mapping[str, int] = MappingProxyType(
    {"volume_base": 128, "volume_quote": 129, "volume_both": 130}
)

#: when funding is due, by how the time is written; records and cells have it in ns
DUE: Mapping[str, int] = MappingProxyType(
    {"next_funding_ms": 131, "next_funding_s": 132, "next_funding_iso": 133}
)
_NUMBERS = {name: number for name, number in STATS.items() if f"{name}_ms" not in DUE}

_ROLES: dict[str, int] = {role.name.lower(): role for role in Role if role is not Role.SKIP}
HOLES: Mapping[str, int] = MappingProxyType(
    {"_": Role.SKIP, **VOLUMES, **DUE}
    | _ROLES
    | {"time_frac": Role.TIME_S, "sent_frac": Role.SENT_S}
    | {name: STAT + number for name, number in _NUMBERS.items()}
    | {f"{name}_percent": PERCENT + number for name, number in _NUMBERS.items()}
)

TIMES = frozenset({Role.TIME_S, Role.TIME_MS, Role.TIME_US, Role.TIME_NS, Role.TIME_ISO})
SENT = frozenset({Role.SENT_S, Role.SENT_MS, Role.SENT_US, Role.SENT_NS, Role.SENT_ISO})
IDS = frozenset({Role.ID, Role.ID_OR_PLACE, Role.ID_TAIL, Role.ID_NAME})
QUOTE = frozenset({Role.BID, Role.BID_SIZE, Role.ASK, Role.ASK_SIZE})
#: they may stand in a frame more than once
REPEATED = frozenset({Role.SKIP, Role.WORD, Role.NEVER, Role.SYMBOL, Role.DIGITS})
#: they may be a part of a string
IN_STRINGS = frozenset({Role.SKIP, Role.WORD, Role.SYMBOL, Role.DIGITS, Role.WINDOW, Role.CHANNEL})

VERBS = '["$verb",$price,$size]'  #: with the verbs that a Frame has by itself
#: layouts of a level that are read without a tree; the numbers are those of `engine/levels.h`
LAYOUTS: Mapping[str, int] = MappingProxyType(
    {
        '["$price","$size"]': 0,
        "[$price,$size]": 1,
        VERBS: 2,
        '["$price","$size","0","$_"]': 3,
        '["$price","$size","$_","$_"]': 3,
    }
)
OTHER_LAYOUT = 255

DELETES, CHANGES = ("delete",), ("new", "change")  #: a $verb, unless its frame says others

#: the kinds of frames; the numbers are those of `engine/shape.h`
KINDS: Mapping[str, int] = MappingProxyType(
    {
        "book": 0,  #: changes of a book
        "trade": 1,
        "quote": 2,  #: the best bid and offer, and statistics where they are beside it
        "liquidation": 3,
        "snapshot": 4,  #: a full book that begins a chain of changes
        "full": 5,  #: a whole book with every message
        "ticker": 6,  #: statistics, and the best bid and offer where they are among them
        "checksum": 7,  #: of the book, by itself
        "number": 8,  #: the connection's number: in other frames too
        "answer": 9,  #: a book that was asked for, by REST or over the socket
        "none": 10,  #: known, and of no meaning
        "other": 11,  #: market data that is none of the others: counted as unknown
        "control": 12,  #: for Python: a word that is no JSON ("pong"), or an object
        "mark": 13,  #: a ticker, where these statistics come on a channel of their own
        "funding": 14,
        "interest": 15,
        "greeks": 16,
        "volume": 17,
        "index": 18,
    }
)
BOOKS = frozenset({"book", "snapshot", "full", "answer"})
TRADES = frozenset({"trade", "liquidation"})
TICKERS = frozenset({"ticker", "mark", "funding", "interest", "greeks", "volume", "index"})
SAYING = TICKERS | {"quote"}  #: those that may have statistics


@dataclass(frozen=True, slots=True)
class Frame:
    """One kind of frame.

    `level`: a sample of a level, where the frame has $bids and $asks, or $levels of both sides.
    `taker`: the words for a taker who buys, and for one who sells. `sides`: for a bid and an ask.
    `deletes`, `changes`: a $verb that removes a level, and one that sets it. `removes`: all levels
    of such a frame are removed. `channel`: the word that a $channel was bound with. `window`: the
    levels a side that the channel keeps, where the frame has no $window. `passed`: what a
    trade's $sort is, where it is no trade of the market. `blank`: a level of price 0 and size 0
    says nothing; elsewhere it is an error. `begins`: a change whose $previous is 0 is the first one
    ever, of a book without levels; of any other book it is an error. `rounded`: its prices are
    taken together, so that its best is not the best. `anew`: with the number 1 the venue begins
    anew: such a frame is a whole book, whatever its kind, and such a quote no older than any.
    `still`: a change whose $final is its $previous is a whole book, with which changes begin.
    `forced`: each of its trades is a liquidation.
    """

    kind: str
    sample: str
    level: str = ""
    taker: tuple[str, str] = ("buy", "sell")
    sides: tuple[str, str] = ("bid", "ask")
    deletes: tuple[str, ...] = DELETES
    changes: tuple[str, ...] = CHANGES
    passed: tuple[str, ...] = ()
    removes: bool = False
    blank: bool = False
    begins: bool = False
    rounded: bool = False
    anew: bool = False
    still: bool = False
    forced: bool = False
    channel: str = ""
    window: int = 0


def wrapped(frame: Frame, wrapper: str) -> Frame:
    """The same frame where `wrapper` has `$frame`."""
    if wrapper.count("$frame") != 1:
        raise ShapeError(f"wrapper {wrapper!r}: there is not one $frame in it")
    return replace(frame, sample=wrapper.replace("$frame", frame.sample))
