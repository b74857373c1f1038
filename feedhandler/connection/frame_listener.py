"""The hot path of a connection: frames of one WebSocket session into the engine.

The library opens the session and reads its first frames. As soon as one of them ends where a read
of the socket did, a native receiver takes over the reading: from then on a frame with market data
costs no Python at all. What a receiver cannot do - compressed frames, and those that are recorded -
stays with the library, at one native call a frame.

Pings are answered here and not by the library, which would keep them from the watchdog: a venue
that only pings is alive.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from feedhandler.engine._engine import ATTENTION, CONTROL, GAP, MALFORMED, Connection, Receiver
from feedhandler.network.route import MAX_MESSAGE_BYTES
from feedhandler.one_line import one_line

_SPECIAL = CONTROL | ATTENTION | MALFORMED | GAP
_CONTINUATION: int = WSMsgType.CONTINUATION.value
_TEXT: int = WSMsgType.TEXT.value
_CLOSE: int = WSMsgType.CLOSE.value
_PING: int = WSMsgType.PING.value
_PONG: int = WSMsgType.PONG.value
#: what the library closes with when a frame is none
_BROKEN = (WSCloseCode.PROTOCOL_ERROR, WSCloseCode.INVALID_TEXT, WSCloseCode.MESSAGE_TOO_BIG)
_TOO_LONG = f"a message of more than {MAX_MESSAGE_BYTES >> 20} MiB"
_MOST_PARTS = 1 << 16  #: of a message: each costs a call, and nothing else runs meanwhile
_TOO_MANY = f"the venue sent a message in more than {_MOST_PARTS:,} parts"
_WITHIN = "the venue sent a message within another that had not ended"
_NEVER_BEGUN = "the venue sent the rest of a message that it had not begun"
_UNREAD_BYTES = 1 << 16  #: of ours that the venue does not read: its pings are answered no more
_settling: set[asyncio.Task[None]] = set()


class Session(Protocol):
    """What the listener needs of its connection. None of these may raise."""

    def on_control(self, frame: bytes) -> None: ...
    def on_attention(self) -> None: ...
    def on_malformed(self) -> None: ...
    def on_gap(self) -> None: ...
    def on_pong(self, payload: bytes) -> None: ...
    def on_close(self, code: int, text: str) -> None: ...
    def on_garbled(self, text: str) -> None: ...
    def on_error(self, error: Exception) -> None: ...
    def on_lost(self, listener: "FrameListener") -> None: ...


def _settle(transport: WSTransport) -> None:
    """Take the exception by which the library says the same once more."""

    async def settle() -> None:
        with suppress(Exception):
            await transport.wait_disconnected()

    task = asyncio.get_running_loop().create_task(settle())
    _settling.add(task)
    task.add_done_callback(_settling.discard)


def _discard(_payload: Any, _receive_ns: int = 0, _wake: bool = True) -> int:
    return 0


class FrameListener(WSListener):
    """One session's frames; `mute()` ends it for the engine at once, whatever still arrives.

    Sleeping readers are woken once for all that one read of the socket brought: with its last frame
    or, where that is not fed or goes wrong, by `flush`. `native`: whose receiver is to take over.
    """

    def __init__(
        self,
        session: Session,
        feed: Callable[[Any, int, bool], int],
        flush: Callable[[], None],
        native: Connection | None = None,
    ) -> None:
        super().__init__()
        self._session = session
        self._feed = feed
        self._flush = flush
        self._native = native
        self._receiver: Receiver | None = None
        self._transport: WSTransport | None = None
        self._parts: bytearray | None = None
        self._left = 0  # parts that the message may still have
        self.lost = False
        self.muted = False
        self.small_frames = 0  #: pings, pongs: bytes that the engine does not count

    def mute(self) -> None:
        """Nothing that still comes reaches the engine."""
        self._feed = _discard
        if self._receiver is not None:
            self._receiver.mute()
        self._flush()
        self.muted = True

    # ---- while the library reads

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The session is open."""
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Never raises: the library would close the socket."""
        try:
            kind: int = frame.msg_type.value
            if self._parts is None and frame.fin and _TEXT <= kind < _CLOSE:
                self._deliver(frame.get_payload_as_memoryview(), frame.last_in_buffer)
            else:
                self.on_frame(kind, frame.fin, frame.get_payload_as_bytes())
                if frame.last_in_buffer:
                    self._flush()
        except Exception as error:
            self._flush()
            self.on_failed(error)
        if self._native is not None and frame.last_in_buffer and not frame.tail_size:
            self._hand_over(transport, self._native)

    def _hand_over(self, transport: WSTransport, native: Connection) -> None:
        """No byte is left with the library: the next one goes to the receiver."""
        if self._parts is not None or self.muted or transport.is_disconnected:
            return
        below = transport.underlying_transport
        self._native = None
        self._receiver = native.receiver(self, below.get_protocol(), MAX_MESSAGE_BYTES)
        below.set_protocol(self._receiver)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The socket is gone, for whatever cause."""
        closed = getattr(transport, "close_handshake", None)  # a test may have none
        if closed is not None and closed.recv is None and closed.sent is not None:
            if closed.sent.code in _BROKEN:
                text = one_line(closed.sent.reason)
                self._session.on_garbled(f"the venue broke the WebSocket protocol: {text}")
            _settle(transport)
        self.lost = True
        self._parts = None
        self._flush()
        self._session.on_lost(self)
        self._transport = self._receiver = None  # they know this one, too: no cycle may be left

    # ---- whoever reads

    def on_special(self, bits: int, payload: Any) -> None:
        """The engine made more of a message than records."""
        if bits & GAP:
            self._session.on_gap()
        if bits & CONTROL:
            self._session.on_control(bytes(payload))
        if bits & ATTENTION:
            self._session.on_attention()
        if bits & MALFORMED:
            self._session.on_malformed()

    def on_frame(self, kind: int, fin: bool, payload: bytes) -> None:
        """One that is no whole message: of the protocol, or a part."""
        if kind == _PING:
            self.small_frames += 1
            to = self._transport
            if to is not None and to.underlying_transport.get_write_buffer_size() < _UNREAD_BYTES:
                to.send_pong(payload)
        elif kind == _PONG:
            self.small_frames += 1
            self._session.on_pong(payload)
        elif kind == _CLOSE:
            self._close(payload)
        else:
            self._fragment(kind, fin, payload)

    def on_failed(self, error: Exception) -> None:
        """A mistake of ours in handling a frame."""
        self._session.on_error(error)

    def on_refused(self, why: str | None) -> None:
        """A frame came that ends all reading: it is too long, or wrong in the way that is told."""
        if why is None:
            self._session.on_garbled(_TOO_LONG)
        else:
            self._session.on_garbled(f"the venue sent {why}")

    def _deliver(self, message: Any, wake: bool = False) -> int:
        return self._tell(self._feed(message, 0, wake), message)

    def _tell(self, bits: int, message: Any) -> int:
        if bits & _SPECIAL:
            self.on_special(bits, message)
        return bits

    def _close(self, payload: bytes) -> None:
        """The venue's goodbye (RFC 6455, 5.5.1): answered in kind."""
        code = int.from_bytes(payload[:2]) if len(payload) >= 2 else 0
        self._session.on_close(code, payload[2:102].decode("utf-8", "replace"))
        if self._transport is not None:
            self._transport.send_close(code or WSCloseCode.OK)  # type: ignore[arg-type]
            self._transport.disconnect()

    def _fragment(self, kind: int, fin: bool, payload: bytes) -> None:
        """Put a message together that came in several frames (RFC 6455, 5.4)."""
        if self.muted or not self._in_turn(kind == _CONTINUATION):
            return
        if self._parts is None:
            self._parts, self._left = bytearray(), _MOST_PARTS
        too_long = len(self._parts) + len(payload) > MAX_MESSAGE_BYTES
        if too_long or self._left == 0:
            self._parts = None
            self._session.on_garbled(_TOO_LONG if too_long else _TOO_MANY)
            return
        self._left -= 1
        self._parts += payload
        if fin:
            whole, self._parts = self._parts, None
            self._deliver(whole)

    def _in_turn(self, goes_on: bool) -> bool:
        """Whether a frame may follow the one before. If not, a part of a message is lost: perhaps
        of a book whose venue numbers nothing, so that the session ends."""
        if goes_on is (self._parts is not None):
            return True
        self._parts = None
        self._session.on_garbled(_NEVER_BEGUN if goes_on else _WITHIN)
        return False
