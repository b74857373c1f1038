"""Bybit's facts: names, pages, topics by depth, and what its answers say."""

import json
from decimal import Decimal
from typing import Any

import pytest

from feedhandler import venues
from feedhandler.adapter.venue import Control, ControlKind, ListedInstrument
from feedhandler.venues.bybit import Bybit, BybitInverse, BybitLinear, BybitOption, BybitSpot
from shm import ContractType, InstrumentKind, OptionType
from tests.kit.recordings import recorded
from tests.venues.support import recorded_lines

LINEAR, SPOT, INVERSE, OPTION = BybitLinear(), BybitSpot(), BybitInverse(), BybitOption()
RECORDING = "bybit/cryptofeed_v3_bybit_v5.ndjson.gz"
DELIVERY = "1798185600000"  # 2026-12-25 08:00 UTC
ALL = ["book", "trades", "ticker", "quote"]


def entry(symbol: str, base: str, quote: str, **changes: Any) -> dict[str, Any]:
    return {
        "symbol": symbol, "contractType": "LinearPerpetual", "status": "Trading",
        "baseCoin": base, "quoteCoin": quote, "settleCoin": quote, "deliveryTime": "0",
        "priceFilter": {"tickSize": "0.10"}, "lotSizeFilter": {"qtyStep": "0.001"}, **changes,
    }  # fmt: skip


def spot(symbol: str, base: str, quote: str, **changes: Any) -> dict[str, Any]:
    return {
        "symbol": symbol, "baseCoin": base, "quoteCoin": quote, "status": "Trading",
        "priceFilter": {"tickSize": "0.1"}, "lotSizeFilter": {"basePrecision": "0.000001"},
        **changes,
    }  # fmt: skip


def page(*entries: Any, cursor: str | None = "") -> bytes:
    result: dict[str, Any] = {"category": "linear", "list": entries}
    if cursor is not None:
        result["nextPageCursor"] = cursor
    return json.dumps({"retCode": 0, "retMsg": "OK", "result": result}).encode()


def parse(venue: Bybit, *entries: Any) -> list[ListedInstrument]:
    return venue.parse_instruments(page(*entries))


def test_perpetuals_and_futures_of_both_quotes() -> None:
    dated = {"contractType": "LinearFutures", "deliveryTime": DELIVERY}
    specs = parse(
        LINEAR,
        entry("BTCUSDT", "BTC", "USDT"),
        entry("BTCPERP", "BTC", "USDC"),
        entry("BTCUSDT-25DEC26", "BTC", "USDT", **dated),
        entry("BTC-25DEC26", "BTC", "USDC", **dated),
        entry("OLDUSDT", "OLD", "USDT", status="PreLaunch"),
        {"symbol": "BROKEN"},
    )
    assert [(one.name, one.kind, one.active) for one in specs] == [
        ("BTC-USDT-PERP", InstrumentKind.PERPETUAL, True),
        ("BTC-USDC-PERP", InstrumentKind.PERPETUAL, True),
        ("BTC-USDT-20261225", InstrumentKind.FUTURE, True),
        ("BTC-USDC-20261225", InstrumentKind.FUTURE, True),
        ("OLD-USDT-PERP", InstrumentKind.PERPETUAL, False),
    ]
    first, dated_one = specs[0], specs[2]
    assert (first.tick, first.lot, first.expiry_ns) == (Decimal("0.1"), Decimal("0.001"), 0)
    assert first.contract_type is ContractType.LINEAR
    assert dated_one.expiry_ns == int(DELIVERY) * 1_000_000


def test_spot_has_its_own_names_for_things() -> None:
    (spec,) = parse(SPOT, spot("BTCUSDT", "BTC", "USDT"))
    assert (spec.name, spec.kind, spec.size_exponent) == ("BTC-USDT", InstrumentKind.SPOT, -6)


def test_inverse_contracts_are_worth_dollars_and_settle_in_their_coin() -> None:
    changes = {"settleCoin": "BTC", "lotSizeFilter": {"qtyStep": "1"}}
    perpetual, dated = parse(
        INVERSE,
        entry("BTCUSD", "BTC", "USD", contractType="InversePerpetual", **changes),
        entry(
            "BTCUSDZ26",
            "BTC",
            "USD",
            contractType="InverseFutures",
            deliveryTime=DELIVERY,
            **changes,
        ),
    )
    assert (perpetual.name, perpetual.settle) == ("BTC-USD-PERP", "BTC")
    assert perpetual.contract_type is ContractType.INVERSE
    assert perpetual.contract_size == perpetual.lot == 1
    assert (dated.name, dated.kind) == ("BTC-USD-20261225", InstrumentKind.FUTURE)
    assert INVERSE.keys(dated, ["quote"]) == ["orderbook.1.BTCUSDZ26"]


def option(symbol: str, quote: str, kind: str) -> dict[str, Any]:
    changes = {"optionsType": kind, "settleCoin": "USDC"}
    return entry(symbol, symbol.split("-")[0], quote, deliveryTime=DELIVERY, **changes)


def test_options_of_both_currencies_have_names_of_their_own() -> None:
    call, put = parse(
        OPTION,
        option("BTC-25DEC26-100000-C", "USDC", "Call"),
        option("BTC-25DEC26-100000.5-P-USDT", "USDT", "Put"),
    )
    assert (call.name, call.option) == ("BTC-USDC-20261225-100000-C", OptionType.CALL)
    assert (put.name, put.option) == ("BTC-USDT-20261225-100000.5-P", OptionType.PUT)
    assert (put.strike, put.expiry_ns) == (Decimal("100000.5"), int(DELIVERY) * 1_000_000)
    assert OPTION.keys(call, ALL) == [
        "orderbook.100.BTC-25DEC26-100000-C", "publicTrade.BTC", "tickers.BTC-25DEC26-100000-C",
    ]  # fmt: skip
    assert OPTION.key_symbols("publicTrade.BTC") == ("trades", "BTC")


@pytest.mark.parametrize(
    ("patterns", "coins"),
    [
        (["option:BTC-*"], ["BTC"]),
        (["BTC-25DEC26-100000-C", "option:ETH-USDC:2026*", "option:BTC-*"], ["BTC", "ETH"]),
        (["HYPE-*"], ["HYPE"]),
        (["option:*"], ["BTC", "ETH", "SOL", "XRP", "DOGE", "MNT"]),
        (["option:[BE]T*-*"], ["BTC", "ETH"]),
        (["spot:BTC-*"], []),
    ],
)
def test_options_are_listed_coin_by_coin(patterns: list[str], coins: list[str]) -> None:
    requests = OPTION.instrument_requests(patterns)
    assert [one.params["baseCoin"] for one in requests] == coins
    for one in requests:
        (more,) = OPTION.follow_up(patterns, one, page(option("A-B-1-C", "U", "Put"), cursor="x"))
        assert more.params == {**one.params, "cursor": "x"}


def test_what_options_are_asked_for_is_taken_in_parts() -> None:
    answer = {
        "success": True, "conn_id": "x", "type": "COMMAND_RESP",
        "data": {"successTopics": ["tickers.A"], "failTopics": ["tickers.B"]},
    }  # fmt: skip
    for venue in (OPTION, LINEAR):
        taken, refused = venue.control(json.dumps(answer).encode(), {4: ["tickers.A", "tickers.B"]})
        assert (taken.kind, taken.keys) == (ControlKind.ACK, ("tickers.A",))
        assert (refused.kind, refused.keys) == (ControlKind.REJECTED, ("tickers.B",))
    answer["data"] = {"successTopics": [], "failTopics": ["tickers.B"]}
    (refused,) = OPTION.control(json.dumps(answer | {"req_id": "4"}).encode(), ASKED)
    assert (refused.kind, refused.keys) == (ControlKind.REJECTED, ("tickers.B",))
    ended = json.loads(OPTION.unsubscribe(["tickers.A"], 4))["req_id"]
    answer["data"] = {"successTopics": ["tickers.A"], "failTopics": []}
    (gone,) = OPTION.control(json.dumps(answer | {"req_id": ended}).encode(), {})
    assert (gone.kind, gone.keys) == (ControlKind.UNSUBSCRIBED, ("tickers.A",))


@pytest.mark.parametrize(
    ("depth", "levels"), [(1, 50), (50, 50), (51, 200), (200, 200), (201, 1000), (1000, 1000)]
)
def test_the_least_book_that_has_the_wanted_levels_is_taken(depth: int, levels: int) -> None:
    venue = venues.load("bybit-linear", depth)
    (spec,) = parse(LINEAR, entry("BTCUSDT", "BTC", "USDT"))
    assert venue.keys(spec, ["book"]) == [f"orderbook.{levels}.BTCUSDT"]
    request = venue.book_request("BTCUSDT")
    assert request is not None
    assert request.levels == int(request.params["limit"]) == min(levels, 200)
    assert venue.snapshot_request("BTCUSDT") is None


def test_topics_of_each_channel() -> None:
    (spec,) = parse(LINEAR, entry("BTC-25DEC26", "BTC", "USDC"))
    keys = LINEAR.keys(spec, ALL)
    assert {key: LINEAR.key_symbols(key) for key in keys} == {
        "orderbook.50.BTC-25DEC26": ("book", "BTC-25DEC26"),
        "publicTrade.BTC-25DEC26": ("trades", "BTC-25DEC26"),
        "allLiquidation.BTC-25DEC26": ("trades", "BTC-25DEC26"),
        "tickers.BTC-25DEC26": ("ticker", "BTC-25DEC26"),
        "orderbook.1.BTC-25DEC26": ("quote", "BTC-25DEC26"),
    }
    (spec,) = parse(SPOT, spot("BTCUSDT", "BTC", "USDT"))
    assert SPOT.keys(spec, ALL) == [
        "orderbook.50.BTCUSDT", "publicTrade.BTCUSDT", "orderbook.1.BTCUSDT", "tickers.BTCUSDT",
    ]  # fmt: skip
    for wrong in ("kline.1.BTCUSDT", "orderbook.BTCUSDT", "tickers", ""):
        with pytest.raises(ValueError, match="not a subscription"):
            LINEAR.key_symbols(wrong)


def test_pages_are_followed_to_the_last() -> None:
    (first,) = LINEAR.instrument_requests(["BTCUSDT"])
    assert first.params == {"category": "linear", "limit": "1000"}
    body = page(entry("BTCUSDT", "BTC", "USDT"), cursor="first%3DBTCUSDT%26last%3DZRXUSDT")
    (second,) = LINEAR.follow_up(["BTCUSDT"], first, body)
    assert second.params["cursor"] == "first=BTCUSDT&last=ZRXUSDT"
    assert second.params["category"] == "linear"
    for last in (
        page(entry("A", "A", "B")),
        page(cursor="x"),
        page(spot("A", "A", "B"), cursor=None),
    ):
        assert LINEAR.follow_up([], second, last) == []
    assert LINEAR.follow_up([], second, b"502 Bad Gateway") == []
    assert SPOT.instrument_requests(["perpetual:*"]) == []
    assert LINEAR.instrument_requests(["spot:*"]) == []
    assert len(LINEAR.instrument_requests(["future:BTC*"])) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"gateway", "not JSON"),
        (b'{"retCode":10006,"retMsg":"Too many visits!","result":{}}', "Too many visits"),
        (b'{"retCode":0}', "no rows at 'result.list'"),
        (b'{"retCode":0,"result":{}}', "no rows at 'result.list'"),
        (page({"symbol": "X"}), "none of 1"),
    ],
)
def test_an_answer_that_is_no_list_says_why(body: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LINEAR.parse_instruments(body)


ASKED = {4: ("orderbook.50.A", "publicTrade.A", "orderbook.50.B")}


def said(**message: Any) -> list[Control]:
    return LINEAR.control(json.dumps({"conn_id": "x", **message}).encode(), ASKED)


def test_a_request_and_its_answers() -> None:
    message = json.loads(LINEAR.subscribe(["orderbook.50.A"], 4))
    assert message == {"req_id": "4", "op": "subscribe", "args": ["orderbook.50.A"]}
    assert json.loads(LINEAR.unsubscribe(["orderbook.50.A"], 4))["op"] == "unsubscribe"
    (ack,) = said(success=True, ret_msg="", req_id="4", op="subscribe")
    assert (ack.kind, ack.keys) == (ControlKind.ACK, ASKED[4])
    (gone,) = said(success=True, ret_msg="", req_id="4", op="unsubscribe")
    assert (gone.kind, gone.keys) == (ControlKind.UNSUBSCRIBED, ASKED[4])
    for pong in (
        {"success": True, "ret_msg": "pong", "op": "ping"},
        {"success": True, "ret_msg": "pong", "req_id": "", "op": "ping"},
    ):
        assert [one.kind for one in said(**pong)] == [ControlKind.PONG]


def test_one_topic_that_is_not_there_spoils_the_request_of_the_others() -> None:
    bad, others = said(
        success=False, ret_msg="error:handler not found,topic:publicTrade.A", req_id="4",
        op="subscribe",
    )  # fmt: skip
    assert (bad.kind, bad.keys) == (ControlKind.REJECTED, ("publicTrade.A",))
    assert (others.kind, others.keys) == (
        ControlKind.AGAIN, ("orderbook.50.A", "orderbook.50.B"),
    )  # fmt: skip


def test_what_is_subscribed_already_is_ours() -> None:
    ours, others = said(
        success=False, ret_msg="error:already subscribed,topic:orderbook.50.B", req_id="4",
        op="subscribe",
    )  # fmt: skip
    assert (ours.kind, ours.keys) == (ControlKind.ACK, ("orderbook.50.B",))
    assert others.kind is ControlKind.AGAIN


def test_other_refusals() -> None:
    (all_,) = said(success=False, ret_msg="args size >10", req_id="4", op="subscribe")
    assert (all_.kind, all_.keys) == (ControlKind.SPOILED, ASKED[4])
    (other,) = said(
        success=False, ret_msg="error:handler not found,topic:elsewhere", req_id="4", op="subscribe"
    )
    assert (other.kind, other.keys) == (ControlKind.SPOILED, ASKED[4])
    (unasked,) = said(success=False, ret_msg="error:invalid op", req_id="", op="")
    assert (unasked.kind, unasked.keys) == (ControlKind.ERROR, ())
    for frame in (b"", b"[]", b"{}", b"pong", b'{"op":"subscribe"}'):
        with pytest.raises(ValueError):  # noqa: PT011
            LINEAR.control(frame, {})


def test_products_tell_their_frames_apart() -> None:
    stream = "wss://stream.bybit.com/v5/public/"
    info = "https://api.bybit.com/v5/market/instruments-info?category="
    for venue, other in ((LINEAR, SPOT), (SPOT, LINEAR)):
        for url in (stream + venue.category, info + venue.category):
            assert venue.recognises(url)
            assert not other.recognises(url)
        assert venue.lists_instruments(info + venue.category)
        assert not venue.lists_instruments(info + other.category)
    assert not LINEAR.recognises("wss://stream.example.com/v5/public/linear")
    assert not LINEAR.recognises("https://api.bybit.com/v5/market/time")


def test_a_book_over_rest_is_compared_by_seq() -> None:
    body = recorded("bybit/samples/nautilus/http_get_orderbook.json").read_bytes()
    answer = LINEAR.parse_book(body)
    assert answer.sequence == 9876543
    assert answer.bids[0] == ("27450.50", "1.500")
    with pytest.raises(ValueError, match="refused"):
        LINEAR.parse_book(b'{"retCode":10001,"retMsg":"Invalid symbol","result":{}}')


@pytest.mark.parametrize(
    ("venue", "count", "dated"), [(LINEAR, 800, 40), (SPOT, 557, 0)], ids=["linear", "spot"]
)
def test_the_recorded_lists_are_read(venue: Bybit, count: int, dated: int) -> None:
    (line,) = [
        line for line in recorded_lines(RECORDING)
        if line["kind"] == "rest" and venue.lists_instruments(line["url"])
    ]  # fmt: skip
    specs = venue.parse_instruments(line["data"].encode())
    assert len(specs) == count == len({spec.name for spec in specs})
    assert all(spec.tick > 0 and spec.lot > 0 for spec in specs)
    assert sum(spec.kind is InstrumentKind.FUTURE for spec in specs) == dated


def test_recorded_acknowledgements_are_read() -> None:
    kinds = []
    for line in recorded_lines(RECORDING):
        if line["dir"] == "in" and line["kind"] == "ws" and '"op"' in line["data"]:
            asked = {0: ["x"]}  # they carry no id
            kinds += [one.kind for one in LINEAR.control(line["data"].encode(), asked)]
    assert kinds == [ControlKind.ACK] * 24
