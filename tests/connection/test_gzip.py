"""Venues whose frames are gzip: inflated before the engine sees them, refused where they are none,
recorded as recordings have it, and replayed."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from feedhandler import venues
from feedhandler.capture.frames_file import Frame, read_frames
from feedhandler.capture.replay import replay
from feedhandler.capture.writer import FrameWriter
from feedhandler.connection.gzip_listener import MOST_BROKEN
from feedhandler.connection.owner import FrameTap, Settings
from feedhandler.network.deflate import DeflateError, MessageTooLong
from feedhandler.network.gzip_message import inflated, is_gzip
from feedhandler.network.route import Route
from shm import Reason
from tests.feed.fault_table import row
from tests.kit.connected import Connected, connected
from tests.kit.facts import PaperVenue
from tests.kit.recordings import recorded
from tests.network.test_rest import served

LIMIT = 1 << 20


class GzipVenue(PaperVenue):
    encoding = "gzip"


def book(number: int, kind: str = "change") -> bytes:
    """A frame of the decoder that the venue has."""
    levels = [["new", 100.5, 2.0]] if kind == "snapshot" else [["change", 100.5, float(number)]]
    data = {
        "type": kind,
        "timestamp": 1_600_000_000_000 + number,
        "instrument_name": "A",
        "change_id": number,
        "bids": levels,
        "asks": [["new", 101.0, 1.0]] if kind == "snapshot" else [],
    } | ({} if kind == "snapshot" else {"prev_change_id": number - 1})
    params = {"channel": "book.A.100ms", "data": data}
    return json.dumps({"jsonrpc": "2.0", "method": "subscription", "params": params}).encode()


def bomb(size: int) -> bytes:
    """A member that stands for so many bytes."""
    stream = zlib.compressobj(9, wbits=31)
    return b"".join([*(stream.compress(bytes(1 << 20)) for _ in range(size >> 20)), stream.flush()])


# ---- one message


def test_a_member_is_inflated_and_anything_else_says_what_it_is() -> None:
    text = b'{"a":"' + b"12.5 " * 9000 + b'"}'
    whole = gzip.compress(text)
    assert is_gzip(whole)
    assert is_gzip(memoryview(whole))
    assert inflated(memoryview(whole), LIMIT) == text
    assert not any(is_gzip(each) for each in (b"", b"\x1f", b"{}", "\u001f\u008b".encode()))
    for cut in (2, 9, len(whole) // 2, len(whole) - 1):
        with pytest.raises(DeflateError, match="breaks off"):
            inflated(whole[:cut], LIMIT)
    with pytest.raises(DeflateError, match="something behind it"):
        inflated(whole + b"x", LIMIT)
    with pytest.raises(DeflateError, match="cannot be inflated"):
        inflated(whole[:20] + bytes([whole[20] ^ 255]) + whole[21:-8] + bytes(8), LIMIT)


def test_a_bomb_is_never_held_whole() -> None:
    assert len(inflated(bomb(LIMIT), LIMIT)) == LIMIT
    large = bomb(1 << 30)
    assert len(large) < 2 << 20
    tracemalloc.start()
    try:
        with pytest.raises(MessageTooLong):
            inflated(large, LIMIT)
        assert tracemalloc.get_traced_memory()[1] < 4 * LIMIT
    finally:
        tracemalloc.stop()


def test_frames_of_the_wire_are_the_texts_that_were_recorded() -> None:
    plain = read_frames(recorded("htx/cryptofeed_huobi.ndjson.gz"))
    texts = [frame.data for frame in plain if frame.kind == "ws" and frame.dir == "in"]
    wire = list(read_frames(recorded("htx/cryptofeed_huobi_wire_first40.ndjson.gz")))
    assert len(wire) == 40
    found = [inflated(frame.data, LIMIT) for frame in wire]
    assert found == texts[:40]
    assert {frame.enc for frame in wire} == {""}  # the data is not the inflated one


# ---- a connection


Play = Callable[[web.WebSocketResponse], Awaitable[None]]


@asynccontextmanager
async def playing(
    play: Play, tap: FrameTap | None = None, compress: bool = False
) -> AsyncIterator[Connected]:
    """A connection to a server that acknowledges with text, and then plays."""

    async def handler(request: web.Request) -> web.WebSocketResponse:
        assert "Sec-WebSocket-Extensions" not in request.headers
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(json.dumps({"id": message.json()["id"]}))
            await play(socket)
        return socket

    async with served(handler) as url:
        settings = Settings(url.replace("http", "ws"), tap=tap, route=Route(compression=compress))
        async with connected(GzipVenue(), settings) as one:
            yield one


def size_of_bid(one: Connected) -> str:
    bids, _, number, _, exponent = one.engine.book(one.engine.instrument_id("A"))
    return f"{number}: {int(bids[0][1]) * 10.0**exponent:g}"


@pytest.mark.parametrize("compress", [False, True])
def test_frames_reach_the_engine_inflated(compress: bool) -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        await socket.send_bytes(gzip.compress(book(1, "snapshot")))
        for number in range(2, 50):
            await socket.send_bytes(gzip.compress(book(number)))
        await socket.send_str(book(50).decode())

    async def main() -> None:
        async with playing(play, compress=compress) as one:
            await one.until(lambda: one.connection.native.frames == 51, "all frames came")
            assert size_of_bid(one) == "50: 50"
            assert one.owner.acknowledged == ["book:A"]
            assert one.connection.native.malformed == 0

    asyncio.run(main())


def test_broken_frames_are_counted_and_several_in_a_row_end_the_session() -> None:
    assert row("a gzip message is broken").healed == ""
    odd = [b"\x00\x01\x02", gzip.compress(book(3))[:-9], gzip.compress(b"not JSON")]

    async def play(socket: web.WebSocketResponse) -> None:
        await socket.send_bytes(gzip.compress(book(1, "snapshot")))
        for each in odd:
            await socket.send_bytes(each)
            await socket.send_bytes(gzip.compress(book(2)))
        for _ in range(MOST_BROKEN):
            await socket.send_bytes(odd[1])

    async def main() -> None:
        async with playing(play) as one:
            await one.until_said(f"{MOST_BROKEN} messages in a row are broken, the last: a gzip")
            assert one.owner.down == [Reason.MALFORMED]
            assert one.connection.native.malformed == len(odd) + MOST_BROKEN
            assert one.owner.malformed == len(odd) + MOST_BROKEN

    asyncio.run(main())


def test_a_bomb_ends_the_session() -> None:
    assert row("a message inflates without end").sees[0] == ("STALE", "MALFORMED")
    large = bomb(17 << 20)

    async def play(socket: web.WebSocketResponse) -> None:
        await socket.send_bytes(large)

    async def main() -> None:
        async with playing(play) as one:
            await one.until(lambda: one.owner.down, "cut")
            assert one.owner.down == [Reason.MALFORMED]
            said = "a gzip message that inflates to more than 16 MiB; next try in "
            assert one.connection.detail.startswith(said)

    asyncio.run(main())


# ---- on disk


def test_what_is_recorded_replays_to_the_same_book(
    tmp_path: Path, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [book(1, "snapshot"), *(book(number) for number in range(2, 9))]
    broken = gzip.compress(book(9))[:-9]
    path = tmp_path / "recorded.ndjson"

    async def play(socket: web.WebSocketResponse) -> None:
        for each in frames:
            await socket.send_bytes(gzip.compress(each))
        await socket.send_bytes(broken)

    async def main() -> str:
        with FrameWriter(path, venue="deribit") as capture:

            def tap(row: int, url: str, way: str, data: bytes | None, t: int, enc: str) -> None:
                capture.write(Frame(t=t, dir=way, url=url, conn=str(row), data=data, enc=enc))

            async with playing(play, tap) as one:
                await one.until(lambda: one.owner.malformed, "the broken one came")
                return size_of_bid(one)

    assert asyncio.run(main()) == "8: 8"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["data"].encode() for line in lines if line.get("enc") == "gzip"] == frames
    last = next(line for line in lines if line.get("enc") == "base64")
    assert last["data"] == b64encode(broken).decode()

    wire = tmp_path / "wire.ndjson"
    url = "wss://www.deribit.com/ws/api/v2"
    with wire.open("w") as out:
        for n, each in enumerate(frames):
            data = b64encode(gzip.compress(each)).decode()
            said = {"wire_b64": data, "enc": "gzip"} if n % 2 else {"data": data, "enc": "base64"}
            out.write(json.dumps({"url": url, "conn": "a", **said}) + "\n")
    real = venues.load("deribit")
    monkeypatch.setattr(type(real), "encoding", "gzip")
    for capture_file, malformed in ((path, 1), (wire, 0)):
        result = replay(capture_file, venue="deribit", namespace=namespace)
        assert result.counters["malformed"] == malformed, capture_file
        assert result.books["A"]["bids"][0] == ["100.5", "8"]
