"""Proxies as small as can be: HTTP CONNECT and SOCKS5, with and without a password."""

from __future__ import annotations

import base64
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

USER, PASSWORD = "desk", "open sesame"


class _Handler(socketserver.StreamRequestHandler):
    server: Proxy

    def tunnel(self, host: str, port: int, established: bytes) -> None:
        """Carry bytes both ways until either side is done."""
        with socket.create_connection((host, port), timeout=45) as far:
            far.settimeout(None)
            self.server.tunnels.append((host, port))
            self.wfile.write(established)
            there = threading.Thread(target=_carry, args=(self.connection, far), daemon=True)
            there.start()
            _carry(far, self.connection)
            there.join()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


class Connect(_Handler):
    """RFC 9110, 9.3.6."""

    scheme: ClassVar[str] = "http"

    def handle(self) -> None:
        verb, target, _ = self.rfile.readline().decode().split()
        headers = {}
        while line := self.rfile.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        known = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.server.guarded and headers.get("proxy-authorization") != f"Basic {known}":
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        assert verb == "CONNECT"
        host, _, port = target.rpartition(":")
        self.tunnel(host, int(port), b"HTTP/1.1 200 Connection established\r\n\r\n")


class Socks5(_Handler):
    """RFC 1928, RFC 1929."""

    scheme: ClassVar[str] = "socks5"

    def handle(self) -> None:
        _, methods = self.rfile.read(2)
        offered = self.rfile.read(methods)
        method = 2 if self.server.guarded else 0
        if method not in offered:
            self.wfile.write(b"\x05\xff")
            return
        self.wfile.write(bytes([5, method]))
        if method and not self._knows():
            self.wfile.write(b"\x01\x01")
            return
        if method:
            self.wfile.write(b"\x01\x00")
        _, command, _, kind = self.rfile.read(4)
        assert command == 1
        if kind == 1:
            host = socket.inet_ntop(socket.AF_INET, self.rfile.read(4))
        else:
            assert kind == 3
            host = self.rfile.read(self.rfile.read(1)[0]).decode()
        port = int.from_bytes(self.rfile.read(2), "big")
        self.tunnel(host, port, b"\x05\x00\x00\x01" + bytes(6))

    def _knows(self) -> bool:
        self.rfile.read(1)
        user = self.rfile.read(self.rfile.read(1)[0]).decode()
        password = self.rfile.read(self.rfile.read(1)[0]).decode()
        return (user, password) == (USER, PASSWORD)


class Proxy(socketserver.ThreadingTCPServer):
    """`tunnels`: (host, port) of each one that was made."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, handler: type[Connect | Socks5], guarded: bool) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.guarded = guarded
        self.tunnels: list[tuple[str, int]] = []
        self._scheme = handler.scheme

    def url(self, user: str = "") -> str:
        host, port = self.server_address[:2]
        return f"{self._scheme}://{user}{host!s}:{port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error."""


@contextmanager
def proxy(handler: type[Connect | Socks5], *, guarded: bool = False) -> Iterator[Proxy]:
    with Proxy(handler, guarded) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
