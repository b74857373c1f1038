"""Connects that the venue gives out over REST, its welcome, and headers of the handshake: against a
server on loopback that insists on them."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from feedhandler.adapter.connect import Token, Welcome
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Heartbeat, Limits, Speaker
from feedhandler.connection.owner import Settings
from feedhandler.connection.state import ConnectionState
from feedhandler.network.rest import Rest
from feedhandler.shape.errors import ShapeError
from shm import Reason
from tests.feed.fault_table import row
from tests.kit.connected import Connected, connected
from tests.kit.facts import PaperVenue
from tests.network.test_rest import served

ANSWER = (
    '{"code":"200","data":{"token":"$token",'
    '"servers":[{"endpoint":"$endpoint","ping?":$period_ms,"timeout?":$cut_ms},"..."]}}'
)


class TokenVenue(PaperVenue):
    token = Token(Request("/bullet", method="POST", body='{"for":"public"}'), ANSWER)
    welcome = Welcome('{"hello":"$connect"}', 30.0)
    heartbeat = Heartbeat(Speaker.CLIENT_TEXT, 30.0, 40.0, "ping", "pong")


class HastyTokenVenue(TokenVenue):
    welcome = Welcome('{"hello":"$connect"}', 0.5)


class GzipTokenVenue(TokenVenue):
    encoding = "gzip"


class TokenServer:
    """Gives out tokens that are good for one connection each, and takes no other. `zips`: what it
    sends is gzip."""

    def __init__(self, *, zips: bool = False) -> None:
        self.zips = zips
        self.url = ""
        self.asked: list[tuple[str, str]] = []
        self.given: set[str] = set()
        self.opened: list[dict[str, str]] = []
        self.heard: list[str] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.greets = True
        self.headers: dict[str, str] = {}
        self.answer: Callable[[str], Any] = self.usual
        self.slow_s = 0.0
        self._numbers = itertools.count()

    def usual(self, token: str, **more: Any) -> dict[str, Any]:
        server = {"endpoint": f"{self.url.replace('http', 'ws')}/feed", "ping": 1500, **more}
        return {"code": "200", "data": {"token": token, "servers": [server, {}]}}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/bullet":
            self.asked.append((request.method, await request.text()))
            await asyncio.sleep(self.slow_s)
            token = f"a/b+{next(self._numbers)}"
            self.given.add(token)
            answer = self.answer(token)
            return answer if isinstance(answer, web.Response) else web.json_response(answer)
        query = dict(request.query)
        if query.get("token") not in self.given:
            return web.Response(status=401)
        self.given.remove(query["token"])
        self.opened.append(query)
        self.headers = dict(request.headers)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        if self.greets:
            await self.send(socket, {"hello": query["connectId"]})
        async for message in socket:
            self.heard.append(message.data)
            if message.data.startswith("{"):
                await self.send(socket, {"id": message.json()["id"]})
        return socket

    async def send(self, socket: web.WebSocketResponse, said: dict[str, Any]) -> None:
        if self.zips:
            await socket.send_bytes(gzip.compress(json.dumps(said).encode()))
        else:
            await socket.send_json(said)


@asynccontextmanager
async def joined(
    server: TokenServer,
    venue: PaperVenue | None = None,
    headers: dict[str, str] | None = None,
    configured: str = "",
    timeout_s: float = 5.0,
) -> AsyncIterator[Connected]:
    async with served(server.handle) as url, Rest(url, Limits(), timeout_s=timeout_s) as rest:
        server.url = url
        ws_url = configured or f"{url.replace('http', 'ws')}/old"
        settings = Settings(ws_url, rest=rest, headers=headers or {})
        async with connected(venue or TokenVenue(), settings) as one:
            yield one


@pytest.mark.parametrize("venue", [TokenVenue, GzipTokenVenue])
def test_each_session_has_a_token_of_its_own(venue: type[TokenVenue]) -> None:
    async def main() -> None:
        server = TokenServer(zips=venue.encoding == "gzip")
        async with joined(server, venue(), headers={"X-Size-Decimal": "1"}) as one:
            await one.until(lambda: one.owner.acknowledged == ["book:A"], "subscribed")
            assert server.asked == [("POST", '{"for":"public"}')]
            assert server.headers["X-Size-Decimal"] == "1"
            await server.sockets[0].close()
            await one.until(lambda: len(one.owner.acknowledged) == 2, "subscribed again")
        first, second = server.opened
        assert (first["token"], second["token"]) == ("a/b+0", "a/b+1")
        assert len({first["connectId"], second["connectId"]}) == 2
        assert len(server.asked) == 2

    asyncio.run(main())


def test_the_answer_says_how_often_to_ping() -> None:
    async def main() -> None:
        server = TokenServer()
        async with joined(server) as one:
            await one.until(lambda: server.heard, "subscribed")
            began = asyncio.get_running_loop().time()
            await one.until(lambda: "ping" in server.heard, "pinged")
            assert asyncio.get_running_loop().time() - began < 25  # 30 s are declared

    asyncio.run(main())


def test_periods_that_make_no_sense_are_passed_over() -> None:
    async def main() -> None:
        server = TokenServer()
        server.answer = lambda token: server.usual(token, ping=0, timeout=-1)
        async with joined(server) as one:
            await one.until(lambda: one.owner.acknowledged, "subscribed")
            await asyncio.sleep(0.3)
            assert "ping" not in server.heard

    asyncio.run(main())


def test_what_is_asked_for_is_said_while_it_is_waited_for() -> None:
    async def main() -> None:
        server = TokenServer()
        server.slow_s = 0.3
        async with joined(server) as one:
            await one.until_said("asking for a token")
            assert one.connection.state is ConnectionState.CONNECTING
            await one.until(lambda: one.owner.acknowledged, "subscribed")
            assert one.owner.down == []

    asyncio.run(main())


def no_token(answer: Callable[[TokenServer], Callable[[str], Any]], said: str) -> Reason:
    """Why there is no session with such an answer; and that there is one as soon as it is right."""
    found: list[Reason] = []

    async def main() -> None:
        server = TokenServer()
        server.answer = answer(server)
        async with joined(server) as one:
            await one.until_said(said)
            assert one.connection.state in (ConnectionState.BACKOFF, ConnectionState.CONNECTING)
            await one.until(lambda: one.connection.outage.failures >= 2, "tried again")
            found.append(one.connection.outage.reason)
            assert not server.sockets
            server.answer = server.usual
            await one.until(lambda: one.owner.acknowledged, "subscribed")

    asyncio.run(main())
    return found[0]


def test_a_token_that_is_refused_is_a_reason_to_wait() -> None:
    assert row("no token to connect with").sees == ()
    reason = no_token(
        lambda _: lambda _: web.Response(status=403, text="not from your country"),
        "no token to connect with: http://127.0.0.1",
    )
    assert reason is Reason.DISCONNECTED


def test_an_answer_without_a_token_is_shown() -> None:
    no_token(
        lambda _: lambda _: {"code": "429000", "msg": "too many requests"},
        'no token to connect with: the venue answered {"code": "429000"',
    )


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("wss://elsewhere.example.com/feed", "names the foreign host elsewhere.example.com"),
        ("ftp://127.0.0.1/feed", "names an address that is not wss://"),
        ("ws://me@127.0.0.1/feed", "names an address with more than a host and a path"),
        ("ws://", "names an address without a host"),
        ("", "the venue's answer has no endpoint"),
    ],
)
def test_an_address_that_is_not_the_venue_s_is_not_connected_to(endpoint: str, said: str) -> None:
    reason = no_token(lambda server: lambda token: server.usual(token, endpoint=endpoint), said)
    assert reason is Reason.MALFORMED


def test_an_encrypted_address_is_not_given_up_for_a_plain_one() -> None:
    async def main() -> None:
        server = TokenServer()
        async with joined(server, configured="wss://127.0.0.1:9/feed") as one:
            await one.until_said("names an address that is not wss://")
            assert not server.opened

    asyncio.run(main())


def test_a_venue_that_does_not_answer_for_a_token_is_not_waited_for_for_ever() -> None:
    async def main() -> None:
        server = TokenServer()
        server.slow_s = 60.0
        async with joined(server, timeout_s=0.2) as one:
            await one.until_said("no answer in time")
            server.slow_s = 0.0
            await one.until(lambda: one.owner.acknowledged, "subscribed")

    asyncio.run(main())


def test_a_token_that_has_expired_meanwhile_costs_one_try() -> None:
    assert row("a token that has expired").sees == ()

    async def main() -> None:
        server = TokenServer()

        def expired(token: str) -> Any:
            server.given.discard(token)
            return server.usual(token)

        server.answer = expired
        async with joined(server) as one:
            await one.until_said("the venue refused the WebSocket with HTTP 401")
            server.answer = server.usual
            await one.until(lambda: one.owner.acknowledged, "subscribed")
            assert len({*server.asked}) == 1 < len(server.asked)

    asyncio.run(main())


def test_nothing_is_subscribed_to_before_the_welcome() -> None:
    assert row("no welcome").sees == ()

    async def main() -> None:
        server = TokenServer()
        server.greets = False
        async with joined(server, HastyTokenVenue()) as one:
            await one.until_said("waiting for the venue's welcome")
            assert one.connection.state is ConnectionState.SUBSCRIBING
            await server.sockets[0].send_json({"id": 99, "weather": "fine"})
            await one.until_said("the venue has not said welcome within 0.5 s")
            assert one.owner.down == [Reason.UNANSWERED]
            assert server.heard == []
            server.greets = True
            await one.until(lambda: one.owner.acknowledged, "subscribed")

    asyncio.run(main())


def test_the_warm_up_begins_with_the_welcome() -> None:
    async def main() -> None:
        server = TokenServer()
        venue = TokenVenue(Limits(warmup_s=0.4))
        async with joined(server, venue) as one:
            await one.until(lambda: server.sockets, "opened")
            began = asyncio.get_running_loop().time()
            await one.until(lambda: server.heard, "asked")
            assert asyncio.get_running_loop().time() - began >= 0.35

    asyncio.run(main())


def test_a_url_with_a_hole_that_the_answer_does_not_fill_is_refused_at_once() -> None:
    with pytest.raises(ShapeError, match=r"\$connect, its answer has not"):
        Token(Request("/t"), '{"token":"$token"}', "wss://x/?t=$token&c=$connect")
