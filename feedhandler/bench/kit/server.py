"""The benchmarks' venue: WebSocket and REST on loopback, plain or TLS, and nothing in between.

A session, once open, hands its socket to the native sender (`_sender.h`), so that what is measured
is never a Python server. Under TLS the frames are sealed before the measurement, each in a record
of its own as a venue sends them, and the sealed bytes are sent the same way.
"""

from __future__ import annotations

import base64
import hashlib
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import numpy as np
import numpy.typing as npt

from feedhandler.bench.native import _sender
from feedhandler.sim.server.certificates import Certificates
from feedhandler.sim.server.frames import PONG, encode

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
_TEXT, _CLOSE, _PING = 0x1, 0x8, 0x9
_READ = 65536
_SEND_BUFFER = 4 << 20
OPEN_S = 20.0


class ServerError(RuntimeError):
    """The other end did not do its part."""


class Session:
    """One connection, and once it is open one WebSocket session."""

    def __init__(self, sock: socket.socket, tls: ssl.SSLContext | None) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self.socket = sock
        self.bytes = 0  #: both ways, as they went over the line
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = tls.wrap_bio(self._incoming, self._outgoing, server_side=True) if tls else None
        self._lock = threading.Lock()  # of the TLS engine
        self._sending = threading.Lock()

    def handshake(self) -> None:
        """Of TLS, where there is any. Raises OSError, of it ssl.SSLError."""
        while self._tls is not None:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._answer(self._outgoing.read())
                self._fill()
            else:
                self._answer(self._outgoing.read())
                return

    def _answer(self, data: bytes) -> None:
        self.bytes += len(data)
        self.socket.sendall(data)

    def _fill(self) -> None:
        data = self.socket.recv(_READ)
        if not data:
            raise ConnectionResetError("the other end is gone")
        self.bytes += len(data)
        self._incoming.write(data)

    def receive(self) -> bytes:
        """What has come, at least a byte; b"" at the end."""
        if self._tls is None:
            data = self.socket.recv(_READ)
            self.bytes += len(data)
            return data
        while True:
            try:
                with self._lock:
                    return self._tls.read(_READ)
            except ssl.SSLWantReadError:
                self._fill()
            except ssl.SSLZeroReturnError:
                return b""

    def send(self, *frames: bytes) -> None:
        """Now, through TLS where there is any. From any thread; waits while another is `alone`."""
        with self.alone():
            self.blast(self.seal(frames)[0])

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else sends. From `seal` until its bytes are sent: records go out in the order of
        their sealing. Not to be nested."""
        with self._sending:
            yield

    def seal(self, frames: Sequence[bytes]) -> tuple[bytes, npt.NDArray[np.int64]]:
        """Frames as they go over the line, and where each begins and the last one ends.

        Of TLS a record a frame; to be sent once, before anything else is sealed: see `alone`.
        """
        if self._tls is None:
            lengths, data = [len(frame) for frame in frames], b"".join(frames)
        else:
            sealed = []
            with self._lock:
                for frame in frames:
                    left = memoryview(frame)
                    while left:  # a write takes what a record holds
                        left = left[self._tls.write(left) :]
                    sealed.append(self._outgoing.read())
            lengths, data = [len(one) for one in sealed], b"".join(sealed)
        offsets = np.zeros(len(frames) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return data, offsets

    def blast(self, data: bytes) -> None:
        """What `seal` made, as fast as the other end takes it."""
        self.bytes += len(data)
        _sender.blast(self.socket.fileno(), data)

    def close(self) -> None:
        """Cut it."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)


class Server:
    """Listens on a loopback port; a context manager.

    `rest`: path and query -> the body, None for 404. `answers`: a client's text message -> what is
    answered. Both are called from threads.
    """

    def __init__(
        self,
        rest: Callable[[str], bytes | None] = lambda _: None,
        answers: Callable[[str], Sequence[bytes]] = lambda _: (),
        *,
        tls: bool = False,
    ) -> None:
        self._rest = rest
        self._answers = answers
        self._certificates = Certificates("127.0.0.1") if tls else None
        self._context = self._certificates.context("valid") if self._certificates else None
        self._opened: queue.Queue[Session] = queue.Queue()
        self._sessions: list[Session] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, name="bench venue", daemon=True)

    @property
    def sessions(self) -> list[Session]:
        """All connections that there have been."""
        return list(self._sessions)

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def ca_file(self) -> str | None:
        """What a client has to trust."""
        return self._certificates.ca_file if self._certificates else None

    def url(self, scheme: str, path: str = "") -> str:
        """`scheme`: ws or http."""
        return f"{scheme}{'s' if self._certificates else ''}://127.0.0.1:{self.port}{path}"

    def session(self, timeout: float = OPEN_S) -> Session:
        """The next WebSocket that was opened. Raises ServerError when none is."""
        try:
            return self._opened.get(timeout=timeout)
        except queue.Empty:
            raise ServerError(f"nobody connected within {timeout:g} s") from None

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for session in self._sessions:
            session.close()
        self._thread.join(5)
        if self._certificates is not None:
            self._certificates.close()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            session = Session(accepted, self._context)
            self._sessions.append(session)
            threading.Thread(target=self._serve, args=(session,), daemon=True).start()

    def _serve(self, session: Session) -> None:
        with suppress(OSError, ValueError), session.socket:
            session.handshake()
            buffer = b""
            while True:
                while b"\r\n\r\n" not in buffer:
                    more = session.receive()
                    if not more:
                        return
                    buffer += more
                head, _, buffer = buffer.partition(b"\r\n\r\n")
                key = _header(head, b"sec-websocket-key")
                if key:
                    session.send(_upgrade(key))
                    self._opened.put(session)
                    self._converse(session, buffer)
                    return
                session.send(self._get(head))

    def _get(self, head: bytes) -> bytes:
        body = self._rest(head.split(b" ", 2)[1].decode())
        status = b"404 Not Found" if body is None else b"200 OK"
        kind = b"Content-Type: application/json"
        length = b"Content-Length: %d" % len(body or b"")
        return b"HTTP/1.1 %b\r\n%b\r\n%b\r\n\r\n%b" % (status, kind, length, body or b"")

    def _converse(self, session: Session, buffer: bytes) -> None:
        """What the client says, until it goes."""
        while True:
            while (taken := _client_frame(buffer)) is not None:
                opcode, payload, buffer = taken
                if opcode == _TEXT:
                    for answer in self._answers(payload.decode()):
                        session.send(encode(answer))
                elif opcode == _PING:
                    session.send(encode(payload, PONG))
                elif opcode == _CLOSE:
                    return
            more = session.receive()
            if not more:
                return
            buffer += more


def _header(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return b""


def _upgrade(key: bytes) -> bytes:
    accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept
    )


def _client_frame(buffer: bytes) -> tuple[int, bytes, bytes] | None:
    """(opcode, payload, rest) of a whole masked frame (RFC 6455, 5.2), or None."""
    if len(buffer) < 6:
        return None
    size, at = buffer[1] & 0x7F, 2
    if size == 126:
        size, at = int.from_bytes(buffer[2:4], "big"), 4
    elif size == 127:
        size, at = int.from_bytes(buffer[2:10], "big"), 10
    if len(buffer) < at + 4 + size:
        return None
    mask, body = buffer[at : at + 4], buffer[at + 4 : at + 4 + size]
    payload = bytes(byte ^ mask[i & 3] for i, byte in enumerate(body))
    return buffer[0] & 0x0F, payload, buffer[at + 4 + size :]
