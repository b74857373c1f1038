"""Log lines to stderr, calm: one line an event, and repetitions counted instead of repeated."""

import asyncio
import logging
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from feedhandler.log_lines import about, formatter

log = logging.getLogger("feedhandler")
BURST = 10.0  #: lines that a process may say one after the other
FEW = 3.0  #: and at least, of one that was started again soon
AGAIN_S = 180.0  #: then one in so long, until it has been quiet
_VARIES = re.compile(r"\([^)]*\)|\S*\d\S*")  # what makes lines of one kind differ


def setup(name: str, level: int | None = None, *, calm: float = 0.0, venue: str = "") -> None:
    """Write this process's log to stderr; `name` (supervisor, a venue) stands in every line.
    `venue`: all of them are of that one. How they are written: see `log_lines`.

    `level` None: what FEEDHANDLER_LOG says (DEBUG, INFO, WARNING, ERROR), or INFO. `calm`: lines
    that it may say one after the other, see Calm; 0: all.
    """
    if level is None:
        said = os.environ.get("FEEDHANDLER_LOG", "").upper()
        level = logging.getLevelNamesMapping().get(said, logging.INFO)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(name, venue))
    if calm and level > logging.DEBUG:
        handler.addFilter(Calm(handler, calm))
    log.handlers[:] = [handler]
    log.setLevel(level)
    log.propagate = False
    # What libraries say looks the same; the WebSocket library's complaints are said by connections.
    logging.getLogger().handlers[:] = [handler]
    logging.getLogger("picows").setLevel(logging.CRITICAL if level > logging.DEBUG else level)


def room_after(seconds: float) -> float:
    """What a process may say whose forerunner was started so long ago: who is killed again and
    again says no more than who lives."""
    return min(BURST, max(FEW, seconds / AGAIN_S))


class Calm(logging.Filter):
    """What comes and goes for hours fills no disk: after `room` lines one each `AGAIN_S`, the
    newest, with how many of which kind were left out before it. Errors are always said.

    What is said late needs an event loop to run; without one nothing is left out.
    """

    def __init__(
        self,
        handler: logging.Handler,
        room: float = BURST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._handler = handler
        self._clock = clock
        self._room = room
        self._at = clock()
        self._left_out: Counter[str] = Counter()
        self._newest: logging.LogRecord | None = None
        self._later: asyncio.TimerHandle | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        now = self._clock()
        self._room = min(BURST, self._room + (now - self._at) / AGAIN_S)
        self._at = now
        if record.levelno >= logging.ERROR:
            return True
        if self._room < 1.0 and self._comes_again(record):
            self._left_out[_kind_of(record)] += 1
            return False
        self._room = max(0.0, self._room - 1.0)
        if self._newest is not None:
            if record is self._newest:
                self._left_out[_kind_of(record)] -= 1
            record.left_out = self._told()
            self._left_out.clear()
            self._newest = None
        if self._later is not None:
            self._later.cancel()
            self._later = None
        return True

    def _comes_again(self, record: logging.LogRecord) -> bool:
        """Have the newest line said when it is time; whether it will be."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        if self._later is None:
            self._later = loop.call_later((1.0 - self._room) * AGAIN_S + 0.01, self._say)
        self._newest = record
        return True

    def _say(self) -> None:
        self._later = None
        if self._newest is not None:
            self._handler.handle(self._newest)

    def _told(self) -> list[tuple[str, int]]:
        return [(kind, count) for kind, count in self._left_out.most_common() if count > 0]


def _kind_of(record: logging.LogRecord) -> str:
    """What it has in common with others of its kind."""
    words = " ".join(_VARIES.sub("", record.getMessage()).split()).replace(" :", ":")
    return words.partition(";")[0][:60].strip(" :,")


def on_loop_error(_: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """An event loop's exception handler: a line, no traceback.

    Of a socket's error its connection has learned too, and says it better.
    """
    error = context.get("exception")
    said = f": {type(error).__name__}: {error}" if error is not None else ""
    level = logging.DEBUG if isinstance(error, OSError) else logging.ERROR
    log.log(level, "%s%s", str(context.get("message")).partition("\n")[0], said)


class Throttle:
    """Lets one line of a kind through in `period_s` and counts the others. `of`: see `about`."""

    def __init__(self, period_s: float = 10.0, **of: Any) -> None:
        self._period = period_s
        self._of = of  # all lines
        self._next: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def info(self, kind: str, message: str, **of: Any) -> None:
        """Good news, likewise."""
        self._say(logging.INFO, kind, message, of)

    def warning(self, kind: str, message: str, **of: Any) -> None:
        """Log the message, or count it."""
        self._say(logging.WARNING, kind, message, of)

    def _say(self, level: int, kind: str, message: str, of: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if now < self._next.get(kind, 0.0):
            self._held[kind] = self._held.get(kind, 0) + 1
            return
        if len(self._next) > 1000:  # kinds are few; symbols in them must not grow without bound
            self._next.clear()
            self._held.clear()
        self._next[kind] = now + self._period
        held = self._held.pop(kind, 0)
        log.log(level, "%s", message, extra=about(**self._of, **of, repeats=held))
