"""The hot path of a connection whose venue sends gzip; without it nothing of this is run."""

from collections.abc import Callable
from typing import Any

from feedhandler.connection.deflate_listener import MAX_INFLATED_BYTES
from feedhandler.connection.frame_listener import FrameListener, Session
from feedhandler.engine._engine import MALFORMED
from feedhandler.network.deflate import DeflateError, MessageTooLong
from feedhandler.network.gzip_message import inflated, is_gzip

#: messages in a row of which nothing can be made: the venue sends something else by now
MOST_BROKEN = 3


class GzipListener(FrameListener):
    """Messages that are gzip are inflated, others taken as they are: a broken one is for the engine
    to refuse, and count. `feed_inflated`: who takes what was inflated."""

    def __init__(
        self,
        session: Session,
        feed: Callable[[Any, int, bool], int],
        flush: Callable[[], None],
        feed_inflated: Callable[[Any, int, bool], int],
    ) -> None:
        super().__init__(session, feed, flush)
        self._feed_inflated = feed_inflated
        self._broken = 0  # in a row

    def _deliver(self, message: Any, wake: bool = False) -> int:
        if self.muted:
            return 0
        if not is_gzip(message):
            return self._judged(super()._deliver(message, wake), "neither gzip nor JSON")
        try:
            plain = inflated(message, MAX_INFLATED_BYTES)
        except MessageTooLong as error:
            self._session.on_garbled(str(error))
            return 0
        except DeflateError as error:
            return self._judged(super()._deliver(message, wake), str(error))
        self._broken = 0
        return self._tell(self._feed_inflated(plain, 0, wake), plain)

    def _judged(self, bits: int, why: str) -> int:
        """One broken message is one message; several are a session that is of no use."""
        self._broken = self._broken + 1 if bits & MALFORMED else 0
        if self._broken == MOST_BROKEN:
            self._session.on_garbled(f"{MOST_BROKEN} messages in a row are broken, the last: {why}")
        return bits
