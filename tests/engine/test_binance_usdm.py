"""Binance's futures through the shared decoder: what they write otherwise than spot."""

from __future__ import annotations

import math
from typing import Any

import pytest

from feedhandler.engine import _engine as native
from shm import Kind, Reason, Side, State

from .support import compact, engine, memory

LIVE = (State.LIVE, Reason.NONE)
# As the venue sent them in August 2026.
AGGREGATE = (
    '{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1786171884624,"a":3404749954,'
    '"s":"BTCUSDT","p":"64990.90","q":"0.002","nq":"0.002","f":7960913511,"l":7960913511,'
    '"T":1786171884471,"m":true,"st":1}}'
)
MARK = (
    '{"stream":"btcusdt@markPrice@1s","data":{"e":"markPriceUpdate","E":1786171884000,'
    '"s":"BTCUSDT","p":"64991.37858696","ap":"64991.37858696","P":"64980.01344384",'
    '"i":"65016.05673913","r":"0.00003936","T":1786176000000,"st":1}}'
)
LIQUIDATION = (
    '{"stream":"stgusdt@forceOrder","data":{"e":"forceOrder","E":1786172557615,"o":{"s":"STGUSDT",'
    '"S":"SELL","o":"LIMIT","f":"IOC","q":"5","p":"0.1336000","ap":"0.1355000","X":"FILLED",'
    '"l":"5","z":"5","T":1786172556607,"ps":"STGUSDT","st":1}}}'
)


def futures(**options: Any) -> Any:
    return engine("binance-usdm", **options)


def depth(
    first: int, final: int, previous: int | None, symbol: str = "BTCUSDT", **levels: Any
) -> bytes:
    event = {"e": "depthUpdate", "E": 1700000000002, "T": 1700000000001, "s": symbol,
             "U": first, "u": final}  # fmt: skip
    event |= {} if previous is None else {"pu": previous}
    return compact(event | {"b": levels.get("b", []), "a": levels.get("a", [])})


def snapshot(last: int) -> bytes:
    return compact({"lastUpdateId": last, "E": 1700000000009, "T": 1700000000008,
                    "bids": [["99", "1"]], "asks": [["101", "1"]]})  # fmt: skip


@pytest.mark.parametrize(
    ("previous", "first", "final"),
    [(100, 150, 160), (90, 95, 110), (98, 101, 103)],
    ids=["continues", "covers", "between"],
)
def test_a_snapshot_is_joined_by_the_first_event_that_reaches_beyond_it(
    previous: int, first: int, final: int
) -> None:
    with futures() as e:
        c = e.connection(0)
        c.feed(depth(80, 89, 70, b=[["98", "5"]]))
        c.feed(depth(89, previous, 89) if previous == 90 else depth(90, previous, 89))
        c.feed(depth(first, final, previous, b=[["98", "2"]]))
        assert e.snapshot(0, snapshot(100)) & native.DATA
        assert e.state(0) == LIVE
        assert e.book(0)[2] == final
        assert e.book(0)[0].tolist() == [[99, 1], [98, 2]]
        c.feed(depth(final + 7, final + 9, final, a=[["101", "0"]]))
        assert e.state(0) == LIVE
        assert len(e.book(0)[1]) == 0


def test_a_snapshot_before_the_buffer_is_fetched_again() -> None:
    with futures() as e:
        e.connection(0).feed(depth(120, 130, 110))
        e.snapshot(0, snapshot(100))
        assert e.state(0) != LIVE
        assert native.SNAPSHOT_TOO_OLD in [event for _, event, _ in e.attention()]
        e.snapshot(0, snapshot(125))
        assert e.state(0) == LIVE


def test_the_chain_is_the_previous_id_and_not_the_first() -> None:
    with futures() as e:
        c = e.connection(0)
        e.add_instrument("BTCUSDT")
        e.snapshot(0, snapshot(100))
        c.feed(depth(105, 110, 100))
        assert e.state(0) == LIVE
        c.feed(depth(111, 120, 109))  # it counts on without a hole, and yet one is missing
        assert e.state(0) == (State.STALE, Reason.GAP)


def test_an_event_without_its_predecessor_is_refused() -> None:
    with futures() as e:
        c = e.connection(0)
        e.add_instrument("BTCUSDT")
        e.snapshot(0, snapshot(100))
        assert c.feed(depth(101, 102, None)) & native.MALFORMED
        assert e.state(0) == (State.STALE, Reason.MALFORMED)


def test_trades_of_the_market_only() -> None:
    trade = {"e": "trade", "E": 9, "T": 1700000000005, "s": "BTCUSDT", "t": 7, "p": "100.5",
             "q": "2", "X": "MARKET", "m": False}  # fmt: skip
    with futures() as e:
        c, m = e.connection(0), memory(e)
        for number, kind in enumerate(("MARKET", "INSURANCE_FUND", "ADL", "NA", "MARKET")):
            result = c.feed(compact(trade | {"t": 7 + number, "X": kind}))
            assert not result & (native.MALFORMED | native.UNKNOWN)
        c.feed(AGGREGATE.encode())
        records = [r for r in m.records() if r[0] == Kind.TRADE]
        assert [(r[1], r[6]) for r in records] == [
            (Side.BUY, 7), (Side.BUY, 11), (Side.SELL, 3404749954),
        ]  # fmt: skip
        assert m.quote(0)["last_ns"] == 1786171884471000000


def test_an_aggregate_without_a_number_is_a_trade_all_the_same() -> None:
    text = AGGREGATE.replace('"a":3404749954,', "")
    with futures() as e:
        assert not e.connection(0).feed(text.encode()) & native.MALFORMED
        assert [r[6] for r in memory(e).records() if r[0] == Kind.TRADE] == [0]


def test_mark_index_and_funding() -> None:
    with futures() as e:
        c, m = e.connection(0), memory(e)
        assert c.feed(MARK.encode()) & native.DATA
        quote = m.quote(0)
        assert (quote["mark"], quote["index"]) == (64991.37858696, 65016.05673913)
        assert quote["funding"] == 0.00003936
        delivery = MARK.replace('"r":"0.00003936"', '"r":""')  # of a dated future
        c.feed(delivery.encode())
        assert math.isnan(m.quote(0)["funding"])


def test_a_liquidation_is_told_and_leaves_the_last_trade_alone() -> None:
    with futures() as e:
        c, m = e.connection(0), memory(e)
        c.feed(AGGREGATE.replace("BTCUSDT", "STGUSDT").replace("64990.90", "0.1400").encode())
        assert c.feed(LIQUIDATION.encode()) & native.DATA
        told = [r for r in m.records() if r[0] in (Kind.TRADE, Kind.LIQUIDATION)]
        assert [(r[0], r[1]) for r in told] == [
            (Kind.TRADE, Side.SELL), (Kind.LIQUIDATION, Side.SELL),
        ]  # fmt: skip
        exponent = int(m.entry(0)["price_exponents"][m.entry(0)["precision"]])
        assert told[1][2] * 10.0**exponent == pytest.approx(0.1336)
        quote = m.quote(0)
        assert quote["last_price"] * 10.0**exponent == pytest.approx(0.14)
        assert quote["last_ns"] == 1786171884471000000


@pytest.mark.parametrize(
    ("old", "new"),
    [('"S":"SELL"', '"S":"LONG"'), ('"p":"0.1336000"', '"p":"x"'), ('"q":"5",', ""),
     ('"o":{', '"x":{')],
)  # fmt: skip
def test_a_liquidation_that_lacks_something_is_refused_and_harms_no_book(
    old: str, new: str
) -> None:
    with futures() as e:
        c = e.connection(0)
        e.add_instrument("STGUSDT")
        e.snapshot(0, snapshot(1))
        c.feed(depth(1, 1, 0, "STGUSDT"))
        assert c.feed(LIQUIDATION.replace(old, new).encode()) & native.MALFORMED
        assert e.state(0) == LIVE


def test_two_connections_tell_each_liquidation_once() -> None:
    def at(time: int, size: int) -> bytes:
        text = LIQUIDATION.replace("1786172556607", str(time))
        return text.replace('"q":"5"', f'"q":"{size}"').encode()

    with futures() as e:
        e.add_instrument("STGUSDT", price_exponent=-4)
        for index, time, size in (
            (0, 1000, 1), (0, 1000, 2), (1, 1000, 1), (1, 1000, 2), (1, 2000, 3), (0, 2000, 3),
            (0, 3000, 4),
        ):  # fmt: skip
            e.connection(index).feed(at(time, size))
        told = [r[3] for r in memory(e).records() if r[0] == Kind.LIQUIDATION]
        assert told == [1, 2, 3, 4]
        assert e.counters()["duplicates"] == 3


def test_the_top_of_book_counts_in_the_books_numbers() -> None:
    top = {"e": "bookTicker", "u": 120, "s": "BTCUSDT", "b": "99.5", "B": "2", "a": "100",
           "A": "3", "T": 1700000000003, "E": 1700000000004}  # fmt: skip
    with futures() as e:
        c, m = e.connection(0), memory(e)
        e.add_instrument("BTCUSDT")
        e.snapshot(0, snapshot(100))
        c.feed(compact(top))
        quote = m.quote(0)
        assert (quote["bid_price"], quote["venue_sequence"]) == (995, 120)
        assert quote["exchange_ns"] == 1700000000003000000
        c.feed(depth(101, 140, 100, b=[["99", "7"]]))
        assert (m.quote(0)["bid_price"], m.quote(0)["venue_sequence"]) == (990, 140)
