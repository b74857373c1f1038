"""The hot path of a connection that negotiated compression; without it nothing of this is run."""

from collections.abc import Callable
from typing import Any

from picows import WSFrame, WSMsgType, WSTransport

from feedhandler.connection.frame_listener import FrameListener, Session
from feedhandler.network.deflate import DeflateError, Inflater

#: of one message, inflated: a few kilobytes stand for it, and nothing else runs meanwhile
MAX_INFLATED_BYTES = 16 << 20
_DATA = (WSMsgType.TEXT, WSMsgType.BINARY)


class DeflateListener(FrameListener):
    """Frames of a session whose messages may be compressed: each says so itself, by RSV1."""

    def __init__(
        self,
        session: Session,
        feed: Callable[[Any, int, bool], int],
        flush: Callable[[], None],
        inflater: Inflater,
    ) -> None:
        super().__init__(session, feed, flush)
        self._inflater = inflater
        self._compressed = False  # the message whose fragments are being gathered

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Never raises: the library would close the socket."""
        if not frame.rsv1:
            if frame.msg_type in _DATA:
                self._compressed = False
            super().on_ws_frame(transport, frame)
            return
        try:
            self._first(frame)
            if frame.last_in_buffer:
                self._flush()
        except Exception as error:
            self._flush()
            self.on_failed(error)

    def _first(self, frame: WSFrame) -> None:
        """The only or the first frame of a compressed message (RFC 7692, 6)."""
        kind = frame.msg_type
        if kind not in _DATA:
            self._session.on_garbled(f"a {kind.name} frame that says it is compressed")
        elif frame.fin:
            if self._in_turn(False):
                self._deliver_compressed(frame.get_payload_as_memoryview())
        else:
            self._compressed = True
            self._fragment(kind.value, False, frame.get_payload_as_bytes())

    def _deliver(self, message: Any, wake: bool = False) -> int:
        compressed, self._compressed = self._compressed, False
        if compressed:
            return self._deliver_compressed(message)
        return super()._deliver(message, wake)

    def _deliver_compressed(self, message: Any) -> int:
        if self.muted:
            return 0
        try:
            inflated = self._inflater.message(message)
        except DeflateError as error:
            self._session.on_garbled(str(error))
        else:
            return super()._deliver(inflated)
        return 0
