"""Which keys an event of OKX is about, and what its errors mean for them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from feedhandler.adapter import refusals
from feedhandler.adapter.venue import Control, ControlKind

#: Errors that pass: requests too frequent, the venue's own failures (50001, 50011, 50013, 60014,
#: 64007).
_TRANSIENT = {"50001", "50011", "50013", "60014", "64007"}
_NAMED = re.compile(r"channel: ?([\w-]+), ?inst(?:Id|Family|Type): ?([^\s,]+)")


def key_of(message: Mapping[str, Any]) -> tuple[str, ...]:
    arg = message.get("arg")
    if not isinstance(arg, dict):
        return ()
    named = ("instId", "instFamily", "uly", "instType")
    symbol = next((arg[key] for key in named if arg.get(key)), "")
    return (f"{arg.get('channel')}:{symbol}",) if symbol else ()


def refused(
    message: Mapping[str, Any], text: str, asked: Sequence[str], number: int
) -> list[Control]:
    """The venue names the offender by its `arg`, or in words, or not at all."""
    passes = str(message.get("code")) in _TRANSIENT
    found = _NAMED.search(text)
    named = key_of(message) or ((f"{found[1]}:{found[2]}",) if found else ())
    if asked and named and named[0] not in asked:
        named = ()  # in other words than ours
    if not named or passes:
        return refusals.refused(named or asked, text, number, passes=passes)
    rest = tuple(key for key in asked if key not in named)
    refusal = Control(ControlKind.REJECTED, named, text, request_id=number)
    return (
        [refusal, Control(ControlKind.AGAIN, rest, text, request_id=number)] if rest else [refusal]
    )
