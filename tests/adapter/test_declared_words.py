"""Requests from templates, and what answers mean by their samples."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from typing import Any

import pytest

from feedhandler import venues
from feedhandler.adapter.declared import Answer, BookPath, Topic, Words
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.venue import Continuity, Control, ControlKind, ListedInstrument, Venue
from feedhandler.connection.subscriptions import Subscriptions
from feedhandler.shape import Frame, ShapeError
from shm import InstrumentKind
from tests.adapter.declared_venues import ACK, Each, Joined, Listed, Piece, Single, Taught
from tests.kit.recordings import recorded

AGAIN, REJECTED = ControlKind.AGAIN, ControlKind.REJECTED


def listed(symbol: str) -> ListedInstrument:
    return ListedInstrument(symbol, symbol, InstrumentKind.SPOT, "BTC", "USD")


def said(venue: Venue, frame: object, asked: Sequence[str] = (), number: int = 7) -> list[Control]:
    return venue.control(json.dumps(frame).encode(), {number: tuple(asked)})


def kinds(controls: Sequence[Control]) -> list[tuple[ControlKind, tuple[str, ...]]]:
    return [(one.kind, one.keys) for one in controls]


def messages(venue: Venue, symbols: Sequence[str]) -> list[tuple[Any, tuple[str, ...]]]:
    """All that a connection sends for these symbols."""
    keys = [key for symbol in symbols for key in venue.keys(listed(symbol), venue.channels)]
    subscriptions = Subscriptions(venue, keys, now=0.0)
    sent = []
    while message := subscriptions.next_message(1.0):
        sent.append((json.loads(message.text), message.keys))
    return sent


def test_keys_are_filled_templates_and_read_back() -> None:
    each = Each()
    assert each.channels == ("book", "trades")
    assert each.keys(listed("BTC/USD"), ("book", "trades")) == ["book.100.BTC/USD", "trade.BTC/USD"]
    assert each.key_symbols("book.100.BTC/USD") == ("book", "BTC/USD")
    assert each.topic("book.100.BTC/USD") == "book"
    assert Joined().key_symbols("/market/match:A-B") == ("trades", "A-B")
    with pytest.raises(ValueError, match="not a subscription"):
        each.key_symbols("ohlc.BTC/USD")


@pytest.mark.parametrize(("depth", "window"), [(1, 10), (25, 25), (26, 100), (5000, 1000)])
def test_the_least_window_that_has_the_levels_is_taken(depth: int, window: int) -> None:
    each = Each()
    each.depth = depth
    assert each.keys(listed("A/B"), ("book",)) == [f"book.{window}.A/B"]
    assert each.window == window


def test_keys_of_one_topic_share_a_message_that_joins_symbols() -> None:
    sent = messages(Joined(), ["A-B", "C-D"])
    topics = {message["topic"] for message, _ in sent}
    assert topics == {
        "/market/level2:A-B,C-D",
        "/market/match:A-B,C-D",
        "/spotMarket/level1:A-B,C-D",
    }
    assert all(
        isinstance(message["id"], int) and message["response"] is True for message, _ in sent
    )


def test_a_list_of_symbols_is_of_one_topic_too() -> None:
    sent = [message for message, _ in messages(Each(), ["A/B", "C/D"])]
    assert [message["params"] for message in sent] == [
        {"channel": "book", "symbol": ["A/B", "C/D"], "depth": 100},
        {"channel": "trade", "symbol": ["A/B", "C/D"]},
    ]


def test_a_list_of_keys_takes_all_of_them() -> None:
    (message, keys) = messages(Listed(), ["X", "Y"])[0]
    assert message == {"op": "subscribe", "args": list(keys)}
    assert len(messages(Listed(), ["X", "Y"])) == 1
    assert len(keys) == 6


def test_a_message_for_one_key_is_sent_for_each() -> None:
    sent = messages(Single(), ["btcusd", "ethusd"])
    assert [message["data"]["channel"] for message, _ in sent] == [
        "diff_order_book_btcusd",
        "live_trades_btcusd",
        "diff_order_book_ethusd",
        "live_trades_ethusd",
    ]


def test_limits_of_a_message_hold_in_each_topic() -> None:
    class Few(Joined):
        limits = Joined.limits.__class__(keys_per_message=2)

    sent = messages(Few(), [f"S{n}-U" for n in range(5)])
    assert sorted(len(keys) for _, keys in sent) == [1, 1, 1, 2, 2, 2, 2, 2, 2]
    assert all(len({Few().topic(key) for key in keys}) == 1 for _, keys in sent)


def test_what_is_left_shares_by_the_same_rule() -> None:
    joined = Joined()
    keys = [
        key for symbol in ("A-B", "C-D") for key in joined.keys(listed(symbol), ("book", "trades"))
    ]
    subscriptions = Subscriptions(joined, keys, now=0.0)
    while subscriptions.next_message(1.0):
        pass
    subscriptions.remove(keys)
    left = []
    while message := subscriptions.next_message(2.0):
        left.append(json.loads(message.text))
    assert [(one["type"], one["topic"]) for one in left] == [
        ("unsubscribe", "/market/level2:A-B,C-D"),
        ("unsubscribe", "/market/match:A-B,C-D"),
    ]


def test_texts_are_json_whatever_is_in_them() -> None:
    odd = 'A"\\é/B'
    message = json.loads(Each().subscribe([f"trade.{odd}"], 1))
    assert message["params"]["symbol"] == [odd]
    assert json.loads(Single().subscribe([f"live_trades_{odd}"], 1))["data"]["channel"].endswith(
        odd
    )


def test_an_answer_is_of_its_request() -> None:
    joined, keys = Joined(), ("/market/match:A-B", "/market/match:C-D")
    left = json.loads(joined.unsubscribe(keys, 7))["id"]
    assert kinds(said(joined, {"id": "7", "type": "ack"}, keys)) == [(ACK, keys)]
    assert kinds(said(joined, {"id": left, "type": "ack"}, keys))[0][0] is ControlKind.UNSUBSCRIBED
    assert kinds(said(joined, {"id": "NSkIrWGB1s", "type": "welcome"})) == [
        (ControlKind.NOTHING, ())
    ]
    assert kinds(said(joined, {"id": "5", "type": "pong"})) == [(ControlKind.PONG, ())]


def test_a_refusal_that_names_a_symbol_lets_the_others_be_asked_again() -> None:
    joined, keys = Joined(), ("/market/match:A-B", "/market/match:BAD-X")
    error = {"id": "7", "type": "error", "code": 404, "data": "topic BAD-X is not found"}
    assert kinds(said(joined, error, keys)) == [(REJECTED, keys[1:]), (AGAIN, keys[:1])]
    error["data"] = "topic is not found"
    assert kinds(said(joined, error, keys)) == [(ControlKind.SPOILED, keys)]


def test_a_code_may_say_that_it_passes() -> None:
    keys = ("/market/match:A-B",)
    error = {"id": "7", "type": "error", "code": 509, "data": "exceed max subscription"}
    control = said(Joined(), error, keys)[0]
    assert (control.kind, control.keys) == (ControlKind.ERROR, keys)
    assert control.text == "exceed max subscription (509)"


def test_each_symbol_is_answered_by_itself() -> None:
    each, keys = Each(), ("book.100.A/B", "book.100.X/X")
    good = {
        "method": "subscribe",
        "result": {"channel": "book", "depth": 100, "snapshot": True, "symbol": "A/B"},
        "success": True,
        "req_id": 7,
    }
    bad = {
        "error": "Currency pair not supported X/X",
        "method": "subscribe",
        "success": False,
        "symbol": "X/X",
        "req_id": 7,
    }
    assert kinds(said(each, good, keys)) == [(ACK, keys[:1])]
    assert kinds(said(each, bad, keys)) == [(REJECTED, keys[1:])]
    good["result"]["depth"] = 25  # type: ignore[index]
    assert kinds(said(each, good, keys)) == [(ACK, ("book.25.A/B",))]


def test_an_answer_may_name_the_key_as_it_is() -> None:
    key = "orderBookL2:XBTUSD"
    good = {"success": True, "subscribe": key, "request": {"op": "subscribe", "args": [key]}}
    bad = {
        "status": 400,
        "error": "Unknown or expired symbol.",
        "meta": {},
        "request": {"op": "subscribe", "args": ["trade:NONE"]},
    }
    assert kinds(said(Listed(), good)) == [(ACK, (key,))]
    assert kinds(said(Listed(), bad)) == [(REJECTED, ("trade:NONE",))]
    assert said(Listed(), bad)[0].text == "Unknown or expired symbol. (400)"


def test_a_refusal_that_says_the_request_back_is_about_one_of_its_keys() -> None:
    keys = ("trade:GOOD", "trade:NONE")
    bad = {
        "status": 400,
        "error": "Unknown or expired symbol.",
        "request": {"op": "subscribe", "args": list(keys)},
    }
    (control,) = Listed().control(json.dumps(bad).encode(), {8: ("trade:A",), 9: keys})
    assert (control.kind, control.keys, control.request_id) == (ControlKind.SPOILED, keys, 9)
    bad["error"] = "Unknown symbol: trade:NONE"
    controls = Listed().control(json.dumps(bad).encode(), {9: keys})
    assert kinds(controls) == [(REJECTED, keys[1:]), (AGAIN, keys[:1])]


def test_a_number_is_taught_and_left_by() -> None:
    taught = Taught()
    frame = {"event": "subscribed", "channel": "trades", "chanId": 232949, "symbol": "tBTCUSD"}
    control = said(taught, frame)[0]
    assert (control.kind, control.keys, control.channel) == (ACK, ("trades.tBTCUSD",), 232949)
    subscriptions = Subscriptions(taught, control.keys, now=0.0)
    assert subscriptions.next_message(1.0)
    subscriptions.acknowledged(control.keys, 1.0)
    subscriptions.taught(control.keys[0], control.channel)
    subscriptions.remove(control.keys)
    message = subscriptions.next_message(2.0)
    assert message
    assert json.loads(message.text) == {"event": "unsubscribe", "chanId": 232949}
    assert taught.on_connect() == ['{"event":"conf","flags":229376}']


def test_an_answer_may_list_all_that_stands() -> None:
    class All(Piece):
        name = "all"
        topics = {"book": "level2.$symbol", "trades": "market_trades.$symbol"}  # noqa: RUF012
        words = Words(
            '{"type":"subscribe","product_ids":$symbols,"channel":"$channel"}',
            '{"type":"unsubscribe","product_ids":$symbols,"channel":"$channel"}',
            (Answer(ACK, '{"channel":"subscriptions","events":[{"subscriptions":$by_channel}]}'),),
        )
        listing = Taught.listing

    stand = {"candles": ["A-B"], "level2": ["A-B"], "market_trades": ["A-B", "C-D"]}
    frame = {"channel": "subscriptions", "sequence_num": 5, "events": [{"subscriptions": stand}]}
    keys = ("level2.A-B", "market_trades.A-B", "market_trades.C-D")
    assert kinds(said(All(), frame)) == [(ACK, keys)]
    assert json.loads(All().subscribe(keys[1:], 1))["channel"] == "market_trades"


def test_a_request_may_be_taken_in_part() -> None:
    class Part(Listed):
        name = "part"
        words = Words(
            '{"id":$id,"params":$keys}',
            '{"id":$id,"params":$keys}',
            (Answer(ACK, '{"id":$id,"result":$keys}', whole=True),),
        )

    keys = ("trade:A", "trade:B")
    controls = said(Part(), {"id": 7, "result": ["trade:A"]}, keys)
    assert kinds(controls) == [(ACK, keys[:1]), (REJECTED, keys[1:])]


@pytest.mark.parametrize(
    ("venue", "folder", "acknowledged"),
    [
        (venues.load("kucoin"), "kucoin/cryptofeed_kucoin", 13),
        (Each(), "kraken_v2/depthcharge_minagbp_d25_20260816", 1),
        (Listed(), "bitmex/cryptofeed_bitmex", 30),
        (venues.load("bitstamp"), "bitstamp/cryptofeed_bitstamp", 20),
        (Taught(), "bitfinex/cryptofeed_bitfinex", 14),
    ],
    ids=lambda value: value.name if isinstance(value, Venue) else "",
)
def test_recorded_answers_are_understood(venue: Venue, folder: str, acknowledged: int) -> None:
    """All that is no market data, as venues sent it."""
    path = recorded(f"{folder}.ndjson.gz")
    count = 0
    with gzip.open(path, "rt") as lines:
        for frame in map(json.loads, lines):
            data = frame["data"] or ""
            if frame["kind"] != "ws" or frame["dir"] != "in" or not _is_said(data):
                continue
            for control in venue.control(data.encode(), {1: ("/market/match:A-B",)}):
                count += len(control.keys) if control.kind is ACK else 0
                assert control.kind in (ACK, ControlKind.NOTHING, ControlKind.ERROR)
    assert count == acknowledged


def _is_said(data: str) -> bool:
    """Whether a frame is an answer or a notice, by what their documentation calls them."""
    signs = ('"ack"', '"welcome"', '"heartbeat"', '"status"', '"success"', '"subscribe"', '"info"')
    return data.startswith("{") and any(
        sign in data for sign in (*signs, "bts:", '"conf"', '"subscribed"', '"error"')
    )


def test_a_question_is_answered_with_what_it_asked() -> None:
    class Asks(Piece):
        name = "asks"
        topics = {"book": Topic("market.$symbol.mbp.$depth", word="mbp", depths=(5, 150))}  # noqa: RUF012
        words = Words(
            '{"sub":"$key","id":"$id"}',
            '{"unsub":"$key","id":"$id"}',
            (
                Answer(ControlKind.ASKED, '{"ping":$n}', reply='{"pong":$n}'),
                Answer(ControlKind.ACK, '{"id":"$id","status":"ok","subbed":"$key"}'),
                Answer(ControlKind.PONG, '"pong"'),
            ),
        )
        listing = Taught.listing

    asks = Asks()
    assert said(asks, {"ping": 1618678073643})[0].reply == '{"pong":1618678073643}'
    assert asks.control(b"pong", {})[0].kind is ControlKind.PONG
    assert asks.keys(listed("btcusdt"), ("book",)) == ["market.btcusdt.mbp.150"]
    assert json.loads(asks.subscribe(["market.btcusdt.mbp.150"], 3))["id"] == "3"
    with pytest.raises(ValueError, match="neither data nor an answer"):
        said(asks, {"what": "is this"})


@pytest.mark.parametrize(
    ("declared", "what"),
    [
        ({"topics": {"books": "b.$symbol"}}, "no channel 'books'"),
        ({"topics": {"book": "b.$market"}}, r"no hole \$market"),
        ({"topics": {"book": "books"}}, r"no \$symbol"),
        ({"topics": {"book": "$symbol.book"}}, "give it a `word`"),
        ({"topics": {"book": "b.$depth.$symbol"}}, "no `depths`"),
        ({"topics": {"book": "b.$symbol", "trades": "b:$symbol"}}, "of two topics"),
        (
            {"topics": {"book": Topic("b.$symbol", endpoint="feed")}},
            "no address of endpoint",
        ),
        ({"promises": {"books": Promise("book")}}, "promises: no topic has the word 'books'"),
        ({"rule": Continuity.NEXT}, "proof: by its rule, NEXT, it has COUNTER"),
        ({"proof": Proof((Sign.CHECKSUM,))}, "CHECKSUM goes with a `checksum`"),
        ({"statuses": {}}, "no word of it is explained"),
        ({"frames": (Frame("book", '{"s":"$symbol"}'),)}, "frames: book .* no "),
        ({"book": BookPath("/b", {"s": "$symbol"})}, "no frame of kind 'answer'"),
        ({"words": Words('{"op":"subscribe"}', '{"a":$keys}')}, "subscribe: neither a key nor"),
        ({"words": Words('{"op":$what,"a":$keys}', '{"a":$keys}')}, r"no hole \$what"),
        ({"words": Words('{"a":$keys', '{"a":$keys}')}, "words: subscribe"),
    ],
)
def test_what_contradicts_itself_is_refused_where_it_is_declared(
    declared: dict[str, object], what: str
) -> None:
    with pytest.raises(ShapeError, match=what) as raised:
        type("Mine", (Listed,), {"name": "mine", **declared})
    assert str(raised.value).startswith("mine: ")


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (Answer(ControlKind.ASKED, '{"ping":$n}'), "without a `reply`"),
        (Answer(ControlKind.ASKED, '{"ping":$n}', reply='{"pong":$m}'), r"no hole \$m"),
        (Answer(ControlKind.ACK, '{"type":"ack"}'), "says nothing of which keys"),
        (Answer(ControlKind.ACK, '{"type":$kind,"id":$id}'), r"no hole \$kind"),
        (Answer(ControlKind.ACK, '{"s":"$symbol"}', word="x"), "no topic has the word 'x'"),
    ],
)
def test_an_answer_that_means_nothing_is_refused(answer: Answer, what: str) -> None:
    words = Words('{"a":$keys}', '{"a":$keys}', (answer,))
    with pytest.raises(ShapeError, match=what):
        type("Mine", (Listed,), {"name": "mine", "words": words})
