"""Binance spot's facts: names, lists, keys, and what its answers say."""

import json
from decimal import Decimal
from typing import Any

import pytest

from feedhandler.adapter.venue import ControlKind, ListedInstrument
from feedhandler.venues.binance import BinanceSpot
from tests.kit.recordings import recorded
from tests.venues.support import recorded_lines

VENUE = BinanceSpot()


def entry(base: str, quote: str, **changes: Any) -> dict[str, Any]:
    return {
        "symbol": base + quote, "status": "TRADING", "baseAsset": base, "quoteAsset": quote,
        "baseAssetPrecision": 8, "quotePrecision": 8,
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "stepSize": "0.00001000"},
        ], **changes,
    }  # fmt: skip


def parse(*entries: Any) -> list[ListedInstrument]:
    return VENUE.parse_instruments(json.dumps({"symbols": entries}).encode())


def test_tick_and_lot_come_from_the_filters() -> None:
    (spec,) = parse(entry("BTC", "USDT"))
    assert (spec.symbol, spec.name) == ("BTCUSDT", "BTC-USDT")
    assert (spec.tick, spec.lot) == (Decimal("0.01"), Decimal("0.00001"))
    assert (spec.price_exponent, spec.size_exponent) == (-2, -5)


def test_without_filters_the_assets_digits_serve() -> None:
    bare, zero = parse(
        entry("BTC", "USDT", filters=[]),
        entry("ETH", "USDT", filters=[{"filterType": "PRICE_FILTER", "tickSize": "0.0"}]),
    )
    assert (bare.price_exponent, bare.size_exponent) == (-8, -8)
    assert zero.tick == Decimal("1E-8")


def test_halted_symbols_are_listed_but_not_active_and_broken_ones_left_out() -> None:
    specs = parse(
        entry("BTC", "USDT", status="CANCEL_ONLY"), {"symbol": "X"}, None, entry("A", "B"),
        entry("C", "D", status=None), entry("E", "F", status="PARTLY_TRADING"),
    )  # fmt: skip
    assert [(each.symbol, each.active) for each in specs] == [
        ("BTCUSDT", False), ("AB", True), ("CD", False), ("EF", False),
    ]  # fmt: skip


def test_an_explicit_list_asks_for_its_symbols_only() -> None:
    (request,) = VENUE.instrument_requests(["BTCUSDT", "ETH-USDT", "spot:BNBUSDT"])
    assert json.loads(request.params["symbols"]) == ["BTCUSDT", "ETHUSDT", "BNBUSDT"]
    (everything,) = VENUE.instrument_requests(["BTCUSDT", "spot:*-EUR"])
    assert "symbols" not in everything.params
    assert VENUE.instrument_requests(["option:*"]) == []


def test_a_name_that_is_not_listed_leads_to_the_whole_list() -> None:
    patterns = ["BTCUSDTT"]
    (request,) = VENUE.instrument_requests(patterns)
    refusal = b'{"code":-1121,"msg":"Invalid symbol."}'
    assert VENUE.parse_instruments(refusal) == []
    (more,) = VENUE.follow_up(patterns, request, refusal)
    assert "symbols" not in more.params
    assert VENUE.follow_up(patterns, more, refusal) == []  # no circle
    assert VENUE.follow_up(patterns, request, b'{"symbols":[]}') == []
    with pytest.raises(ValueError, match="Too much request weight"):
        VENUE.parse_instruments(b'{"code":-1003,"msg":"Too much request weight used"}')


def test_ticker_and_quote_are_one_channel() -> None:
    (spec,) = parse(entry("BTC", "USDT"))
    assert VENUE.keys(spec, ["book", "trades", "ticker", "quote"]) == [
        "btcusdt@depth@100ms",
        "btcusdt@trade",
        "btcusdt@bookTicker",
    ]
    assert VENUE.key_symbols("btcusdt@depth@100ms") == ("book", "BTCUSDT")
    assert VENUE.key_symbols("btcusdt@bookTicker") == ("quote", "BTCUSDT")
    with pytest.raises(ValueError, match="kline"):
        VENUE.key_symbols("btcusdt@kline_1m")


def test_symbols_of_other_scripts_survive_the_change_of_case() -> None:
    (spec,) = parse(entry("币安人生ı", "USDT"))
    (key,) = VENUE.keys(spec, ["trades"])
    assert key == "币安人生ıusdt@trade"
    assert VENUE.key_symbols(key) == ("trades", spec.symbol)


def test_answers_carry_ids_only() -> None:
    asked = {5: ("btcusdt@trade",)}
    (ack,) = VENUE.control(b'{"result":null,"id":5}', asked)
    assert (ack.kind, ack.keys) == (ControlKind.ACK, ("btcusdt@trade",))
    left = json.loads(VENUE.unsubscribe(["btcusdt@trade"], 5))["id"]
    (gone,) = VENUE.control(json.dumps({"result": None, "id": left}).encode(), asked)
    assert (gone.kind, gone.keys) == (ControlKind.UNSUBSCRIBED, ("btcusdt@trade",))
    (other,) = VENUE.control(b'{"result":["btcusdt@trade"],"id":5}', asked)
    assert other.kind is ControlKind.NOTHING


@pytest.mark.parametrize(
    ("frame", "kind", "keys"),
    [
        ({"code": 2, "msg": "Invalid request", "id": 5}, ControlKind.REJECTED, ("k",)),
        ({"error": {"code": 4, "msg": "Too many"}, "id": 5}, ControlKind.REJECTED, ("k",)),
        ({"error": {"code": 3, "msg": "Invalid JSON"}, "id": None}, ControlKind.ERROR, ()),
        ({"error": "odd", "id": "x"}, ControlKind.ERROR, ()),
        ({"e": "serverShutdown", "E": 1}, ControlKind.NOTICE, ()),
        ({"stream": "!serverShutdown", "data": {}}, ControlKind.NOTICE, ()),
        ({"stream": "s", "data": {"e": "serverShutdown"}}, ControlKind.NOTICE, ()),
    ],
)
def test_errors_and_notices(
    frame: dict[str, Any], kind: ControlKind, keys: tuple[str, ...]
) -> None:
    (control,) = VENUE.control(json.dumps(frame).encode(), {5: ("k",)})
    assert (control.kind, control.keys) == (kind, keys)
    assert control.text


def test_snapshots_by_todays_and_by_historic_urls() -> None:
    request = VENUE.snapshot_request("BTCUSDT")
    assert request is not None
    assert (request.params["limit"], request.weight) == ("5000", 250)
    assert [VENUE.book.costs(n) for n in (5, 100, 101, 500, 1000, 5000)] == [5, 5, 25, 25, 50, 250]
    for url in (
        "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000",
        "https://www.binance.com/api/v1/depth?symbol=BTCUSDT&limit=1000",
    ):
        assert VENUE.snapshot_symbol(url) == "BTCUSDT"
        assert VENUE.recognises(url)
    assert VENUE.snapshot_symbol("https://api.binance.com/api/v3/trades?symbol=X") is None
    assert not VENUE.recognises("https://fapi.binance.com/fapi/v1/depth?symbol=X")


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("binance_spot/cryptofeed_binance.ndjson.gz", 1695),
        ("binance_spot/cryptofeed_hist_binance_20210417.ndjson.gz", 1405),
    ],
)
def test_recorded_lists_are_read(name: str, count: int) -> None:
    line = next(recorded_lines(name))
    specs = VENUE.parse_instruments(line["data"].encode())
    assert len(specs) == count == len({spec.name for spec in specs})
    assert all(spec.tick > 0 and spec.lot > 0 for spec in specs)


def test_a_sample_without_filters_is_read() -> None:
    name = "binance_spot/samples/nautilus/exchange_info_response.json"
    (spec,) = VENUE.parse_instruments(recorded(name).read_bytes())
    assert (spec.name, spec.price_exponent) == ("ETH-BTC", -8)
