"""Recordings that are played, and what is seen of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import shm
from feedhandler.mirror.replay import Replayed, replay
from shm import Flag, Kind
from tests.recording.written import (
    Record,
    Written,
    record,
)

VENUE = "deribit"
RINGED = (
    "instrument",
    "kind",
    "side",
    "precision",
    "exchange_ns",
    "receive_ns",
    "venue_sequence",
    "price",
    "size",
    "publish_delta_ns",
    "aux",
    "price_exponent",
    "size_exponent",
)


def written(directory: Path, records: list[Record], cuts: list[int]) -> Written:
    recording = Written(directory)
    edges = [0, *cuts, len(records)]
    for at in range(len(edges) - 1):
        recording.segment(
            records[edges[at] : edges[at + 1]], bases=True, why="run" if at == 0 else "rotation"
        )
    return recording


def played(
    directory: Path, namespace: str, look: Callable[[shm.Feed], Any], **more: Any
) -> tuple[Any, Replayed]:
    """What `look` sees of the memory at the end, and what was said."""
    seen: list[Any] = []

    def hold(_: list[Replayed]) -> None:
        with shm.attach(VENUE, namespace=namespace) as feed:
            seen.append(look(feed))

    (done,) = replay(directory, namespace=namespace, hold=hold, **more)
    return seen[0], done


def events(feed: shm.Feed) -> NDArray[np.void]:
    found = []
    with feed.events(raw=True, start="oldest") as following:
        while (batch := following.poll()) is not None:
            found.append(batch)
    return np.concatenate(found)


def same(found: NDArray[np.void], expected: NDArray[np.void]) -> None:
    """Of kinds that a reader of this version is handed."""
    expected = expected[expected["kind"] != 77]
    assert len(found) == len(expected)
    for name in RINGED:
        different = np.flatnonzero(found[name] != expected[name])
        assert not len(different), (name, found[different[0]], expected[different[0]])
    assert (found["flags"] & Flag.REPLAY).all()


def cells(feed: shm.Feed) -> dict[int, tuple[Any, ...]]:
    """Books, quotes and states by row."""
    found: dict[int, tuple[Any, ...]] = {}
    for instrument in feed.instruments():
        book = feed.book(instrument, depth=20, raw=True)
        quote = feed.quote(instrument)
        sides = [[tuple(level) for level in side.tolist()] for side in (book.bids, book.asks)]
        found[instrument.id] = (
            *sides,
            book.state,
            quote.mark,
            quote.last,
            (book.price_exponent, book.size_exponent),
        )
    return found


def book_of(instrument: int, sequence: int, away: range) -> list[Record]:
    made = [record(sequence, Kind.CLEAR, instrument, flags=Flag.FIRST | Flag.SNAPSHOT)]
    for side in (0, 1):
        for step in away:
            price = 1000 + (step if side else -step)
            made.append(
                record(
                    sequence + len(made),
                    Kind.LEVEL,
                    instrument,
                    side=side,
                    price=price,
                    size=5,
                    flags=Flag.SNAPSHOT,
                )
            )
    made[-1]["flags"] |= Flag.LAST
    return made


def in_order(*parts: list[Record]) -> list[Record]:
    made: list[Record] = []
    for part in parts:
        made += part
    for at, one in enumerate(made):
        one["sequence"] = at + 1
    return made


def quote(bid: int, number: int, at_ns: int, **more: Any) -> list[Record]:
    """A message of a channel of best bid and offer."""
    common = {"venue_sequence": number, "receive_ns": at_ns, **more}
    return [
        record(1, Kind.QUOTE, 0, side=0, price=bid, size=7, flags=Flag.FIRST, **common),
        record(1, Kind.QUOTE, 0, side=1, price=bid + 1, size=7, flags=Flag.LAST, **common),
    ]
