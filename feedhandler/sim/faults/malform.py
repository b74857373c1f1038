"""One element of a message left out, or another value in its place."""

from __future__ import annotations

from typing import Any

import orjson


def malform(payload: bytes, key: str, value: str | None) -> bytes | None:
    """The message with the first element of that name removed (`value` None) or replaced; None if
    it has no such element."""
    try:
        message = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    holder = _holder(message, key)
    if holder is None:
        return None
    if value is None:
        del holder[key]
    else:
        holder[key] = orjson.loads(value)
    return orjson.dumps(message)


def _holder(value: Any, key: str) -> dict[str, Any] | None:
    """The outermost object that has the key, in the order of the message."""
    level = [value]
    while level:
        for one in level:
            if isinstance(one, dict) and key in one:
                return one
        inner = [one.values() if isinstance(one, dict) else one for one in level]
        level = [each for one in inner for each in one if isinstance(each, dict | list)]
    return None
