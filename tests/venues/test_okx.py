"""OKX's facts: names, lists, keys, and what its events say."""

import json
import logging
import math
from decimal import Decimal
from typing import Any

import pytest

from feedhandler.adapter.venue import ControlKind, ListedInstrument
from feedhandler.engine import _engine as native
from feedhandler.venues.okx import Okx
from shm import ContractType, InstrumentKind, OptionType
from tests.engine.support import engine, memory
from tests.kit.recordings import recorded
from tests.venues.support import recorded_lines

VENUE = Okx()
NOTHING = -(1 << 63)
EXPIRY = "1798185600000"  # 2026-12-25 08:00 UTC


def entry(instrument: str, kind: str, **fields: str) -> dict[str, str]:
    return {"instId": instrument, "instType": kind, "tickSz": "0.1", "lotSz": "1",
            "state": "live", **fields}  # fmt: skip


SPOT = entry("BTC-USDT", "SPOT", baseCcy="BTC", quoteCcy="USDT", lotSz="0.00000001", ctVal="")
SWAP = entry("BTC-USD-SWAP", "SWAP", instFamily="BTC-USD", uly="BTC-USD", settleCcy="BTC",
             ctType="inverse", ctVal="100", ctMult="1")  # fmt: skip
LINEAR = entry("BTC-USDT-SWAP", "SWAP", instFamily="BTC-USDT", settleCcy="USDT", ctType="linear",
               ctVal="0.01", ctMult="1", lotSz="0.01")  # fmt: skip
FUTURE = entry("BTC-USD-261225", "FUTURES", uly="BTC-USD", settleCcy="BTC", ctType="inverse",
               ctVal="100", ctMult="1", expTime=EXPIRY)  # fmt: skip
OPTION = entry("BTC-USD-261225-80000-C", "OPTION", instFamily="BTC-USD", settleCcy="BTC",
               ctVal="1", ctMult="0.01", expTime=EXPIRY, stk="80000", optType="C",
               tickSz="0.0001")  # fmt: skip
MARKED = entry("BTC-USD_UM-261225-80000-P", "OPTION", instFamily="BTC-USD_UM", settleCcy="USD",
               ctVal="1", ctMult="0.01", expTime=EXPIRY, stk="80000.5", optType="P")  # fmt: skip


def parse(*entries: Any) -> list[ListedInstrument]:
    return VENUE.parse_instruments(json.dumps({"code": "0", "data": entries}).encode())


def test_all_kinds_get_normalised_names_and_their_size_in_contracts() -> None:
    specs = parse(SPOT, SWAP, LINEAR, FUTURE, OPTION, MARKED)
    assert [(each.name, each.kind, each.contract_type, each.contract_size) for each in specs] == [
        ("BTC-USDT", InstrumentKind.SPOT, ContractType.NONE, Decimal(1)),
        ("BTC-USD-PERP", InstrumentKind.PERPETUAL, ContractType.INVERSE, Decimal(100)),
        ("BTC-USDT-PERP", InstrumentKind.PERPETUAL, ContractType.LINEAR, Decimal("0.01")),
        ("BTC-USD-20261225", InstrumentKind.FUTURE, ContractType.INVERSE, Decimal(100)),
        (
            "BTC-USD-20261225-80000-C",
            InstrumentKind.OPTION,
            ContractType.INVERSE,
            Decimal("0.01"),
        ),
        (
            "BTC-USD_UM-20261225-80000.5-P",
            InstrumentKind.OPTION,
            ContractType.LINEAR,
            Decimal("0.01"),
        ),
    ]
    assert (specs[0].price_exponent, specs[0].size_exponent) == (-1, -8)
    assert (specs[4].option, specs[4].strike) == (OptionType.CALL, Decimal(80000))
    assert specs[4].expiry_ns == int(EXPIRY) * 1_000_000
    assert (specs[5].base, specs[5].quote, specs[5].family) == ("BTC", "USD", "BTC-USD_UM")


def test_a_broken_instrument_is_left_out_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        specs = parse(
            SWAP,
            {**OPTION, "instId": "NO-EXPIRY", "expTime": ""},
            {**OPTION, "instId": "NO-STRIKE", "stk": "abc"},
            {**SPOT, "instId": "NO-QUOTE", "quoteCcy": ""},
            {"instId": "NO-TYPE"},
            {**SPOT, "instType": "MARGIN"},
            {**SPOT, "instId": "OLD-USDT", "state": "suspend"},
        )
    assert [(each.symbol, each.active) for each in specs] == [
        ("BTC-USD-SWAP", True),
        ("OLD-USDT", False),
    ]
    for name in ("NO-EXPIRY", "NO-STRIKE", "NO-QUOTE", "NO-TYPE"):
        assert name in caplog.text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"gateway", "not JSON"),
        (b'{"code":"50011","msg":"Too Many Requests","data":[]}', "Too Many Requests"),
        (b'{"code":"0"}', "no rows at 'data'"),
        (b'{"code":"0","data":[{"instId":"X"}]}', "none of 1"),
    ],
)
def test_an_answer_that_is_no_list_says_why(body: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        VENUE.parse_instruments(body)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["BTC-USDT"], [{"instType": "SPOT"}]),
        (["BTC-USD-SWAP", "ETH-USD-PERP"], [{"instType": "SWAP"}]),
        (["BTC-USD-261225"], [{"instType": "FUTURES"}]),
        (["spot:BTC-*", "perpetual:*"], [{"instType": "SPOT"}, {"instType": "SWAP"}]),
        (["BTC-*"], [{"instType": "SPOT"}, {"instType": "SWAP"}, {"instType": "FUTURES"}]),
        (
            ["option:BTC-USD:*"],
            [{"instType": "OPTION"}, {"instType": "OPTION", "instFamily": "BTC-USD"}],
        ),
        (
            ["BTC-USD-20261225-80000-C", "ETH-USD-261225-3000-P"],
            [
                {"instType": "OPTION"},
                {"instType": "OPTION", "instFamily": "BTC-USD"},
                {"instType": "OPTION", "instFamily": "ETH-USD"},
            ],
        ),
        (["combo:*"], []),
    ],
)
def test_options_are_listed_only_when_asked_for(
    patterns: list[str], expected: list[dict[str, str]]
) -> None:
    assert [dict(request.params) for request in VENUE.instrument_requests(patterns)] == expected


def test_families_of_options_are_asked_for_when_the_pattern_does_not_name_one() -> None:
    patterns = ["BTC-USDT", "option:*-USD:*", "option:SOL-USD_UM:*"]
    spot, ticks, families = VENUE.instrument_requests(patterns)
    assert ticks.path == "/api/v5/public/instrument-tick-bands"
    assert families.path == "/api/v5/public/underlying"
    answer = b'{"code":"0","data":[["BTC-USD","ETH-USD","BTC-USDT"]]}'
    assert VENUE.parse_instruments(answer) == []
    more = VENUE.follow_up(patterns, families, answer)
    assert [request.params["instFamily"] for request in more] == [
        "BTC-USD",
        "ETH-USD",
        "SOL-USD_UM",
    ]
    assert VENUE.follow_up(patterns, families, b"502 Bad Gateway") == []
    assert VENUE.follow_up(patterns, spot, json.dumps({"code": "0", "data": [SPOT]}).encode()) == []


def test_keys_of_each_kind() -> None:
    spot, swap, _, future, option, _ = parse(SPOT, SWAP, LINEAR, FUTURE, OPTION, MARKED)
    channels = ["book", "trades", "ticker"]
    assert VENUE.keys(spot, channels) == [
        "books:BTC-USDT", "trades:BTC-USDT", "tickers:BTC-USDT", "instruments:SPOT",
    ]  # fmt: skip
    assert VENUE.keys(swap, ["ticker"]) == [
        "tickers:BTC-USD-SWAP",
        "mark-price:BTC-USD-SWAP",
        "funding-rate:BTC-USD-SWAP",
        "open-interest:BTC-USD-SWAP",
        "index-tickers:BTC-USD",
        "instruments:SWAP",
    ]
    assert VENUE.keys(swap, ["trades"])[:2] == ["trades:BTC-USD-SWAP", "liquidation-orders:SWAP"]
    assert VENUE.key_symbols("index-tickers:BTC-USDT") == ("ticker", "index BTC-USDT")
    assert VENUE.key_symbols("instruments:SWAP") == ("status", "")
    assert json.loads(VENUE.subscribe(["instruments:SWAP"], 1))["args"] == [
        {"channel": "instruments", "instType": "SWAP"}
    ]
    assert "funding-rate:BTC-USD-261225" not in VENUE.keys(future, channels)
    assert "opt-summary:BTC-USD" in VENUE.keys(option, channels)
    assert VENUE.key_symbols("opt-summary:BTC-USD") == ("ticker", "BTC-USD")
    assert VENUE.key_symbols("books:BTC-USDT") == ("book", "BTC-USDT")
    with pytest.raises(ValueError, match="candle1D"):
        VENUE.key_symbols("candle1D:BTC-USDT")


def test_a_subscription_names_instruments_and_families() -> None:
    books, trades, summary = "books:BTC-USDT", "trades:ETH-USDT", "opt-summary:BTC-USD"
    assert VENUE.together(books) == VENUE.together(trades) != VENUE.together(summary)
    assert json.loads(VENUE.subscribe([books, trades], 9)) == {
        "id": "9",
        "op": "subscribe",
        "args": [
            {"channel": "books", "instId": "BTC-USDT"},
            {"channel": "trades", "instId": "ETH-USDT"},
        ],
    }
    assert json.loads(VENUE.subscribe([summary], 9))["args"] == [
        {"channel": "opt-summary", "instFamily": "BTC-USD"}
    ]
    assert json.loads(VENUE.unsubscribe(["books:BTC-USDT"], 9))["op"] == "unsubscribe"


BOOKS = {"channel": "books", "instId": "BTC-USDT"}


@pytest.mark.parametrize(
    ("frame", "kind", "keys"),
    [
        ({"event": "subscribe", "arg": BOOKS}, ControlKind.ACK, ("books:BTC-USDT",)),
        (
            {"event": "subscribe", "arg": {"channel": "opt-summary", "instFamily": "BTC-USD"}},
            ControlKind.ACK,
            ("opt-summary:BTC-USD",),
        ),
        ({"event": "unsubscribe", "arg": BOOKS}, ControlKind.UNSUBSCRIBED, ("books:BTC-USDT",)),
        (
            {"event": "error", "code": "60018", "msg": "Wrong URL or channel:books,instId:FOO-BAR "
             "doesn't exist. Please use the correct URL, channel and parameters."},
            ControlKind.REJECTED,
            ("books:FOO-BAR",),
        ),
        (
            {"event": "error", "code": "60012", "msg": "Invalid request: {}", "id": "4"},
            ControlKind.SPOILED,
            ("books:A", "books:B"),
        ),
        (
            {"event": "error", "code": "60014", "msg": "Requests too frequent", "id": "4"},
            ControlKind.ERROR,
            ("books:A", "books:B"),
        ),
        ({"event": "error", "code": "60012", "msg": "Invalid request"}, ControlKind.ERROR, ()),
        ({"event": "notice", "code": "64008", "msg": "closing soon"}, ControlKind.NOTICE, ()),
        ({"event": "notice", "code": "1", "msg": "hello"}, ControlKind.NOTHING, ()),
        ({"event": "channel-conn-count", "channel": "books"}, ControlKind.NOTHING, ()),
        ({"event": "channel-conn-count-error", "channel": "x"}, ControlKind.ERROR, ()),
    ],
)  # fmt: skip
def test_events(frame: dict[str, Any], kind: ControlKind, keys: tuple[str, ...]) -> None:
    (control,) = VENUE.control(json.dumps(frame).encode(), {4: ("books:A", "books:B")})
    assert (control.kind, control.keys) == (kind, keys)
    if kind in (ControlKind.REJECTED, ControlKind.ERROR, ControlKind.NOTICE):
        assert control.text


def test_the_text_pong() -> None:
    assert VENUE.control(b"pong", {})[0].kind is ControlKind.PONG


def test_snapshots_over_rest() -> None:
    request = VENUE.snapshot_request("BTC-USDT")
    assert request is not None
    assert request.params == {"instId": "BTC-USDT", "sz": "400"}
    url = "https://www.okx.com/api/v5/market/books?instId=BTC-USDT&sz=400"
    assert VENUE.snapshot_symbol(url) == "BTC-USDT"
    assert VENUE.snapshot_symbol(url.replace("books", "books-full")) is None


def test_a_book_over_rest_is_read_to_compare_it_with_ours() -> None:
    row = {"asks": [["2.5", "1", "0", "1"]], "bids": [["1", "3", "0", "2"]], "ts": "1", "seqId": 5}
    answer = VENUE.parse_book(json.dumps({"code": "0", "msg": "", "data": [row]}).encode())
    assert (answer.sequence, list(answer.asks)) == (5, [("2.5", "1")])
    assert list(answer.bids) == [("1", "3")]
    for odd in ({"code": "0", "data": []}, {"code": "51001", "msg": "no such", "data": []}):
        with pytest.raises(ValueError, match="okx"):
            VENUE.parse_book(json.dumps(odd).encode())


def test_recorded_lists_and_acknowledgements_are_read() -> None:
    counts: dict[str, int] = {}
    acknowledged: list[str] = []
    for line in recorded_lines("okx/cryptofeed_okx.ndjson.gz"):
        assert VENUE.recognises(line["url"])
        if line["kind"] == "rest":
            specs = VENUE.parse_instruments(line["data"].encode())
            counts[line["url"]] = len(specs)
            assert len(specs) == len(json.loads(line["data"])["data"])
            assert len({spec.name for spec in specs}) == len(specs)
        elif line["dir"] == "in" and "event" in line["data"][:20]:
            (control,) = VENUE.control(line["data"].encode(), {})
            assert control.kind is ControlKind.ACK
            acknowledged += control.keys
    assert sorted(counts.values()) == [104, 166, 346, 350, 513]
    assert "books:BTC-USDT" in acknowledged
    assert len(acknowledged) == 18


@pytest.mark.parametrize(("kind", "count"), [("spot", 5), ("swap", 3), ("futures", 6)])
def test_sample_lists(kind: str, count: int) -> None:
    body = recorded(f"okx/samples/nautilus/http_get_instruments_{kind}.json").read_bytes()
    assert len(VENUE.parse_instruments(body)) == count


@pytest.mark.parametrize("odd", [None, "", "0"])
def test_a_contract_without_a_size_is_no_contract(odd: Any) -> None:
    for field in ("ctVal", "tickSz", "lotSz"):
        found = parse(SPOT, SWAP | {field: odd})
        assert [spec.symbol for spec in found] == ["BTC-USDT"]
    found = parse(SPOT | {"ctVal": odd} if odd != "0" else SPOT, SWAP)
    assert [spec.contract_size for spec in found] == [Decimal(1), Decimal(100)]


def test_what_is_not_open_yet_needs_no_tick() -> None:
    (spec,) = parse(SPOT | {"state": "preopen", "tickSz": ""})
    assert spec.tick == 0


CALL = "ETH-USD-211231-9600-C"
PUT = "ETH-USD-211227-4150-P"


def push(channel: str, *rows: dict[str, str], **arg: str) -> bytes:
    its = arg or {"instId": rows[0]["instId"]}
    return json.dumps({"arg": {"channel": channel, **its}, "data": rows}).encode()


def summary(symbol: str, **said: str) -> dict[str, str]:
    """What is adjusted for being paid in coin comes beside, and is another thing."""
    beside = {"delta": "0.0034", "gamma": "0.0275", "vega": "0.00001", "theta": "-0.0001"}
    return {"instType": "OPTION", "instId": symbol, "uly": "ETH-USD", **beside, "lever": "2000",
            "realVol": "", "ts": "1640001659181", **said}  # fmt: skip


def test_the_board_of_an_option_has_all_that_its_channels_say() -> None:
    frames = [
        push("tickers", {"instType": "OPTION", "instId": CALL, "last": "0.006", "lastSz": "0",
                         "askPx": "0.0005", "askSz": "111", "bidPx": "", "bidSz": "",
                         "volCcy24h": "0.7", "vol24h": "7", "ts": "1640001603301"}),
        push("mark-price", {"instId": CALL, "instType": "OPTION", "markPx": "3.8005764218904408",
                            "ts": "1640183727000"}),
        push("open-interest", {"instId": CALL, "instType": "OPTION", "oi": "36", "oiCcy": "3.6",
                               "ts": "1640183217591"}),
        push(
            "opt-summary",
            summary(PUT, deltaBS="-0.98", markVol="", bidVol="", askVol="5", fwdPx=""),
            summary(CALL, deltaBS="0.0037586392", gammaBS="0.0000090065", thetaBS="-0.6403023344",
                    vegaBS="0.0733893466", markVol="1.8880399194", bidVol="", askVol="1.9531310937",
                    fwdPx="3961.25"),
            instFamily="ETH-USD",
        ),
    ]  # fmt: skip
    wanted = {
        "mark": 3.8005764218904408, "underlying": 3961.25, "ask_iv": 1.9531310937,
        "mark_iv": 1.8880399194, "delta": 0.0037586392, "gamma": 0.0000090065,
        "vega": 0.0733893466, "theta": -0.6403023344, "open_interest": 36.0, "volume": 7.0,
    }  # fmt: skip
    with engine("okx", auto_add=False) as e:
        for symbol in (CALL, PUT):
            e.add_instrument(symbol, price_exponent=-4, has_book=False)
        for turn in range(3):  # by the shape, and by what was learned of it
            for frame in frames:
                assert e.connection(0).feed(frame, 1_700_000_000_000_000_000 + turn) & native.DATA
            call, put = memory(e).quote(0), memory(e).quote(1)
            assert {name: float(call[name]) for name in wanted} == wanted
            for name in ("bid_iv", "rho", "funding", "index"):
                assert math.isnan(call[name]), name
            assert (int(call["bid_price"]), int(call["bid_size"])) == (NOTHING, 0)
            assert (int(call["ask_price"]), int(call["ask_size"])) == (5, 111)
            assert (float(put["delta"]), float(put["ask_iv"])) == (-0.98, 5.0)
            for name in ("mark_iv", "bid_iv", "underlying", "open_interest", "volume", "mark"):
                assert math.isnan(put[name]), name


def test_an_option_is_heard_of_on_all_channels_that_say_something_of_it() -> None:
    (option,) = parse(OPTION)
    assert VENUE.keys(option, ["ticker"]) == [
        "tickers:BTC-USD-261225-80000-C",
        "mark-price:BTC-USD-261225-80000-C",
        "open-interest:BTC-USD-261225-80000-C",
        "index-tickers:BTC-USD",
        "opt-summary:BTC-USD",
        "instruments:OPTION",
    ]
