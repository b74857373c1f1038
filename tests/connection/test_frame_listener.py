"""Readers are woken once for what one read of the socket brought, and never forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from picows import WSMsgType

from feedhandler.connection.frame_listener import FrameListener


class Frame:
    fin = True

    def __init__(self, kind: WSMsgType, payload: bytes, last: bool) -> None:
        self.msg_type, self.payload, self.last_in_buffer = kind, payload, last
        self.payload_size = len(payload)

    def get_payload_as_memoryview(self) -> memoryview:
        return memoryview(self.payload)

    def get_payload_as_bytes(self) -> bytes:
        return self.payload


class Session:
    def __init__(self) -> None:
        self.errors: list[Exception] = []

    def on_error(self, error: Exception) -> None:
        self.errors.append(error)

    def on_pong(self, payload: bytes) -> None: ...
    def on_lost(self, listener: Any) -> None: ...


class Engine:
    """Counts what is fed and not yet woken for."""

    def __init__(self) -> None:
        self.unwoken = self.wakes = 0
        self.fails = False

    def feed(self, _payload: Any, _receive_ns: int, wake: bool) -> int:
        if self.fails:
            raise RuntimeError
        self.unwoken += 1
        if wake:
            self.flush()
        return 0

    def flush(self) -> None:
        self.wakes += self.unwoken > 0
        self.unwoken = 0


LONG, SHORT = b"x" * 200, b"x" * 20
TEXT, PONG = WSMsgType.TEXT, WSMsgType.PONG


@pytest.mark.parametrize(
    "frames",
    [
        [(TEXT, LONG), (TEXT, LONG), (TEXT, LONG)],
        [(TEXT, LONG), (TEXT, SHORT)],
        [(TEXT, SHORT), (TEXT, LONG)],
        [(TEXT, LONG), (TEXT, SHORT), (PONG, b"")],
        [(TEXT, SHORT)],
    ],
)
def test_one_wake_a_batch(frames: list[tuple[WSMsgType, bytes]]) -> None:
    engine, session = Engine(), Session()
    listener = FrameListener(session, engine.feed, engine.flush)  # type: ignore[arg-type]
    for n, (kind, payload) in enumerate(frames, 1):
        assert engine.wakes == 0
        listener.on_ws_frame(None, Frame(kind, payload, n == len(frames)))  # type: ignore[arg-type]
    assert (engine.wakes, engine.unwoken) == (1, 0)
    assert session.errors == []


@pytest.mark.parametrize("end", ["lost", "muted", "failed"])
def test_a_batch_that_breaks_off_is_woken_for(end: str) -> None:
    engine, session = Engine(), Session()
    listener = FrameListener(session, engine.feed, engine.flush)  # type: ignore[arg-type]
    listener.on_ws_frame(None, Frame(TEXT, LONG, False))  # type: ignore[arg-type]
    if end == "lost":
        listener.on_ws_disconnected(None)  # type: ignore[arg-type]
    elif end == "muted":
        listener.mute()
    else:
        engine.fails = True
        listener.on_ws_frame(None, Frame(TEXT, LONG, True))  # type: ignore[arg-type]
        assert len(session.errors) == 1
    assert (engine.wakes, engine.unwoken) == (1, 0)
