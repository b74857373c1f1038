"""Viewers of the page: many, slow, rude; the others go on, and so does the feed."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import orjson
import pytest

from feedhandler.page import metrics, pages
from feedhandler.supervisor.status_http import StatusServer
from feedhandler.view.status import namespace_status
from shm.segment import create


def serving(namespace: str, steps: Callable[[StatusServer], Awaitable[None]]) -> None:
    async def run() -> None:
        server = StatusServer("127.0.0.1:0", lambda: namespace_status(namespace))
        await server.start()
        try:
            async with asyncio.timeout(60):
                await steps(server)
        finally:
            await server.stop()

    with create("okx", namespace=namespace, instruments=8, depth=5, ring_slots=64) as owner:
        owner.writer.heartbeat()
        asyncio.run(run())


async def until(condition: Callable[[], bool], what: str) -> None:
    end = asyncio.get_running_loop().time() + 30
    while not condition():
        assert asyncio.get_running_loop().time() < end, what
        await asyncio.sleep(0.01)


async def events(session: aiohttp.ClientSession, url: str, count: int) -> list[bytes]:
    found: list[bytes] = []
    async with session.get(url) as answer:
        async for line in answer.content:
            if line.startswith(b"data: "):
                found.append(line[6:])
            if len(found) == count:
                break
    return found


def test_events_come_again_and_again(namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "LOOK_S", 0.05)

    async def steps(server: StatusServer) -> None:
        async with aiohttp.ClientSession() as session:
            first, second = await events(session, f"{server.url}/events?view=venues", 2)
            assert orjson.loads(first)["at_ns"] < orjson.loads(second)["at_ns"]
            [gone] = await events(session, f"{server.url}/events?view=nothing", 1)
            assert b"no view" in gone

    serving(namespace, steps)


def test_the_oldest_of_too_many_viewers_makes_way(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "VIEWERS", 3)

    async def steps(server: StatusServer) -> None:
        async with aiohttp.ClientSession() as session:
            url = f"{server.url}/events?view=venues"
            opened = [await session.get(url) for _ in range(4)]
            for each in opened[1:]:
                await each.content.readuntil(b"\n\n")
            with pytest.raises(aiohttp.ClientError):
                await opened[0].content.read(-1)
            await opened[3].content.readuntil(b"\n\n")
            for each in opened:
                each.close()

    serving(namespace, steps)


def test_who_reads_nothing_is_cut_off(namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "LOOK_S", 0.001)
    monkeypatch.setattr(pages, "_SLOW_S", 0.2)

    async def steps(server: StatusServer) -> None:
        assert server._pages is not None
        viewers = server._pages._viewers
        much = {"much": "x" * 1_000_000}
        monkeypatch.setattr(server._pages._views, "show", lambda *_: much)
        client = socket.create_connection(("127.0.0.1", server.port))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"GET /events?view=venues HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await until(lambda: bool(viewers), "it looks")
        async with aiohttp.ClientSession() as session:
            assert (await session.get(f"{server.url}/live")).status == 200
        await until(lambda: not viewers, "it is cut off")
        client.close()

    serving(namespace, steps)


def test_odd_requests(namespace: str) -> None:
    async def steps(server: StatusServer) -> None:
        async with aiohttp.ClientSession() as session:
            for path, status in (
                ("/view?view=book&venue=okx&symbol=" + "x" * 300, 414),
                ("/view?view=book&venue=okx&symbol=%00%ff", 404),
                ("/view?view=venue&venue=okx&sort=password", 404),
                ("/view?view=chain&venue=okx&underlying=BTC", 404),
                ("/view?view=venue&venue=../../etc/passwd", 404),
                ("/assets/../pages.py", 404),
                ("/history?venue=nobody", 200),
            ):
                async with session.get(server.url + path) as answer:
                    assert answer.status == status, path
            async with session.get(f"{server.url}/view", headers={"Host": "evil.example"}) as no:
                assert no.status == 421
            async with session.post(f"{server.url}/view", data=b"x" * 1_000_000) as no:
                assert no.status == 405
            async with session.get(f"{server.url}/") as page:
                policy = page.headers["Content-Security-Policy"]
                assert "unsafe" not in policy
                assert "default-src 'none'" in policy

    serving(namespace, steps)


def test_a_slow_view_keeps_nobody_else_waiting(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop is the supervisor's: its control socket and its watch over processes go on."""

    async def steps(server: StatusServer) -> None:
        assert server._pages is not None
        answered = threading.Event()
        waited: list[bool] = []

        def show(*_: object) -> dict[str, str]:
            waited.append(answered.wait(45))
            return {}

        monkeypatch.setattr(server._pages._views, "show", show)
        async with aiohttp.ClientSession() as session:
            view = asyncio.create_task(session.get(f"{server.url}/view?view=venues"))
            for _ in range(10):
                assert (await session.get(f"{server.url}/live")).status == 200
            answered.set()
            assert (await view).status == 200
            assert waited == [True]

    serving(namespace, steps)


def test_looks_go_on_after_one_that_fails(namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "LOOK_S", 0.02)
    monkeypatch.setattr(pages, "EVERY_S", 0.02)

    async def steps(server: StatusServer) -> None:
        assert server._pages is not None
        status, asked = server._pages._status, []

        def fails(times: int = 3) -> dict[str, Any]:
            asked.append(1)
            if len(asked) <= times:
                raise ValueError("buffer is smaller than requested size")
            return status()

        monkeypatch.setattr(server._pages, "_status", fails)
        async with aiohttp.ClientSession() as session:
            found = await events(session, f"{server.url}/events?view=venues", 6)
            assert b'"venues":[{' in found[-1].replace(b" ", b"")
        seen = len(asked)
        await until(lambda: len(asked) > seen, "it looks though nobody does")

    serving(namespace, steps)


def test_many_different_views_are_not_kept(namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "LOOK_S", 1000.0)

    async def steps(server: StatusServer) -> None:
        assert server._pages is not None
        kept = server._pages._made
        async with aiohttp.ClientSession() as session:
            for at in range(3 * pages.VIEWERS):
                url = f"{server.url}/view?view=venue&venue=okx&filter={at}"
                assert (await session.get(url)).status == 200
                assert len(kept) <= 2 * pages.VIEWERS
            kept.clear()
            for at in range(20):
                assert (await session.get(f"{server.url}/view?view=venues&x{at}=1")).status == 200
                assert len(kept) <= 1

    serving(namespace, steps)


def test_many_who_ask_for_metrics_at_once_cost_as_one(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    real = metrics.exposition

    def exposition(*arguments: Any, **more: Any) -> tuple[str, bytes]:
        made.append(1)
        return real(*arguments, **more)

    monkeypatch.setattr(pages, "exposition", exposition)
    monkeypatch.setattr(pages.Pages, "_look", lambda *_: None)

    async def steps(server: StatusServer) -> None:
        async with aiohttp.ClientSession() as session:
            for at in range(3 * pages.VIEWERS):
                assert (await session.get(f"{server.url}/metrics?x={at}")).status == 200
            assert len(made) == 1
            for at in range(3 * pages.VIEWERS):
                accept = {"Accept": f"text/{at}"}
                assert (await session.get(f"{server.url}/metrics", headers=accept)).status == 200
            assert server._pages is not None
            assert len(server._pages._exposed) <= 2 * pages.VIEWERS

    serving(namespace, steps)
