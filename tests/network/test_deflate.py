"""permessage-deflate: what may be agreed, what is inflated, and what ends the session."""

import asyncio
import os
import random
import uuid
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from feedhandler.adapter.engine import make_engine
from feedhandler.connection.connection import Connection
from feedhandler.connection.deflate_listener import DeflateListener
from feedhandler.connection.frame_listener import FrameListener
from feedhandler.connection.owner import Settings
from feedhandler.network.deflate import (
    Agreement,
    DeflateError,
    ExtensionError,
    Inflater,
    MessageTooLong,
    agreement,
)
from feedhandler.network.route import Route
from shm import Reason
from shm.segment import create
from tests.kit.connected import Owner
from tests.kit.facts import PaperVenue
from tests.kit.patience import DEADLINE_S
from tests.network.test_rest import served

LIMIT = 1 << 20


def deflated(compressor: Any, text: bytes) -> bytes:
    """As RFC 7692, 7.2.1 has it."""
    whole = compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH)
    assert whole.endswith(b"\x00\x00\xff\xff")
    return bytes(whole[:-4])


@pytest.mark.parametrize(
    ("header", "agreed"),
    [
        ([], None),
        (["permessage-deflate"], Agreement()),
        (["permessage-deflate; server_no_context_takeover"], Agreement(True, 15)),
        (['permessage-deflate; server_max_window_bits="10"'], Agreement(False, 10)),
        (["permessage-deflate; client_max_window_bits=9; client_no_context_takeover"], Agreement()),
    ],
)
def test_what_may_be_agreed(header: list[str], agreed: Agreement | None) -> None:
    assert agreement(header) == agreed


@pytest.mark.parametrize(
    "header",
    [
        ["x-webkit-deflate-frame"],
        ["permessage-deflate, permessage-deflate"],
        ["permessage-deflate", "x-other"],
        ["permessage-deflate; server_max_window_bits"],
        ["permessage-deflate; server_max_window_bits=16"],
        ["permessage-deflate; server_no_context_takeover=1"],
        ["permessage-deflate; server_no_context_takeover; server_no_context_takeover"],
        ["permessage-deflate; shrink=all"],
    ],
)
def test_an_answer_that_is_none_to_our_offer_is_refused(header: list[str]) -> None:
    with pytest.raises(ExtensionError):
        agreement(header)


@pytest.mark.parametrize("bits", [9, 12, 15])
@pytest.mark.parametrize("takeover", [True, False])
def test_messages_are_inflated_in_their_order(bits: int, takeover: bool) -> None:
    rng = random.Random(bits)
    inflater = Inflater(Agreement(not takeover, bits), LIMIT)
    compressor = zlib.compressobj(wbits=-bits)
    for _ in range(50):
        text = b"%d," % rng.randrange(10) * rng.randrange(3000) + rng.randbytes(rng.randrange(9))
        if not takeover:
            compressor = zlib.compressobj(wbits=-bits)
        assert inflater.message(deflated(compressor, text)) == text


def test_a_bomb_is_never_held_whole() -> None:
    inflater = Inflater(Agreement(), LIMIT)
    exact = deflated(zlib.compressobj(wbits=-15), bytes(LIMIT))
    assert len(inflater.message(exact)) == LIMIT
    inflater = Inflater(Agreement(), LIMIT)
    with pytest.raises(MessageTooLong):
        inflater.message(deflated(zlib.compressobj(wbits=-15), bytes(LIMIT + 1)))


def test_what_cannot_be_inflated_says_so() -> None:
    with pytest.raises(DeflateError, match="cannot be inflated"):
        Inflater(Agreement(), LIMIT).message(b"\xff" * 40)
    final = zlib.compressobj(wbits=-15)
    with pytest.raises(DeflateError, match="ends the stream"):
        Inflater(Agreement(), LIMIT).message(final.compress(b"x" * 50) + final.flush())


class Session:
    """What a connection would hear."""

    def __init__(self) -> None:
        self.fed: list[bytes] = []
        self.said: list[str] = []
        self.flushed = 0
        self.changed = asyncio.Event()

    def feed(self, payload: Any, _receive_ns: int, wake: bool) -> int:
        self.fed.append(bytes(payload))
        self.flushed += wake
        self.changed.set()
        return 0

    def flush(self) -> None:
        self.flushed += 1

    def _say(self, text: str) -> None:
        self.said.append(text)
        self.changed.set()

    def on_control(self, frame: bytes) -> None:
        self._say(f"control {frame!r}")

    def on_attention(self) -> None:
        self._say("attention")

    def on_malformed(self) -> None:
        self._say("malformed")

    def on_gap(self) -> None:
        self._say("gap")

    def on_pong(self, payload: bytes) -> None:
        self._say(f"pong {payload!r}")

    def on_close(self, code: int, text: str) -> None:
        self._say(f"close {code} {text}")

    def on_garbled(self, text: str) -> None:
        self._say(f"garbled: {text}")

    def on_error(self, error: Exception) -> None:
        self._say(f"error: {error!r}")

    def on_lost(self, listener: FrameListener) -> None:
        """Each session here ends so."""

    async def until(self, condition: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
        async with asyncio.timeout(deadline_s):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


Play = Callable[[web.WebSocketResponse, Any], Awaitable[None]]


def heard(play: Play, done: Callable[[Session], bool], *, takeover: bool = True) -> Session:
    """What a session hears of what a server plays; `play` gets the socket below, too."""
    agreed_on: list[Agreement | None] = []

    async def main() -> Session:
        session = Session()

        async def handler(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse(compress=takeover)
            await socket.prepare(request)
            await play(socket, request.transport)
            async for message in socket:
                assert message.type is WSMsgType.TEXT
            return socket

        def listener(agreed: Agreement | None) -> FrameListener:
            agreed_on.append(agreed)
            inflater = Inflater(agreed or Agreement(), LIMIT)
            return DeflateListener(session, session.feed, session.flush, inflater)

        async with served(handler) as url:
            route = Route(compression=True)
            transport, _ = await route.websocket(url.replace("http", "ws"), listener)
            try:
                await session.until(lambda: done(session))
            finally:
                transport.disconnect(graceful=False)
        return session

    session = asyncio.run(main())
    assert (agreed_on[0] is not None) is takeover
    return session


def frame(head: int, payload: bytes) -> bytes:
    """A server's frame; `head`: FIN, RSV1 and opcode."""
    size = len(payload)
    if size < 126:
        return bytes([head, size]) + payload
    if size < 1 << 16:
        return bytes([head, 126]) + size.to_bytes(2, "big") + payload
    return bytes([head, 127]) + size.to_bytes(8, "big") + payload


TEXTS = [b'{"n": %d, "levels": "%s"}' % (n, b"1.5 " * (n * 7)) for n in range(60)]


def test_a_server_that_compresses_is_understood() -> None:
    async def play(socket: web.WebSocketResponse, _: Any) -> None:
        for text in TEXTS:
            await socket.send_str(text.decode())

    session = heard(play, lambda session: len(session.fed) == len(TEXTS))
    assert session.fed == TEXTS
    assert not session.said
    assert session.flushed  # sleeping readers are woken


def test_a_server_that_declines_is_understood() -> None:
    async def play(socket: web.WebSocketResponse, _: Any) -> None:
        for text in TEXTS:
            await socket.send_str(text.decode())

    session = heard(play, lambda session: len(session.fed) == len(TEXTS), takeover=False)
    assert session.fed == TEXTS


def test_fragments_with_pings_between_and_plain_messages_beside() -> None:
    noise = os.urandom(3000).hex().encode()

    async def play(_: web.WebSocketResponse, transport: Any) -> None:
        compressor = zlib.compressobj(wbits=-15)
        for text in (noise, b"short", noise):
            whole = deflated(compressor, text)
            third = len(whole) // 3
            transport.write(frame(0x41, whole[:third]))
            transport.write(frame(0x8A, b"between"))  # an unasked pong
            transport.write(frame(0x00, whole[third : 2 * third]))
            transport.write(frame(0x80, whole[2 * third :]))
            transport.write(frame(0x81, b"plain" * 40))
            transport.write(frame(0x01, b"in ") + frame(0x80, b"parts"))

    session = heard(play, lambda session: len(session.fed) == 9)
    plain = [b"plain" * 40, b"in parts"]
    assert session.fed == [noise, *plain, b"short", *plain, noise, *plain]
    assert session.said == ["pong b'between'"] * 3


@pytest.mark.parametrize(
    ("bytes_sent", "said"),
    [
        (
            frame(0xC1, deflated(zlib.compressobj(wbits=-15), bytes(40 * LIMIT))),
            "garbled: a compressed message that inflates to more than 1 MiB",
        ),
        (frame(0xC1, b"\xff" * 200), "garbled: a compressed message that cannot be inflated"),
        (frame(0xC9, b"ping"), "garbled: a PING frame that says it is compressed"),
        (frame(0x41, b"x") + frame(0xC1, b"y"), "garbled: the venue sent a message within another"),
        (frame(0x80, b"x"), "garbled: the venue sent the rest of a message"),
    ],
)
def test_what_ends_a_session_is_said_and_not_fed(bytes_sent: bytes, said: str) -> None:
    async def play(_: web.WebSocketResponse, transport: Any) -> None:
        transport.write(bytes_sent)

    session = heard(play, lambda session: bool(session.said))
    assert session.said[0].startswith(said)
    assert session.fed == []


@pytest.mark.parametrize("bomb", [False, True])
def test_a_connection_understands_compressed_messages_and_is_cut_by_a_bomb(bomb: bool) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=True)
        await socket.prepare(request)
        async for message in socket:
            assert message.type is WSMsgType.TEXT
            if bomb and request.transport is not None:
                whole = zlib.compressobj(wbits=-15)
                request.transport.write(frame(0xC1, deflated(whole, bytes(65 << 20))))
            else:
                await socket.send_json({"id": message.json()["id"], "of": "x" * 500})
        return socket

    async def main() -> tuple[Owner, str]:
        owner = Owner()
        async with served(handler) as url:
            url = url.replace("http", "ws")
            with create("paper", namespace=f"t{uuid.uuid4().hex[:12]}", connections=1) as held:
                native = make_engine(PaperVenue(), held.writer).connection(0)
                settings = Settings(url, route=Route(compression=True))
                connection = Connection(0, PaperVenue(), ["book:A"], native, owner, settings)
                connection.start()
                try:
                    async with asyncio.timeout(DEADLINE_S):
                        await owner.changed.wait()
                        if bomb:
                            await owner.backoff.wait()
                    return owner, connection.detail
                finally:
                    await connection.stop()

    owner, detail = asyncio.run(main())
    if bomb:
        assert (owner.acknowledged, owner.down[0]) == ([], Reason.MALFORMED)
        assert detail.startswith("a compressed message that inflates to more than 16 MiB; ")
    else:
        assert owner.acknowledged == ["book:A"]
