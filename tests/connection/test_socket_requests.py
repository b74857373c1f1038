"""Requests over the socket of the streams, and REST where that fails."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from feedhandler import venues
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Control, ControlKind
from feedhandler.budgets.token_bucket import TokenBucket
from feedhandler.cli.simulated import at_host
from feedhandler.connection.socket_requests import Requests, SocketRequests
from feedhandler.connection.state import ConnectionState
from feedhandler.network.rest import Rest, RestRefused, RestUnreachable
from feedhandler.sim.runner import SimOptions
from feedhandler.view.status import venue_status
from tests.feed.fault_table import row
from tests.healing.test_audit import _origin
from tests.kit.proxy import proxy
from tests.kit.rig import ForkedSims, rig, until

DERIBIT = venues.load("deribit")
REQUEST = DERIBIT.book_request("BTC-PERPETUAL") or Request("")


class Socket:
    """What was sent, the round trips, and the requests on it."""

    def __init__(self, open_: bool = True) -> None:
        self.open = open_
        self.sent: list[dict[str, Any]] = []
        self.trips: list[float] = []
        self.requests = SocketRequests(DERIBIT, self._send, self.trips.append)
        self.takes_requests = True
        self.state = ConnectionState.LIVE

    def _send(self, text: str) -> bool:
        self.sent.append(json.loads(text))
        return self.open

    def answer(self, message: dict[str, Any], **more: Any) -> bytes:
        frame = json.dumps({"jsonrpc": "2.0", "id": message["id"], **more}).encode()
        for control in DERIBIT.control(frame, {}):
            assert control.kind is ControlKind.ANSWER
            self.requests.on_answer(control, frame)
        return frame


async def _asked(socket: Socket, count: int) -> None:
    for _ in range(10):  # turns of the loop that a task needs to begin
        await asyncio.sleep(0)
    assert len(socket.sent) == count


def test_answers_find_their_questions() -> None:
    async def run() -> None:
        socket = Socket()
        tasks = [asyncio.create_task(socket.requests.ask(REQUEST)) for _ in range(2)]
        await _asked(socket, 2)
        first, second = socket.sent
        assert first["method"] == "public/get_order_book"
        assert first["params"] == {"instrument_name": "BTC-PERPETUAL", "depth": 1000}
        assert first["id"] != second["id"]
        bodies = [socket.answer(second, result={"n": 2}), socket.answer(first, result={"n": 1})]
        assert await asyncio.gather(*tasks) == bodies[::-1]
        assert len(socket.trips) == 2
        assert len(socket.requests) == 0
        socket.answer(first, result={})  # nobody waits for it

    asyncio.run(run())


def test_refusal_loss_and_silence_are_told_apart() -> None:
    async def run() -> None:
        socket = Socket()
        refused = asyncio.create_task(socket.requests.ask(REQUEST))
        await _asked(socket, 1)
        socket.answer(socket.sent[0], error={"code": 13020, "message": "instrument_not_found"})
        with pytest.raises(RestRefused, match="instrument_not_found"):
            await refused
        lost = asyncio.create_task(socket.requests.ask(REQUEST))
        await _asked(socket, 2)
        socket.requests.lost()
        with pytest.raises(RestUnreachable, match="lost"):
            await lost
        with pytest.raises(RestUnreachable, match="in time"):
            await socket.requests.ask(REQUEST, timeout_s=0.01)
        with pytest.raises(RestUnreachable, match="not open"):
            await Socket(open_=False).requests.ask(REQUEST)
        assert socket.trips == []

    asyncio.run(run())


def test_ids_of_requests_are_no_subscriptions() -> None:
    text = DERIBIT.socket_request(REQUEST, 7)
    frame = json.dumps({"id": json.loads(text)["id"], "result": ["book.X.100ms"]}).encode()
    assert DERIBIT.control(frame, {7: ["book.X.100ms"]}) == [
        Control(ControlKind.ANSWER, request_id=7)
    ]


def test_rest_is_asked_where_the_socket_fails() -> None:
    assert row("request over a socket fails").sees == ()

    async def run(rest_url: str) -> None:
        budget = TokenBucket(100.0, 10.0)
        async with Rest(rest_url, DERIBIT.limits, budget=budget) as rest:
            broken = Socket(open_=False)
            body = await Requests(DERIBIT, rest, [broken]).get(REQUEST)
            assert len(broken.sent) == 1
            assert DERIBIT.parse_book(body).sequence > 0
            closed = Socket()
            closed.takes_requests = False
            assert DERIBIT.parse_book(await Requests(DERIBIT, rest, [closed]).get(REQUEST)).bids
            assert closed.sent == []

    with ForkedSims(("deribit",), SimOptions()) as sims:
        asyncio.run(run(at_host(DERIBIT.rest_url, sims.endpoints["deribit"].rest_url)))


def test_live_connection_carries_the_audits_requests() -> None:
    with rig("deribit") as r, proxy(_origin(r.sims["deribit"])) as between:
        url = r.config.venues["deribit"].ws_url
        assert isinstance(url, str)
        r.change("deribit", audit_s=0.5, ws_url=at_host(url, between.url))
        r.io_process("deribit")
        r.attach("deribit")

        def audited() -> dict[str, Any] | None:
            found = venue_status(r.namespace, "deribit")
            return found if found["counters"]["audits"] >= 2 else None

        status = until(audited, "audits were made", 30)
        asked = [json.loads(text).get("method") for text in between.asked]
        assert asked.count("public/get_order_book") >= 2
        assert status["counters"]["rest_requests"] == 1  # the instruments, before it was LIVE
