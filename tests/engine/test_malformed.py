"""Frames that are no market data, and everything that a venue must not send."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhandler.engine import _engine as native

from . import support
from .support import (
    ASKS,
    BIDS,
    binance_depth,
    compact,
    deribit,
    deribit_book,
    engine,
    events,
    okx,
    okx_book,
)

LIVE, STALE = 2, 3
MALFORMED = 10


def bybit_book(u: int, kind: str = "delta", b: object = (), a: object = ()) -> bytes:
    data = {"s": "BTCUSDT", "b": b, "a": a, "u": u, "seq": 100 * u}
    frame = {"topic": "orderbook.50.BTCUSDT", "type": kind, "ts": 1700000000000}
    return compact(frame | {"data": data, "cts": 1700000000000})


CONTROL: dict[str, list[bytes]] = {
    "bybit-linear": [
        b'{"success":true,"ret_msg":"","conn_id":"x","req_id":"1","op":"subscribe"}',
        b'{"success":true,"ret_msg":"pong","conn_id":"x","op":"ping"}',
        b'{"success":false,"ret_msg":"error:handler not found,topic:x","op":"subscribe"}',
    ],
    "deribit": [
        b'{"jsonrpc":"2.0","id":1,"result":["a"],"usIn":1}',
        b'{"jsonrpc":"2.0","id":1,"error":{"code":10028,"message":"too_many_requests"}}',
        b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}',
        b" {} ",
    ],
    "okx": [
        b"pong",
        b'{"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"}}',
        b'{"event":"error","code":"60012","msg":"no"}',
        b'{"arg":{"channel":"books","instId":"X"},"event":"subscribe"}',
    ],
    "binance": [
        b'{"result":null,"id":1}',
        b'{"error":{"code":2,"msg":"no"},"id":1}',
        b'{"e":"serverShutdown","E":1}',
        b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}',
    ],
}


@pytest.mark.parametrize(("venue", "frame"), [(v, f) for v, fs in CONTROL.items() for f in fs])
def test_control(venue: str, frame: bytes) -> None:
    with engine(venue, auto_add=False) as e:
        assert e.connection(0).feed(frame) == native.CONTROL
        assert e.counters()["control"] == 1


@pytest.mark.parametrize(
    ("venue", "frame"),
    [
        ("deribit", deribit_book(2, previous=1, bids=[])),
        ("deribit", deribit("deribit_volatility_index.btc_usd", {"volatility": 1})),
        ("okx", okx_book(1, -1)),
        ("okx", okx("candle1m", [["1", "2"]])),
        ("bybit-linear", bybit_book(1, "snapshot")),
        ("bybit-linear", b'{"topic":"kline.1.X","data":[{"start":1}],"ts":1,"type":"snapshot"}'),
        ("binance", binance_depth(1, 2)),
        ("binance", b'{"stream":"x@kline_1m","data":{"e":"kline","s":"X","k":{"t":1}}}'),
    ],
)
def test_unknown_symbols_and_channels(venue: str, frame: bytes) -> None:
    with engine(venue, auto_add=False) as e:
        assert e.connection(0).feed(frame) == native.DATA | native.UNKNOWN
        assert e.connection(0).unknown == 1


SHAPES: dict[str, Callable[[], bytes]] = {
    "deribit": lambda: deribit_book(11, previous=10, bids=[["new", 98.5, 2.0]], asks=[]),
    "okx": lambda: okx_book(11, 10, bids=[["98.5", "2", "0", "1"]]),
    "binance": lambda: binance_depth(11, 12, [["98.5", "2"]]),
    "bybit-linear": lambda: bybit_book(11, b=[["98.5", "2"]]),
}


def prepared(e: native.Engine, venue: str) -> native.Connection:
    c = e.connection(0)
    if venue == "deribit":
        c.feed(deribit_book(10, bids=BIDS, asks=ASKS, kind="snapshot"))
    elif venue == "okx":
        c.feed(okx_book(10, -1, bids=[["99", "1"]], asks=[["101", "1"]], action="snapshot"))
    elif venue == "bybit-linear":
        c.feed(bybit_book(10, "snapshot", b=[["99", "1"]], a=[["101", "1"]]))
    else:
        c.feed(binance_depth(10, 10))
        e.snapshot(0, b'{"lastUpdateId":10,"bids":[["99","1"]],"asks":[["101","1"]]}')
    assert e.state(0) == (LIVE, 0)
    return c


@pytest.mark.parametrize("venue", list(SHAPES))
def test_truncated_at_every_byte_never_half_applies(venue: str) -> None:
    frame = SHAPES[venue]()
    for end in range(len(frame)):
        with engine(venue, ring_slots=64, instruments=2) as e:
            c = prepared(e, venue)
            before = [side.tolist() for side in e.book(0)[:2]]
            assert c.feed(frame[:end]) & native.MALFORMED
            assert [side.tolist() for side in e.book(0)[:2]] == before
            assert e.state(0) in {(LIVE, 0), (STALE, MALFORMED)}
            assert "at byte" in e.last_error()
            if e.state(0)[0] == LIVE:  # the instrument was not known yet: the chain finds the hole
                assert not c.feed(frame) & native.MALFORMED
                assert e.state(0) == (LIVE, 0)


@pytest.mark.parametrize("venue", list(SHAPES))
@pytest.mark.parametrize(
    "bad",
    [b"", b"garbage", b"\xff\xfe", b"[" * 5000, b'{"a":' * 5000, b"null", b"[]", b'"x"', b"\0" * 9],
)
def test_garbage(venue: str, bad: bytes) -> None:
    with engine(venue) as e:
        c = prepared(e, venue)
        assert c.feed(bad) & native.MALFORMED
        assert e.state(0) == (LIVE, 0)
        assert not c.feed(SHAPES[venue]()) & native.MALFORMED
        assert e.state(0) == (LIVE, 0)


@pytest.mark.parametrize("venue", list(SHAPES))
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"98.5", b"x"), (b"98.5", b""), (b"98.5", b"9-8"), (b"98.5", b"098.5"),
        (b"98.5", b"1.2.3"), (b"98.5", b"1e"), (b'"b', b'"\xff'), (b"2", b"-2"),
    ],
)  # fmt: skip
def test_bad_values(venue: str, old: bytes, new: bytes) -> None:
    frame = SHAPES[venue]()
    at = frame.index(b"98.5") if old != b'"b' else frame.rindex(b'"b')
    if old == b"2":
        at = frame.index(b"2", at)
    with engine(venue) as e:
        c = prepared(e, venue)
        assert c.feed(frame[:at] + new + frame[at + len(old) :]) & native.MALFORMED
        assert e.state(0) == (STALE, MALFORMED)
        assert (native.NEED_RESYNC, MALFORMED) in events(e)


@pytest.mark.parametrize("venue", list(SHAPES))
def test_wrong_types(venue: str) -> None:
    frame = orjson.loads(SHAPES[venue]())
    body = {
        "deribit": lambda f: f["params"]["data"],
        "okx": lambda f: f["data"][0],
        "binance": lambda f: f["data"],
        "bybit-linear": lambda f: f["data"],
    }[venue](frame)
    for key in ("bids", "asks", "b", "a", "change_id", "u", "U", "seqId"):
        if key not in body:
            continue
        wrongs: list[object] = [{}, "x", [1], [[]], [[{}]], True, [["new"]], -1.5]
        for wrong in wrongs:
            kept = body[key]
            body[key] = wrong
            with engine(venue, ring_slots=64, instruments=2) as e:
                c = prepared(e, venue)
                assert c.feed(compact(frame)) & native.MALFORMED, (key, wrong)
                assert e.state(0) == (STALE, MALFORMED)
            body[key] = kept


@pytest.mark.parametrize("venue", list(SHAPES))
@settings(max_examples=60)
@given(rng=st.randoms(use_true_random=False))
def test_any_key_order_and_white_space(venue: str, rng: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            rows = [(k, shuffled(v)) for k, v in value.items()] + [(f"zz{rng.random()}", [1, {}])]
            rng.shuffle(rows)
            return dict(rows)
        return [shuffled(v) for v in value] if isinstance(value, list) else value

    frame = support.spaced(shuffled(orjson.loads(SHAPES[venue]())), rng)
    with engine(venue, ring_slots=64, instruments=2) as e:
        c = prepared(e, venue)
        assert not c.feed(frame) & (native.MALFORMED | native.UNKNOWN), (e.last_error(), frame)
        assert e.state(0) == (LIVE, 0)
        bids, asks = support.engine_book(e, 0)
        assert Decimal("98.5") in bids
        assert len(asks) == 1


@pytest.mark.parametrize("venue", list(SHAPES))
@settings(max_examples=300)
@given(
    edits=st.lists(st.tuples(st.integers(0, 2**16), st.binary(max_size=2)), min_size=1, max_size=3)
)
def test_mutations_are_malformed_exactly_when_not_json(
    venue: str, edits: list[tuple[int, bytes]]
) -> None:
    frame = SHAPES[venue]()
    for where, what in edits:
        at = where % (len(frame) + 1)
        frame = frame[:at] + what + frame[at + where % 3 :]
    try:
        orjson.loads(frame)
        valid = True
    except orjson.JSONDecodeError:
        valid = False
    with engine(venue, ring_slots=64, instruments=4) as e:
        result = prepared(e, venue).feed(frame)
        assert valid or support.past_a_double(frame) or result & native.MALFORMED


@pytest.mark.parametrize("field", ["U", "u"])
def test_the_greatest_number_has_none_after_it(field: str) -> None:
    with support.engine("binance") as e:
        delta = support.binance_depth(1, 2, bids=[["1", "1"]])
        e.connection(0).feed(delta)
        top = str(2**63 - 1)
        body = b'{"lastUpdateId":%b,"bids":[["1","2"]],"asks":[]}' % top.encode()
        assert e.snapshot(0, body) & native.MALFORMED
        wrong = delta.replace(f'"{field}":{1 if field == "U" else 2}'.encode(),
                              f'"{field}":{top}'.encode())  # fmt: skip
        assert wrong != delta
        assert e.connection(0).feed(wrong) & native.MALFORMED
