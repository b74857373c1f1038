"""TCP: names and address families, a peer that vanishes, and what the kernel holds unread."""

import asyncio
import ctypes
import socket
import struct
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import create_autospec

import pytest
from aiohttp import web

from feedhandler.adapter.engine import make_engine
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Limits
from feedhandler.connection.connection import Connection
from feedhandler.connection.frame_listener import FrameListener
from feedhandler.connection.owner import Owner, Settings
from feedhandler.io_process.connection_table import ConnectionTable
from feedhandler.network import tcp
from feedhandler.network.connect_failure import explain
from feedhandler.network.deflate import Agreement
from feedhandler.network.receive_queue import ReceiveQueue
from feedhandler.network.rest import Rest, RestUnreachable
from feedhandler.network.route import Route
from shm import inspect
from shm.segment import create
from tests.feed.fault_table import row
from tests.kit.facts import PaperVenue
from tests.kit.rig import until
from tests.network.test_deflate import Session
from tests.network.test_rest import served

NOBODY = "http://127.0.0.1:9"


@asynccontextmanager
async def listening(family: socket.AddressFamily, host: str) -> AsyncIterator[int]:
    """A port that accepts, and says nothing."""
    server = await asyncio.start_server(lambda _r, _w: None, host, 0, family=family)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def names(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> None:
    """Every name has these addresses."""
    real = socket.getaddrinfo

    def found(_host: str, port: int, *args: Any, **more: Any) -> list[Any]:
        return [entry for host in hosts for entry in real(host, port, *args, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", found)


def test_a_name_without_an_address_is_told_from_an_address_that_refuses() -> None:
    async def main() -> None:
        route = Route()
        with pytest.raises(tcp.NameNotFound) as unknown:
            await route.websocket("ws://venue.invalid/ws", lambda _: pytest.fail("it is open"))
        assert explain(unknown.value)[1].startswith("the name venue.invalid does not resolve: ")
        with pytest.raises(ConnectionRefusedError) as refused:
            await route.websocket(NOBODY.replace("http", "ws"), lambda _: pytest.fail("open"))
        assert "resolve" not in explain(refused.value)[1]
        assert "refused" in explain(refused.value)[1].lower()
        async with Rest("http://venue.invalid", Limits(), route=route) as rest:
            with pytest.raises(RestUnreachable, match=r"venue\.invalid does not resolve: "):
                await rest.get(Request("/x"))
        async with Rest(NOBODY, Limits(), route=route) as rest:
            with pytest.raises(RestUnreachable, match="cannot connect: "):
                await rest.get(Request("/x"))

    asyncio.run(main())


def test_dns_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        forever = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "getaddrinfo", lambda *_, **__: forever)
        with pytest.raises(tcp.NameNotFound, match=r"no answer from DNS for venue within 0\.1 s"):
            await tcp.connect("venue", 443)

    monkeypatch.setattr(tcp, "NAME_TIMEOUT_S", 0.1)
    asyncio.run(main())


@pytest.mark.parametrize("dead", ["::1", "100::1"])  # refuses; discards all (RFC 6666), or no route
def test_one_family_is_enough(monkeypatch: pytest.MonkeyPatch, dead: str) -> None:
    async def main() -> None:
        async with listening(socket.AF_INET, "127.0.0.1") as port:
            names(monkeypatch, dead, "127.0.0.1")
            began = time.monotonic()
            with await tcp.connect("venue", port) as connected:
                assert connected.getpeername() == ("127.0.0.1", port)
            assert time.monotonic() - began < 5  # and not the minutes of a SYN without an answer

    asyncio.run(main())


def test_every_address_that_failed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> str:
        names(monkeypatch, "127.0.0.1", "127.0.0.2")
        with pytest.raises(OSError) as caught:  # noqa: PT011
            await tcp.connect("venue", 9)
        return explain(caught.value)[1]

    text = asyncio.run(main())
    assert "127.0.0.1" in text
    assert "127.0.0.2" in text


def test_the_socket_will_notice_a_vanished_peer_and_does_not_wait_to_send() -> None:
    async def main() -> None:
        async with listening(socket.AF_INET, "127.0.0.1") as port:
            with await tcp.connect("127.0.0.1", port) as connected:
                level = socket.IPPROTO_TCP
                assert connected.getsockopt(level, socket.TCP_NODELAY)
                assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                assert connected.getsockopt(level, socket.TCP_KEEPIDLE) == tcp.KEEPALIVE_IDLE_S
                assert connected.getsockopt(level, socket.TCP_USER_TIMEOUT) == 10_000
                assert tcp.vanished(connected) == ""
        assert tcp.vanished(connected) == ""  # closed

    asyncio.run(main())


class Lost(Session):
    """Notes when its session is lost, and what the socket says then."""

    socket: socket.socket
    lost_at = 0.0

    def on_lost(self, listener: FrameListener) -> None:  # noqa: ARG002
        self.lost_at = time.monotonic()
        self._say(tcp.vanished(self.socket))


def vanish(peer_of: socket.socket) -> None:
    """Let nothing of the peer reach this socket any more, not even an ACK: a filter drops it all
    before TCP sees it. What the socket sends goes out as before."""
    drop = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0))  # BPF: return 0
    program = struct.pack("@HP", 1, ctypes.addressof(drop))
    peer_of.setsockopt(socket.SOL_SOCKET, 26, program)  # SO_ATTACH_FILTER


def test_a_peer_that_vanishes_without_a_fin_is_noticed_in_the_stated_time() -> None:
    """With one connection idle, and one that has sent what is never acknowledged."""

    async def handler(request: web.Request) -> web.WebSocketResponse:
        answer = web.WebSocketResponse()
        await answer.prepare(request)
        async for _ in answer:
            pass
        return answer

    async def one(url: str, sends: bool) -> float:
        session = Lost()

        def listener(_: Agreement | None) -> FrameListener:
            return FrameListener(session, session.feed, session.flush)

        transport, session.socket = await Route().websocket(url, listener)
        transport.send_ping(b"there?")
        await session.until(lambda: bool(session.said))
        vanish(session.socket)
        began = time.monotonic()
        if sends:
            transport.send_ping(b"still there?")
        await session.until(lambda: bool(session.lost_at), 2 * tcp.VANISHED_S)
        assert session.said[-1].startswith("the peer vanished: not even a TCP acknowledgement for")
        return session.lost_at - began

    async def main() -> None:
        async with served(handler) as url:
            url = url.replace("http", "ws")
            for seconds in await asyncio.gather(one(url, False), one(url, True)):
                assert tcp.USER_TIMEOUT_S - 1 < seconds < tcp.VANISHED_S
        assert row("peer vanished below TCP, no heartbeat").noticed_s() == tcp.VANISHED_S

    asyncio.run(main())


def test_the_receive_queue_and_its_age() -> None:
    near, far = pair()
    with near, far:
        queue = ReceiveQueue(near)
        look(queue, 0, 0, 0)
        far.sendall(bytes(1000))
        arrived(near, 1000)
        look(queue, 10, 1000, 0)  # it came since the last look: nothing is known of when
        look(queue, 25, 1000, 15)
        far.sendall(bytes(500))
        arrived(near, 1500)
        look(queue, 40, 1500, 30)
        assert len(near.recv(600)) == 600
        look(queue, 50, 900, 40)  # of the first thousand there is still something
        assert len(near.recv(400)) == 400
        look(queue, 60, 500, 20)  # the rest came before the look at 40
        assert len(near.recv(500)) == 500
        look(queue, 70, 0, 0)
        far.sendall(b"x")
        arrived(near, 1)
        look(queue, 1000, 1, 0)
    look(queue, 2000, 0, 0)  # closed


def look(queue: ReceiveQueue, now: int, waiting: int, oldest: int) -> None:
    queue.look(now)
    assert (queue.bytes, queue.oldest_ns) == (waiting, oldest)


def pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    return near, far


def arrived(near: socket.socket, size: int) -> None:
    until(
        lambda: len(near.recv(size + 1, socket.MSG_PEEK | socket.MSG_DONTWAIT)) == size,
        "the bytes arrive",
    )


def test_the_table_shows_the_queue_of_a_connection() -> None:
    async def main() -> None:
        near, far = pair()
        with (
            near,
            far,
            create("paper", namespace=f"t{uuid.uuid4().hex[:12]}", connections=1) as held,
        ):
            engine = make_engine(PaperVenue(), held.writer)
            owner = create_autospec(Owner)
            settings = Settings("ws://paper/ws")
            connection = Connection(0, PaperVenue(), (), engine.connection(0), owner, settings)
            connection.socket.queue = ReceiveQueue(near)
            far.sendall(bytes(700))
            arrived(near, 700)
            table = ConnectionTable(held.writer)
            table.store(connection, 0.0)
            table.store(connection, 0.0)
            with inspect.open_memory("paper", namespace=held.namespace) as memory:
                row = memory.connections()[0]
            assert row["queue_bytes"] == 700
            assert row["oldest_unread_ns"] > 0
            connection.socket.queue = None  # between two sessions
            table.store(connection, 0.0)
            with inspect.open_memory("paper", namespace=held.namespace) as memory:
                row = memory.connections()[0]
            assert (row["queue_bytes"], row["oldest_unread_ns"]) == (0, 0)

    asyncio.run(main())
