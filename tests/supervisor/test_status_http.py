"""The status address is anybody's who reaches it: he can take nothing away from the feed."""

from __future__ import annotations

import http.client
import os
import resource
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import orjson
import pytest

import shm
from feedhandler.supervisor import bounded_server
from feedhandler.supervisor.control_socket import request
from tests.kit.rig import Rig, rig, until

VENUE = "binance"


@pytest.fixture(scope="module")
def feed() -> Iterator[tuple[Rig, int, int]]:
    """A whole feed with one venue; its port, and its supervisor's process."""
    with rig(VENUE) as r:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        r.config = msgspec.structs.replace(r.config, status_address=f"127.0.0.1:{port}")
        process = r.supervisor()
        r.attach(VENUE).close()
        yield r, port, process.pid


def ask(port: int, path: str = "/live", host: str = "127.0.0.1", method: str = "GET") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", host)
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_a_thousand_half_requests_take_nothing_away(feed: tuple[Rig, int, int]) -> None:
    r, port, supervisor = feed
    before = descriptors(supervisor)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    held = []
    try:
        for _ in range(1100):
            client = socket.create_connection(("127.0.0.1", port), timeout=10)
            client.sendall(b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Never-")
            held.append(client)
        assert ask(port) == 200
        until(
            lambda: descriptors(supervisor) <= before + bounded_server.MOST,
            "the oldest connections made way",
        )
        first = shm.attach(VENUE, namespace=r.namespace)
        assert first.segment is not None
        writer = request(r.namespace, {"do": "status"})["venues"][0]["pid"]
        os.kill(writer, signal.SIGKILL)
        until(
            lambda: request(r.namespace, {"do": "status"})["venues"][0]["pid"] not in (0, writer),
            "the venue's process was started again",
        )
        assert ask(port) == 200
        until(
            lambda: descriptors(supervisor) <= before + 2,
            "who sends no whole head is cut off",
        )
    finally:
        for client in held:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost:80", "[::1]:8787", "LOCALHOST", "10.0.0.1"]
)
def test_this_hosts_names_are_answered(feed: tuple[Rig, int, int], host: str) -> None:
    assert ask(feed[1], host=host) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8787", "127.0.0.1.evil.example", ""]
)
def test_only_this_hosts_names_are_answered(feed: tuple[Rig, int, int], host: str) -> None:
    assert ask(feed[1], "/status", host=host) == 421


def test_what_there_is_is_said(feed: tuple[Rig, int, int]) -> None:
    _, port, _ = feed
    assert ask(port, "/nothing") == 404
    assert ask(port, "/") == 200
    assert ask(port, "/live", method="POST") == 405
    assert ask(port, "/live", method="HEAD") == 200


def test_odd_bytes_end_nothing(feed: tuple[Rig, int, int]) -> None:
    r, port, _ = feed
    for sent in (
        b"\0" * 5000,
        b"GET " + b"/x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /live HTTP/9.9\r\n\r\n",
        b"GET /live HTTP/1.1\r\nContent-Length: 99999999999\r\nHost: localhost\r\n\r\nx",
        b"POST /live HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"".join(b"X-%d: y\r\n" % n for n in range(20_000)),
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            try:
                client.sendall(sent)
                client.recv(100)
            except OSError:  # cut off while it was still sending
                pass
    assert ask(port) == 200
    status = request(r.namespace, {"do": "status"})
    assert orjson.dumps(status)
