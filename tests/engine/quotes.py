"""Best bids and offers of Binance beside its book, and what the quote cell makes of them."""

from __future__ import annotations

from feedhandler.engine import _engine as native
from shm import Reason, Source, State
from tests.engine.support import compact, memory

LIVE = (State.LIVE, Reason.NONE)
SECOND = 1_000_000_000
FAR = 1_000_000_000


def ticker(number: int, bid: str, ask: str, size: str = "1") -> bytes:
    data = {"u": number, "s": "BTCUSDT", "b": bid, "B": size, "a": ask, "A": "1"}
    return compact({"stream": "btcusdt@bookTicker", "data": data})


def answer(number: int) -> bytes:
    levels = {"bids": [["99", "1"]], "asks": [["101", "1"]]}
    return compact({"lastUpdateId": number, **levels})


def shown(e: native.Engine, i: int = 0) -> tuple[int, int, int, Source]:
    """(bid, ask, number, source) of the quote cell."""
    q = memory(e).quote(i)
    return int(q["bid_price"]), int(q["ask_price"]), int(q["venue_sequence"]), Source(q["source"])
