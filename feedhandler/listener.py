"""The hot path of a connection: frames of one WebSocket session into the engine.

One frame costs one native call; nothing else is done for it in Python. Pings are answered here and
not by the library, which would keep them from the watchdog: a venue that only pings is alive.
"""

from collections.abc import Callable
from typing import Any, Protocol

from picows import WSFrame, WSListener, WSMsgType, WSTransport

from feedhandler.engine._engine import ATTENTION, CONTROL, MALFORMED

MAX_MESSAGE_BYTES = 64 << 20
_MAX_CONTROL_PAYLOAD = 125  # RFC 6455, 5.5: no longer frame is a ping, a pong or a close
_SPECIAL = CONTROL | ATTENTION | MALFORMED
_CLOSE, _PING, _PONG = WSMsgType.CLOSE, WSMsgType.PING, WSMsgType.PONG
_CONTINUATION = WSMsgType.CONTINUATION


class Session(Protocol):
    """What the listener needs of its connection. None of these may raise."""

    def on_control(self, frame: bytes) -> None: ...
    def on_attention(self) -> None: ...
    def on_malformed(self) -> None: ...
    def on_pong(self, payload: bytes) -> None: ...
    def on_close(self, code: int, text: str) -> None: ...
    def on_too_long(self) -> None: ...
    def on_garbled(self, text: str) -> None: ...
    def on_error(self, error: Exception) -> None: ...
    def on_lost(self, listener: "FrameListener") -> None: ...


def _discard(_payload: Any, _receive_ns: int = 0, _wake: bool = True) -> int:
    return 0


class FrameListener(WSListener):
    """One session's frames; `mute()` ends it for the engine at once, whatever still arrives.

    Sleeping readers are woken once for all that one read of the socket brought: with its last frame
    or, where that is not fed or goes wrong, by `flush`.
    """

    def __init__(
        self, session: Session, feed: Callable[[Any, int, bool], int], flush: Callable[[], None]
    ) -> None:
        super().__init__()
        self._session = session
        self._feed = feed
        self._flush = flush
        self._parts: bytearray | None = None
        self.lost = False
        self.muted = False
        self.small_frames = 0  #: pings, pongs: bytes that the engine does not count

    def mute(self) -> None:
        """Nothing that still comes reaches the engine."""
        self._feed = _discard
        self._flush()
        self.muted = True

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Never raises: the library would close the socket."""
        try:
            if frame.payload_size > _MAX_CONTROL_PAYLOAD and frame.fin and self._parts is None:
                payload = frame.get_payload_as_memoryview()
                bits = self._feed(payload, 0, frame.last_in_buffer)
                if bits & _SPECIAL:
                    self._special(bits, payload)
            else:
                self._uncommon(transport, frame)
                if frame.last_in_buffer:
                    self._flush()
        except Exception as error:
            self._flush()
            self._session.on_error(error)

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002
        """The socket is gone, for whatever cause."""
        self.lost = True
        self._parts = None
        self._flush()
        self._session.on_lost(self)

    def _special(self, bits: int, payload: Any) -> None:
        if bits & CONTROL:
            self._session.on_control(bytes(payload))
        if bits & ATTENTION:
            self._session.on_attention()
        if bits & MALFORMED:
            self._session.on_malformed()

    def _uncommon(self, transport: WSTransport, frame: WSFrame) -> None:
        """Small frames, which may be control frames, and fragments."""
        kind = frame.msg_type
        if kind is _PING:
            self.small_frames += 1
            transport.send_pong(frame.get_payload_as_bytes())
        elif kind is _PONG:
            self.small_frames += 1
            self._session.on_pong(frame.get_payload_as_bytes())
        elif kind is _CLOSE:
            self._close(transport, frame)
        elif self._parts is not None or not frame.fin or kind is _CONTINUATION:
            self._fragment(kind, frame)
        else:
            self._deliver(frame.get_payload_as_memoryview())

    def _deliver(self, message: Any, wake: bool = False) -> None:
        bits = self._feed(message, 0, wake)
        if bits & _SPECIAL:
            self._special(bits, message)

    def _close(self, transport: WSTransport, frame: WSFrame) -> None:
        code = int(frame.get_close_code().value) if frame.payload_size >= 2 else 0
        text = (frame.get_close_message() or b"")[:100].decode("utf-8", "replace")
        self._session.on_close(code, text)
        transport.send_close(frame.get_close_code())
        transport.disconnect()

    def _fragment(self, kind: WSMsgType, frame: WSFrame) -> None:
        """Put a message together that came in several frames (RFC 6455, 5.4)."""
        if kind is not _CONTINUATION:
            self._parts = bytearray()  # an unfinished predecessor is not a message
        elif self._parts is None:
            return  # the rest of a message whose beginning was never seen
        if len(self._parts) + frame.payload_size > MAX_MESSAGE_BYTES:
            self._parts = None
            self._session.on_too_long()
            return
        self._parts += frame.get_payload_as_memoryview()
        if not frame.fin:
            return
        whole, self._parts = self._parts, None
        self._deliver(whole)
