"""Times as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_BACK = re.compile(r"-(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_back(text: str) -> bool:
    """Whether it counts back from an end: -30m."""
    return _BACK.fullmatch(text) is not None


def parsed(text: str, end_ns: int = 0) -> int:
    """Unix ns of an ISO time (UTC where it names no zone), a date, unix ns, or -30m, -2h, -1d
    before `end_ns`. Raises ValueError that says what is allowed."""
    back = _BACK.fullmatch(text)
    if back:
        return end_ns - int(float(back[1]) * _UNITS[back[2]])
    if text.isdecimal() and len(text) >= 16:
        return int(text)
    whole, fraction = _split(text)
    try:
        when = datetime.fromisoformat(whole)
    except ValueError:
        raise ValueError(
            f"{text!r} is no time: 2026-11-30, 2026-11-30T08:00:00.5Z, unix ns, or -30m"
        ) from None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return (when - _EPOCH) // timedelta(microseconds=1) * 1000 + fraction


def _split(text: str) -> tuple[str, int]:
    """Without what is finer than a second, and that in ns: datetime has only microseconds."""
    found = re.search(r"(?<=:\d\d)\.(\d{1,9})", text)
    if found is None:
        return text, 0
    return text[: found.start()] + text[found.end() :], int(found[1].ljust(9, "0"))
