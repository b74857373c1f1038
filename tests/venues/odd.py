"""JSON documents in which one element is not what it was."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import orjson

from feedhandler.adapter.declared import words
from feedhandler.adapter.venue import ListedInstrument
from feedhandler.instruments.universe import CarriedInstrument
from feedhandler.shape import tree
from shm import Status

REMOVED = object()
#: what an element is replaced by, whatever it was
ODD: tuple[Any, ...] = (
    None, "", 0, -1, 10**18, 1e300, "1" * 5000, "9" * 25, "nan", True, [], {}, [[[]]], {"a": None},
    "é" * 40, "\u0000", REMOVED,
)  # fmt: skip

Path = tuple[Any, ...]
#: what stands in the holes of an answer
SAID: dict[str, Any] = {
    "id": 5, "key": "trade:A", "keys": ["trade:A"], "symbol": "A", "symbols": ["A"],
    "channel": "book", "depth": 25, "number": 7, "code": 3,
    "text": "no trade:A", "status": "halted",
}  # fmt: skip


def said(sample: str) -> Any:
    """An answer of a declared venue, as its sample prints it."""
    sample = sample.replace("$by_channel", '{"book":["A"]}')
    names = {hole.name for hole in tree.holes(tree.parsed(sample))}
    return orjson.loads(words.filled(sample, {name: SAID.get(name, "x") for name in names}))


def paths(document: Any, so_far: Path = ()) -> Iterator[Path]:
    """Where its elements are, those that have others in them too."""
    if so_far:
        yield so_far
    items = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    for key, value in items:
        yield from paths(value, (*so_far, key))


def with_odd(document: Any, path: Path, value: Any) -> Any:
    """A copy in which the element is another, or gone; it shares what is beside the path to it."""
    changed = copy.copy(document)
    at = changed
    for key in path[:-1]:
        at[key] = copy.copy(at[key])
        at = at[key]
    if value is REMOVED:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return changed


def variants(document: Any, so_far: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """(where, what, the document with that) for every element and every odd value."""
    for path in paths(document, so_far):
        for value in ODD:
            yield path, value, with_odd(document, path, value)


def assert_possible(spec: ListedInstrument) -> None:
    """What readers are told of an instrument could be."""
    assert spec.symbol
    assert spec.base
    assert spec.quote
    assert len(spec.symbol.encode()) <= 63
    assert len(spec.name.encode()) <= 63
    for number in (spec.tick, spec.lot, spec.strike, spec.contract_size):
        assert Decimal(0) <= number < Decimal(10) ** 13
    assert spec.contract_size > 0
    assert (spec.tick and spec.lot) or spec.status is not Status.ACTIVE
    assert 0 <= spec.expiry_ns < 1 << 63


class Nobody:
    """Whoever has the connections: they are open, and nothing of them is asked."""

    def carry(self, endpoint: str, keys: Sequence[str]) -> None: ...
    def drop(self, tracked: CarriedInstrument, keys: Sequence[str]) -> None: ...
    def restated(self, tracked: CarriedInstrument) -> None: ...

    def streams(self, tracked: CarriedInstrument) -> bool:
        return not tracked.closed
