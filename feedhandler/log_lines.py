"""How a line of the log is written: for people, or as one JSON object for machines.

A line that is of a venue, a connection or an instrument says so with `extra=about(...)`; as text,
too, where its message does not name it.
"""

from __future__ import annotations

import logging
import os
import time
from typing import Any, Final

import orjson

from feedhandler.number_text import plural
from feedhandler.one_line import one_line

FORMATS: Final = ("text", "json")
FORMAT: Final = "FEEDHANDLER_LOG_FORMAT"  #: the environment's name for one of these
_MOST: Final = 2000  # characters of one message
_NAMED: Final = 3  # kinds of lines left out that are named
_ABOUT: Final = ("venue", "connection", "instrument")


def about(
    *, venue: str = "", connection: int | None = None, instrument: str = "", repeats: int = 0
) -> dict[str, Any]:
    """What a line is of, for the argument `extra` of a logger. `connection`: its row; `repeats`:
    lines like this one that were not written before it."""
    found = {"venue": venue, "connection": connection, "instrument": instrument}
    return {name: value for name, value in found.items() if value not in ("", None)} | {
        "repeats": repeats
    }


def formatter(name: str, venue: str = "") -> logging.Formatter:
    """Of the process `name`, all of whose lines are of a `venue`, in the format that the
    environment names."""
    json = os.environ.get(FORMAT, "").strip().lower() == "json"
    return JsonLine(name, venue) if json else TextLine(name, venue)


class _Line(logging.Formatter):
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, name: str, venue: str = "") -> None:
        super().__init__(f"%(asctime)s %(levelname)s {name}: %(message)s")
        self.converter = time.gmtime
        self._name = name
        self._venue = venue

    def about(self, record: logging.LogRecord) -> dict[str, Any]:
        """What of a venue's the line is of."""
        found = {"venue": self._venue} if self._venue else {}
        return found | {name: getattr(record, name) for name in _ABOUT if hasattr(record, name)}


class TextLine(_Line):
    """Whatever a message quotes: it is a line, and not a long one. A traceback follows it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        said = record.message
        for kind, its in reversed(self.about(record).items()):
            word = f"connection {its}" if kind == "connection" else its
            if word not in said and word != self._name:
                said = f"{word}: {said}"
        record.message = one_line(said, _MOST) + _repeats(record)
        return super().formatMessage(record)


class JsonLine(_Line):
    """`time`, `level`, `process`, `pid`, what it is about, `message`; `repeats` and `left_out` (by
    kind) where lines were counted instead of written before it; `traceback` of a mistake."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "process": self._name,
            "pid": record.process,
        }
        for kind, its in self.about(record).items():
            said[kind] = its if kind == "connection" else one_line(its)
        said["message"] = one_line(record.getMessage(), _MOST)
        if repeats := getattr(record, "repeats", 0):
            said["repeats"] = repeats
        if left_out := getattr(record, "left_out", None):
            said["left_out"] = {one_line(kind): count for kind, count in left_out}
        if record.exc_info:
            text = self.formatException(record.exc_info)
            said["traceback"] = text.encode("utf-8", "backslashreplace").decode()
        return orjson.dumps(said).decode()


def _repeats(record: logging.LogRecord) -> str:
    """What was counted before this line, in words; "" where nothing was."""
    said = ""
    if repeats := getattr(record, "repeats", 0):
        said = f" (and {repeats} more like this)"
    if left_out := getattr(record, "left_out", None):
        named = ", ".join(f"{count} of '{one_line(kind)}'" for kind, count in left_out[:_NAMED])
        more = ", ..." if len(left_out) > _NAMED else ""
        said += f" ({plural(sum(n for _, n in left_out), 'line')} left out before: {named}{more})"
    return said
