"""The benchmarks' venue: an honest WebSocket and REST server, also under TLS."""

from __future__ import annotations

import socket
import ssl
import time
from urllib.request import urlopen

import numpy as np
import pytest

from feedhandler.bench.kit.server import Server, ServerError
from feedhandler.bench.native import _sender
from feedhandler.sim.server.frames import encode

_HANDSHAKE = b"GET /ws HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
_ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # of RFC 6455, 1.3


def connected(server: Server) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    if server.ca_file is None:
        return sock
    context = ssl.create_default_context(cafile=server.ca_file)
    return context.wrap_socket(sock, server_hostname="127.0.0.1")


def read(sock: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        more = sock.recv(size - len(got))
        assert more, f"ended after {len(got)} of {size} bytes"
        got += more
    return got


def upgrade(sock: socket.socket) -> None:
    sock.sendall(_HANDSHAKE)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += read(sock, 1)
    assert b"101" in head
    assert _ACCEPT in head


def masked(opcode: int, payload: bytes) -> bytes:
    mask = b"\x01\x02\x03\x04"
    body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return bytes((0x80 | opcode, 0x80 | len(payload))) + mask + body


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_frames_arrive_as_they_were_sealed(tls: bool) -> None:
    frames = [encode(b"%05d" % i * (1 + i % 7)) for i in range(2000)] + [encode(b"x" * 40_000)]
    with Server(answers=lambda text: [text.upper().encode()], tls=tls) as server:
        with connected(server) as sock:
            upgrade(sock)
            session = server.session()
            sock.sendall(masked(1, b"hello"))
            assert read(sock, 7) == encode(b"HELLO")
            with session.alone():
                data, offsets = session.seal(frames)
                assert len(offsets) == len(frames) + 1
                assert offsets[-1] == len(data)
                assert (data == b"".join(frames)) is not tls
                sock.sendall(masked(9, b"ping"))  # its answer must wait for the sealed bytes
                session.blast(data)
            expected = b"".join(frames) + encode(b"ping", 10)
            assert read(sock, len(expected)) == expected
        with pytest.raises(ServerError, match="nobody connected"):
            server.session(timeout=0.01)


def test_rest_answers_by_path() -> None:
    with Server(rest=lambda path: path.encode() if path.startswith("/known") else None) as server:
        with urlopen(server.url("http", "/known?a=1"), timeout=10) as answer:
            assert answer.read() == b"/known?a=1"
        with pytest.raises(OSError, match="404"):
            urlopen(server.url("http", "/unknown"), timeout=10)


def test_paced_bytes_are_never_early() -> None:
    frames = [b"a" * 10, b"b" * 20, b"c" * 30]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        offsets = np.array([0, 10, 30, 60], np.int64)
        due = time.monotonic_ns() + np.array([0, 2_000_000, 2_000_000], np.int64)
        sent = np.zeros(3, np.int64)
        _sender.paced(ours.fileno(), b"".join(frames), offsets, due, sent, 50_000)
        assert read(theirs, 60) == b"".join(frames)
        assert (sent >= due).all()
        assert (np.diff(sent) >= 0).all()
        with pytest.raises(ValueError, match="do not belong together"):
            _sender.paced(ours.fileno(), b"", offsets, due, sent, 0)
        theirs.close()
        with pytest.raises(BrokenPipeError):
            _sender.blast(ours.fileno(), b"x" * 100_000)
