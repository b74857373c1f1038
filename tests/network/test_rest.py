"""REST against a server of the test's own; the snapshot queue against a venue that fails."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Limits
from feedhandler.budgets.shared_budget import bans
from feedhandler.healing.snapshot_queue import Actions, SnapshotQueue
from feedhandler.instruments.listing import list_instruments
from feedhandler.network.rest import (
    Rest,
    RestError,
    RestFailed,
    RestRateLimited,
    RestRefused,
    RestUnreachable,
)
from tests.kit.facts import PaperVenue

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def test_answers_come_verbatim_and_are_seen_by_the_tap() -> None:
    async def main() -> None:
        async def handler(request: web.Request) -> web.Response:
            return web.Response(body=f" {request.path_qs} ".encode())

        seen: list[tuple[str, str, bytes]] = []
        async with served(handler) as url:
            tap = lambda u, d, b, t, p: seen.append((u, d, b))  # noqa: ARG005, E731
            async with Rest(url + "/api", Limits(), tap=tap) as rest:
                body = await rest.get(Request("/depth", {"symbol": "A B", "limit": "5"}))
        assert body == b" /api/depth?symbol=A+B&limit=5 "
        assert [entry[1] for entry in seen] == ["out", "in"]
        assert seen[1] == (f"{url}/api/depth?symbol=A+B&limit=5", "in", body)

    asyncio.run(main())


def test_headers_of_the_venue_come_with_every_request() -> None:
    async def main() -> None:
        async def handler(request: web.Request) -> web.Response:
            return web.Response(text=f"{request.method} {request.headers.get('X-Sizes')}")

        async with served(handler) as url, Rest(url, Limits(), headers={"X-Sizes": "1"}) as rest:
            assert await rest.get(Request("/list")) == b"GET 1"
            assert await rest.get(Request("/list", method="POST", body="{}")) == b"POST 1"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("status", "error"), [(400, RestRefused), (404, RestRefused), (500, RestFailed)]
)
def test_errors_say_what_happened(status: int, error: type[RestError]) -> None:
    async def main() -> None:
        async def handler(_: web.Request) -> web.Response:
            return web.Response(status=status, body=b'{"msg":"no"}')

        counted: list[str] = []
        async with served(handler) as url, Rest(url, Limits(), counted=counted.append) as rest:
            with pytest.raises(error, match=f'HTTP {status}: {{"msg":"no"}}') as caught:
                await rest.get(Request("/x"))
        assert caught.value.body == b'{"msg":"no"}'
        assert caught.value.status == status
        assert counted == ["request", "error"]

    asyncio.run(main())


def test_nobody_there_and_nobody_answering_are_unreachable() -> None:
    async def main() -> None:
        async def handler(_: web.Request) -> web.Response:
            await asyncio.sleep(60)
            return web.Response()

        async with Rest("http://127.0.0.1:9", Limits()) as rest:
            with pytest.raises(RestUnreachable, match="9/x: cannot connect") as unreachable:
                await rest.get(Request("/x", {"symbols": "all"}))
            assert unreachable.value.url.endswith("/x?symbols=all")  # its text is short
        async with served(handler) as url, Rest(url, Limits(), timeout_s=0.2) as rest:
            with pytest.raises(RestUnreachable, match="no answer in time"):
                await rest.get(Request("/x"))

    asyncio.run(main())


@pytest.mark.parametrize(("status", "header"), [(429, "0.6"), (418, "0.6")])
def test_retry_after_is_obeyed_by_every_request(status: int, header: str) -> None:
    async def main() -> None:
        times: list[float] = []
        loop = asyncio.get_running_loop()

        async def handler(_: web.Request) -> web.Response:
            times.append(loop.time())
            if len(times) == 1:
                return web.Response(status=status, headers={"Retry-After": header})
            return web.Response(body=b"{}")

        async with served(handler) as url, Rest(url, Limits(rest_per_second=1000.0)) as rest:
            with pytest.raises(RestRateLimited) as caught:
                await rest.get(Request("/x"))
            assert caught.value.retry_after_s == 0.6
            await asyncio.gather(*(rest.get(Request("/x")) for _ in range(3)))
        assert times[1] - times[0] >= 0.55

    asyncio.run(main())


def test_budget_is_kept_by_weight() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def handler(_: web.Request) -> web.Response:
            return web.Response(body=b"{}")

        limits = Limits(rest_per_second=100.0, rest_burst=50.0)
        async with served(handler) as url, Rest(url, limits) as rest:
            began = loop.time()
            await asyncio.gather(*(rest.get(Request("/x", weight=25)) for _ in range(6)))
            assert loop.time() - began >= 0.95  # 150 of weight, 50 at once

    asyncio.run(main())


def test_what_others_spend_at_the_same_address_is_taken_from_the_budget() -> None:
    async def main() -> None:
        used = 0

        async def handler(_: web.Request) -> web.Response:
            return web.Response(body=b"{}", headers={"X-Used": str(used)})

        limits = Limits(rest_per_second=1.0, rest_burst=100.0, rest_used=("X-Used", 600.0, 60.0))
        async with served(handler) as url, Rest(url, limits) as rest, Rest(url, limits) as other:
            await rest.get(Request("/x", weight=10))
            assert 90 <= rest.budget.available(time.monotonic()) <= 100  # 600 are left: no news
            used = 560
            await rest.get(Request("/x"))
            for each in (rest, other):  # 40 are left for all
                assert 40 <= each.budget.available(time.monotonic()) < 60
            used = 580
            await rest.get(Request("/x"))
            left_of_minute = 60 - time.time() % 60
            wait = other.held(Request("/x"))  # for the next minute
            assert left_of_minute - 2 < wait < 61 or left_of_minute > 58  # it has just begun
            assert not bans()

    asyncio.run(main())


def test_instruments_follow_pages() -> None:
    class Paged(PaperVenue):
        def follow_up(self, patterns, request, body):  # type: ignore[no-untyped-def]  # noqa: ARG002
            return [Request("/instruments", {"page": "2"})] if not request.params else []

    async def main() -> None:
        async def handler(request: web.Request) -> web.Response:
            return web.Response(body=b'["C","A"]' if request.query else b'["A","B"]')

        async with served(handler) as url, Rest(url, Limits()) as rest:
            specs = await list_instruments(Paged(), rest, ["A"])
        assert [one.symbol for one in specs] == ["A", "B", "C"]

    asyncio.run(main())


class Paper:
    """A venue's snapshots: what fails, what is in flight, what was delivered."""

    def __init__(self) -> None:
        self.fail: dict[str, list[RestError]] = {}
        self.flying = self.most = 0
        self.fetched: list[str] = []
        self.delivered: list[str] = []
        self.late: list[tuple[str, str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.came = asyncio.Condition()

    async def fetch(self, symbol: str) -> bytes:
        self.fetched.append(symbol)
        self.flying += 1
        self.most = max(self.most, self.flying)
        await self.gate.wait()
        await asyncio.sleep(0)
        self.flying -= 1
        if self.fail.get(symbol):
            raise self.fail[symbol].pop(0)
        return symbol.encode()

    def deliver(self, symbol: str, body: bytes) -> None:
        assert body == symbol.encode()
        self.delivered.append(symbol)

    def actions(self) -> Actions:
        return Actions(self.fetch, self.deliver, lambda *a: self.late.append(a), int)


async def reached(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(45):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("turns", range(5))
def test_queue_ends_at_whatever_moment_it_is_cancelled(turns: int) -> None:
    async def main() -> None:
        queue = SnapshotQueue(Paper().actions())
        task = asyncio.create_task(queue.run())
        await asyncio.sleep(0.01)  # it waits
        queue.request("1")
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task}, timeout=45.0)
        assert task.cancelled()

    asyncio.run(main())


def test_queue_goes_by_rank_bounded_and_one_an_instrument() -> None:
    async def main() -> None:
        paper = Paper()
        queue = SnapshotQueue(paper.actions(), concurrency=3)
        paper.gate.clear()
        for number in (9, 7, 5, 3, 1, 8, 6, 4, 2):
            queue.request(str(number))
            queue.request(str(number))
        await asyncio.sleep(0.1)  # all of them are due
        task = asyncio.create_task(queue.run())
        await reached(lambda: paper.flying == 3)
        for number in range(1, 10):
            queue.request(str(number))
        paper.gate.set()
        await reached(lambda: len(paper.delivered) == 9)
        task.cancel()
        assert paper.fetched == [str(n) for n in range(1, 10)]
        assert paper.most == 3

    asyncio.run(main())


def test_what_the_budget_holds_back_is_said_once_and_goes_by_the_rank_of_then() -> None:
    async def main() -> None:
        paper = Paper()
        rank = {"1": 1, "2": 2, "3": 3}
        wait = [5.0]
        held: list[str] = []
        queue = SnapshotQueue(
            Actions(
                paper.fetch, paper.deliver, paper.actions().late, rank.__getitem__,
                lambda _: wait[0], lambda symbol, seconds: held.append(f"{symbol} {seconds:.0f}"),
            ),
            concurrency=1,
        )  # fmt: skip
        task = asyncio.create_task(queue.run())
        for symbol in rank:
            queue.request(symbol)
        await reached(lambda: len(held) == 3)
        queue.request("1")
        assert paper.fetched == []
        rank["3"] = 0  # it trades now
        wait[0] = 0.0
        queue.request("1")
        await reached(lambda: len(paper.delivered) == 3)
        task.cancel()
        assert paper.fetched == ["3", "1", "2"]
        assert sorted(held) == ["1 5", "2 5", "3 5"]

    asyncio.run(main())


def test_queue_never_gives_up_and_says_when_it_is_late() -> None:
    async def main() -> None:
        paper = Paper()
        paper.fail["1"] = [RestFailed("HTTP 500", "u") for _ in range(3)]
        queue = SnapshotQueue(paper.actions(), late_s=0.2)
        task = asyncio.create_task(queue.run())
        queue.request("1")
        await reached(lambda: paper.delivered == ["1"])
        assert len(paper.fetched) == 4
        await reached(lambda: bool(paper.late))
        queue.request("1")  # it was too old
        await reached(lambda: paper.delivered == ["1", "1"])
        queue.done("1")
        assert len(queue) == 0
        task.cancel()
        assert [symbol for symbol, _ in paper.late] == ["1"]

    asyncio.run(main())


def test_answer_that_nobody_wants_any_more_is_dropped() -> None:
    async def main() -> None:
        paper = Paper()
        queue = SnapshotQueue(paper.actions())
        task = asyncio.create_task(queue.run())
        paper.gate.clear()
        queue.request("1")
        await reached(lambda: paper.flying == 1)
        queue.done("1")
        paper.gate.set()
        queue.request("2")
        await reached(lambda: paper.delivered == ["2"])
        task.cancel()

    asyncio.run(main())


def test_what_is_posted_goes_out_as_it_is_and_is_told_apart_by_the_tap() -> None:
    async def main() -> None:
        got: list[tuple[str, str, str, bytes]] = []

        async def handler(request: web.Request) -> web.Response:
            body = await request.read()
            got.append((request.method, request.path_qs, request.content_type, body))
            return web.Response(body=b"answer to " + body)

        seen: list[tuple[str, bytes, str | None]] = []
        texts = ['{"type":"l2Book","coin":"A"}', '{"type":"meta"}', ""]
        async with served(handler) as url:
            tap = lambda u, d, b, t, p: seen.append((d, b, p))  # noqa: ARG005, E731
            async with Rest(url, Limits(), tap=tap) as rest:
                for text in texts:
                    request = Request("/info", {"v": "1"}, method="POST", body=text)
                    assert await rest.get(request) == b"answer to " + text.encode()
        json_type, none = "application/json", "application/octet-stream"
        for each, text in zip(got, texts, strict=True):
            assert each == ("POST", "/info?v=1", json_type if text else none, text.encode())
        for (out, posted, p), (into, body, q), text in zip(
            seen[::2], seen[1::2], texts, strict=True
        ):
            assert (out, posted, p) == ("out", text.encode(), text)
            assert (into, body, q) == ("in", b"answer to " + text.encode(), text)

    asyncio.run(main())


def test_a_get_has_no_body_and_there_are_two_methods() -> None:
    with pytest.raises(ValueError, match="a GET has no body"):
        Request("/x", body="{}")
    with pytest.raises(ValueError, match="GET and POST are allowed"):
        Request("/x", method="DELETE")
