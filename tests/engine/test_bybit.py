"""Bybit's frames through the decoder: books by `u`, shown by `seq`, and what is beside them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from feedhandler.engine import _engine as native
from shm import Kind, Reason, Side, State

from .support import compact, engine, memory

LIVE = (State.LIVE, Reason.NONE)
NONE = -(2**63)


def book(
    u: int, seq: int, kind: str = "delta", *, depth: int = 50, symbol: str = "BTCUSDT", **sides: Any
) -> bytes:
    data = {"s": symbol, "b": sides.get("b", []), "a": sides.get("a", []), "u": u, "seq": seq}
    frame = {"topic": f"orderbook.{depth}.{symbol}", "type": kind, "ts": 1786310818130}
    return compact(frame | {"data": data, "cts": 1786310818129})


def base(u: int = 10, seq: int = 1000, **more: Any) -> bytes:
    return book(u, seq, "snapshot", b=[["99.50", "1"]], a=[["101.00", "2"]], **more)


def ticker(kind: str = "delta", **fields: str) -> bytes:
    data = {"symbol": "BTCUSDT", **fields}
    frame = {"topic": "tickers.BTCUSDT", "type": kind, "data": data, "cs": 5, "ts": 1700000000000}
    return compact(frame)


def test_a_book_counts_by_u_and_is_shown_by_seq() -> None:
    with engine("bybit-linear") as e:
        c, m = e.connection(0), memory(e)
        c.feed(base())
        assert e.state(0) == LIVE
        assert e.book(0)[2] == 1000
        c.feed(book(11, 1040, b=[["99.50", "0"], ["99.40", "3"]]))
        assert e.book(0)[2] == 1040
        assert m.quote(0)["venue_sequence"] == m.book(0)[0]["venue_sequence"] == 1040
        assert {r[6] for r in m.records() if r[0] == Kind.LEVEL} == {1000, 1040}
        assert m.book(0)[0]["exchange_ns"] == 1786310818129000000
        c.feed(book(11, 1040, b=[["99.50", "9"]]))  # the same once more
        assert e.counters()["duplicates"] == 1
        c.feed(book(13, 1080))
        assert e.state(0) == (State.STALE, Reason.GAP)
        c.feed(book(14, 1090, b=[["99.00", "1"]]))
        assert e.state(0) == (State.STALE, Reason.GAP)
        c.feed(base(20, 1100))
        assert e.state(0) == LIVE
        assert e.book(0)[0][:, 0].tolist() == [995]


def test_deltas_before_the_snapshot_are_nothing() -> None:
    with engine("bybit-linear") as e:
        c = e.connection(0)
        c.feed(book(9, 990, b=[["99.00", "1"]]))
        c.feed(base())
        c.feed(book(11, 1010))
        assert e.state(0) == LIVE
        assert len(e.book(0)[0]) == 1


@pytest.mark.parametrize("kind", ["snapshot", "delta"])
def test_the_first_number_is_a_whole_book_whatever_it_is_called(kind: str) -> None:
    with engine("bybit-linear") as e:
        c = e.connection(0)
        c.feed(base())
        c.feed(book(11, 1010, b=[["99.00", "4"]]))
        c.feed(book(1, 2000, kind, b=[["98.00", "1"]], a=[["98.50", "1"]]))
        assert e.state(0) == LIVE
        assert e.book(0)[0][:, 0].tolist() == [980]
        c.feed(book(2, 2005, a=[["98.40", "7"]]))
        assert e.state(0) == LIVE
        assert e.book(0)[1].tolist() == [[984, 7], [985, 1]]
        assert e.counters()["gaps"] == 0


def test_two_connections_and_a_service_that_starts_again() -> None:
    with engine("bybit-linear") as e:
        first, second = e.connection(0), e.connection(1)
        for c in (first, second):
            c.feed(base())
        for u in (11, 12):
            for c in (first, second):
                c.feed(book(u, 1000 + u, b=[["99.50", str(u)]]))
        renewed = book(1, 1500, "snapshot", b=[["90.00", "1"]], a=[["91.00", "1"]])
        for frame in (renewed, book(2, 1510, b=[["90.00", "2"]]), book(3, 1520)):
            for c in (first, second):
                c.feed(frame)
        assert e.state(0) == LIVE
        assert e.book(0)[0].tolist() == [[900, 2]]
        assert e.book(0)[2] == 1520
        assert e.counters()["gaps"] == 0


def test_one_level_is_a_quote_beside_the_book_in_the_same_numbers() -> None:
    with engine("bybit-linear") as e:
        c, m = e.connection(0), memory(e)
        c.feed(book(500, 990, "snapshot", depth=1, b=[["99.40", "1"]], a=[["101.00", "1"]]))
        assert e.state(0)[0] != State.LIVE  # it is no book
        c.feed(base())
        assert m.quote(0)["bid_price"] == 995
        c.feed(book(501, 1020, "snapshot", depth=1, b=[["99.60", "5"]], a=[["101.00", "1"]]))
        assert (m.quote(0)["bid_price"], m.quote(0)["venue_sequence"]) == (996, 1020)
        c.feed(book(502, 1015, "snapshot", depth=1, b=[["99.10", "5"]], a=[]))  # behind
        assert m.quote(0)["bid_price"] == 996
        c.feed(book(11, 1020, b=[["99.60", "5"]]))
        c.feed(book(12, 1030, b=[["99.70", "5"]]))
        assert (m.quote(0)["bid_price"], m.quote(0)["venue_sequence"]) == (997, 1030)
        quotes = [(r[1], r[2], r[6]) for r in m.records() if r[0] == Kind.QUOTE]
        assert quotes[-1] == (Side.SELL, NONE, 1015)
        # Changes of the best level are no more; what they once were is not taken for a whole one.
        result = c.feed(book(503, 1040, depth=1, b=[["99.80", "1"]]))
        assert result & ~native.ATTENTION == native.DATA
        assert m.quote(0)["bid_price"] == 997


def trade(**fields: Any) -> dict[str, Any]:
    return {"T": 1786310819680, "s": "BTCUSDT", "S": "Sell", "v": "0.004", "p": "65114.20",
            "L": "MinusTick", "BT": False, "RPI": False, **fields}  # fmt: skip


def test_trades_are_numbered_by_themselves_or_by_their_place() -> None:
    rows = [
        trade(i="a9188a0a-82bc-50de-be60-03eedbe3cdd7", seq=753843954913),
        trade(i="2280000001739247417", S="Buy", seq=178477362706),
        trade(i="7", S="Buy"),
        trade(i="not-a-number"),
    ]
    frame = {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": 1, "data": rows}
    with engine("bybit-linear") as e:
        c, m = e.connection(0), memory(e)
        assert not c.feed(compact(frame)) & (native.MALFORMED | native.UNKNOWN)
        records = [r for r in m.records() if r[0] == Kind.TRADE]
        assert [(r[1], r[6]) for r in records] == [
            (Side.SELL, 753843954913), (Side.BUY, 2280000001739247417), (Side.BUY, 7),
            (Side.SELL, 0),
        ]  # fmt: skip
        assert m.quote(0)["last_ns"] == 1786310819680000000


def test_fills_of_one_place_are_told_once_by_two_connections() -> None:
    rows = [trade(i=f"x-{n}", seq=5_000_000 + n // 3) for n in range(12)]
    frames = [
        compact({"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": 1, "data": rows[a:b]})
        for a, b in ((0, 3), (3, 6), (6, 9), (9, 12))
    ]
    with engine("bybit-linear") as e:
        for index, frame in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 2), (0, 3), (1, 2), (1, 3)):
            e.connection(index).feed(frames[frame])
        assert len([r for r in memory(e).records() if r[0] == Kind.TRADE]) == 12


def test_a_liquidation_names_the_position_and_its_order_is_the_other_side() -> None:
    rows = [
        {"T": 1791091285156, "s": "BTCUSDT", "S": "Buy", "v": "2084.9", "p": "0.05165"},
        {"T": 1791091285157, "s": "BTCUSDT", "S": "Sell", "v": "1", "p": "0.05170"},
    ]
    frame = {"topic": "allLiquidation.BTCUSDT", "type": "snapshot", "ts": 1, "data": rows}
    with engine("bybit-linear") as e:
        c, m = e.connection(0), memory(e)
        assert not c.feed(compact(frame)) & native.MALFORMED
        records = [r for r in m.records() if r[0] in (Kind.LIQUIDATION, Kind.TRADE)]
        assert [(r[0], r[1]) for r in records] == [
            (Kind.LIQUIDATION, Side.SELL), (Kind.LIQUIDATION, Side.BUY),
        ]  # fmt: skip
        assert m.quote(0)["last_price"] == NONE
        assert c.feed(compact(frame).replace(b'"Buy"', b'"Both"')) & native.MALFORMED


def test_a_ticker_keeps_what_it_does_not_tell() -> None:
    with engine("bybit-linear") as e:
        e.add_instrument("BTCUSDT", has_book=False)
        c, m = e.connection(0), memory(e)
        c.feed(ticker(
            "snapshot", markPrice="65117.44", indexPrice="65137.76", openInterest="59891.732",
            fundingRate="0.0001", bid1Price="65114.20", bid1Size="5.954", ask1Price="65114.30",
            ask1Size="10.470", preOpenPrice="", nextFundingTime="1786320000000",
        ))  # fmt: skip
        assert e.state(0) == LIVE
        c.feed(ticker(bid1Size="6.054"))
        c.feed(ticker(markPrice="65118.00"))
        quote = m.quote(0)
        scale = 10.0 ** int(m.entry(0)["price_exponents"][m.entry(0)["precision"]])
        assert quote["bid_price"] * scale == pytest.approx(65114.20)
        assert (quote["bid_size"], quote["ask_size"]) == (6054, 10470)
        assert (quote["mark"], quote["index"]) == (65118.0, 65137.76)
        assert (quote["funding"], quote["open_interest"]) == (0.0001, 59891.732)
        c.feed(ticker(ask1Price="", ask1Size="", fundingRate=""))
        quote = m.quote(0)
        assert (quote["ask_price"], quote["ask_size"]) == (NONE, 0)
        assert quote["bid_size"] == 6054
        assert math.isnan(quote["funding"])


def test_a_ticker_leaves_the_book_its_best_bid_and_offer() -> None:
    with engine("bybit-linear") as e:
        c, m = e.connection(0), memory(e)
        c.feed(base())
        c.feed(ticker(bid1Price="1.00", bid1Size="1", markPrice="100.5"))
        assert m.quote(0)["bid_price"] == 995
        assert m.quote(0)["mark"] == 100.5
        assert not [r for r in m.records() if r[0] == Kind.QUOTE]


def test_an_answer_over_rest_is_shown_by_seq_and_never_live() -> None:
    answer = {"retCode": 0, "retMsg": "OK", "retExtInfo": {}, "time": 1709891679050, "result": {
        "s": "BTCUSDT", "b": [["27450.50", "1.500"]], "a": [["27451.00", "1.200"]],
        "ts": 1709891679000, "u": 1234567, "seq": 9876543, "cts": 1709891679000}}  # fmt: skip
    with engine("bybit-linear") as e:
        e.add_instrument("BTCUSDT")
        for _ in range(2):
            e.snapshot(0, compact(answer), polled=True)
            assert e.state(0) == (State.DEGRADED, Reason.DISCONNECTED)
            assert e.book(0)[2] == 9876543
        assert e.snapshot(0, b'{"retCode":10001,"retMsg":"no"}') & native.MALFORMED
        e.connection(0).feed(base(5, 9876600))
        assert e.state(0) == LIVE


def test_a_push_without_data_is_refused_where_the_topic_is_ours() -> None:
    with engine("bybit-linear") as e:
        c = e.connection(0)
        assert c.feed(b'{"topic":"orderbook.50.BTCUSDT","type":"delta"}') & native.MALFORMED
        assert c.feed(b'{"topic":"depth","event":"cancel"}') == native.DATA | native.UNKNOWN


@pytest.mark.parametrize(
    ("topic", "result"),
    [
        ("orderbook.rpi.BTCUSDT", native.DATA),
        ("orderbook.50", native.DATA | native.UNKNOWN),
        ("kline.1.BTCUSDT", native.DATA | native.UNKNOWN),
        ("orderbook", native.DATA | native.UNKNOWN),
        ("", native.DATA | native.UNKNOWN),
    ],
)
def test_other_topics_are_unknown(topic: str, result: int) -> None:
    frame = {"topic": topic, "type": "snapshot", "ts": 1, "data": {"b": [], "a": [], "u": 1}}
    with engine("bybit-linear") as e:
        assert e.connection(0).feed(compact(frame)) == result
