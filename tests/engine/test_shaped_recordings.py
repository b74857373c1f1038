"""Ten venues' recordings through the general reader: every LIVE book is what a reference says.

The references are plain Python and Decimal (`tests/venues/reference`); the shapes are those of
`tests/shape/ten_venues.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from feedhandler.engine import _engine as native
from feedhandler.shape import compiled
from shm import State
from tests.engine.support import engine_book, engine_of
from tests.shape.ten_venues import FRAMES
from tests.venues.reference import RECORDINGS, REFERENCES, Recording

RULES = {
    "bitfinex": (native.RULE_NONE, native.BASE_STREAM),
    "bitmex": (native.RULE_NONE, native.BASE_STREAM),
    "bitstamp": (native.RULE_TIME, native.BASE_REQUEST),
    "coinbase": (native.RULE_NONE, native.BASE_STREAM),
    "gate": (native.RULE_RANGE, native.BASE_STREAM),
    "htx": (native.RULE_PREVIOUS, native.BASE_REQUEST),
    "hyperliquid": (native.RULE_NONE, native.BASE_EVERY),
    "kraken": (native.RULE_NONE, native.BASE_STREAM),
    "kraken-futures": (native.RULE_NEXT, native.BASE_STREAM),
    "kucoin": (native.RULE_RANGE, native.BASE_REQUEST),
}
KRAKEN_CHECKSUM = (10, native.CHECKSUM_ASKS, native.NUMBER_DIGITS, "", False, False)
#: of each recording: frames that are data, trades, and books that are LIVE at its end (of the
#: others nothing in the stream has reached the base that was asked for)
READ = {
    "bitfinex": (1649, 0, 7),
    "bitmex": (2089, 17, 10),
    "bitstamp": (727, 10, 9),
    "coinbase": (994, 79, 2),
    "gate-translated": (178, 9, 10),
    "htx-translated": (326, 73, 8),
    "hyperliquid": (55, 64, 1),
    "kraken": (30, 0, 1),
    "kraken-translated": (4287, 10, 10),
    "kraken-futures": (7037, 3, 10),
    "kucoin": (4701, 18, 9),
}


@contextmanager
def shaped(venue: str, recording: Recording) -> Iterator[native.Engine]:
    rule, base = RULES[venue]
    options: dict[str, Any] = {"rule": rule, "base": base}
    if venue == "kraken":
        options |= {"checksum": KRAKEN_CHECKSUM, "window": recording.depth}
    with engine_of(native.shape_decoder(compiled(FRAMES[venue])), venue, **options) as e:
        yield e


def decimals(texts: Iterator[str]) -> int:
    return max((len(text.partition(".")[2]) for text in texts), default=0)


def prepare(venue: str, e: native.Engine, line: dict[str, Any]) -> None:
    """What a session knows before the frame: bound channels, how numbers are written."""
    if line["kind"] != "ws" or line["dir"] != "in" or venue not in ("bitfinex", "kraken"):
        return
    message = json.loads(line["data"], parse_float=str)
    if venue == "bitfinex" and isinstance(message, dict) and message.get("event") == "subscribed":
        row = e.add_instrument(message["symbol"])
        e.connection(0).bind(message["chanId"], row, message["channel"])
    if venue == "kraken" and message.get("channel") == "book" and message["type"] == "snapshot":
        for row in message["data"]:
            levels = row["bids"] + row["asks"]
            price, size = (decimals(str(each[key]) for each in levels) for key in ("price", "qty"))
            e.add_instrument(row["symbol"], written=(price, size))


def agree(e: native.Engine, reference: Any, symbol: str) -> bool:
    """True: the book is LIVE, and the reference's."""
    try:
        row = e.instrument_id(symbol)
    except KeyError:
        return False
    if e.state(row)[0] != State.LIVE:
        return False
    bids, asks = engine_book(e, row)
    book = reference.books[symbol]
    assert (bids, asks) == (book.bids, book.asks), symbol
    return True


@pytest.mark.parametrize("recording", [r for r in RECORDINGS if r.venue in RULES], ids=str)
def test_live_books_are_the_venues(recording: Recording) -> None:
    venue, data = recording.venue, 0
    reference = REFERENCES[venue]()
    with shaped(venue, recording) as e:
        for count, line in enumerate(recording.lines()):
            said = reference.line(line)
            if line["data"] is None or line["dir"] != "in":
                continue
            prepare(venue, e, line)
            payload = line["data"].encode()
            if said.kind == "answer":
                for symbol in said.books:
                    e.snapshot(e.add_instrument(symbol), payload, line["t"] or 0)
            elif line["kind"] == "ws":
                result = e.connection(0).feed(payload, line["t"] or 0)
                assert not result & (native.MALFORMED | native.GAP), (e.last_error(), payload[:300])
                data += result & native.DATA
            for symbol in said.books if count % 60 == 0 else ():
                agree(e, reference, symbol)
        live = sum(agree(e, reference, symbol) for symbol in reference.books)
        assert (data, e.counters()["trades"], live) == READ[str(recording)]
