"""Why a frame is not of a shape: the place where it stops, in words, and how near it came.

The engine says what a frame is; this says it to people, and looks at every value in Python.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from feedhandler.shape.frame import HOLES, SENT, STAT, TIMES, Role
from feedhandler.shape.tree import (
    Hole,
    Listed,
    Literal,
    Node,
    Object,
    Rows,
    Text,
    matched,
)

_LISTS = frozenset({Role.BIDS, Role.ASKS, Role.LEVELS})
_NUMBERS = frozenset(
    {
        *(Role.FIRST, Role.FINAL, Role.PREVIOUS, Role.PREVIOUS_SIGNED, Role.PLACE, Role.CONN),
        *(Role.CHECKSUM, Role.PRICE, Role.SIZE, Role.AMOUNT, Role.COUNT, Role.WINDOW),
        *(Role.BID, Role.BID_SIZE, Role.ASK, Role.ASK_SIZE, Role.CHANNEL),
        *(TIMES - {Role.TIME_ISO}),
        *(SENT - {Role.SENT_ISO}),
    }
)
_MAY_BE_NONE = frozenset({Role.BID, Role.BID_SIZE, Role.ASK, Role.ASK_SIZE})
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORD = 4  # so much more does a word say than that a key is there


@dataclass(frozen=True, slots=True)
class Stop:
    """`path`: where, `.data.b`; `why`: what is wrong there; `word`: it is one that says what frame
    it is."""

    path: str
    why: str
    word: bool = False

    def __str__(self) -> str:
        return f"{self.path or 'the top'}: {self.why}"


@dataclass(slots=True)
class Likeness:
    """`stops`: in the order in which the shape is written; none: the frame is of it. `words`: what
    may stand in the holes of these names."""

    stops: list[Stop] = field(default_factory=list)
    alike: int = 0
    unlike: int = 0
    quick: bool = False
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def points(self) -> int:
        return self.alike - self.unlike

    @property
    def stop(self) -> Stop | None:
        """The one that says most: of a word, else the first."""
        return next((stop for stop in self.stops if stop.word), next(iter(self.stops), None))

    def fits(self, weight: int) -> None:
        self.alike += weight

    def stopped(self, path: str, why: str, *, word: bool = False) -> None:
        self.stops.append(Stop(path, why, word))
        self.unlike += _WORD if word else 1


def likeness(
    node: Node,
    value: Any,
    level: Node | None = None,
    *,
    quick: bool = False,
    words: Mapping[str, Sequence[str]] | None = None,
) -> Likeness:
    """How a decoded frame is like a shape. `level`: what a level is like; None: not looked at.
    `quick`: of the levels of a list the first one stands for all. `words`: what may stand in the
    holes of these names."""
    told = Likeness(quick=quick, words=words or {})
    _compare(node, value, "", told, level)
    return told


def _compare(node: Node, value: Any, path: str, told: Likeness, level: Node | None) -> None:
    match node:
        case Hole(name):
            _hole(name, value, path, told, level)
        case Literal() | Text():
            if matched(node, value) is None:
                told.stopped(path, f"{short(value)}, not {_written(node)}", word=True)
            else:
                told.fits(_WORD)
        case Object(keys):
            if not isinstance(value, dict):
                told.stopped(path, f"{_what(value)}, not an object", word=not path)
                return
            for key in keys:
                inside = f"{path}.{key.name}"
                if key.name not in value:
                    if not key.optional and key.node != Hole("never"):
                        told.stopped(inside, "missing", word=_words(key.node))
                elif not (key.optional and value[key.name] in (None, "")):
                    told.fits(1)
                    _compare(key.node, value[key.name], inside, told, level)
        case Rows(inner, True):
            if not isinstance(value, dict):
                told.stopped(path, f"{_what(value)}, not an object")
                return
            _each(inner, enumerate(value.values()), path, told, level)
        case Rows(inner):
            if not isinstance(value, list):
                told.stopped(path, f"{_what(value)}, not a list")
                return
            _each(inner, enumerate(value), path, told, level)
        case Listed(front, behind, gap):
            least = len(front) + len(behind)
            if not isinstance(value, list):
                told.stopped(path, f"{_what(value)}, not a list", word=not path)
            elif len(value) < least or (len(value) > least and not gap):
                more = f"{least} or more" if gap else str(least)
                told.stopped(path, f"{len(value)} elements, not {more}", word=not path)
            else:
                ends = len(value) - len(behind)
                places = [*range(len(front)), *range(ends, len(value))]
                pairs = zip((*front, *behind), places, strict=True)
                for inner, at in pairs:
                    _compare(inner, value[at], f"{path}[{at}]", told, level)


def _each(
    inner: Node, rows: Iterable[tuple[int, Any]], path: str, told: Likeness, level: Node | None
) -> None:
    """The first row that stops says enough, and a row more or less makes nothing likelier."""
    for at, row in rows:
        one = Likeness(quick=told.quick, words=told.words)
        _compare(inner, row, f"{path}[{at}]", one, level)
        if at == 0:
            told.alike += one.alike
        if one.stops:
            told.stops += one.stops
            told.unlike += one.unlike
            return


def _hole(name: str, value: Any, path: str, told: Likeness, level: Node | None) -> None:
    role = HOLES.get(name)
    if name == "never":
        told.stopped(path, "it comes, and should not", word=True)
    elif role in _LISTS and isinstance(value, list):
        if level is not None:
            _each(level, enumerate(value[:1] if told.quick else value), path, told, None)
    elif role in _LISTS:
        if level is None or isinstance(value, dict | None):
            told.stopped(path, f"{_what(value)}, not a list of levels")
    elif role in _MAY_BE_NONE and value is None:
        return
    elif (role in _NUMBERS or (role is not None and role >= STAT)) and not _number(value):
        told.stopped(path, f"{short(value)} is no number, for ${name}")
    elif role is not None and role is not Role.SKIP and (value is None or value == ""):
        told.stopped(path, f"{short(value)}, for ${name}")
    elif name in told.words and _said(value) not in told.words[name]:
        told.stopped(path, f"{short(value)} is none of {', '.join(told.words[name])}, for ${name}")
    elif role is not None and role is not Role.SKIP and isinstance(value, list | dict):
        told.stopped(path, f"{_what(value)}, for ${name}")


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _number(value: Any) -> bool:
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _words(node: Node) -> bool:
    """Is there a word in it that says what frame it is?"""
    match node:
        case Literal() | Text():
            return True
        case Object(keys):
            return any(_words(key.node) for key in keys if not key.optional)
        case _:
            return False


def _what(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else short(value)


def short(value: Any, most: int = 40) -> str:
    """A value as it is written in JSON, not a long one."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _written(node: Literal | Text) -> str:
    if isinstance(node, Literal):
        return str(node.value) if node.number else json.dumps(node.value, ensure_ascii=False)
    parts = (part if isinstance(part, str) else f"${part.name}" for part in node.parts)
    return f'"{"".join(parts)}"'
