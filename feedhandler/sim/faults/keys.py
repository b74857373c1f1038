"""What an order for a fault may say: its keys, and what each may be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

import orjson


@dataclass(frozen=True)
class Key:
    """One thing that an order may say."""

    allowed: str
    fits: Callable[[Any], bool]


def _integer(least: int, most: int) -> Key:
    def fits(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most

    return Key(f"an integer from {least} to {most}", fits)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _seconds(least: float) -> Key:
    def fits(value: Any) -> bool:
        return _is_number(value) and isfinite(value) and least <= value <= 1e6

    return Key(f"a number of seconds from {least:g} to 1000000", fits)


def _one_of(*names: str) -> Key:
    return Key("one of " + ", ".join(names), lambda value: value in names)


def _is_json(value: Any) -> bool:
    try:
        orjson.loads(value)
    except (TypeError, ValueError):
        return False
    return isinstance(value, str)


_TEXT = Key("a text", lambda value: isinstance(value, str) and value != "")
_DECIMAL = Key(
    "a decimal above 0, as a text",
    lambda value: (
        isinstance(value, str)
        and re.fullmatch(r"(?=.*[1-9])\d{1,9}(\.\d{1,8})?", value) is not None
    ),
)
_FLAG = Key("true or false", lambda value: isinstance(value, bool))

KEYS: Final[Mapping[str, Key]] = {
    "symbol": Key("the venue's name of an instrument", _TEXT.fits),
    "channel": Key("the venue's name of a subscription", _TEXT.fits),
    "seconds": _seconds(0.001),
    "count": _integer(1, 10**9),
    "updates": _integer(0, 10**9),
    "key": Key("the name of an element of the venue's messages", _TEXT.fits),
    "value": Key('a text that is JSON, such as null, 0 or ""', _is_json),
    "where": _one_of("rest", "stream", "both"),
    "prices": _one_of("other", "own"),
    "how": _one_of("rst", "fin", "close"),
    "form": _one_of("text", "truncated", "utf8", "binary", "huge"),
    "close_code": _integer(1000, 4999),
    "close_after": _seconds(0),
    "age": _seconds(0.001),
    "pieces": _integer(2, 1000),
    "bytes": _integer(1, 1 << 30),
    "bytes_per_second": _integer(1, 1 << 30),
    "ms": _integer(0, 3_600_000),
    "by": Key(
        "a number other than 0, in the unit of the instrument's price",
        lambda value: _is_number(value) and isfinite(value) and value != 0,
    ),
    "side": _one_of("bid", "ask"),
    "levels": _integer(1, 10_000),
    "skew_ms": _integer(-(10**12), 10**12),
    "jitter_ms": _integer(0, 3_600_000),
    "gap_ms": _integer(0, 3_600_000),
    "begins": _one_of("accept", "garbage", "masked", "http"),
    "status": _integer(400, 599),
    "retry_after": _seconds(0),
    "path": Key("a text that the path begins with, such as /api", _TEXT.fits),
    "rows": _one_of("odd", "short", "empty"),
    "code": _integer(-(10**9), 10**9),
    "message": _TEXT,
    "subscribed": _FLAG,
    "heartbeats": _FLAG,
    "new": _FLAG,
    "id": _integer(1, 1 << 62),
    "word": _TEXT,
    "signs": _one_of("both", "list", "stream"),
    "quiet": _FLAG,
    "tick": _DECIMAL,
    "lot": _DECIMAL,
    "contract_size": _DECIMAL,
    "end_after": _seconds(0.001),
    "ahead": _integer(1, 1 << 40),
    "lost": _FLAG,
    "certificate": _one_of("expired", "wrong_host", "untrusted", "refused"),
}
