"""Viewers of a whole feed's page, as rude as can be: its books stay LIVE, and others see them."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from feedhandler.supervisor.control_socket import request
from shm import Kind, State
from shm.inspect import open_memory
from tests.kit.rig import Rig, rig, until
from tests.supervisor.test_status_http import ask

VENUE = "okx"
HOST = b"Host: 127.0.0.1\r\n"
HEAD = b"GET /events?view=venue&venue=okx HTTP/1.1\r\n" + HOST


@pytest.fixture(scope="module")
def feed() -> Iterator[tuple[Rig, int, int]]:
    """A whole feed with one venue; its port, and its supervisor's process."""
    with rig(VENUE, rate=200.0) as r:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        r.config = msgspec.structs.replace(r.config, status_address=f"127.0.0.1:{port}")
        process = r.supervisor()
        r.attach(VENUE).close()
        yield r, port, process.pid


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def rude(port: int, sends: bytes, again: bytes = b"") -> socket.socket:
    """One who connects, sends this, goes on with that for as long as it is taken, reads nothing."""
    client = socket.create_connection(("127.0.0.1", port), timeout=20)
    client.settimeout(1.0)
    with suppress(OSError):  # cut off
        client.sendall(sends)
        end = time.monotonic() + 0.5
        while again and time.monotonic() < end:
            client.sendall(again)
    return client


@pytest.mark.parametrize(
    ("sends", "again", "count"),
    [
        pytest.param(HEAD + b"\r\n", b"", 200, id="reads nothing"),
        pytest.param(b"GET /sta", b"", 1000, id="half a request"),
        pytest.param(b"", b"", 1000, id="says nothing"),
        pytest.param(b"GET /" + b"x" * (1 << 20) + b" HTTP/1.1\r\n\r\n", b"", 20, id="megabyte"),
        pytest.param(HEAD, b"X-A: y\r\n" * 1000, 2, id="a head without end"),
        pytest.param(
            b"POST /view HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999\r\n\r\n",
            b"x" * (1 << 16), 2, id="a body without end",
        ),
    ],
)  # fmt: skip
def test_the_feed_does_not_notice(
    feed: tuple[Rig, int, int], sends: bytes, again: bytes, count: int
) -> None:
    r, port, supervisor = feed
    memory = open_memory(VENUE, namespace=r.namespace)
    first, before = memory.segment.published + 1, resident(supervisor)
    held = []
    try:
        for _ in range(count):
            held.append(rude(port, sends, again))
        assert resident(supervisor) - before < 64 << 20
        assert ask(port) == 200
        assert request(r.namespace, {"do": "status"})["venues"][0]["state"] == "LIVE"
    finally:
        for client in held:
            client.close()
    last = until(
        lambda: memory.segment.published if memory.segment.published > first else None, "it goes on"
    )
    slots = memory.slots(first, last)
    states = slots[slots["kind"] == int(Kind.STATE)]
    assert [int(one["price"]) for one in states if one["price"] != int(State.LIVE)] == []
    memory.close()
