"""What is said on a connection, as the venue's documentation prints it.

    Words(
        subscribe='{"id":$id,"type":"subscribe","topic":"/market/level2:$joined","response":true}',
        answers=(Answer(ControlKind.ACK, '{"id":$id,"type":"ack"}'),),
    )

Holes of a message: `$id`; `$keys` (a list of keys), `$key`; `$symbols` (a list), `$joined` (the
symbols with commas between), `$symbol`; `$channel` (of the topic), `$depth`, `$family`; `$number`
(that an acknowledgement taught); `$time_s`. Which of them it has says which keys may share it: with
`$keys` all of them, with `$symbols` or `$joined` those of one topic, with `$key` or `$symbol` none.
A list of one object, `[{"channel":"$channel","symbol":"$symbol"}]`, has one for each key, with what
is its own: it keeps no keys apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from time import time
from typing import Any

import orjson

from feedhandler.adapter.venue import ControlKind
from feedhandler.shape import ShapeError, tree
from feedhandler.suggest import near

_ALONE = frozenset({"key", "symbol", "number", "family", "index_name"})
_ONE_TOPIC = frozenset({"symbols", "joined", "channel", "depth"})
_HOLE = re.compile(r"\$\{?(\w+)\}?")
HOLES = _ALONE | _ONE_TOPIC | {"id", "keys", "time_s"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A frame without market data, and what it says. The first one that fits is meant.

    Holes of the sample: `$id`; `$key`, or `$keys` (a list), `$failed` of an ACK (those of the
    request that were refused); `$symbol`, or `$symbols` (a list),
    beside `$channel` or `word`; `$by_channel` (an object: word -> list of symbols); `$number`, by
    which the venue names a channel from now on; `$text`, `$code`, `$detail`; any other for `reply`;
    `$status`, of STATED, or in a list `$row`, a row of the venue's list, with all its terms.
    Without keys and symbols it is about the keys of the request `$id`. A
    REJECTED with `$keys` or `$symbols` says the request back: a key that its text names is meant,
    else one of them. One with `$symbol` and no `$id` is of the first request that asks for
    something of it.

    `reply`: the template of what an ASKED is answered with. `passes`: what is refused may be asked
    for again soon. `whole`: what the request asked for and this does not name was refused.
    `spoils`: of REJECTED, where each key is answered by itself: others of the request may have been
    passed over for it. `text`: what it means, where it does not say it. `data`: it is market data,
    too, such as the first book of a subscription; its `$id` is of digits only.
    """

    kind: ControlKind
    sample: str
    reply: str = ""
    word: str = ""
    text: str = ""
    passes: bool = False
    whole: bool = False
    data: bool = False
    spoils: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """`passing`: codes and texts of refusals that pass. `on_connect`: messages that are sent as
    soon as the socket is open. `request`: what asks over the socket for what REST is asked for, by
    its `$path` and `$params`, with `$id`, where the venue takes that (`socket_requests`)."""

    subscribe: str
    unsubscribe: str
    answers: tuple[Answer, ...] = ()
    on_connect: tuple[str, ...] = ()
    request: str = ""
    passing: tuple[str, ...] = ()


def check(place: str, template: str, allowed: frozenset[str] | set[str] = HOLES) -> None:
    """Raises ShapeError for a template that cannot be filled."""
    node = tree.parsed(template, place)
    for hole in tree.holes(node):
        if hole.name not in allowed:
            known = ", ".join(sorted(allowed))
            meant = near(hole.name, allowed) or ";"
            raise ShapeError(f"{place}: no hole ${hole.name}{meant} there are {known}")


def holes(template: str) -> set[str]:
    """The names of a template's holes."""
    return {hole.name for hole in tree.holes(_tree(template))}


def shared_by(template: str) -> str:
    """Who may share such a message: all | topic | none."""
    there = {hole.name for hole in tree.holes(_each(_tree(template), ()))}
    if there & _ALONE:
        return "none"
    return "topic" if there & _ONE_TOPIC else "all"


def filled(
    template: str, values: Mapping[str, object], each: Sequence[Mapping[str, object]] = ()
) -> str:
    """The message. What stands in a hole is JSON: texts are quoted where the template does not.
    `each`: what the objects of a list have, one for each key.

    Raises KeyError for a hole without a value.
    """
    node = _each(_tree(template), [{**values, **one} for one in each])
    return tree.rendered(_filled(_ones(node), values), {})


def _filled(node: tree.Node, values: Mapping[str, object]) -> tree.Node:
    """With what stands in its holes."""

    def value(hole: tree.Hole) -> tree.Node:
        one = values[hole.name]
        if isinstance(one, list | tuple):
            literals = tuple(tree.Literal(str(each)) for each in one)
            return tree.Listed(literals)
        if isinstance(one, dict):
            return tree.Literal(orjson.dumps(one).decode(), number=True)
        if isinstance(one, str) or hole.quoted:
            return tree.Literal(str(one))
        return tree.Literal(str(one), number=True)

    def text(parts: Sequence[str | tree.Hole]) -> tree.Node:
        said = (one if isinstance(one, str) else str(values[one.name]) for one in parts)
        return tree.Literal("".join(said))

    return tree.changed(node, value, text)


def _each(node: tree.Node, values: Sequence[Mapping[str, object]]) -> tree.Node:
    """With one object for each of `values` where a list of one object stands."""
    match node:
        case tree.Rows(tree.Object() as inner):
            return tree.Listed(tuple(_filled(inner, one) for one in values))
        case tree.Object(keys):
            return tree.Object(tuple(replace(key, node=_each(key.node, values)) for key in keys))
        case _:
            return node


def message(
    template: str,
    keys: Sequence[str],
    symbols: Sequence[str],
    values: Mapping[str, object],
    each: Sequence[Mapping[str, object]] = (),
) -> str:
    """A request for keys; `symbols`: theirs, each once; `each`: what is each key's own."""
    return filled(
        template,
        {
            "keys": list(keys),
            "key": keys[0],
            "symbols": list(symbols),
            "symbol": symbols[0] if symbols else "",
            "joined": ",".join(symbols),
            "time_s": int(time()),
            **values,
        },
        each,
    )


def for_python(answers: Sequence[Answer]) -> list[str]:
    """Those that only their shape tells from market data, or that are market data as well."""
    data = [_HOLE.sub(_loose, one.sample) for one in answers if one.data]
    return [one.sample for one in answers if one.sample[:1] == '"'] + data


def _loose(hole: re.Match[str]) -> str:
    return "$digits" if hole[1] == "id" else "$_"


def typed(text: str) -> object:
    """What in a URL is text, in JSON has its type."""
    constants: Mapping[str, object] = {"true": True, "false": False}
    return int(text) if text.isdigit() else constants.get(text, text)


def reply(template: str, found: Mapping[str, object]) -> str:
    """The answer to a question; what is no JSON is sent as it is."""
    if not template.lstrip().startswith(("{", "[")):
        return template
    return filled(template, {**found, "time_s": int(time())})


@lru_cache(maxsize=1024)
def _ones(node: tree.Node) -> tree.Node:
    """With lists of one where `[X]` stands: in what is said it is just that."""
    match node:
        case tree.Rows(inner):
            return tree.Listed((_ones(inner),))
        case tree.Listed(front, behind, gap):
            return tree.Listed(tuple(map(_ones, front)), tuple(map(_ones, behind)), gap)
        case tree.Object(keys):
            return tree.Object(tuple(replace(key, node=_ones(key.node)) for key in keys))
        case _:
            return node


@lru_cache(maxsize=1024)
def _tree(template: str) -> tree.Node:
    return tree.parsed(template)


def read(sample: str, value: Any) -> Mapping[str, Any] | None:
    """What stands in the holes of a frame; None: it is not of this sample."""
    return tree.matched(_tree(sample), value)


def decoded(frame: bytes) -> Any:
    """A frame as JSON; one that is none as the text it is."""
    try:
        return orjson.loads(frame)
    except orjson.JSONDecodeError:
        return frame.decode(errors="replace").strip()
