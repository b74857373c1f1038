"""Binance USD-M's facts: names, lists, keys and where they go, snapshots."""

import json
from decimal import Decimal
from typing import Any

import pytest

from feedhandler.adapter.venue import ControlKind, ListedInstrument
from feedhandler.planning.packing import pack
from feedhandler.venues.binance_usdm import BinanceUsdm
from shm import ContractType, InstrumentKind
from tests.venues.support import recorded_lines

VENUE = BinanceUsdm()
DELIVERY = 1798185600000  # 2026-12-25 08:00 UTC


def entry(base: str, quote: str, suffix: str = "", **changes: Any) -> dict[str, Any]:
    return {
        "symbol": base + quote + suffix, "status": "TRADING", "baseAsset": base,
        "quoteAsset": quote, "marginAsset": quote, "pricePrecision": 2, "quantityPrecision": 3,
        "contractType": "CURRENT_QUARTER" if suffix else "PERPETUAL",
        "deliveryDate": DELIVERY if suffix else 4133404800000,
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.10"},
            {"filterType": "LOT_SIZE", "stepSize": "0.001"},
            {"filterType": "MARKET_LOT_SIZE", "stepSize": "1"},
        ], **changes,
    }  # fmt: skip


def parse(*entries: Any) -> list[ListedInstrument]:
    return VENUE.parse_instruments(json.dumps({"symbols": entries}).encode())


def test_perpetuals_and_dated_futures() -> None:
    perpetual, usdc, future = parse(
        entry("BTC", "USDT"), entry("1000SHIB", "USDC"), entry("BTC", "USDT", "_261225")
    )
    assert (perpetual.symbol, perpetual.name) == ("BTCUSDT", "BTC-USDT-PERP")
    assert (perpetual.kind, perpetual.expiry_ns) == (InstrumentKind.PERPETUAL, 0)
    assert (perpetual.tick, perpetual.lot) == (Decimal("0.1"), Decimal("0.001"))
    assert (perpetual.price_exponent, perpetual.size_exponent) == (-1, -3)
    assert (perpetual.contract_type, perpetual.settle) == (ContractType.LINEAR, "USDT")
    assert usdc.name == "1000SHIB-USDC-PERP"
    assert (future.name, future.kind) == ("BTC-USDT-20261225", InstrumentKind.FUTURE)
    assert future.expiry_ns == DELIVERY * 1_000_000


def test_what_does_not_trade_is_listed_but_not_active() -> None:
    specs = parse(
        entry("A", "USDT", status="SETTLING"),
        entry("B", "USDT", contractType="", status="PENDING_TRADING"),
        entry("C", "USDT", contractType="TRADIFI_PERPETUAL"),
        entry("D", "USDT", "_261225", deliveryDate="soon"),
    )
    assert [(each.symbol, each.active) for each in specs] == [
        ("AUSDT", False), ("BUSDT", False), ("CUSDT", True),
    ]  # fmt: skip


def test_without_filters_the_precisions_serve() -> None:
    (spec,) = parse(entry("BTC", "USDT", filters=[]))
    assert (spec.price_exponent, spec.size_exponent) == (-2, -3)


@pytest.mark.parametrize(
    ("patterns", "asked"),
    [(["BTCUSDT"], 1), (["perpetual:*", "future:BTC-*"], 1), (["spot:*", "option:*"], 0), ([], 0)],
)
def test_one_list_has_everything(patterns: list[str], asked: int) -> None:
    requests = VENUE.instrument_requests(patterns)
    assert [request.path for request in requests] == ["/fapi/v1/exchangeInfo"] * asked


def test_streams_of_each_channel_and_their_endpoints() -> None:
    (spec,) = parse(entry("BTC", "USDT", "_261225"))
    keys = VENUE.keys(spec, ["book", "trades", "ticker", "quote"])
    assert {key: (VENUE.endpoint(key), VENUE.key_symbols(key)[0]) for key in keys} == {
        "btcusdt_261225@depth@100ms": ("public", "book"),
        "btcusdt_261225@aggTrade": ("market", "trades"),
        "btcusdt_261225@forceOrder": ("market", "trades"),
        "btcusdt_261225@markPrice@1s": ("market", "ticker"),
        "btcusdt_261225@miniTicker": ("market", "ticker"),
        "btcusdt_261225@bookTicker": ("public", "quote"),
    }
    assert VENUE.key_symbols(keys[0])[1] == spec.symbol
    with pytest.raises(ValueError, match="kline"):
        VENUE.key_symbols("btcusdt@kline_1m")


def test_books_and_trades_of_many_are_planned_onto_both_paths() -> None:
    specs = parse(*(entry(f"A{n}", "USDT") for n in range(250)))
    plans = pack(VENUE, specs, ["book", "trades"])
    assert [(one.endpoint, len(one.keys)) for one in plans] == [
        ("public", 200), ("public", 50), ("market", 200), ("market", 200), ("market", 100),
    ]  # fmt: skip


def test_requests_stay_below_the_length_that_is_swallowed() -> None:
    assert VENUE.limits.bytes_per_message <= 4096
    message = json.loads(VENUE.subscribe(["btcusdt@aggTrade"], 4))
    assert message == {"method": "SUBSCRIBE", "params": ["btcusdt@aggTrade"], "id": 4}
    (ack,) = VENUE.control(b'{"result":null,"id":4}', {4: ("btcusdt@aggTrade",)})
    assert (ack.kind, ack.keys) == (ControlKind.ACK, ("btcusdt@aggTrade",))
    (refused,) = VENUE.control(
        b'{"error":{"code":2,"msg":"Invalid request"},"id":4}', {4: ("btcusdt@aggTrade",)}
    )
    assert refused.kind is ControlKind.REJECTED
    with pytest.raises(ValueError, match="binance-usdm"):
        VENUE.control(b'{"id":5}', {})


def test_snapshots() -> None:
    base, seen = VENUE.snapshot_request("BTCUSDT"), VENUE.book_request("BTCUSDT")
    assert base is not None
    assert seen is not None
    assert (base.path, base.params["limit"], base.weight, base.levels) == (
        "/fapi/v1/depth", "1000", 20, 1000,
    )  # fmt: skip
    assert (seen.weight, seen.levels) == (10, 500)
    assert [VENUE.book.costs(n) for n in (5, 50, 100, 500, 1000)] == [2, 2, 5, 10, 20]
    url = "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000"
    assert VENUE.snapshot_symbol(url) == "BTCUSDT"
    assert VENUE.recognises(url)
    assert VENUE.recognises("wss://fstream.binance.com/market/stream")
    assert not VENUE.recognises("wss://stream.binance.com:9443/stream")
    assert VENUE.snapshot_symbol("https://api.binance.com/api/v3/depth?symbol=X") is None
    answer = VENUE.parse_book(b'{"lastUpdateId":7,"E":1,"T":1,"bids":[["1.0","2"]],"asks":[]}')
    assert (answer.sequence, answer.bids, answer.asks) == (7, [("1.0", "2")], [])


def test_the_recorded_list_is_read() -> None:
    name = "binance_usdm/cryptofeed_binance_futures.ndjson.gz"
    line = next(recorded_lines(name))
    assert VENUE.lists_instruments(line["url"])
    specs = VENUE.parse_instruments(line["data"].encode())
    assert len(specs) == 122 == len({spec.name for spec in specs})
    assert all(spec.tick > 0 and spec.lot > 0 for spec in specs)
    dated = [spec.name for spec in specs if spec.kind is InstrumentKind.FUTURE]
    assert dated == ["BTC-USDT-20210924", "ETH-USDT-20210924"]
    assert [spec.symbol for spec in specs if not spec.active] == ["BTCSTUSDT"]
