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
        (1_700_000_000_000_000, 1_700_000_000_000_000_000),
        (9_223_372_036_854, None),  # of the year 2262
        (9_223_372_036_855, None),  # it wrapped around: past what nanoseconds hold
        (99_999_999_999_999, None),
        (99_999_999_999_999_999, None),
        (9_223_372_036_854_775_807, None),
        (10**30, None),
        (0, 0),  # it says none
        (-1, None),
    ],
)
def test_a_time_that_cannot_be_is_refused(time: int, shown: int | None) -> None:
    data = {"timestamp": time, "instrument_name": "X", "best_bid_price": 5.0,
            "best_bid_amount": 1.0, "best_ask_price": 6.0, "best_ask_amount": 1.0}  # fmt: skip
    with support.engine("deribit", instruments=2) as e:
        i = e.add_instrument("X", has_book=False)
        frame = support.deribit("quote.X", data | {"timestamp": 77}).replace(
            b'"timestamp":77', b'"timestamp":%d' % time
        )
        result = e.connection(0).feed(frame)
        quote = support.memory(e).quote(i)
        if shown is None:
            assert result & native.MALFORMED
            assert e.state(i) == (State.STALE, Reason.MALFORMED)
            assert quote["bid_price"] == -(2**63)
        else:
            assert (quote["bid_price"], quote["exchange_ns"]) == (5, shown)
