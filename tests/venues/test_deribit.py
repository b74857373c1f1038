"""Deribit's facts: names, lists, keys, and what its control frames say."""

import json
import logging
from decimal import Decimal
from typing import Any

import pytest

from feedhandler.adapter import request_ids
from feedhandler.adapter.venue import ControlKind, ListedInstrument
from feedhandler.venues.deribit import Deribit
from shm import ContractType, InstrumentKind, OptionType
from tests.kit.recordings import recorded
from tests.venues.support import recorded_lines

VENUE = Deribit()
EXPIRY_MS = 1_798_185_600_000  # 2026-12-25 08:00 UTC


def entry(**changes: Any) -> dict[str, Any]:
    """A perpetual as get_instruments lists it, with changes; None leaves a key out."""
    fields: dict[str, Any] = {
        "instrument_name": "BTC-PERPETUAL", "kind": "future", "base_currency": "BTC",
        "quote_currency": "USD", "counter_currency": "USD", "settlement_currency": "BTC",
        "settlement_period": "perpetual", "instrument_type": "reversed", "tick_size": 0.5,
        "tick_size_steps": [], "contract_size": 10.0, "min_trade_amount": 10.0,
        "expiration_timestamp": 32_503_708_800_000, "is_active": True,
    }  # fmt: skip
    return {key: value for key, value in {**fields, **changes}.items() if value is not None}


def parse(*entries: dict[str, Any]) -> list[ListedInstrument]:
    return VENUE.parse_instruments(json.dumps({"jsonrpc": "2.0", "result": entries}).encode())


def option(name: str, **changes: Any) -> dict[str, Any]:
    return entry(
        instrument_name=name, kind="option", settlement_period="month", quote_currency="BTC",
        strike=80000.0, option_type="call", tick_size=0.0001, min_trade_amount=0.1,
        contract_size=1.0, expiration_timestamp=EXPIRY_MS, **changes,
    )  # fmt: skip


def test_perpetuals_futures_options_and_spot_get_normalised_names() -> None:
    dated = {"settlement_period": "month", "expiration_timestamp": EXPIRY_MS}
    linear = {
        "quote_currency": "USDC",
        "counter_currency": "USDC",
        "settlement_currency": "USDC",
        "instrument_type": "linear",
    }
    specs = parse(
        entry(),
        entry(instrument_name="BTC_USDC-PERPETUAL", **linear),
        entry(instrument_name="BTC-25DEC26", **dated),
        option("BTC-25DEC26-80000-C"),
        option("MATIC_USDC-25DEC26-1d02-C")
        | {"base_currency": "MATIC", "strike": 1.02, "option_type": "put"}
        | linear,
        entry(instrument_name="BTC_USDC", kind="spot", settlement_period=None, **linear),
    )
    assert [(each.symbol, each.name, each.kind, each.contract_type) for each in specs] == [
        ("BTC-PERPETUAL", "BTC-USD-PERP", InstrumentKind.PERPETUAL, ContractType.INVERSE),
        ("BTC_USDC-PERPETUAL", "BTC-USDC-PERP", InstrumentKind.PERPETUAL, ContractType.LINEAR),
        ("BTC-25DEC26", "BTC-USD-20261225", InstrumentKind.FUTURE, ContractType.INVERSE),
        (
            "BTC-25DEC26-80000-C",
            "BTC-USD-20261225-80000-C",
            InstrumentKind.OPTION,
            ContractType.INVERSE,
        ),
        (
            "MATIC_USDC-25DEC26-1d02-C",
            "MATIC-USDC-20261225-1.02-P",
            InstrumentKind.OPTION,
            ContractType.LINEAR,
        ),
        ("BTC_USDC", "BTC-USDC", InstrumentKind.SPOT, ContractType.NONE),
    ]
    assert specs[0].expiry_ns == 0
    assert specs[2].expiry_ns == EXPIRY_MS * 1_000_000
    assert (specs[3].strike, specs[3].option) == (Decimal(80000), OptionType.CALL)
    assert (specs[4].strike, specs[4].settle) == (Decimal("1.02"), "USDC")
    assert all(each.contract_size == 1 for each in specs)  # amounts are dollars or coins


def test_the_price_exponent_holds_the_smallest_tick_of_all_bands() -> None:
    steps = [{"above_price": 0.005, "tick_size": 0.0005}]
    (banded,) = parse(option("BTC-25DEC26-80000-C", tick_size_steps=steps))
    assert (banded.tick, banded.price_exponent) == (Decimal("0.0001"), -4)
    assert banded.tick_bands == ((Decimal("0.005"), Decimal("0.0005")),)
    finer_above = [{"above_price": 1, "tick_size": 0.00001}]
    (finer,) = parse(option("BTC-25DEC26-80000-C", tick_size_steps=finer_above))
    assert finer.price_exponent == -5


def test_the_size_exponent_holds_the_smallest_amount() -> None:
    perpetual, call = parse(entry(), option("BTC-25DEC26-80000-C"))
    assert (perpetual.lot, perpetual.size_exponent) == (Decimal(10), 0)
    assert (call.lot, call.size_exponent) == (Decimal("0.1"), -1)


def test_lists_of_2021_without_counter_and_settlement_currencies_are_read() -> None:
    old = {"counter_currency": None, "settlement_currency": None, "instrument_type": None}
    (call,) = parse(option("BTC-25DEC26-80000-C", **old))
    assert (call.name, call.settle, call.contract_type) == (
        "BTC-USD-20261225-80000-C",
        "BTC",
        ContractType.INVERSE,
    )


def test_a_broken_instrument_is_left_out_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        specs = parse(
            entry(),
            entry(instrument_name="NO-TICK", tick_size=None),
            entry(instrument_name="ODD-TICK", tick_size="much"),
            option("NO-TYPE") | {"option_type": "straddle"},
            {"instrument_name": "NEARLY-NOTHING"},
            entry(instrument_name="NEW-KIND", kind="perpetual_combo_2030"),
        )
    assert [each.symbol for each in specs] == ["BTC-PERPETUAL"]
    for name in ("NO-TICK", "ODD-TICK", "NO-TYPE", "NEARLY-NOTHING"):
        assert name in caplog.text
    assert "NEW-KIND" not in caplog.text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"<html>502</html>", "502"),
        (b"[]", "no rows at 'result'"),
        (b"{}", "no rows at 'result'"),
        (b'{"error":{"code":10028,"message":"too_many_requests"}}', "too_many_requests"),
        (b'{"result":[{"instrument_name":"X"}]}', "none of 1"),
        (b'{"result":["X"]}', "none of 1"),
    ],
)
def test_an_answer_that_is_no_list_says_why(body: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        VENUE.parse_instruments(body)


@pytest.mark.parametrize(
    ("patterns", "kinds"),
    [
        (["BTC-PERPETUAL"], ["future"]),
        (["BTC-USD-PERP", "BTC-USD-20261225"], ["future"]),
        (["option:BTC-USD:*"], ["option"]),
        (["BTC-25DEC26-80000-C"], ["option"]),
        (["MATIC_USDC-9MAR24-1d02-C"], ["option"]),
        (["BTC_USDC", "perpetual:*"], ["future", "spot"]),
        (["BTC-*"], ["future", "option", "spot"]),
        (["combo:*"], ["future_combo", "option_combo"]),
    ],
)
def test_only_kinds_that_the_patterns_may_name_are_listed(
    patterns: list[str], kinds: list[str]
) -> None:
    requests = VENUE.instrument_requests(patterns)
    assert [request.params["kind"] for request in requests] == kinds
    assert all(request.params["currency"] == "any" for request in requests)


def test_keys_and_messages() -> None:
    (spec,) = parse(entry())
    keys = VENUE.keys(spec, ["book", "trades", "ticker"])
    assert keys == [
        "book.BTC-PERPETUAL.100ms",
        "trades.BTC-PERPETUAL.100ms",
        "ticker.BTC-PERPETUAL.100ms",
        "instrument.state.future.any",
        "platform_state",
    ]
    assert {VENUE.key_symbols(key)[0] for key in keys[3:]} == {"status"}
    assert VENUE.key_symbols(keys[0]) == ("book", "BTC-PERPETUAL")
    message = json.loads(VENUE.subscribe(keys, 7))
    assert (message["method"], message["params"]["channels"], message["id"]) == (
        "public/subscribe",
        keys,
        7,
    )
    assert json.loads(VENUE.on_connect()[0])["params"] == {"interval": 10}
    with pytest.raises(ValueError, match="chart"):
        VENUE.key_symbols("chart.trades.X")


def test_accepted_channels_are_acknowledged_and_missing_ones_rejected() -> None:
    asked = {3: ("book.A.100ms", "book.B.100ms")}
    frame = b'{"jsonrpc":"2.0","id":3,"result":["book.A.100ms"]}'
    ack, rejected = VENUE.control(frame, asked)
    assert (ack.kind, ack.keys) == (ControlKind.ACK, ("book.A.100ms",))
    assert (rejected.kind, rejected.keys) == (ControlKind.REJECTED, ("book.B.100ms",))
    assert rejected.text


def test_where_nothing_is_accepted_all_is_refused() -> None:
    frame = b'{"jsonrpc":"2.0","id":3,"result":[]}'
    (rejected,) = VENUE.control(frame, {3: ("book.A.100ms", "book.B.100ms")})
    assert (rejected.kind, rejected.keys) == (
        ControlKind.REJECTED,
        ("book.A.100ms", "book.B.100ms"),
    )
    (nothing,) = VENUE.control(frame, {})
    assert nothing.kind is ControlKind.NOTHING


def test_an_error_says_all_that_the_venue_said() -> None:
    detail = {"reason": "must be a list", "param": "channels"}
    error = {"code": -32602, "message": "Invalid params", "data": detail}
    (said,) = VENUE.control(json.dumps({"id": 3, "error": error}).encode(), {})
    assert said.text == "Invalid params (-32602): reason must be a list, param channels"


def test_the_end_of_a_subscription_is_told_from_its_beginning() -> None:
    message = json.loads(VENUE.unsubscribe(["book.A.100ms"], 3))
    answer = {"jsonrpc": "2.0", "id": message["id"], "result": ["book.A.100ms"]}
    (control,) = VENUE.control(json.dumps(answer).encode(), {3: ("book.A.100ms",)})
    assert (control.kind, control.keys, control.request_id) == (
        ControlKind.UNSUBSCRIBED,
        ("book.A.100ms",),
        3,
    )


def test_a_test_request_is_answered() -> None:
    frame = b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}'
    (control,) = VENUE.control(frame, {})
    assert control.kind is ControlKind.ASKED
    reply = json.loads(control.reply)
    assert reply["method"] == "public/test"
    answer = {"jsonrpc": "2.0", "id": reply["id"], "result": {"version": "1.2.26"}}
    assert VENUE.control(json.dumps(answer).encode(), {})[0].kind is ControlKind.PONG
    plain = b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"heartbeat"}}'
    assert VENUE.control(plain, {})[0].kind is ControlKind.NOTHING


@pytest.mark.parametrize(
    ("code", "kind"), [(10028, ControlKind.ERROR), (-32602, ControlKind.REJECTED)]
)
def test_errors_that_pass_are_not_refusals(code: int, kind: ControlKind) -> None:
    frame = json.dumps({"id": 3, "error": {"code": code, "message": "words"}}).encode()
    (control,) = VENUE.control(frame, {3: ("book.A.100ms",)})
    assert (control.kind, control.keys) == (kind, ("book.A.100ms",))
    assert "words" in control.text
    assert str(code) in control.text
    (unasked,) = VENUE.control(frame, {})
    assert (unasked.kind, unasked.keys) == (ControlKind.ERROR, ())


@pytest.mark.parametrize("number", [-1, request_ids.MAX_REQUEST_ID + 1])
def test_request_ids_outside_their_range_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="request id"):
        VENUE.subscribe(["book.A.100ms"], number)


def test_recorded_lists_and_acknowledgements_are_read() -> None:
    listed: dict[str, ListedInstrument] = {}
    acknowledged: set[str] = set()
    for line in recorded_lines("deribit/cryptofeed_deribit.ndjson.gz"):
        assert VENUE.recognises(line["url"])
        if line["kind"] == "rest":
            assert VENUE.lists_instruments(line["url"])
            specs = VENUE.parse_instruments(line["data"].encode())
            assert len(specs) == len(json.loads(line["data"])["result"])
            listed |= {spec.symbol: spec for spec in specs}
        elif line["dir"] == "in" and "result" in line["data"][:60]:
            for control in VENUE.control(line["data"].encode(), {}):
                assert control.kind is ControlKind.ACK
                acknowledged.update(control.keys)
    assert len(listed) == 1017
    assert len({spec.name for spec in listed.values()}) == len(listed)
    assert {VENUE.key_symbols(key)[1] for key in acknowledged} <= listed.keys()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ws_error", ControlKind.ERROR),
        ("ws_subscribe_response", ControlKind.ACK),
        ("ws_test_request", ControlKind.ASKED),
        ("http_test", ControlKind.NOTHING),
    ],
)
def test_sample_control_frames(name: str, kind: ControlKind) -> None:
    body = recorded(f"deribit/samples/nautilus/{name}.json").read_bytes()
    assert VENUE.control(body, {})[0].kind is kind


def test_sample_lists_keep_combos_apart() -> None:
    body = recorded("deribit/samples/nautilus/http_get_instruments.json").read_bytes()
    kinds = [spec.kind.name for spec in VENUE.parse_instruments(body)]
    assert kinds == ["PERPETUAL", "FUTURE", "OPTION", "COMBO"]
