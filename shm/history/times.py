"""How a strategy says when: lengths of time, and instants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

import numpy as np

Span: TypeAlias = "str | timedelta | np.timedelta64"
"""A length of time: "5m", "1h30m", "250ms", or a timedelta."""
Instant: TypeAlias = "int | str | date | np.datetime64"
"""Unix ns; a datetime with a zone; ISO text with one ("2026-11-30T10:00:00Z"); a day, which begins
at midnight UTC; a numpy datetime64, which is UTC; or a length of time ago: "-30s"."""

FIRST_NS = 10**17
"""A whole number below this is no time (it would be 1973), but a sequence, or a number of rows."""
ALWAYS = -(1 << 63)
NEVER = (1 << 63) - 1

_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9, "sec": 10**9, "second": 10**9,
    "m": 60 * 10**9, "min": 60 * 10**9, "minute": 60 * 10**9,
    "h": 3600 * 10**9, "hour": 3600 * 10**9,
    "d": 86400 * 10**9, "day": 86400 * 10**9,
}  # fmt: skip
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zµ]+)\s*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def span_ns(span: Span, what: str = "last") -> int:
    """A length of time in ns, above 0. Raises ValueError that says how one is written."""
    found = _text_ns(span) if isinstance(span, str) else _delta_ns(span)
    if found is None or found <= 0:
        raise ValueError(
            f"{what}={span!r}: a length of time is a number with ns, us, ms, s, m, h or d, such as "
            '"5m", "1h30m" or "250ms", or a timedelta, above 0'
        )
    return found


def _text_ns(text: str) -> int | None:
    total, at = 0, 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            return None
        unit = _UNITS.get(part[2]) or _UNITS.get(part[2].removesuffix("s"))
        if unit is None:
            return None
        whole, _, rest = part[1].partition(".")
        total += int(whole) * unit + (int(rest) * unit // 10 ** len(rest) if rest else 0)
        at = part.end()
    return total if at else None


def _delta_ns(span: object) -> int | None:
    if isinstance(span, timedelta):
        rest = int(getattr(span, "nanoseconds", 0))  # pandas has more digits
        return (span.days * 86400 + span.seconds) * 10**9 + span.microseconds * 1000 + rest
    if isinstance(span, np.timedelta64) and not np.isnat(span):
        return int(span.astype("m8[ns]").astype(np.int64))
    return None


def instant_ns(when: Instant, now_ns: int, what: str = "start") -> int:
    """An instant in unix ns. Raises ValueError that says how one is written."""
    if isinstance(when, str):
        return _said_ns(when, now_ns, what)
    if isinstance(when, datetime):
        return _datetime_ns(when, when, what)
    if isinstance(when, date):
        return (when - date(1970, 1, 1)).days * 86400 * 10**9
    if isinstance(when, np.datetime64) and not np.isnat(when):
        return int(when.astype("M8[ns]").astype(np.int64))
    if isinstance(when, (int, np.integer)) and not isinstance(when, (bool, np.timedelta64)):
        if when >= FIRST_NS:
            return int(when)
        hint = "unix ns have 19 digits: time.time_ns(), not seconds"
    else:
        hint = "it is no time"
    raise ValueError(f"{what}={when!r}: {hint}. {_HOW}")


_HOW = (
    'A time is unix ns, a datetime with a zone, text such as "2026-11-30T10:00:00Z", '
    'or so long ago: "-30s"'
)


def _said_ns(text: str, now_ns: int, what: str) -> int:
    if text.lstrip().startswith("-"):
        ago = _text_ns(text.lstrip()[1:])
        if ago is not None:
            return now_ns - ago
    elif text == "now":
        return now_ns
    else:
        try:
            if len(text) == len("2026-11-30"):
                return (date.fromisoformat(text) - date(1970, 1, 1)).days * 86400 * 10**9
            return _datetime_ns(datetime.fromisoformat(text), text, what)
        except ValueError as error:
            if "zone" in str(error):
                raise
    raise ValueError(f"{what}={text!r}: it is no time. {_HOW}") from None


def _datetime_ns(when: datetime, said: object, what: str) -> int:
    if when.tzinfo is None:
        raise ValueError(
            f"{what}={said!r}: without a time zone it is no instant; for UTC add Z to text, or "
            "tzinfo=timezone.utc to a datetime"
        )
    since = when - _EPOCH
    ns = (since.days * 86400 + since.seconds) * 10**9 + since.microseconds * 1000
    return ns + int(getattr(when, "nanosecond", 0))  # pandas has more digits


@dataclass(frozen=True, slots=True)
class Window:
    """What of the past is asked for: from `from_ns` to before `to_ns`; None: as far as there is
    anything. `rows`: no more than the last so many."""

    from_ns: int | None
    to_ns: int | None
    rows: int | None = None

    @property
    def bounds(self) -> tuple[int, int]:
        """Both ends as ns."""
        return (
            ALWAYS if self.from_ns is None else self.from_ns,
            NEVER if self.to_ns is None else self.to_ns,
        )


def window(
    last: Span | int | None, start: Instant | None, end: Instant | None, now_ns: int
) -> Window:
    """What `last`, `start` and `end` mean together. Raises ValueError."""
    to_ns = None if end is None else instant_ns(end, now_ns, "end")
    if last is not None and start is not None:
        raise ValueError(f"last={last!r} and start={start!r}: one of them says where it begins")
    if start is not None:
        from_ns = instant_ns(start, now_ns)
        if to_ns is not None and to_ns < from_ns:
            raise ValueError(f"end={end!r} is before start={start!r}")
        return Window(from_ns, to_ns)
    if last is None:
        return Window(None, to_ns)
    if isinstance(last, (int, np.integer)) and not isinstance(last, np.timedelta64):
        if not 0 < last < FIRST_NS:
            raise ValueError(f"last={last!r}: a number of rows is above 0; a time is start=")
        return Window(None, to_ns, int(last))
    return Window((now_ns if to_ns is None else to_ns) - span_ns(last), to_ns)


def shown(ns: int, *, day: bool = False) -> str:
    """An instant for people: 10:00:00.123 UTC."""
    seconds, rest = divmod(ns, 10**9)
    at = _EPOCH + timedelta(seconds=seconds)
    text = f"{at:%Y-%m-%d %H:%M:%S}" if day else f"{at:%H:%M:%S}"
    return f"{text}.{rest // 10**6:03}"
