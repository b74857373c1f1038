"""What is said on a connection: requests read by the templates that a client fills, and answers
rendered from the samples that it reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from feedhandler.adapter.declared import Answer, DeclaredVenue, Topic, Topics
from feedhandler.adapter.declared import words as declared
from feedhandler.adapter.declared.topics import subject
from feedhandler.adapter.venue import ControlKind
from feedhandler.shape.tree import (
    Hole,
    Key,
    Literal,
    Node,
    Object,
    Rows,
    changed,
    holes,
    matched,
    parsed,
    rendered,
)
from feedhandler.sim.venues.declared.template import in_string

Reading = Callable[[str, Any], Mapping[str, Any] | None]
"""A value by a sample."""
_BARE = "="  # before the name of a hole that is a value of its own: its JSON goes there
_IDS = (Hole("id"), Hole("id", quoted=True))
_OF_ONE = {"key", "symbol", "number"}
_OF_SOME = {"key", "keys", "symbol", "symbols", "by_channel"}


class Wish(NamedTuple):
    """A request to subscribe, or to end it. `id`: as it came; None: it has none."""

    leave: bool
    keys: list[str]
    id: Any = None
    numbers: tuple[int, ...] = ()
    """By which channels are named that are to end."""


class Talk:
    """The words of one venue."""

    def __init__(self, venue: DeclaredVenue, topics: Topics) -> None:
        self._venue, self._topics = venue, topics
        self._templates: dict[tuple[bool, str], list[Topic]] = {}
        for topic, _ in topics.every:
            for leave, text in (
                (False, topic.subscribe or venue.words.subscribe),
                (True, topic.unsubscribe or venue.words.unsubscribe),
            ):
                self._templates.setdefault((leave, text), []).append(topic)

    # -- what a client says

    def read(self, text: str) -> Wish | None:
        """A request about subscriptions; None: it is none. What our own client says of how it wants
        its messages, others may leave out."""
        value = declared.decoded(text.encode())
        found = self._read(value, declared.read) or self._read(value, _freely)
        return found or self._read_each(value)

    def _read(self, value: Any, how: Reading) -> Wish | None:
        for (leave, template), topics in self._templates.items():
            found = how(template, value)
            parts = _parts(found)
            words = [part["channel"] for part in parts if isinstance(part.get("channel"), str)]
            if found is None or any(all(one.name != word for one in topics) for word in words):
                continue  # templates of several topics may differ in what is in their lists only
            numbers = tuple(part["number"] for part in parts if isinstance(part.get("number"), int))
            keys = [] if numbers else [key for part in parts for key in self._keys(part, topics)]
            if keys or numbers:
                return Wish(leave, keys, found.get("id"), numbers)
        return None

    def _read_each(self, value: Any) -> Wish | None:
        """A list whose objects are of several templates, or of none: those are no keys of ours."""
        for (leave, template), _ in self._templates.items():
            whole, its = _split(template)
            asked = matched(whole, value) if its is not None and isinstance(value, dict) else None
            if asked is None or not isinstance(asked["each"], list):
                continue
            keys: list[str] = []
            for each in asked["each"]:
                if not isinstance(each, dict):
                    return None
                keys += self._one(each, leave) or [":".join(map(str, each.values()))]
            return Wish(leave, keys, asked.get("id")) if keys else None
        return None

    def _one(self, each: Mapping[str, Any], leave: bool) -> list[str]:
        for (leaves, template), topics in self._templates.items():
            its = _split(template)[1] if leaves is leave else None
            part = matched(its, each) if its is not None else None
            word = part.get("channel") if part is not None else None
            if part is not None and (word is None or any(one.name == word for one in topics)):
                return list(self._keys(part, topics))
        return []

    def _keys(self, found: Mapping[str, Any], topics: Sequence[Topic]) -> Iterator[str]:
        if found.keys() & {"key", "keys"}:
            named = (found.get("key"), *_listed(found.get("keys")))
            yield from (one for one in named if isinstance(one, str))
            return
        word = found.get("channel")
        topic = self._topics.by_word.get(word) if isinstance(word, str) else topics[0]
        one = found.get("symbol") or found.get("family") or found.get("index_name")
        symbols = [*_listed(found.get("symbols")), one]
        joined = found.get("joined")
        symbols += joined.split(",") if isinstance(joined, str) else []
        if topic is None:
            return
        if not topic.holes:
            yield topic.key
            return
        depth = found.get("depth", topic.depth(self._venue.depth))
        for symbol in (one for one in symbols if isinstance(one, str)):
            yield topic.filled(
                **{
                    "family": symbol,
                    "index_name": symbol,
                    **found,
                    "symbol": symbol,
                    "depth": depth,
                }
            )

    # -- what it is answered

    def has(self, kind: ControlKind, word: str = "") -> Answer | None:
        """The sample of such an answer, for a topic of this word; rather one that is no data."""
        for answer in sorted(self._venue.words.answers, key=lambda one: one.data):
            if answer.kind is kind and answer.word in ("", word):
                return answer
        return None

    def parts(self, answer: Answer | None) -> bool:
        """Whether it says of the keys of one request which were taken, and which were not."""
        return answer is not None and "failed" in _holes(answer.sample)

    def naming_none(self) -> Answer | None:
        """A refusal that says of no key that it is meant."""
        for answer in self._venue.words.answers:
            refuses = answer.kind in (ControlKind.REJECTED, ControlKind.ERROR)
            if refuses and not _holes(answer.sample) & _OF_SOME:
                return answer
        return None

    def about(
        self,
        kind: ControlKind,
        keys: Sequence[str],
        values: Mapping[str, object],
        standing: Sequence[str] = (),
    ) -> list[bytes]:
        """The messages that say this of keys: one for all, for each topic, or for each key, as the
        samples have it. `values`: id, numbers by key, text, code; `standing`: all that the client
        is subscribed to by then, which some samples list."""
        answer = self.has(kind)
        if answer is not None and _lists_all(answer.sample):
            return [self._said(answer.sample, standing, "", values)]
        if answer is not None and self.parts(answer):
            return [self._said(answer.sample, keys, "", values)]
        by_topic: dict[str, list[str]] = {}
        for key in keys:
            found = self._topics.read(key)
            by_topic.setdefault(found[0].name if found else "", []).append(key)
        out: list[bytes] = []
        done: list[Answer] = []
        for word, those in by_topic.items():
            answer = self.has(kind, word)
            if answer is None or answer in done:
                continue
            names = _holes(answer.sample)
            if names & _OF_ONE or self._venue.answers_each:
                groups = [[key] for key in those]
            elif names & {"symbols", "channel"} or answer.word:
                groups = [those]
            else:
                groups, done = [list(keys)], [*done, answer]
            out += [self._said(answer.sample, group, word, values) for group in groups]
        return out

    def _said(
        self, sample: str, keys: Sequence[str], word: str, values: Mapping[str, object]
    ) -> bytes:
        rows, by_word = [], dict[str, list[str]]()
        numbers = values.get("numbers")
        for key in keys:
            found = self._topics.read(key)
            topic, inside = (found[0], found[2]) if found else (None, {})
            symbol = subject(inside) or key
            its = (topic.answered or topic.name) if topic else ""
            by_word.setdefault(its, []).append(symbol)
            row: dict[str, object] = {"key": key, "symbol": symbol, "channel": its or word}
            row |= {name: inside.get(name) for name in ("family", "index_name")}
            if topic is not None:
                row["depth"] = int(inside.get("depth") or topic.depth(self._venue.depth))
            if isinstance(numbers, dict):
                row["number"] = numbers.get(key, 0)
            rows.append(row)
        symbols = [symbol for those in by_word.values() for symbol in those]
        every = {"keys": list(keys), "symbols": symbols, "by_channel": by_word}
        if _by_rows(_tree(sample)):
            rows = [{"channel": its, "symbols": those} for its, those in by_word.items()]
        return say(sample, {"failed": [], **values, **every, **(rows[0] if rows else {})}, rows)


def say(
    sample: str, values: Mapping[str, object], rows: Sequence[Mapping[str, object]] = ()
) -> bytes:
    """A sample with values in its holes: texts in strings, JSON where a hole stands alone."""
    if not _is_json(sample):
        return sample.encode()
    if isinstance(whole := _tree(sample), Literal) and isinstance(whole.value, str):
        return whole.value.encode()
    return rendered(_tree(sample), _texts(values), [_texts(row) for row in rows]).encode()


def with_missing(body: bytes, other: bytes) -> bytes:
    """An object with what another one has on top of it, its numbers as they are written."""
    there = orjson.loads(body)
    more = {key: value for key, value in orjson.loads(other).items() if key not in there}
    return body[:-1] + b"," + orjson.dumps(more)[1:] if more else body


def reads(sample: str, text: str) -> Mapping[str, Any] | None:
    """What stands in the holes of a sample, which may be no JSON; None: the text is not of it."""
    if not _is_json(sample):
        return {} if sample == text else None
    return declared.read(sample, declared.decoded(text.encode()))


def _freely(sample: str, value: Any) -> Mapping[str, Any] | None:
    """The same where keys of constants need not be there, but for the first: it says what is
    meant."""
    if not _is_json(sample):
        return None
    tree = parsed(sample)
    return matched(_free(tree, first=True), value) if isinstance(value, dict) else None


def _free(node: Node, *, first: bool = False) -> Node:
    if not isinstance(node, Object):
        return node
    keys = []
    for key in node.keys:
        constant = isinstance(key.node, Literal)
        optional = key.optional or (constant and not first) or key.node in _IDS
        keys.append(Key(key.name, _free(key.node), optional))
        first = first and not constant
    return Object(tuple(keys))


@lru_cache(maxsize=256)
def _split(template: str) -> tuple[Node, Node | None]:
    """A message with a hole for its list of objects, and such an object; None: it has none."""
    tree = _free(parsed(template), first=True) if _is_json(template) else Literal(template)
    keys = tree.keys if isinstance(tree, Object) else ()
    its = next((key.node.node for key in keys if isinstance(key.node, Rows)), None)
    if not isinstance(its, Object):
        return tree, None
    return Object(
        tuple(
            Key(key.name, Hole("each"), False) if isinstance(key.node, Rows) else key
            for key in keys
        )
    ), its


def _is_json(sample: str) -> bool:
    return sample.lstrip().startswith(("{", "[", '"'))


@lru_cache(maxsize=1024)
def _holes(sample: str) -> frozenset[str]:
    return frozenset(hole.name for hole in holes(parsed(sample)))


def _lists_all(sample: str) -> bool:
    """Whether it tells all that is subscribed to by then."""
    return "by_channel" in _holes(sample) or _by_rows(_tree(sample))


def _by_rows(node: Node) -> bool:
    """Whether each of its rows is of a channel and of several symbols."""
    match node:
        case Rows(inner):
            return {"channel", "symbols"} <= {h.name.removeprefix(_BARE) for h in holes(inner)}
        case Object(keys):
            return any(_by_rows(key.node) for key in keys)
        case _:
            return False


@lru_cache(maxsize=1024)
def _tree(sample: str) -> Node:
    def bare(hole: Hole) -> Node:
        return hole if hole.quoted else Hole(_BARE + hole.name)

    return changed(parsed(sample), bare)


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    found = {}
    for name, value in values.items():
        if value is None:
            continue
        whole = json.dumps(value, ensure_ascii=False)
        found[_BARE + name] = whole
        found[name] = in_string(value) if isinstance(value, str) else whole
    return found


def _parts(found: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """What was asked for: one wish, or one for each object or word of a list, with what stands
    beside the list."""
    rows = found.get("rows") if found is not None else None
    if found is None or not isinstance(rows, list):
        return [] if found is None else [found]
    return [{**found, **row} for row in rows]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
