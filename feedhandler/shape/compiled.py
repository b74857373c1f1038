"""Shapes to the table that the engine reads: bytes, made once at start.

A node is a byte that says what it is, and then

    object   count, and of each key: its length, its bytes, the node's length (two bytes), the node
    rows     the node of each element
    text     count of parts, each: 0, length, bytes; or 1, role, the sign that ends it
    hole     role
    literal  length, the JSON text

A frame is: its length (four bytes), its kind, its layout of levels, the words for the taker's sides
(each: length, bytes), the roles that it must have (four bytes, a bit each), its node.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from feedhandler.shape.errors import ShapeError
from feedhandler.shape.frame import (
    HOLES,
    IN_STRINGS,
    KINDS,
    LEVELS,
    REPEATED,
    Frame,
    Role,
)

_OBJECT, _ROWS, _TEXT, _HOLE, _LITERAL = range(5)
_MARK = "\x01"  # of a hole that is a whole value
_NAME = re.compile(r"\$(\w+)")
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|\$\w+|[^"$]+', re.DOTALL)
_KIND_NUMBERS = {"book": 0, "trade": 1, "liquidation": 1, "quote": 2}


@dataclass
class _Told:
    """What one frame says, by the path of its keys."""

    place: str
    roles: dict[Role, str] = field(default_factory=dict)  # -> where
    constants: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)  # strings without what their holes are
    never: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)


def compiled(frames: Sequence[Frame]) -> bytes:
    """The table of a venue's frames. Raises ShapeError, which names the place."""
    told, out = [], b""
    for frame in frames:
        if frame.kind not in KINDS:
            raise ShapeError(
                f"{frame.sample[:60]!r}: no kind {frame.kind!r}; there are {', '.join(KINDS)}"
            )
        one = _Told(f"{frame.kind} {frame.sample[:60]!r}")
        body = _node(_parsed(frame.sample, one.place), "", one)
        out += _frame(frame, one, body)
        told.append(one)
    for a, b in combinations(told, 2):
        _told_apart(a, b)
    return out


def _frame(frame: Frame, told: _Told, body: bytes) -> bytes:
    needed = KINDS[frame.kind]
    if missing := [role.name.lower() for role in sorted(needed - set(told.roles))]:
        raise ShapeError(f"{told.place}: no ${missing[0]}")
    levels = Role.BIDS in told.roles
    if levels and frame.level not in LEVELS:
        known = ", ".join(LEVELS)
        raise ShapeError(f"{told.place}: level {frame.level!r} is none of {known}")
    if not levels and frame.level:
        raise ShapeError(f"{told.place}: a level, and neither $bids nor $asks")
    if Role.FIRST in told.roles and Role.FINAL not in told.roles:
        raise ShapeError(f"{told.place}: $first at {told.roles[Role.FIRST]}, and no $final")
    if {Role.PREVIOUS, Role.PREVIOUS_SIGNED} <= set(told.roles):
        raise ShapeError(f"{told.place}: both $previous and $previous_signed")
    if len({Role.ID, Role.ID_OR_PLACE, Role.ID_TAIL} & set(told.roles)) > 1:
        raise ShapeError(f"{told.place}: two holes for the trade's id")
    if frame.taker[0] == frame.taker[1] or not all(0 < len(word) < 8 for word in frame.taker):
        raise ShapeError(f"{told.place}: the taker's words {frame.taker} say nothing")
    words = b"".join(_bytes(word.encode()) for word in frame.taker)
    required = sum(1 << role for role in needed)
    head = bytes([_KIND_NUMBERS[frame.kind], LEVELS.get(frame.level, 0)]) + words
    whole = head + struct.pack("<I", required) + body
    return struct.pack("<I", len(whole)) + whole


def _parsed(sample: str, place: str) -> Any:
    """The sample as JSON, its holes that are values as marked strings."""
    tokens = _TOKENS.findall(sample)
    if "".join(tokens) != sample:
        raise ShapeError(f"{place}: a string is not closed")
    text = "".join(f'"{_MARK}{token[1:]}"' if token[0] == "$" else token for token in tokens)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise ShapeError(f"{place}: the key {twice[0]!r} comes twice")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=once, parse_float=str, strict=False)
    except json.JSONDecodeError as error:
        raise ShapeError(f"{place}: {error.msg} before {text[error.pos :][:20]!r}") from error


def _node(value: Any, path: str, told: _Told) -> bytes:
    where = path or "the top"
    if isinstance(value, dict):
        out = bytes([_OBJECT, len(value)])
        for key, inner in value.items():
            told.keys.add(f"{path}.{key}")
            node = _node(inner, f"{path}.{key}", told)
            out += _bytes(key.encode()) + struct.pack("<H", len(node)) + node
        return out
    if isinstance(value, list):
        if len(value) != 1 or not isinstance(value[0], dict):
            raise ShapeError(f"{told.place}: {where}: rows are written as one object in brackets")
        if path.count("[") or _rows_in(value[0]):
            raise ShapeError(f"{told.place}: {where}: rows within rows")
        return bytes([_ROWS]) + _node(value[0], f"{path}[]", told)
    if isinstance(value, str) and value.startswith(_MARK):
        return bytes([_HOLE, _role(value[1:], where, told)])
    if isinstance(value, str) and "$" in value:
        return _template(value, where, told)
    told.constants[path] = text = json.dumps(value, separators=(",", ":"))
    return bytes([_LITERAL]) + _bytes(text.encode())


def _rows_in(value: Any) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, list) or any(map(_rows_in, inner))


def _role(name: str, where: str, told: _Told) -> Role:
    role = HOLES.get(name)
    if role is None:
        raise ShapeError(f"{told.place}: {where}: no hole ${name}; there are {', '.join(HOLES)}")
    if role in told.roles and role not in REPEATED:
        raise ShapeError(f"{told.place}: ${name} at {told.roles[role]} and again at {where}")
    if role is Role.NEVER:
        told.never.add(where)
        told.keys.discard(where)
    told.roles.setdefault(role, where)
    return role


def _template(text: str, where: str, told: _Told) -> bytes:
    if whole := re.fullmatch(r"\$(\w+)", text):
        return bytes([_HOLE, _role(whole[1], where, told)])
    told.texts[where] = _NAME.sub("$", text)
    parts = [part for part in re.split(r"(\$\w+)", text) if part]
    out = bytes([_TEXT, len(parts)])
    for part, after in zip(parts, [*parts[1:], '"'], strict=True):
        if part[0] != "$":
            out += bytes([0]) + _bytes(part.encode())
            continue
        role = _role(part[1:], where, told)
        if role not in IN_STRINGS:
            raise ShapeError(f"{told.place}: {where}: {part} cannot be a part of a string")
        if after[0] == "$":
            raise ShapeError(f"{told.place}: {where}: nothing is between {part} and {after}")
        out += bytes([1, role, ord(after[0])])
    return out


def _bytes(text: bytes) -> bytes:
    if len(text) > 255:
        raise ShapeError(f"{text[:60]!r}... is too long")
    return bytes([len(text)]) + text


def _told_apart(a: _Told, b: _Told) -> None:
    """Raises ShapeError where a frame could be of both."""
    if any(text != b.constants.get(path, text) for path, text in a.constants.items()):
        return
    if a.never & b.keys or b.never & a.keys or a.keys != b.keys:
        return
    if a.texts != b.texts:
        return
    raise ShapeError(f"{a.place} and {b.place} cannot be told apart")
