"""The link that tests put between a source and its mirror fails as it is told."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.kit.link import Link, link


@pytest.fixture
def between() -> Iterator[Link]:
    """In front of somebody who sends back what he hears."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_echo, args=(server,), daemon=True).start()
        with link(server.getsockname()[1]) as made:
            yield made


def _echo(server: socket.socket) -> None:
    while True:
        try:
            peer, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(peer,), daemon=True).start()


def _answer(peer: socket.socket) -> None:
    with peer:
        try:
            while data := peer.recv(4096):
                peer.sendall(data)
        except OSError:
            return


def _ask(through: socket.socket, text: bytes) -> float:
    """Seconds until it is back."""
    began = time.monotonic()
    through.sendall(text)
    assert through.recv(len(text), socket.MSG_WAITALL) == text
    return time.monotonic() - began


def test_it_carries_and_delays(between: Link) -> None:
    with socket.create_connection(("127.0.0.1", between.port), timeout=45) as through:
        _ask(through, b"one" * 1000)
        between.slow(0.1)
        assert _ask(through, b"two") >= 0.2
        between.slow(lost=1.0)
        assert _ask(through, b"three") >= 0.4
    assert between.opened == 1
    assert between.carried == 2 * (3000 + 3 + 5)


def test_it_is_cut_until_it_is_mended(between: Link) -> None:
    with socket.create_connection(("127.0.0.1", between.port), timeout=45) as through:
        _ask(through, b"one")
        between.cut()
        assert _over(through)
    with socket.create_connection(("127.0.0.1", between.port), timeout=45) as refused:
        assert _over(refused)
    between.mend()
    with socket.create_connection(("127.0.0.1", between.port), timeout=45) as through:
        _ask(through, b"two")


def test_it_is_silent_and_nobody_is_told(between: Link) -> None:
    with socket.create_connection(("127.0.0.1", between.port), timeout=45) as through:
        _ask(through, b"one")
        between.silence()
        through.sendall(b"two")
        through.settimeout(0.3)
        with pytest.raises(TimeoutError):
            through.recv(1)
        between.mend()
        through.settimeout(45)
        assert _over(through)


def _over(through: socket.socket) -> bool:
    try:
        return through.recv(1) == b""
    except ConnectionResetError:
        return True
