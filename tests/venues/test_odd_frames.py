"""What is said on the socket beside market data, with one odd element: understood, or no sense, and
nobody else is harmed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import orjson
import pytest

from feedhandler import venues
from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.adapter.engine import make_engine
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Control, ControlKind, Venue
from feedhandler.config.keys import VenueConfig
from feedhandler.instruments.listing import Lister
from feedhandler.instruments.universe import Universe
from feedhandler.io_process.roster import Roster
from shm import Status, segment
from tests.venues import entries
from tests.venues.odd import Nobody, assert_possible, said, variants, with_odd

VENUES = venues.names()
FRAMES: dict[str, tuple[Any, ...]] = {
    "deribit": (
        {"jsonrpc": "2.0", "id": 11, "result": ["book.BTC-PERPETUAL.100ms"], "usIn": 1, "usOut": 2},
        {"jsonrpc": "2.0", "id": 11, "error": {"code": -32602, "message": "Invalid params",
                                               "data": {"reason": "x", "param": "channels"}}},
        {"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": "test_request"}},
        {"jsonrpc": "2.0", "method": "subscription", "params": {
            "channel": "instrument.state.any.any", "data": {
                "timestamp": 1, "state": "closed", "instrument_name": "BTC-PERPETUAL"}}},
    ),
    "okx": (
        {"id": "5", "event": "subscribe", "arg": {"channel": "books", "instId": "BTC-USDT"},
         "connId": "a"},
        {"id": "5", "event": "error", "code": "60012", "msg": "Invalid request", "connId": "a",
         "arg": {"channel": "books", "instId": "BTC-USDT"}},
        {"event": "notice", "code": "64008", "msg": "The connection will soon be closed",
         "connId": "a"},
        {"event": "channel-conn-count-error", "channel": "books", "connCount": "30"},
        {"arg": {"channel": "instruments", "instType": "SPOT"},
         "data": [{"instId": "BTC-USDT", "state": "suspend", "tickSz": "0.1"}]},
    ),
    "binance": (
        {"result": None, "id": 5}, {"error": {"code": 2, "msg": "Invalid request"}, "id": 5},
        {"code": 2, "msg": "Invalid request", "id": 5},
        {"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": 1}},
    ),
    "bybit-linear": (
        {"success": True, "ret_msg": "", "conn_id": "a", "req_id": "5", "op": "subscribe"},
        {"success": False, "ret_msg": "error:handler not found,topic:orderbook.50.X",
         "conn_id": "a", "req_id": "5", "op": "subscribe"},
        {"success": True, "ret_msg": "pong", "conn_id": "a", "req_id": "", "op": "ping"},
    ),
}  # fmt: skip


def frames_of(venue: Venue) -> Sequence[Any]:
    """What the venue says; a declared one by its own samples."""
    if isinstance(venue, DeclaredVenue):
        return [said(answer.sample) for answer in venue.words.answers]
    name = venue.name
    if name == "bybit-spot":
        return FRAMES["bybit-linear"]
    return FRAMES[name if name in FRAMES else name.partition("-")[0]]


@pytest.mark.parametrize("name", VENUES)
def test_what_is_said_on_the_socket_is_understood_or_makes_no_sense(name: str) -> None:
    venue = venues.load(name)
    asked: dict[int, Sequence[str]] = {5: ("a", "b"), 11: ("c",)}
    for frame in frames_of(venue):
        for _, _, odd in variants(frame):
            with suppress(ValueError):
                for each in venue.control(orjson.dumps(odd), asked):
                    assert_control(each)


@pytest.mark.parametrize("name", VENUES)
def test_what_makes_no_sense_says_so(name: str) -> None:
    venue = venues.load(name)
    for text in (
        b"", b"null", b"[]", b"{}", b'"x"', b"1", b"nonsense", b"ping", b"\xff", b'{"id":1}',
        b'{"id":5}', b'{"arg":{}}', b"[" * 5000 + b"]" * 5000,
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"not|neither|unexpected|invalid|depth|empty"):
            venue.control(text, {5: ("a", "b")})


def assert_control(control: Control) -> None:
    assert isinstance(control.kind, ControlKind)
    assert all(isinstance(key, str) for key in control.keys)
    assert isinstance(control.text, str)
    assert isinstance(control.request_id, int)
    assert control.request_id >= 0


class Nothing:
    """Nobody is asked for a list."""

    async def get(self, request: Request) -> bytes:
        raise AssertionError(request)


@pytest.mark.parametrize("name", ["okx", "deribit"])
def test_a_notice_of_an_instrument_concerns_it_alone(name: str, namespace: str) -> None:
    """Terms and states that a stream tells: what is odd of one is told of no other."""
    venue, its = venues.load(name), entries.rows(name, 3)
    key = {"okx": "data", "deribit": "result"}[name]
    good = venue.parse_instruments(orjson.dumps({"code": "0", key: its}))
    wanted = [spec.symbol for spec in good]
    config = VenueConfig(instruments=tuple(wanted), ws_url="ws://x", rest_url="http://x")
    if name == "okx":
        frames = [{"arg": {"channel": "instruments", "instType": "SPOT"}, "data": its}]
    else:
        frames = [
            {"jsonrpc": "2.0", "method": "subscription", "params": {
                "channel": "instrument.state.future.BTC",
                "data": {"timestamp": 1, "state": state, "instrument_name": wanted[0]}}}
            for state in ("halted", "open")
        ]  # fmt: skip

    async def main() -> None:
        engine, universe = make_engine(venue, held.writer), Universe(venue, config.channels)
        lister = Lister(venue, Nothing(), wanted, random.Random(1), 3600.0)
        roster = Roster(venue, config, engine, universe, lister, Nobody())
        roster.start(good)
        lister.awake = frozenset(wanted)

        def told(frame: Any) -> None:
            with suppress(ValueError):
                for control in venue.control(orjson.dumps(frame), {}):
                    roster.terms.stated(control.stated)

        for frame in frames:
            places = [("data", 0)] if name == "okx" else [()]
            for place in places:
                part: Any = frame
                for step in place:
                    part = part[step]
                for where, what, odd in variants(part):
                    told(with_odd(frame, place, odd) if place else odd)
                    first, *others = universe
                    assert [tracked.spec for tracked in others] == good[1:], (where, what)
                    assert_possible(first.spec)
                    assert first.spec.symbol == wanted[0]
                    if first.closed:
                        assert first.spec.status is Status.EXPIRED, (where, what)
                        first.closed = False
                told(frames[-1])
                assert universe.by_symbol[wanted[0]].spec == good[0]

    held = segment.create(name, namespace=namespace)
    try:
        asyncio.run(main())
    finally:
        held.close()
