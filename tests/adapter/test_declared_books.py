"""Books that are asked for, by GET, POST and over the socket: read as they are written."""

from __future__ import annotations

import dataclasses
import json
from typing import ClassVar

import pytest

from feedhandler.adapter.declared import (
    Answer,
    BookPath,
    Topic,
    Words,
)
from feedhandler.adapter.declared.topics import Declared
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Base, ControlKind
from feedhandler.shape import Frame
from tests.adapter import declared_venues as venues


def test_a_book_is_asked_for_and_read_as_it_is_written() -> None:
    joined = venues.Joined()
    request = joined.snapshot_request("BTC-USDT")
    assert request == Request(
        "/api/v1/market/orderbook/level2_100", {"symbol": "BTC-USDT"}, levels=100
    )
    url = "https://api.kucoin.com/api/v1/market/orderbook/level2_100?symbol=BTC-USDT"
    assert joined.snapshot_symbol(url) == "BTC-USDT"
    assert joined.snapshot_symbol(url.replace("level2_100", "level2_20")) is None
    body = (
        b'{"code":"200000","data":{"time":1,"sequence":"3262786978","bids":[["6500.12","0.45"],'
        b'["6500.11","1.10"]],"asks":[[6500.160,"0.57"]]}}'
    )
    answer = joined.parse_book(body)
    assert answer.sequence == 3262786978
    assert list(answer.bids) == [("6500.12", "0.45"), ("6500.11", "1.10")]
    assert list(answer.asks) == [("6500.160", "0.57")]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"code":"400100","msg":"symbol not exists"}', "symbol not exists"),
        (b'{"code":"200000","data":{"sequence":"x","bids":[],"asks":[]}}', "without a sequence"),
        (b'{"code":"200000","data":{"sequence":"1","bids":[["1"]],"asks":[]}}', "not levels"),
        (b'{"code":"200000","data":{"sequence":"1","bids":[[1,null]],"asks":[]}}', "no number"),
        (b'{"code":"200000","data":{"sequence":"1","bids":null,"asks":[]}}', "without bids"),
        (b'{"code":"200000","data":{"sequence":"1"}}', "no form that is known"),
        (b"<html>", "not JSON"),
    ],
)
def test_what_is_no_book_is_said(body: bytes, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        venues.Joined().parse_book(body)


def test_a_symbol_in_the_path_and_a_time_for_a_number() -> None:
    single = venues.Single()
    assert single.snapshot_request("btcusd") is None  # books begin in the stream
    request = single.book_request("btc/usd")
    assert request is not None
    assert request.path == "/order_book/btc%2Fusd/"
    url = "https://www.bitstamp.net/api/v2/order_book/btcusd/?group=1"
    assert single.snapshot_symbol(url) == "btcusd"
    body = b'{"timestamp":"1","microtimestamp":"1640000000123456","bids":[["1","2"]],"asks":[]}'
    assert single.parse_book(body).sequence == 1640000000123456000


def test_lists_and_books_may_be_posted() -> None:
    class Posted(venues.Joined):
        name = "posted"
        listing = dataclasses.replace(venues.Joined.listing, path="/info", body='{"type":"meta"}')
        book = BookPath("/info", body='{"type":"l2Book","coin":$symbol}', levels=20)

    posted, url = Posted(), "https://api.kucoin.com/info"
    (request,) = posted.instrument_requests(["*"])
    assert (request.method, request.posted) == ("POST", '{"type":"meta"}')
    assert posted.lists_instruments(url, '{"type": "meta"}')
    book = posted.book_request("k:A")
    assert book is not None
    assert json.loads(book.body) == {"type": "l2Book", "coin": "k:A"}
    assert posted.snapshot_symbol(url, book.body) == "k:A"
    assert posted.snapshot_symbol(url, request.body) is None
    assert not posted.lists_instruments(url, book.body)
    assert not posted.lists_instruments(url)


def test_books_may_be_asked_for_over_the_socket() -> None:
    class Socket(venues.Piece):
        name = "socket"
        socket_books = True
        rest_url = "https://api.huobi.pro"
        base = Base.REQUEST
        listing = venues.Taught.listing
        topics: ClassVar[Declared] = {
            "book": Topic("market.$symbol.mbp.$depth", word="mbp", depths=(5, 150))
        }
        words = Words(
            '{"sub":"$key"}',
            '{"unsub":"$key"}',
            (
                Answer(
                    ControlKind.ANSWER, '{"id":"$id","status":"ok","rep":"market.$symbol.mbp.$_"}'
                ),
                Answer(ControlKind.ANSWER, '{"id":"$id","status":"error","err-msg":"$text"}'),
                Answer(ControlKind.REJECTED, '{"id":"$id","status":"error","err-msg":"$text"}'),
            ),
        )
        frames = (
            Frame(
                "answer",
                '{"rep":"$_","data":{"seqNum":$final,"bids":$bids,"asks":$asks}}',
                level="[$price,$size]",
            ),
        )
        book = BookPath(
            "market.$symbol.mbp.$depth", socket='{"req":"market.$symbol.mbp.$depth","id":"$id"}'
        )

    socket = Socket()
    request = socket.snapshot_request("btcusdt")
    assert request is not None
    assert (request.symbol, request.levels) == ("btcusdt", 150)
    asked = json.loads(socket.socket_request(request, 9))
    assert asked["req"] == "market.btcusdt.mbp.150"
    data = {"seqNum": 5, "bids": [[1.5, 2]], "asks": []}
    answer = {"id": asked["id"], "status": "ok", "rep": asked["req"], "data": data}
    assert list(socket.parse_book(json.dumps(answer).encode()).bids) == [("1.5", "2")]
    (control,) = socket.control(json.dumps(answer).encode(), {})
    assert (control.request_id, control.symbol, control.text) == (9, "btcusdt", "")
    error = {"id": asked["id"], "status": "error", "err-msg": "invalid symbol"}
    (control,) = socket.control(json.dumps(error).encode(), {})
    assert (control.request_id, control.text) == (9, "invalid symbol")
    error["id"] = "3"  # of a subscription
    (control,) = socket.control(json.dumps(error).encode(), {3: ("market.x.mbp.150",)})
    assert (control.kind, control.keys) == (ControlKind.REJECTED, ("market.x.mbp.150",))


def test_sides_may_be_in_the_rows_or_the_sign() -> None:
    class Rows(venues.Listed):
        name = "rows"
        book = BookPath("/orderBook/L2", {"symbol": "$symbol"})
        frames = (
            Frame("answer", '{"n":$final,"l":$levels}', level='{"s":"$side","p":$price,"z":$size}'),
        )

    answer = Rows().parse_book(b'{"n":3,"l":[{"s":"ask","p":2,"z":1},{"s":"bid","p":1,"z":"4"}]}')
    assert (list(answer.bids), list(answer.asks)) == ([("1", "4")], [("2", "1")])
    with pytest.raises(ValueError, match="neither side"):
        Rows().parse_book(b'{"n":3,"l":[{"s":"Ask","p":2,"z":1}]}')

    class Signs(Rows):
        name = "signs"
        frames = (Frame("answer", '{"n":$final,"c":$levels}', level="[$price,$count,$amount]"),)

    answer = Signs().parse_book(b'{"n":3,"c":[[2.50,1,-1e-7],[1,2,0.10]]}')
    assert (list(answer.bids), list(answer.asks)) == ([("1", "0.10")], [("2.50", "1e-7")])
