"""A sample of a frame as a tree: what is written, and where its holes are.

    {"topic":"book.$symbol","data":[{"p":"$price"}],"cts?":$time_ms}

Of this, an object's keys come in any order, and others among them; `?` behind a key says that it
need not be there. `[X]` is a list of any length, of X each; `[X,Y]` a list with these in front, and
`"..."` in it stands for any number of elements; `[]` is an empty list, which only a message has.
`$name` is a hole, in a string or as a value of its
own; `${name}` where letters follow it. `{"$symbol":X}` is an object of any keys, which are symbols,
with an X under each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feedhandler.shape.errors import ShapeError

_MARK = "\x01"  # of a hole that is a whole value
_KEYED = "$symbol"
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|\$\w+|[^"$]+', re.DOTALL)
_HOLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


@dataclass(frozen=True, slots=True)
class Hole:
    """`quoted`: it is written as a string."""

    name: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A string with holes in it: no two of them stand side by side."""

    parts: tuple[str | Hole, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number, true, false or null that has to be just so. Numbers are Decimals' texts."""

    value: str | int | bool | None
    number: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    node: Node
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Object:
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of any length; `keyed`: an object, each under its symbol."""

    node: Node
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A list with these in front, and with `behind` at its end if any number is between."""

    front: tuple[Node, ...]
    behind: tuple[Node, ...] = ()
    gap: bool = False


Node = Hole | Text | Literal | Object | Rows | Listed


def parsed(sample: str, place: str = "") -> Node:
    """The tree of a sample. Raises ShapeError that begins with `place`."""
    place = place or repr(sample[:60])
    tokens = _TOKENS.findall(sample)
    if "".join(tokens) != sample:
        raise ShapeError(f"{place}: a string is not closed")
    text = "".join(f'"{_MARK}{token[1:]}"' if token[0] == "$" else token for token in tokens)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key.removesuffix("?") for key, _ in pairs]
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise ShapeError(f"{place}: the key {twice[0]!r} comes twice")
        return dict(pairs)

    try:
        value = json.loads(
            text, object_pairs_hook=once, parse_float=_Number, parse_int=_Number, strict=False
        )
    except json.JSONDecodeError as error:
        rest = text[error.pos :][:20].replace(_MARK, "")
        where = f"before {rest!r}" if rest else "at its end: a bracket is missing"
        raise ShapeError(f"{place}: {error.msg} {where}") from error
    return _node(value, "", place)


class _Number(str):
    __slots__ = ()


def _node(value: Any, path: str, place: str) -> Node:
    where = f"{place}: {path or 'the top'}"
    if isinstance(value, dict) and [*value] == [_KEYED]:
        return Rows(_node(value[_KEYED], f"{path}[]", place), keyed=True)
    if isinstance(value, dict):
        return Object(
            tuple(
                Key(
                    key.removesuffix("?"),
                    _node(inner, f"{path}.{key.removesuffix('?')}", place),
                    key.endswith("?"),
                )
                for key, inner in value.items()
            )
        )
    if isinstance(value, list):
        return _list(value, path, place)
    if isinstance(value, _Number):
        return Literal(str(value), number=True)
    if isinstance(value, str) and value.startswith(_MARK):
        return Hole(value[1:])
    if isinstance(value, str) and "$" in value:
        return _text(value, where)
    return Literal(value)


def _list(value: list[Any], path: str, place: str) -> Node:
    where = f"{place}: {path or 'the top'}"
    gaps = [at for at, each in enumerate(value) if each == "..."]
    if not value:
        return Listed(())
    if len(gaps) > 1:
        raise ShapeError(f'{where}: a list is [X], or [X,Y] with at most one "..." in it')
    if len(value) == 1 and not gaps:
        return Rows(_node(value[0], f"{path}[]", place))
    nodes = [_node(each, f"{path}[{at}]", place) for at, each in enumerate(value) if each != "..."]
    cut = gaps[0] if gaps else len(nodes)
    return Listed(tuple(nodes[:cut]), tuple(nodes[cut:]), bool(gaps))


def _text(value: str, where: str) -> Node:
    parts: list[str | Hole] = []
    at = 0
    for found in _HOLE.finditer(value):
        if found.start() > at:
            parts.append(value[at : found.start()])
        elif parts:
            raise ShapeError(f"{where}: nothing is between {_written(parts[-1])} and {found[0]}")
        parts.append(Hole(found[1] or found[2], quoted=True))
        at = found.end()
    if at < len(value):
        parts.append(value[at:])
    only = parts[0]
    return only if len(parts) == 1 and isinstance(only, Hole) else Text(tuple(parts))


def _written(part: str | Hole) -> str:
    return part if isinstance(part, str) else f"${part.name}"


def holes(node: Node) -> Iterator[Hole]:
    """Every hole, in the order in which they are written."""
    match node:
        case Hole():
            yield node
        case Text(parts):
            yield from (part for part in parts if isinstance(part, Hole))
        case Object(keys):
            for key in keys:
                yield from holes(key.node)
        case Rows(inner, keyed):
            yield from (Hole("symbol", quoted=True),) if keyed else ()
            yield from holes(inner)
        case Listed(front, behind):
            for inner in (*front, *behind):
                yield from holes(inner)
        case _:
            return


# -- a value that may be of this shape ----------------------------------------------------------


def matched(node: Node, value: Any) -> dict[str, Any] | None:
    """What stands in the holes of decoded JSON; None: it is not of this shape.

    What is in rows comes as a list of dictionaries under "rows". A hole of an optional key that is
    not there is missing.
    """
    found: dict[str, Any] = {}
    return found if _fits(node, value, found) else None


def _fits(node: Node, value: Any, found: dict[str, Any]) -> bool:
    match node:
        case Hole(name):
            if name == "never":
                return False
            return name in ("_", "word") or found.setdefault(name, value) == value
        case Literal(wanted, number):
            if number:
                return not isinstance(value, bool | str) and str(value) == wanted
            return type(value) is type(wanted) and value == wanted
        case Text():
            if not isinstance(value, str):
                return False
            fits = _text_fits(node, value, dict(found)) and _text_fits
            return (fits or _text_fits_somehow)(node, value, found)
        case Object(keys):
            if not isinstance(value, dict):
                return False
            return all(_key_fits(key, value, found) for key in keys)
        case Rows(inner, True):
            if not isinstance(value, dict):
                return False
            rows = [matched(inner, each) for each in value.values()]
            named = zip(value, rows, strict=True)
            rows = [row if row is None else {"symbol": name, **row} for name, row in named]
            found.setdefault("rows", []).extend(rows)
            return None not in rows
        case Rows(inner):
            if not isinstance(value, list):
                return False
            rows = [matched(inner, each) for each in value]
            found.setdefault("rows", []).extend(rows)
            return all(row is not None for row in rows)
        case Listed(front, behind, gap):
            least = len(front) + len(behind)
            if not isinstance(value, list) or len(value) < least:
                return False
            if len(value) > least and not gap:
                return False
            last = value[len(value) - len(behind) :] if behind else []
            pairs = [*zip(front, value, strict=False), *zip(behind, last, strict=True)]
            return all(_fits(inner, each, found) for inner, each in pairs)


def _key_fits(key: Key, value: Mapping[str, Any], found: dict[str, Any]) -> bool:
    if key.name not in value:
        return key.optional or key.node == Hole("never")
    if key.optional and value[key.name] is None:
        return True
    return _fits(key.node, value[key.name], found)


def _text_fits(node: Text, value: str, found: dict[str, Any]) -> bool:
    at = 0
    for part, after in zip(node.parts, (*node.parts[1:], ""), strict=True):
        if isinstance(part, str):
            if not value.startswith(part, at):
                return False
            at += len(part)
            continue
        end = len(value) if not isinstance(after, str) or not after else value.find(after, at)
        if end <= at:
            return False
        inside = value[at:end]
        whole = part.name in ("digits", "window", "depth")
        if whole and not (inside.isascii() and inside.isdigit()):
            return False
        if part.name == "window" and inside in ("0", "1"):
            return False
        if part.name == "word" and "." in inside:
            return False
        if (
            part.name not in ("_", "digits", "word")
            and found.setdefault(part.name, inside) != inside
        ):
            return False
        at = end
    return at == len(value)


def _text_fits_somehow(node: Text, value: str, found: dict[str, Any]) -> bool:
    """A symbol may have in it what is written behind it."""
    holes = [part.name for part in node.parts if isinstance(part, Hole)]
    if len(value) > _LONG_TEXT or "symbol" not in holes:
        return False
    inside = "".join(
        re.escape(part) if isinstance(part, str) else f"({_INSIDE.get(part.name, '.+?')})"
        for part in node.parts
    )
    match = re.fullmatch(inside, value, re.DOTALL)
    if match is None:
        return False
    return all(
        name in ("_", "digits", "word") or found.setdefault(name, said) == said
        for name, said in zip(holes, match.groups(), strict=True)
    )


_LONG_TEXT = 256  #: no topic is longer
_INSIDE = {"digits": "[0-9]+", "window": "[2-9]|[0-9]{2,}", "depth": "[0-9]+", "word": "[^.]+?"}


# -- a frame of this shape ------------------------------------------------------------------------


def rendered(node: Node, values: Mapping[str, str], rows: Sequence[Mapping[str, str]] = ()) -> str:
    """A frame with the holes filled: `values` are texts, without quotes.

    `rows`: one for each element of the innermost list. A key whose hole has no value is left out
    where it may be, else its hole is filled with 0, or "" in a string.
    """
    return _render(node, values, rows)


def _render(node: Node, values: Mapping[str, str], rows: Sequence[Mapping[str, str]]) -> str:
    match node:
        case Hole(name, quoted):
            text = values.get(name)
            if text is None:
                return '""' if quoted else "0"
            return f'"{text}"' if quoted else text
        case Literal(value, number):
            return str(value) if number else json.dumps(value)
        case Text(parts):
            filled = (p if isinstance(p, str) else values.get(p.name, "") for p in parts)
            return json.dumps("".join(filled), ensure_ascii=False)
        case Object(keys):
            said = ",".join(
                f"{json.dumps(key.name)}:{_render(key.node, values, rows)}"
                for key in keys
                if _there(key, values)
            )
            return f"{{{said}}}"
        case Rows(inner, True):
            each = [{**values, **row} for row in rows]
            texts = (json.dumps(one.get("symbol", ""), ensure_ascii=False) for one in each)
            pairs = zip(texts, each, strict=True)
            return f"{{{','.join(f'{text}:{_render(inner, one, ())}' for text, one in pairs)}}}"
        case Rows(inner):
            if _has_rows(inner):
                return f"[{_render(inner, values, rows)}]"
            return f"[{','.join(_render(inner, {**values, **row}, ()) for row in rows)}]"
        case Listed(front, behind):
            return f"[{','.join(_render(inner, values, rows) for inner in (*front, *behind))}]"


def _there(key: Key, values: Mapping[str, str]) -> bool:
    if key.node == Hole("never"):
        return False
    return not key.optional or any(hole.name in values for hole in holes(key.node))


def _has_rows(node: Node) -> bool:
    match node:
        case Rows():
            return True
        case Object(keys):
            return any(_has_rows(key.node) for key in keys)
        case Listed(front, behind):
            return any(map(_has_rows, (*front, *behind)))
        case _:
            return False


def changed(
    node: Node,
    change: Callable[[Hole], Node],
    text: Callable[[Sequence[str | Hole]], Node] | None = None,
) -> Node:
    """The same tree with each hole that is a value of its own replaced, and each string with holes
    by what `text` makes of its parts."""
    match node:
        case Hole():
            return change(node)
        case Text(parts) if text is not None:
            return text(parts)
        case Object(keys):
            return Object(
                tuple(Key(k.name, changed(k.node, change, text), k.optional) for k in keys)
            )
        case Rows(inner, keyed):
            return Rows(changed(inner, change, text), keyed)
        case Listed(front, behind, gap):
            return Listed(
                tuple(changed(each, change, text) for each in front),
                tuple(changed(each, change, text) for each in behind),
                gap,
            )
        case _:
            return node
