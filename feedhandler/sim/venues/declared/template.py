"""A sample filled again and again: rendered once for each set of holes that have a value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Final

from feedhandler.shape.tree import (
    Hole,
    Key,
    Listed,
    Node,
    Object,
    Rows,
    changed,
    holes,
    parsed,
    rendered,
)

_Getter = Callable[[Mapping[str, str]], tuple[str, ...]]
Baked = tuple[str, _Getter]
_MARK = "\ue000"  # of no meaning to anybody: it stands around the name of a hole
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?|true|false|null")
_ANYTHING: Final = {"_": "0", "digits": "0", "word": "word"}
"""What stands in holes that mean nothing."""


class Template:
    """A sample to be filled with texts: as they are to stand there, without quotes."""

    def __init__(self, sample: str | Node, place: str = "") -> None:
        tree = parsed(sample, place) if isinstance(sample, str) else sample
        self.tree = quoting(tree, {"word": (_ANYTHING["word"],)})
        self.holes = frozenset(hole.name for hole in holes(self.tree))
        self._order = tuple(self.holes)
        self._ways: dict[tuple[bool, ...], tuple[str, _Getter]] = {}
        """By which holes have a value: the text, and what gets those values."""
        self._optional = any(
            k.optional for n in nodes(self.tree) if isinstance(n, Object) for k in n.keys
        )
        self._all = None if self._optional else self._way((True,) * len(self._order))
        """The usual one: with all that it has to have."""
        self._parted: tuple[Template, dict[str, Template]] | None = None

    def filled(self, values: Mapping[str, str]) -> str:
        """The text with these values in its holes; of rows one."""
        if self._all is not None:
            text, get = self._all
            try:
                return text % get(values)
            except KeyError:  # of what is missing, something stands for nothing
                self._all = None
        there = tuple(map(values.__contains__, self._order))
        text, get = self._ways.get(there) or self._way(there)
        return text % get(values)

    def baked(self, said: Mapping[str, str] | None) -> Baked | None:
        """With what stands there for good: the text, and what gets all else that it has to have;
        None: some of it need not be there."""
        if said is None or self._optional:
            return None
        names = [name for name in self._order if name not in {**said, "digits": "", "word": ""}]
        values = {**said, **{name: f"{_MARK}{name}{_MARK}" for name in names}}
        parts = rendered(self.tree, {**_ANYTHING, **values}, ({},)).split(_MARK)
        text = "%s".join(part.replace("%", "%%") for part in parts[::2])
        return text, _getter(parts[1::2])

    def rows(self, values: Mapping[str, str], rows: Sequence[Mapping[str, str]]) -> str:
        """The same with a row of its innermost list for each of `rows`."""
        if self._parted is None:
            self._parted = _parted(self.tree)
        outer, inner = self._parted
        said = dict(values)
        for name, one in inner.items():
            own = rows and one.holes <= rows[0].keys()
            each = [one.filled(row if own else {**values, **row}) for row in rows]
            said[name] = ",".join(each)
        return outer.filled(said)

    def _way(self, there: tuple[bool, ...]) -> tuple[str, _Getter]:
        names = [name for name, has in zip(self._order, there, strict=True) if has]
        marked = {name: f"{_MARK}{name}{_MARK}" for name in names}
        parts = rendered(self.tree, {**_ANYTHING, **marked}, ({},)).split(_MARK)
        text = "%s".join(part.replace("%", "%%") for part in parts[::2])
        found = self._ways[there] = text, _getter(parts[1::2])
        return found


def _getter(names: Sequence[str]) -> _Getter:
    """The values of these names, as a text takes them."""
    if len(names) == 1:
        (name,) = names
        return lambda values: (values[name],)
    get: _Getter = itemgetter(*names) if names else lambda _: ()
    return get


def _parted(tree: Node) -> tuple[Template, dict[str, Template]]:
    """The outer of a sample, with holes for its innermost lists, and what is in each of them."""
    inner: dict[str, Template] = {}

    def outer(node: Node) -> Node:
        match node:
            case Rows(each) if not any(isinstance(one, Rows) for one in nodes(each)):
                name = f"rows {len(inner)}"
                inner[name] = Template(each)
                return Listed((Hole(name),))
            case Rows(each):
                return Listed((outer(each),))
            case Object(keys):
                return Object(tuple(Key(key.name, outer(key.node), key.optional) for key in keys))
            case Listed(front, behind, gap):
                return Listed(tuple(map(outer, front)), tuple(map(outer, behind)), gap)
        return node

    return Template(outer(tree)), inner


def quoting(tree: Node, words: Mapping[str, Sequence[str]]) -> Node:
    """The tree where holes of these names are strings, though they were written bare: `words` has
    what they can be, and only numbers, true, false and null stand bare in JSON."""

    def strict(hole: Hole) -> Node:
        texts = words.get(hole.name)
        if texts is None or all(map(_NUMBER.fullmatch, texts)):
            return hole
        return Hole(hole.name, quoted=True)

    return changed(tree, strict)


def joined(tree: Node, more: Node) -> Node:
    """The tree with what another one has beside it, or in place of what stands there."""
    match tree, more:
        case Object(keys), Object(others):
            new = {key.name: key for key in others}
            both = [
                Key(key.name, joined(key.node, new[key.name].node)) if key.name in new else key
                for key in keys
            ]
            there = {key.name for key in keys}
            return Object((*both, *(key for key in others if key.name not in there)))
        case Rows(inner, keyed), Rows(other):
            return Rows(joined(inner, other), keyed)
    return more


def nodes(tree: Node) -> Iterator[Node]:
    """The tree and all that is in it, in the order in which it is written."""
    yield tree
    inner: Sequence[Node] = ()
    match tree:
        case Object(keys):
            inner = [key.node for key in keys]
        case Rows(node):
            inner = [node]
        case Listed(front, behind):
            inner = [*front, *behind]
    for node in inner:
        yield from nodes(node)


def in_string(text: str) -> str:
    """A text as it stands between the quotes of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
