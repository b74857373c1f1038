"""Books that a venue crosses, and that are uncrossed: what was said earlier goes."""

from __future__ import annotations

import json
import random
from decimal import Decimal

import pytest

from feedhandler.adapter.venue import Base
from feedhandler.engine import _engine as native
from feedhandler.shape import ShapeError
from feedhandler.venues.dydx import Dydx
from shm import Kind, Side, State
from tests.engine.support import engine_of, memory
from tests.venues.reference.book import Level, parsed
from tests.venues.reference.dydx import DydxReference

SYMBOL = "BTC-USD"


def message(kind: str, contents: object) -> bytes:
    frame = {"type": kind, "channel": "v4_orderbook", "id": SYMBOL, "contents": contents}
    return json.dumps(frame, separators=(",", ":")).encode()


def sides(rng: random.Random, most: int) -> dict[str, dict[str, str]]:
    """Levels anywhere around the middle, so that many cross."""
    return {
        side: {
            str(100 + centre + rng.randrange(-6, 7)): str(rng.choice((0, 1, 2, 3)))
            for _ in range(rng.randrange(most))
        }
        for side, centre in (("bids", -3), ("asks", 3))
    }


def messages(seed: int) -> list[bytes]:
    rng = random.Random(seed)
    told = []
    for at in range(300):
        levels = sides(rng, 12 if at % 100 == 0 else 4)
        if at % 100 == 0:
            whole = {
                side: [{"price": p, "size": s} for p, s in rows.items() if s != "0"]
                for side, rows in levels.items()
            }
            told.append(message("subscribed", whole))
        else:
            rows = {side: [*map(list, rows.items())] for side, rows in levels.items() if rows}
            told.append(message("channel_data", rows))
    return told


def levels_of(e: native.Engine) -> tuple[list[Level], list[Level]]:
    bids, asks, _, price, size = e.book(0)
    scaled = [
        [(Decimal(p).scaleb(price), Decimal(s).scaleb(size)) for p, s in side.tolist()]
        for side in (bids, asks)
    ]
    return scaled[0], scaled[1]


@pytest.mark.parametrize("seed", range(6))
def test_a_book_is_uncrossed_as_the_guide_does(seed: int) -> None:
    reference = DydxReference()
    with engine_of(Dydx.decoder, rule=native.RULE_NONE, base=native.BASE_STREAM) as e:
        e.add_instrument(SYMBOL)
        for at, text in enumerate(messages(seed)):
            reference.frame(parsed(text.decode()))
            bits = e.connection(0).feed(text, 10**18 + at)
            assert not bits & native.MALFORMED
            assert e.state(0)[0] == State.LIVE
            assert levels_of(e) == reference.books[SYMBOL].levels(), (at, text)
        assert e.counters()["crossed"] == 0


def test_no_message_leaves_a_crossed_book_to_those_who_read_the_changes() -> None:
    with engine_of(Dydx.decoder, rule=native.RULE_NONE, base=native.BASE_STREAM) as e:
        e.add_instrument(SYMBOL)
        ring = memory(e)
        book: dict[int, dict[int, int]] = {Side.BID: {}, Side.ASK: {}}
        for at, text in enumerate(messages(9)):
            e.connection(0).feed(text, 10**18 + at)
            for kind, side, price, size, *_ in ring.records():
                if kind == Kind.CLEAR:
                    book = {Side.BID: {}, Side.ASK: {}}
                elif kind == Kind.LEVEL and size:
                    book[side][price] = size
                elif kind == Kind.LEVEL:
                    book[side].pop(price, None)
            bids, asks = book[Side.BID], book[Side.ASK]
            assert not bids or not asks or max(bids) < min(asks)
            found = e.book(0)[:2]
            assert [dict(map(tuple, one.tolist())) for one in found] == [bids, asks]


def test_who_asks_for_its_books_cannot_uncross_them() -> None:
    with pytest.raises(ShapeError, match="uncrosses: of books that begin in the stream"):
        type("Asked", (Dydx,), {"name": "asked", "base": Base.REQUEST})
