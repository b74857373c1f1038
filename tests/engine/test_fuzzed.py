"""What fuzzing found, once each: see tests/fuzz."""

from __future__ import annotations

import re

import pytest

from feedhandler.engine import _engine as native
from shm import Kind, Reason, State
from tests.engine import support


def _trade(n: int) -> bytes:
    data = {"e": "trade", "E": 1, "s": "BTCUSDT", "t": n, "p": "100", "q": "1", "m": True}
    return support.compact({"stream": "btcusdt@trade", "data": data})


def test_a_copy_that_shows_an_instrument_alive_again_is_shown() -> None:
    """The state was changed, with a record that nobody could see until the next message."""
    with support.engine("binance", instruments=2) as e:
        i = e.add_instrument("BTCUSDT", has_book=False)
        e.connection(0).feed(_trade(7))
        assert e.disconnected(0, Reason.DISCONNECTED) == [i]
        memory = support.memory(e)
        assert memory.quote(i)["state"] == State.STALE
        memory.records()
        e.connection(1).feed(_trade(7))  # what it missed, it missed: the trade is known
        assert memory.quote(i)["state"] == State.LIVE
        assert [record[0] for record in memory.records()] == [Kind.STATE]


def test_an_error_in_an_escaped_text_names_a_byte_of_the_frame() -> None:
    """It named one of the buffer to which the text had been unescaped."""
    data = b'{"e":"trade","E":1,"s":"BTCUSDT","t":1,"p":"1\\u00300x","q":"1","m":true}'
    frame = b'{"stream":"btcusdt@trade","data":' + data + b"}"
    with support.engine("binance") as e:
        e.add_instrument("BTCUSDT")
        assert e.connection(0).feed(frame) & native.MALFORMED
        found = re.search(r"at byte (\d+)$", e.last_error())
        assert found is not None
        assert int(found[1]) <= len(frame)


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        (1_700_000_000_000, 1_700_000_000_000_000_000),
        (9_223_372_036_854, 9_223_372_036_854_000_000),
        (9_223_372_036_855, 0),  # it wrapped around: past the year 2262
        (99_999_999_999_999, 0),
        (99_999_999_999_999_999, 0),
        (9_223_372_036_854_775_807, 9_223_372_036_854_775_807),
    ],
)
def test_a_time_that_nanoseconds_do_not_hold_is_none(time: int, shown: int) -> None:
    data = {"timestamp": time, "instrument_name": "X", "best_bid_price": 5.0,
            "best_bid_amount": 1.0, "best_ask_price": 6.0, "best_ask_amount": 1.0}  # fmt: skip
    with support.engine("deribit", instruments=2) as e:
        i = e.add_instrument("X", has_book=False)
        e.connection(0).feed(support.deribit("quote.X", data))
        quote = support.memory(e).quote(i)
        assert (quote["bid_price"], quote["exchange_ns"]) == (5, shown)
