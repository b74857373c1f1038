"""Routes: whether a frame could be of two shapes.

A shape's route is all that it has without a hole: words, the texts around holes, keys that do not
come. In a list at the top it is also what is a list there, and what is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from itertools import combinations
from typing import Any

from feedhandler.shape.errors import ShapeError
from feedhandler.shape.frame import HOLES, Role
from feedhandler.shape.meaning import Meaning
from feedhandler.shape.tree import Hole, Key, Listed, Literal, Node, Object, Rows, Text

_LISTS = {Role.BIDS, Role.ASKS, Role.LEVELS}
_VALUES = {Role.PRICE, Role.SIZE, Role.AMOUNT}
_NEVER = Hole("never")
BESIDE = frozenset({"number", "other", "control", "answer"})  #: kinds that are read beside others


def told_apart(all_told: list[Meaning]) -> None:
    """Raises ShapeError where a frame could be of two."""
    for one in all_told:
        if one.frame.kind == "control" and not has_route(one.tree):
            raise ShapeError(f"{one.place}: nothing in it says which frames it is of")
    for a, b in combinations(all_told, 2):
        kinds = {a.frame.kind, b.frame.kind}
        if kinds & (BESIDE - {"answer"}) or ("answer" in kinds and len(kinds) > 1):
            continue
        if not apart(a, b):
            raise ShapeError(f"{a.place} and {b.place} cannot be told apart{_cure(a.tree, b.tree)}")


def apart(a: Meaning, b: Meaning) -> bool:
    """Whether no frame can be of both."""
    words = {a.frame.channel, b.frame.channel}
    if len(words) == 2 and "" not in words:
        return True
    if not _alike(_class(a.tree, a.level), _class(b.tree, b.level)):
        return True
    if _conflict(a.tree, b.tree, isinstance(a.tree, Listed), a.level, b.level):
        return True
    if not a.rows or a.rows[0] not in b.rows[:1]:
        return False
    row_a, row_b = row_of(a.tree), row_of(b.tree)
    return row_a is not None and row_b is not None and _conflict(row_a, row_b, False)


def _cure(a: Node, b: Node) -> str:
    """How they could be: by a key that one of them has, and the other has not."""
    for one, other, which in ((a, b, "second"), (b, a, "first")):
        if isinstance(one, Object) and isinstance(other, Object):
            there = {key.name for key in other.keys}
            for key in one.keys:
                if not key.optional and key.name not in there:
                    return (
                        f': does the {which} never have {key.name!r}? Then say "{key.name}":$never'
                    )
    return ": nothing that is written without a hole differs"


def row_of(node: Node) -> Node | None:
    """What the outer list of rows has."""
    inner: list[Node] = []
    match node:
        case Rows():
            return node.node
        case Object(keys):
            inner = [key.node for key in keys]
        case Listed(front, behind):
            inner = [*front, *behind]
    return next((found for each in inner if (found := row_of(each)) is not None), None)


def is_valued(node: Node) -> bool:
    """Is it a level in a string? One that is odd does not make its frame another one."""
    parts = node.parts if isinstance(node, Text) else ()
    return any(isinstance(part, Hole) and HOLES.get(part.name) in _VALUES for part in parts)


def has_route(node: Node) -> bool:
    """Does it say something without a hole, outside of rows?"""
    match node:
        case Hole(name):
            return name == "digits"
        case Literal() | Text():
            return not is_valued(node)
        case Object(keys):
            return any(not k.optional and (k.node == _NEVER or has_route(k.node)) for k in keys)
        case Listed(front, behind):
            return any(map(has_route, (*front, *behind)))
        case _:
            return False


def _conflict(
    a: Node, b: Node, strict: bool, level_a: Node | None = None, level_b: Node | None = None
) -> bool:
    if is_valued(a) or is_valued(b):
        return False
    match a, b:
        case Literal(), Literal():
            return a != b
        case (Literal() as literal, Text() as text) | (Text() as text, Literal() as literal):
            whole = literal.value if isinstance(literal.value, str) and not literal.number else None
            return whole is None or not _meet(text, Text((whole,)))
        case (Literal() as literal, Hole("digits")) | (Hole("digits"), Literal() as literal):
            return not str(literal.value).isdigit()
        case Text(), Text():
            return not _meet(a, b)
        case Object(), Object():
            return _objects(a, b)
        case (Object(), Rows()) | (Rows(), Object()):
            return True
        case Listed(), Listed():
            return _lists(a, b, strict, level_a, level_b)
    if strict:
        return not _alike(_class(a, level_a), _class(b, level_b))
    types = {type(each) for each in (a, b)}
    return Hole not in types and Rows not in types and has_route(a) and has_route(b)


def _objects(a: Object, b: Object) -> bool:
    ours = {key.name: key for key in a.keys}
    return any(key.name in ours and _keys(ours[key.name], key) for key in b.keys)


def _keys(a: Key, b: Key) -> bool:
    if a.optional or b.optional:
        return False
    if a.node == _NEVER or b.node == _NEVER:
        return a.node != b.node
    return _conflict(a.node, b.node, False)


def _lists(a: Listed, b: Listed, strict: bool, level_a: Node | None, level_b: Node | None) -> bool:
    least = [len(each.front) + len(each.behind) for each in (a, b)]
    if strict and any(not each.gap and least[not at] > least[at] for at, each in enumerate((a, b))):
        return True
    pairs = [*zip(a.front, b.front, strict=False)]
    return any(_conflict(x, y, strict, level_a, level_b) for x, y in pairs)


def _class(node: Node, level: Node | None) -> Any:
    """None: anything; else scalar, object, or a list of one of these, which may be empty."""
    match node:
        case Hole(name):
            role = HOLES[name]
            if role in _LISTS and level is not None:
                return ("list", _class(level, None), True)
            return None if role == Role.SKIP else ("scalar",)
        case Literal() | Text():
            return ("scalar",)
        case Object():
            return ("object",)
        case Rows(inner):
            return ("list", _class(inner, level), True)
        case Listed(front, behind):
            nodes = (*front, *behind)
            return ("list", _class(nodes[0], level) if nodes else None, False)


def _alike(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return True
    if a[0] != b[0] or a[0] != "list":
        return bool(a[0] == b[0])
    return (a[2] and b[2]) or _alike(a[1], b[1])


# -- texts ----------------------------------------------------------------------------------------


def _meet(a: Text, b: Text) -> bool:
    """Is there a string that is of both?"""
    signs = {
        sign for text in (a, b) for part in text.parts if isinstance(part, str) for sign in part
    }
    signs |= {"0", "2", "\0"}
    return any(_meets(x, y, signs) for x in _readings(a) for y in _readings(b))


#: what one sign may be, and whether more of these may follow
_Step = tuple[Callable[[str], bool], bool]


def _meets(here: Sequence[_Step], there: Sequence[_Step], signs: Set[str]) -> bool:
    seen, todo = {(0, 0)}, [(0, 0)]
    while todo:
        i, j = todo.pop()
        if i == len(here) and j == len(there):
            return True
        if i == len(here) or j == len(there):
            continue
        if not any(here[i][0](sign) and there[j][0](sign) for sign in signs):
            continue
        nexts = {
            (x, y)
            for x in ((i, i + 1) if here[i][1] else (i + 1,))
            for y in ((j, j + 1) if there[j][1] else (j + 1,))
        }
        todo += nexts - seen
        seen |= nexts
    return False


def _readings(text: Text) -> list[list[_Step]]:
    """All strings that it may be, as steps."""
    found: list[list[_Step]] = [[]]
    for part, after in zip(text.parts, (*text.parts[1:], ""), strict=True):
        closing = after if isinstance(after, str) and len(after) == 1 else ""
        found = [[*front, *one] for front in found for one in _part(part, closing)]
    return found


def _part(part: str | Hole, closing: str) -> list[list[_Step]]:
    if isinstance(part, str):
        return [[(sign.__eq__, False) for sign in part]]
    if part.name == "window":  # of one level there is none
        return [[("23456789".__contains__, False)], [(str.isdigit, False), (str.isdigit, True)]]
    if part.name in ("digits", "channel"):
        return [[(str.isdigit, True)]]
    closing += "." if part.name == "word" else ""
    return [[(lambda sign: sign not in closing, True)]]
