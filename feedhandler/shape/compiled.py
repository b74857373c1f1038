"""Shapes to the table that the engine reads: bytes, made once at start.

A node is a byte that says what it is, and then

    object   count, and of each key: KEY_*, its length, its bytes, the node's length (two bytes),
             the node
    rows     the node of each element; keyed, of what stands under each key, which is a symbol
    text     count of parts, each: 0, length, bytes; or 1, role, the sign that ends it
    hole     role
    literal  length, the JSON text
    list     count in front, count behind, whether any number is between; of each the node's length
             (two bytes), the node

A frame is: its length (four bytes), its kind, the layout of its levels, FRAME_*, its window (two
bytes); the words for
the taker's sides, for the sides, for the channel (each: length, bytes); the verbs that remove a
level, those that set it, the sorts that are passed over (each: a count, and words); the roles that
it must have (eight bytes, a bit each); the length of the node of a level (two bytes), that node;
its node. All numbers are little-endian. `engine/shape.h` reads it, once.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence

from feedhandler.shape.errors import ShapeError
from feedhandler.shape.frame import (
    CHANGES,
    DELETES,
    HOLES,
    KINDS,
    LAYOUTS,
    OTHER_LAYOUT,
    STAT,
    VERBS,
    Frame,
    Role,
)
from feedhandler.shape.meaning import Meaning, meaning, never_paths
from feedhandler.shape.routes import BESIDE, apart, is_valued, told_apart
from feedhandler.shape.tree import Hole, Listed, Literal, Node, Object, Rows, Text

_ANY = "*"  #: among the paths of keys that never come in some frame: all of this one's
_OBJECT, _ROWS, _TEXT, _HOLE, _LITERAL, _LIST, _KEYED = range(7)
KEY_OPTIONAL, KEY_PRESENT, KEY_ROUTE = 1, 2, 4  #: need not come; that it comes is route; has some
KEY_LISTED = 8  #: rows, where another frame has an object: that it is a list is route
FRAME_REMOVES, FRAME_BLANK, FRAME_BEGINS, FRAME_ROUNDED, FRAME_ANEW = 1, 2, 4, 8, 16
FRAME_STILL, FRAME_TOP = 64, 128  #: TOP: a ticker that is of a channel of quotes
FRAME_FORCED = 128  #: of trades
FRAME_TELLS = 32  #: of what is for Python: market data may be of it, too
_LEARNED = {
    Role.SYMBOL, Role.PRICE, Role.SIZE, Role.TAKER, Role.BIDS, Role.ASKS,
    Role.BID, Role.BID_SIZE, Role.ASK, Role.ASK_SIZE,
}  # fmt: skip


def compiled(frames: Sequence[Frame]) -> bytes:
    """The table of a venue's frames. Raises ShapeError, which names the place."""
    all_told = [meaning(frame) for frame in frames]
    told_apart(all_told)
    never = {path for told in all_told for path in never_paths(told.tree)}
    never |= _listed(all_told)
    return b"".join(_frame(told, never, tells=_tells(told, all_told)) for told in all_told)


def _tells(one: Meaning, all_told: Sequence[Meaning]) -> bool:
    data = (told for told in all_told if told.frame.kind not in BESIDE)
    return one.frame.kind == "control" and any(not apart(one, told) for told in data)


def _frame(told: Meaning, never: set[str], *, tells: bool) -> bytes:
    frame, place = told.frame, told.place
    if isinstance(told.tree, Object) and (frame.kind == "other" or not _worded(told.tree)):
        never = never | {_ANY}  # nothing but its keys says what it is, or that it is market data
    words = (*frame.taker, *frame.sides, frame.channel)
    layout = LAYOUTS.get(frame.level, OTHER_LAYOUT)
    if frame.level == VERBS and (frame.deletes, frame.changes) != (DELETES, CHANGES):
        layout = OTHER_LAYOUT  # others than those that are read without a tree
    flags = FRAME_REMOVES * frame.removes | FRAME_BLANK * frame.blank | FRAME_ANEW * frame.anew
    flags |= FRAME_BEGINS * frame.begins | FRAME_ROUNDED * frame.rounded | FRAME_TELLS * tells
    flags |= FRAME_STILL * frame.still | FRAME_FORCED * frame.forced
    kind = frame.kind
    if kind == "quote" and any(role >= STAT for role in told.roles):
        kind, flags = "ticker", flags | FRAME_TOP
    head = bytes([KINDS[kind], layout, flags])
    head += struct.pack("<H", frame.window)
    head += b"".join(_bytes(word, place) for word in words)
    for verbs in (frame.deletes, frame.changes, frame.passed):
        head += bytes([len(verbs)]) + b"".join(_bytes(word, place) for word in verbs)
    head += struct.pack("<Q", sum(1 << role for role in _LEARNED & told.roles.keys()))
    level = _node(told.level, "", set(), f"{place}: level") if told.level else b""
    body = head + _sized(level) + _node(told.tree, "", never, place)
    return struct.pack("<I", len(body)) + body


def _node(node: Node, path: str, never: set[str], place: str) -> bytes:
    match node:
        case Hole(name):
            return bytes([_HOLE, HOLES[name]])
        case Literal():
            return bytes([_LITERAL]) + _bytes(_plain(_json(node), place), place)
        case Text():
            return _text(node, place)
        case Rows(inner, keyed):
            told = never - {_ANY} if _worded(inner) else never
            return bytes([_KEYED if keyed else _ROWS]) + _node(inner, f"{path}[]", told, place)
        case Listed(front, behind, gap):
            nodes = (
                _sized(_node(inner, f"{path}[{at}]", never, place))
                for at, inner in enumerate((*front, *behind))
            )
            return bytes([_LIST, len(front), len(behind), gap]) + b"".join(nodes)
        case Object(keys):
            out = bytes([_OBJECT, len(keys)])
            for key in keys:
                inside = f"{path}.{key.name}"
                flags = KEY_OPTIONAL if key.optional else _flags(key.node, inside, never)
                out += bytes([flags]) + _bytes(_plain(key.name, place), place)
                out += _sized(_node(key.node, inside, never, place))
            return out


def _flags(node: Node, path: str, never: set[str]) -> int:
    """What of a key that has to come is route; of _ANY that it comes."""
    if node == Hole("never"):
        return KEY_ROUTE
    present = KEY_PRESENT if _ANY in never or path in never else 0
    if isinstance(node, Rows) and f"{path}[]" in never:
        return KEY_LISTED
    return present | (KEY_ROUTE if _routed(node, path, never) else 0)


def _listed(all_told: list[Meaning]) -> set[str]:
    """Where some frames have rows, and some an object: the paths, each with brackets behind it."""
    rows = {path for told in all_told for path in told.rows}
    objects = {path for told in all_told for path in _objects(told.tree, "")}
    return {f"{path}[]" for path in rows & objects}


def _objects(node: Node, path: str) -> Iterator[str]:
    if isinstance(node, Object):
        yield path
        for key in node.keys:
            yield from _objects(key.node, f"{path}.{key.name}")


def _worded(node: Node) -> bool:
    """Is there a word in it, outside of rows?"""
    match node:
        case Hole(name):
            return name == "digits"
        case Literal() | Text():
            return not is_valued(node)
        case Object(keys):
            return any(not key.optional and _worded(key.node) for key in keys)
        case Listed(front, behind):
            return any(map(_worded, (*front, *behind)))
        case _:
            return False


def _routed(node: Node, path: str, never: set[str]) -> bool:
    match node:
        case Hole(name):
            return name == "digits"
        case Literal() | Text():
            return not is_valued(node)
        case Object(keys):
            return any(
                not key.optional and _flags(key.node, f"{path}.{key.name}", never) for key in keys
            )
        case Listed(front, behind):
            inner = enumerate(() if _ANY in never else (*front, *behind))
            return any(_routed(each, f"{path}[{at}]", never) for at, each in inner)
        case _:
            return False


def _json(literal: Literal) -> str:
    return str(literal.value) if literal.number else json.dumps(literal.value, ensure_ascii=False)


def _plain(text: str, place: str) -> str:
    inside = text[1:-1] if text[:1] == text[-1:] == '"' and len(text) > 1 else text
    if '"' in inside or "\\" in inside or any(sign < " " for sign in inside):
        raise ShapeError(f"{place}: {text} is not written as it is in JSON")
    return text


def _text(text: Text, place: str) -> bytes:
    out = bytes([_TEXT, len(text.parts)])
    for part, after in zip(text.parts, (*text.parts[1:], '"'), strict=True):
        if isinstance(part, str):
            out += bytes([0]) + _bytes(_plain(part, place), place)
        else:
            out += bytes([1, HOLES[part.name], after.encode()[0] if isinstance(after, str) else 0])
    return out


def _bytes(text: str, place: str) -> bytes:
    raw = text.encode()
    if len(raw) > 255:
        raise ShapeError(f"{place}: {text[:60]!r}... is too long")
    return bytes([len(raw)]) + raw


def _sized(node: bytes) -> bytes:
    return struct.pack("<H", len(node)) + node
