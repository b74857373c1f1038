"""Log lines to stderr, calm: one line an event, and repetitions counted instead of repeated."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from feedhandler.one_line import one_line

log = logging.getLogger("feedhandler")
_MOST = 2000  # characters of one message


def setup(name: str, level: int | None = None) -> None:
    """Write this process's log to stderr; `name` (supervisor, a venue) stands in every line.

    `level` None: what FEEDHANDLER_LOG says (DEBUG, INFO, WARNING, ERROR), or INFO.
    """
    if level is None:
        said = os.environ.get("FEEDHANDLER_LOG", "").upper()
        level = logging.getLevelNamesMapping().get(said, logging.INFO)
    handler = logging.StreamHandler(sys.stderr)
    formatter = _OneLine(f"%(asctime)s.%(msecs)03dZ %(levelname)s {name}: %(message)s")
    formatter.default_time_format = formatter.datefmt = "%Y-%m-%dT%H:%M:%S"
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    log.handlers[:] = [handler]
    log.setLevel(level)
    log.propagate = False
    # What libraries say looks the same; the WebSocket library's complaints are said by connections.
    logging.getLogger().handlers[:] = [handler]
    logging.getLogger("picows").setLevel(logging.CRITICAL if level > logging.DEBUG else level)


class _OneLine(logging.Formatter):
    """Whatever a message quotes: it is a line, and not a long one."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        record.message = one_line(record.message, _MOST)
        return super().formatMessage(record)


def on_loop_error(_: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """An event loop's exception handler: a line, no traceback.

    Of a socket's error its connection has learned too, and says it better.
    """
    error = context.get("exception")
    said = f": {type(error).__name__}: {error}" if error is not None else ""
    level = logging.DEBUG if isinstance(error, OSError) else logging.ERROR
    log.log(level, "%s%s", str(context.get("message")).partition("\n")[0], said)


class Throttle:
    """Lets one line of a kind through in `period_s` and counts the others."""

    def __init__(self, period_s: float = 10.0) -> None:
        self._period = period_s
        self._next: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def info(self, kind: str, message: str) -> None:
        """Good news, likewise."""
        self.warning(kind, message, logging.INFO)

    def warning(self, kind: str, message: str, level: int = logging.WARNING) -> None:
        """Log the message, or count it."""
        now = time.monotonic()
        if now < self._next.get(kind, 0.0):
            self._held[kind] = self._held.get(kind, 0) + 1
            return
        if len(self._next) > 1000:  # kinds are few; symbols in them must not grow without bound
            self._next.clear()
            self._held.clear()
        self._next[kind] = now + self._period
        held = self._held.pop(kind, 0)
        log.log(level, "%s%s", message, f" (and {held} more like this)" if held else "")
