"""Books whose base comes over the socket that streams them: asked for before it is LIVE, matched by
number, and subscribed to anew where nobody answers. Over gzip, as the venue that needs it."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from feedhandler import venues
from feedhandler.adapter import request_ids
from feedhandler.adapter.connect import Token, Welcome
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Base, Control, ControlKind, Limits, ListedInstrument
from feedhandler.capture.frames_file import Frame
from feedhandler.capture.replay import replay
from feedhandler.capture.writer import FrameWriter
from feedhandler.config.keys import VenueConfig
from feedhandler.connection.socket_requests import SocketRequests
from feedhandler.connection.state import ConnectionState
from feedhandler.io_process.venue_feed import VenueFeed
from feedhandler.network.rest import Rest
from shm import Reason, State, segment
from tests.feed.fault_table import row
from tests.kit.facts import PaperVenue, spec
from tests.kit.patience import DEADLINE_S
from tests.network.test_rest import served


def answered(frame: Mapping[str, Any]) -> list[Control]:
    """What such an answer says."""
    number = request_ids.socket_number(frame.get("id"))
    if number is None:
        return []
    error, book = frame.get("error"), frame.get("result") or {}
    symbol = book.get("instrument_name", "")
    text = error["message"] if error else ""
    return [Control(ControlKind.ANSWER, text=text, request_id=number, symbol=symbol)]


class SocketVenue(PaperVenue):
    """The paper venue, whose books are asked for by `{"id":..,"req":"A"}`."""

    base = Base.REQUEST
    encoding = "gzip"
    socket_books = True

    def control(self, frame: bytes, asked: Mapping[int, Sequence[str]]) -> list[Control]:
        return answered(json.loads(frame)) or super().control(frame, asked)

    def snapshot_request(self, symbol: str) -> Request | None:
        return Request("/book", levels=100, symbol=symbol)

    def socket_request(self, request: Request, number: int) -> str:
        return json.dumps({"id": request_ids.socket_id(number), "req": request.symbol})

    def parse_instruments(self, body: bytes) -> list[ListedInstrument]:
        return [spec(symbol) for symbol in json.loads(body)]


class GuardedVenue(SocketVenue):
    """And everything else that a connect may need."""

    token = Token(
        Request("/bullet", method="POST", body="{}"), '{"token":"$token","endpoint":"$endpoint"}'
    )
    welcome = Welcome('{"hello":"$_"}')
    ws_headers: Mapping[str, Mapping[str, str]] = {"public": {"X-Size-Decimal": "1"}}


class SocketServer:
    """Streams a change each few milliseconds of each book that is subscribed to."""

    def __init__(self) -> None:
        self.url = ""
        self.refused = 0
        self.tokens: set[str] = set()
        self.asked: list[str] = []  # the symbols of books
        self.subscribed = 0
        self.numbers: dict[str, int] = {}
        self.answers: Callable[[str], Any] = self.book
        self.rest: list[str] = []

    def book(self, symbol: str) -> dict[str, Any]:
        number = self.numbers.get(symbol, 100)
        said = {
            "timestamp": time.time_ns() // 10**6,
            "instrument_name": symbol,
            "change_id": number,
        }
        size = float(number + 1)
        return {"result": said | {"bids": [[100.5, size]], "asks": [[101.0, size]]}}

    def change(self, symbol: str) -> bytes:
        number = self.numbers[symbol] = self.numbers.get(symbol, 100) + 1
        said = {"type": "change", "timestamp": time.time_ns() // 10**6, "instrument_name": symbol}
        said |= {"change_id": number, "prev_change_id": number - 1}
        levels = {"bids": [["change", 100.5, number + 1.0]], "asks": []}
        params = {"channel": f"book.{symbol}.100ms", "data": said | levels}
        frame = {"jsonrpc": "2.0", "method": "subscription", "params": params}
        return gzip.compress(json.dumps(frame).encode())

    def admits(self, request: web.Request) -> bool:
        known = request.query["token"] in self.tokens
        return known and request.headers.get("X-Size-Decimal") == "1"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if "Upgrade" not in request.headers:
            self.rest.append(f"{request.method} {request.path}")
            if request.path == "/bullet":
                token = f"t{len(self.tokens)}"
                self.tokens.add(token)
                endpoint = self.url.replace("http", "ws") + "/guarded"
                return web.json_response({"token": token, "endpoint": endpoint})
            return web.json_response(["A", "B"])
        guarded = request.path == "/guarded"
        if guarded and not self.admits(request):
            self.refused += 1
            return web.Response(status=403)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if guarded:
            await socket.send_bytes(gzip.compress(b'{"hello":"you"}'))
        streams: set[str] = set()

        async def stream() -> None:
            while True:
                for symbol in sorted(streams):
                    await socket.send_bytes(self.change(symbol))
                await asyncio.sleep(0.02)

        streaming = asyncio.ensure_future(stream())
        try:
            async for message in socket:
                asked = message.json()
                if "req" in asked:
                    self.asked.append(asked["req"])
                    found = self.answers(asked["req"])
                    if found is not None:
                        said = json.dumps({"jsonrpc": "2.0", "id": asked["id"], **found})
                        await socket.send_bytes(gzip.compress(said.encode()))
                    continue
                keys = asked.get("sub", asked.get("unsub", ()))
                symbols = {key.partition(":")[2] for key in keys}
                self.subscribed += "sub" in asked
                streams = streams | symbols if "sub" in asked else streams - symbols
                reply = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": []})
                await socket.send_bytes(gzip.compress(reply.encode()))
        finally:
            streaming.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await streaming
        return socket


class Running:
    def __init__(self, feed: VenueFeed, counters: Callable[[], dict[str, int]]) -> None:
        self.feed = feed
        self.counters = counters

    def state(self, symbol: str) -> tuple[int, int]:
        row = self.feed.universe.by_symbol.get(symbol)
        return self.feed.engine.state(row.id) if row is not None else (0, 0)

    async def until(self, condition: Callable[[], Any], what: str) -> None:
        end = asyncio.get_running_loop().time() + DEADLINE_S
        while not condition():
            states = [self.state(symbol) for symbol in "AB"]
            assert asyncio.get_running_loop().time() < end, f"not {what}: {states}"
            await asyncio.sleep(0.005)

    async def until_live(self, *symbols: str) -> None:
        await self.until(
            lambda: all(self.state(symbol)[0] == State.LIVE for symbol in symbols), "LIVE"
        )


@asynccontextmanager
async def running(
    server: SocketServer,
    namespace: str,
    wanted: tuple[str, ...] = ("A", "B"),
    tap: Any = None,
    limits: Limits | None = None,
    venue_class: type[SocketVenue] = SocketVenue,
    **more: Any,
) -> AsyncIterator[Running]:
    venue = venue_class(limits)
    async with served(server.handle) as url:
        server.url = url
        config = VenueConfig(
            instruments=wanted, ws_url=url.replace("http", "ws"), rest_url=url, directory_rows=16
        )
        config = msgspec.structs.replace(config, channels=("book",), **more)
        with segment.create("paper", namespace=namespace, instruments=16, connections=32) as held:
            async with Rest(url, venue.limits) as rest:
                feed = VenueFeed(venue, config, held.writer, rest, tap=tap)
                task = asyncio.ensure_future(feed.run())
                try:
                    yield Running(feed, lambda: dict(feed.engine.counters()))
                finally:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
                    await feed.stop()


def test_a_base_over_the_socket_before_it_is_live(namespace: str) -> None:
    async def main() -> None:
        server = SocketServer()
        async with running(server, namespace, audit_s=0.0) as run:
            await run.until(lambda: server.asked, "asked for a book")
            (connection,) = run.feed.connections
            assert connection.state is not ConnectionState.LIVE or len(server.asked) > 1
            await run.until_live("A", "B")
            await run.until(lambda: connection.state is ConnectionState.LIVE, "the connection LIVE")
            assert set(server.asked) == {"A", "B"}
            assert server.rest == ["GET /instruments"]
            row = run.feed.universe.by_symbol["A"].id
            bids, _, number, _, exponent = run.feed.engine.book(row)
            assert int(bids[0][1]) * 10.0**exponent == number + 1
            assert server.subscribed == 1

    asyncio.run(main())


def test_all_that_a_connect_may_need_at_once(namespace: str) -> None:
    async def main() -> None:
        server = SocketServer()
        async with running(server, namespace, venue_class=GuardedVenue) as run:
            await run.until_live("A", "B")
            (connection,) = run.feed.connections
            connection.cut(Reason.DISCONNECTED, "a test cuts it")
            await run.until(lambda: run.state("A")[0] == State.STALE, "STALE")
            await run.until_live("A", "B")
            assert server.rest == ["GET /instruments", "POST /bullet", "POST /bullet"]
            assert server.refused == 0
            assert run.counters()["malformed"] == 0

    asyncio.run(main())


def test_a_book_that_nobody_answers_for_is_subscribed_to_anew(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SocketRequests.ask, "__defaults__", (0.3,))

    async def main() -> None:
        server = SocketServer()
        server.answers = lambda _: server.book("A") if server.subscribed > 1 else None
        async with running(server, namespace, ("A",)) as run:
            await run.until(lambda: server.asked, "asked for a book")
            assert row("a base over the socket is not answered").sees == (
                ("SYNCING", "NO_SNAPSHOT"),
            )
            assert run.state("A")[0] == State.SYNCING
            await run.until_live("A")
            assert server.subscribed == 2
            assert run.counters()["resubscribes"] == 1

    asyncio.run(main())


@pytest.mark.parametrize(
    "wrong",
    [
        lambda server: server.book("B"),
        lambda _: {"error": {"code": 13020, "message": "busy"}},
    ],
)
def test_an_answer_that_is_another_book_or_none_is_not_taken(
    wrong: Callable[[SocketServer], Any], namespace: str
) -> None:
    async def main() -> None:
        server = SocketServer()
        server.answers = lambda _: wrong(server) if len(server.asked) < 3 else server.book("A")
        async with running(server, namespace, ("A",)) as run:
            await run.until(lambda: len(server.asked) == 2, "asked again")
            assert run.state("A")[0] == State.SYNCING
            await run.until_live("A")
            assert server.subscribed == 1  # it answers: the subscription is well

    asyncio.run(main())


def test_the_pace_of_the_connection_is_kept(namespace: str) -> None:
    async def main() -> None:
        server, times = SocketServer(), list[float]()
        loop = asyncio.get_running_loop()

        def answer(symbol: str) -> Any:
            times.append(loop.time())
            return server.book(symbol)

        server.answers = answer
        limits = Limits(messages_per_second=1.0)
        async with running(server, namespace, limits=limits) as run:
            await run.until_live("A", "B")
        assert len(times) == 2  # and a subscription before them
        assert times[1] - times[0] > 0.1  # and not at once, however late they came

    asyncio.run(main())


def test_a_recording_with_such_an_answer_replays(
    namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "socket.ndjson"
    found: list[tuple[int, float]] = []

    async def main() -> None:
        server = SocketServer()
        with FrameWriter(path, venue="deribit") as capture:

            def tap(row: int, _: str, way: str, data: bytes | None, t: int, enc: str) -> None:
                capture.write(Frame(t=t, dir=way, conn=str(row), data=data, enc=enc))

            async with running(server, namespace, ("A",), tap) as run:
                await run.until_live("A")
                number = server.numbers["A"] + 3
                await run.until(lambda: server.numbers["A"] > number, "more came")
                row = run.feed.universe.by_symbol["A"].id
                bids, _, at, _, exponent = run.feed.engine.book(row)
                found.append((at, int(bids[0][1]) * 10.0**exponent))

    asyncio.run(main())
    real = type(venues.load("deribit"))
    monkeypatch.setattr(real, "base", Base.REQUEST)
    monkeypatch.setattr(real, "encoding", "gzip")
    monkeypatch.setattr(real, "control", lambda _, frame, __: answered(json.loads(frame)))
    seen: list[tuple[int, float]] = []

    def watch(_: Frame, engine: Any) -> None:
        state = engine.state(engine.instrument_id("A")) if engine.symbols() else (0, 0)
        if state == (State.LIVE, Reason.NONE):
            bids, _, at, _, exponent = engine.book(engine.instrument_id("A"))
            seen.append((at, int(bids[0][1]) * 10.0**exponent))

    result = replay(path, venue="deribit", namespace=namespace, observe=watch)
    assert result.snapshots >= 1
    assert found[0] in seen
    assert all(size == at + 1 for at, size in seen)
