"""What a venue sends beside what its declaration reads, for clients that are not ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Final

import orjson

from feedhandler.adapter.declared import Topic
from feedhandler.shape.frame import Frame
from feedhandler.shape.tree import Node, Object, parsed
from feedhandler.sim.market.instrument import Instrument, decimal
from feedhandler.sim.venues.declared.template import joined
from feedhandler.sim.venues.declared.words import say


@dataclass(frozen=True)
class Sent:
    """A channel as the venue sends it, key for key: in place of what is declared of it, or beside
    it, where others listen to what we do not. Without `frames`: as it is declared.

    `every`: seconds between its messages, 0 for the usual: books and best levels then have what has
    changed meanwhile; `paces`: the same by the levels of a key; `always`: also of what has not
    moved; `again`: seconds until best levels that have not are said again; `sparse`: what a message
    has instead that says of statistics only those that have changed, `{"type":"delta",
    "data":{"symbol":""}}`: with those fields in any case.
    """

    topic: str | Topic
    frames: tuple[Frame, ...] = ()
    every: float = 0.0
    always: bool = False
    paces: Mapping[int, float] = field(default_factory=dict)
    again: float = 0.0
    of_kind: Mapping[str, tuple[Frame, ...]] = field(default_factory=dict)
    sparse: str = ""

    @property
    def its(self) -> Topic:
        """The topic."""
        return Topic(self.topic) if isinstance(self.topic, str) else self.topic


@dataclass(frozen=True)
class Idle:
    """Who is cut for silence in both directions: after so many seconds, and without a subscription.
    `code`, `reason`: of the close frame; 0: there is none."""

    seconds: float
    bare: float = 0.0
    code: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Asked:
    """A question over HTTP that we never ask. `whole`: the answer, with `$rows` in it: `row` once
    for each instrument, or for each trade of one where `trades` has how many are usual. `by`:
    params that say of which, and what of an instrument they name, as `facts` has it; `needs`: one
    of them has to come. `limit`, `most`: the param that says how many trades, and how many there
    are at most, `capped`: more may be asked for; `oldest`: the oldest stands first. `once`:
    instruments that are asked for together have one row; `kinds`: of which instruments it is.
    `alone`: the answer where one is named; `several`: a param with a JSON list of symbols;
    `weight`: what it costs."""

    path: str
    whole: str
    row: str = ""
    by: Mapping[str, str] = field(default_factory=dict)
    needs: bool = False
    trades: int = 0
    limit: str = "limit"
    most: int = 1000
    once: bool = False
    kinds: tuple[str, ...] = ()
    taker: tuple[str, str] = ("buy", "sell")
    capped: bool = False
    oldest: bool = False
    alone: str = ""
    several: str = ""
    weight: int = 1


@dataclass(frozen=True)
class Beside:
    """`frames`: by kind, samples of what else stands in frames; `levels`: the same of their levels;
    `acknowledged`: by the word of a topic, of answers to those who ask for it. `row`: the same of a
    row of the list, with `$symbol $base $quote`; `certain`: what stands in those of symbols that
    match; `option`: how it calls an option, `family`: what those of an underlying have together,
    both of `base`, `quote`, `day`, `strike` and `letter`; `index`: the name of a pair's index, of
    `base` and `quote`; `named`: the field that names a row,
    where rows are an object and not a list. `answers`: by path, of lists that we never ask for.
    `sent`: channels as they are; `idle`: who is cut for silence; `answered`: what else stands in
    each answer to a request, with `$conn`. `rows`: what a row of the list begins with, of symbols
    that match; `picks`: params by which its rows are picked; `asked`: further questions.
    `catalogue`: what there is on a day, in the order of importance, and `count`: how much of it;
    `counts`: the number from which on each key counts its messages of a book, instead of the book
    being numbered for all of them; 0: it is; `decimal`: how statistics with so many decimals are
    written; `begins`: keys that stand first in each message, in this order;
    `document`: what stands beside the rows in the answer with the list; `several`: a param with a
    JSON list of the symbols that are meant."""

    frames: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, str] = field(default_factory=dict)
    acknowledged: Mapping[str, str] = field(default_factory=dict)
    row: str = ""
    certain: Mapping[str, str] = field(default_factory=dict)
    option: str = "{base}-{quote}_{day:%y%m%d}_{strike}_{letter}"
    family: str = "{base}-{quote}"
    index: str = "{base}-{quote}"
    named: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    sent: tuple[Sent, ...] = ()
    idle: Idle | None = None
    answered: str = ""
    rows: Mapping[str, str] = field(default_factory=dict)
    picks: tuple[str, ...] = ()
    asked: tuple[Asked, ...] = ()
    catalogue: Callable[[date], Iterable[Instrument]] | None = None
    count: int = 14
    counts: int = 0
    decimal: Callable[[float, int], str] = decimal
    begins: tuple[str, ...] = ()
    document: str = ""
    several: str = ""

    @cached_property
    def _trees(self) -> dict[str, Node]:
        return {kind: parsed(sample) for kind, sample in self.frames.items()}

    def tree(self, frame: Frame) -> Node:
        """Of a frame as the venue sends it."""
        more = self._trees.get(frame.kind)
        tree = parsed(frame.sample)
        tree = tree if more is None else joined(tree, more)
        return _ordered(tree, self.begins) if self.begins else tree

    def level(self, frame: Frame) -> Node:
        """Of a level in such a frame."""
        more = self.levels.get(frame.kind)
        tree = parsed(frame.level)
        return tree if more is None else joined(tree, parsed(more))

    def begun(self, facts: Mapping[str, object], symbol: str) -> dict[str, Any]:
        """What a row has before the list's own fields are written."""
        samples = (more for symbols, more in self.rows.items() if re.match(symbols, symbol))
        return {
            key: value for one in samples for key, value in orjson.loads(say(one, facts)).items()
        }

    def listed(self, row: dict[str, Any], facts: Mapping[str, object]) -> dict[str, Any]:
        """The row with all its fields."""
        if self.row:
            row = {**orjson.loads(say(self.row, facts)), **row}
        for symbols, more in self.certain.items():
            if re.match(symbols, str(facts["symbol"])):
                row = {**row, **orjson.loads(more)}
        return row


def json_list(text: str | None) -> list[str] | None:
    """What a param lists as JSON, nothing where it is none; None: the param is not there."""
    try:
        found = orjson.loads(text) if text is not None else None
    except orjson.JSONDecodeError:
        return []
    return found if found is None or isinstance(found, list) else []


def _ordered(tree: Node, begins: Sequence[str]) -> Node:
    if not isinstance(tree, Object):
        return tree
    places = {name: place for place, name in enumerate(begins)}
    return Object(tuple(sorted(tree.keys, key=lambda key: places.get(key.name, len(places)))))


NOTHING: Final = Beside()
