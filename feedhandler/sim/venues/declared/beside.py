"""What a venue sends beside what its declaration reads, for clients that are not ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import orjson

from feedhandler.shape.frame import Frame
from feedhandler.shape.tree import Node, parsed
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.venues.declared.template import joined
from feedhandler.sim.venues.declared.words import say


@dataclass(frozen=True)
class Beside:
    """`frames`: by kind, samples of what else stands in frames; `levels`: the same of their levels;
    `acknowledged`: by the word of a topic, of answers to those who ask for it. `row`: the same of a
    row of the list, with `$symbol $base $quote`; `certain`: what stands in those of symbols that
    match; `option`: how it calls an option, `family`: what those of an underlying have together,
    both of `base`, `quote`, `day`, `strike` and `letter`; `named`: the field that names a row,
    where rows are an object and not a list. `answers`: by path, of lists that we never ask for."""

    frames: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, str] = field(default_factory=dict)
    acknowledged: Mapping[str, str] = field(default_factory=dict)
    row: str = ""
    certain: Mapping[str, str] = field(default_factory=dict)
    option: str = "{base}-{quote}_{day:%y%m%d}_{strike}_{letter}"
    family: str = "{base}-{quote}"
    named: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _trees(self) -> dict[str, Node]:
        return {kind: parsed(sample) for kind, sample in self.frames.items()}

    def tree(self, frame: Frame) -> Node:
        """Of a frame as the venue sends it."""
        more = self._trees.get(frame.kind)
        tree = parsed(frame.sample)
        return tree if more is None else joined(tree, more)

    def level(self, frame: Frame) -> Node:
        """Of a level in such a frame."""
        more = self.levels.get(frame.kind)
        tree = parsed(frame.level)
        return tree if more is None else joined(tree, parsed(more))

    def listed(self, row: dict[str, Any], instrument: Instrument) -> dict[str, Any]:
        """The row with all its fields."""
        if self.row:
            values = {"base": instrument.base, "quote": instrument.quote}
            row = {**orjson.loads(say(self.row, values | {"symbol": instrument.symbol})), **row}
        for symbols, more in self.certain.items():
            if re.match(symbols, instrument.symbol):
                row = {**row, **orjson.loads(more)}
        return row


NOTHING: Final = Beside()
