"""What a venue makes us read and keep is bounded, whatever it claims; and nobody waits for it."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from uuid import uuid4

import pytest

from feedhandler import heap
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Limits
from feedhandler.budgets.retry_after import PAUSE_S
from feedhandler.budgets.shared_budget import ENVIRONMENT, bans
from feedhandler.connection.deflate_listener import MAX_INFLATED_BYTES
from feedhandler.network import rest_body
from feedhandler.network.connect_failure import explain, refused
from feedhandler.network.deflate import Agreement, Inflater, MessageTooLong
from feedhandler.network.rest import (
    MAX_BOOK_BYTES,
    Rest,
    RestError,
    RestFailed,
    RestRateLimited,
    RestRefused,
    RestUnreachable,
)
from feedhandler.network.route import Route
from tests.kit.patience import patient

BOOK = Request("/book", levels=5)


@pytest.fixture(autouse=True)
def own_budgets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is banned here is banned nowhere else."""
    name = f"test-bounds-{uuid4().hex[:12]}"
    monkeypatch.setenv(ENVIRONMENT, name)
    yield
    Path("/dev/shm", name).unlink(missing_ok=True)


OK = b"HTTP/1.1 200 OK\r\n"
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Whoever asks gets bytes. `sent`: of the body, so far; `closed`: the client went away."""

    def __init__(self) -> None:
        self.url = ""
        self.sent = self.asked = 0
        self.closed = asyncio.Event()


@asynccontextmanager
async def answering(head: bytes, body: bytes = b"", *, again: bool = False, pause: float = 0.0) -> (
    AsyncIterator[Server]
):  # fmt: skip
    """`again`: the body is sent without end, each time after a `pause`."""
    its = Server()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            its.asked += 1
            writer.write(head + b"\r\n")
            while True:
                writer.write(body)
                its.sent += len(body)
                await writer.drain()
                if not again:
                    break
                await asyncio.sleep(pause)
            await reader.read()
        its.closed.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    its.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield its
    finally:
        server.close()


@asynccontextmanager
async def unhindered(most: float) -> AsyncIterator[None]:
    """The event loop never stands still for longer."""
    worst = 0.0

    async def look() -> None:
        nonlocal worst
        while True:
            began = time.thread_time()  # what this thread did, not what others had of the core
            await asyncio.sleep(0)
            worst = max(worst, time.thread_time() - began)

    task = asyncio.create_task(look())
    try:
        yield
    finally:
        task.cancel()
    assert worst < most


CHUNK = b"%x\r\n%b\r\n" % (1 << 16, b" " * (1 << 16))
BLOCK = b" " * (1 << 16)


def compressed(size: int, wbits: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return b"".join((packer.compress(b" " * size), packer.flush()))


@pytest.mark.parametrize(
    ("head", "body", "again", "words"),
    [
        (b"Transfer-Encoding: chunked\r\n", CHUNK, True, "an answer of more than 8388608 bytes"),
        (b"", BLOCK, True, "an answer of more than 8388608 bytes"),
        (b"Content-Length: 99999999999\r\n", BLOCK, True, "an answer of 99999999999 bytes"),
        (b"Content-Length: 100\r\n", BLOCK, True, "Bad status line"),
        (b"Content-Encoding: gzip\r\n", 31, False, "inflates to more than 8388608 bytes"),
        (b"Content-Encoding: deflate\r\n", 15, False, "inflates to more than 8388608 bytes"),
        (b"Content-Encoding: deflate\r\n", -15, False, "inflates to more than 8388608 bytes"),
        (b"Content-Encoding: br\r\n", b"x", False, "Content-Encoding 'br'"),
        (b"Content-Encoding: gzip\r\n", b"nonsense", False, "cannot be inflated"),
    ],
)  # fmt: skip
def test_an_answer_is_cut_off_at_its_bound(
    head: bytes, body: bytes | int, again: bool, words: str
) -> None:
    sent = body if isinstance(body, bytes) else compressed(64 << 20, body)
    if b"Length" not in head and not again:
        head += b"Content-Length: %d\r\n" % len(sent)

    async def main() -> None:
        async with (
            answering(OK + head, sent, again=again) as server,
            Rest(server.url, Limits()) as rest,
        ):
            tracemalloc.start()
            try:
                async with unhindered(0.25):
                    with pytest.raises(RestError, match=words) as caught:
                        await rest.get(BOOK)
                    assert len(str(caught.value)) < 500
                    await asyncio.wait_for(server.closed.wait(), 45) if again else None
                assert tracemalloc.get_traced_memory()[1] < 4 * MAX_BOOK_BYTES
            finally:
                tracemalloc.stop()
            assert server.sent < 2 * MAX_BOOK_BYTES

    asyncio.run(main())


@pytest.mark.parametrize(
    ("body", "again", "given"),
    [(b"[]", False, 0), (b" " * (3 << 20), False, 1), (b" " * (1 << 16), True, 1)],
    ids=["small", "large", "cut off"],
)
def test_the_memory_of_a_large_answer_is_given_back(
    monkeypatch: pytest.MonkeyPatch, body: bytes, again: bool, given: int
) -> None:
    """After it, whether it was read or cut off; and not after a small one."""
    back = asyncio.Event()
    monkeypatch.setattr(heap, "give_back", back.set)
    monkeypatch.setattr(rest_body, "_GIVE_BACK_S", 0.0)

    async def main() -> None:
        head = OK if again else OK + b"Content-Length: %d\r\n" % len(body)
        async with answering(head, body, again=again) as its, Rest(its.url, Limits()) as rest:
            with suppress(RestFailed):
                await rest.get(BOOK)
            if given:
                await asyncio.wait_for(back.wait(), 45)
            await asyncio.sleep(0)
            assert back.is_set() == bool(given)

    asyncio.run(main())


@pytest.mark.parametrize("size", [0, 1, (1 << 18) - 9, 1 << 18, (1 << 20) - 9, 3_000_000])
@pytest.mark.parametrize("wbits", [31, 15, -15, 0])
def test_a_compressed_answer_is_what_it_was(wbits: int, size: int) -> None:
    said = b'{"a": "' + b"x" * size + b'"}'
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits) if wbits else None
    body = said if packer is None else packer.compress(said) + packer.flush()
    coding = (
        b"Content-Encoding: %b\r\n" % (b"gzip" if wbits == 31 else b"deflate") if wbits else b""
    )
    head = OK + coding + b"Content-Length: %d\r\n" % len(body)

    async def main() -> None:
        async with answering(head, body) as server, Rest(server.url, Limits()) as rest:
            assert await rest.get(BOOK) == said

    asyncio.run(main())


@pytest.mark.parametrize(
    ("head", "body"),
    [(OK, b" "), (OK + b"Content-Length: 50\r\n", b" "), (b"HTTP/1.1 200 OK", b"x")],
)
def test_an_answer_that_drips_is_given_up_in_time(head: bytes, body: bytes) -> None:
    async def main() -> None:
        async with (
            answering(head, body, again=True, pause=0.05) as server,
            Rest(server.url, Limits(), timeout_s=0.5) as rest,
        ):
            began = monotonic()
            with pytest.raises(RestUnreachable, match="no answer in time"):
                await rest.get(BOOK)
            assert monotonic() - began < patient(3)
            await asyncio.wait_for(server.closed.wait(), 45)

    asyncio.run(main())


def test_a_head_without_end_is_refused() -> None:
    lines = b"X-A: " + b"x" * 1000 + b"\r\n"

    async def main() -> None:
        async with (
            answering(OK[:-2], lines * 64, again=True) as server,
            Rest(server.url, Limits()) as rest,
        ):
            with pytest.raises(RestError):
                await rest.get(BOOK)
            assert server.sent < 64 << 20
            with pytest.raises(Exception, match=r"exceed|more than"):
                await Route().websocket(
                    server.url.replace("http", "ws"), lambda _: pytest.fail("it is open")
                )

    asyncio.run(main())


def test_nobody_goes_where_a_redirect_leads() -> None:
    async def main() -> None:
        async with answering(OK, b"{}") as elsewhere:
            location = b"Location: %b/x\r\nContent-Length: 0\r\n" % elsewhere.url.encode()
            async with answering(b"HTTP/1.1 302 Found\r\n" + location) as server:
                async with Rest(server.url, Limits()) as rest:
                    with pytest.raises(RestFailed, match=r"HTTP 302: sent on to http://127\.0"):
                        await rest.get(BOOK)
                with pytest.raises(Exception) as caught:  # noqa: PT011
                    await Route().websocket(
                        server.url.replace("http", "ws"), lambda _: pytest.fail("it is open")
                    )
                assert isinstance(caught.value, Exception)
                assert f"HTTP 302: sent on to {elsewhere.url}/x" in explain(caught.value)[1]
            assert elsewhere.asked == 0

    asyncio.run(main())


@pytest.mark.parametrize(
    ("status", "said", "error", "held"),
    [
        (503, b"7", RestRateLimited, 7),
        (500, b"7", RestRateLimited, 7),
        (400, b"7", RestRefused, 7),
        (503, b"999999999", RestRateLimited, PAUSE_S),
        (503, b"soon", RestFailed, 0),
        (503, b"nan", RestFailed, 0),
        (503, b"-1", RestFailed, 0),
        (503, b"Mon, 99 Jan 99999 99:99:99 GMT", RestFailed, 0),
    ],
)
def test_retry_after_is_heard_with_any_status(
    status: int, said: bytes, error: type[RestError], held: float
) -> None:
    head = b"HTTP/1.1 %d No\r\nRetry-After: %b\r\nContent-Length: 2\r\n" % (status, said)

    async def main() -> None:
        async with (
            answering(head, b"{}") as server,
            Rest(server.url, Limits(rest_per_second=1000.0)) as rest,
        ):
            with pytest.raises(error):
                await rest.get(BOOK)
            assert held - 1 <= rest.held(BOOK) <= held
            with pytest.raises(Exception) as caught:  # noqa: PT011
                await Route().websocket(
                    server.url.replace("http", "ws"), lambda _: pytest.fail("it is open")
                )
            assert isinstance(caught.value, Exception)
            assert refused(caught.value, Limits(), [rest.budget]) == held
            assert any(server.url.partition("//")[2] in name for name in bans()) == bool(held)

    asyncio.run(main())


def test_a_message_that_inflates_without_end_is_cut_off() -> None:
    bomb = compressed(1 << 26, -15)
    inflater = Inflater(Agreement(), MAX_INFLATED_BYTES)
    tracemalloc.start()
    began = time.thread_time()
    try:
        with pytest.raises(MessageTooLong):
            inflater.message(bomb)
        assert tracemalloc.get_traced_memory()[1] < 3 * MAX_INFLATED_BYTES
    finally:
        tracemalloc.stop()
    assert time.thread_time() - began < 0.5
