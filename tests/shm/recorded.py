"""A recording and a ring of the same records, for tests of the past."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

import shm
from shm import NO_INSTRUMENT, Kind
from tests.recording.written import (
    BEGIN_NS,
    EXPONENTS,
    SYMBOLS,
    Record,
    Written,
    stream,
)
from tests.shm.conftest import Create

S = 10**9
MS = 1_000_000
COUNT = 3000
SLOTS = 1024


def records(count: int = COUNT, seed: int = 7) -> list[Record]:
    """As of the other tests; none but the first is about no instrument, as a writer has it."""
    made = stream(count, seed=seed)
    for one in made[1:]:
        if one["instrument"] == NO_INSTRUMENT or one["kind"] == 77:
            one |= {"kind": int(Kind.STAT), "instrument": 0, "side": 0, "aux": 1}
    return made


def fill(create: Create, made: list[Record], slots: int = SLOTS) -> Any:
    """A writer whose ring gets these records, each a message of its own, from record 2 on."""
    held = create("deribit", ring_slots=slots)
    writer = held.writer
    for symbol, (price, size) in zip(SYMBOLS, EXPONENTS, strict=True):
        exponents = {"price_exponents": [price] * 8, "size_exponents": [size] * 8}
        writer.directory_add({"symbol": symbol, "has_book": 1, **exponents})
    for one in made[1:]:
        writer.message(
            one["instrument"],
            [(one["kind"], one["side"], one["price"], one["size"], one["aux"])],
            receive_ns=one["receive_ns"], exchange_ns=one["exchange_ns"],
            venue_sequence=one["venue_sequence"],
        )  # fmt: skip
    writer.publish()
    writer.heartbeat()
    assert writer.next_sequence == made[-1]["sequence"] + 1
    return held


def written(
    directory: Path, epoch: int, made: list[Record], spans: list[tuple[int, int]]
) -> Written:
    """Segments of records first to last, each with bases after a hole."""
    recording = Written(directory, epoch=epoch)
    at = 0
    for first, last in spans:
        for one in made[at : first - 1]:
            recording.books.take(one)
        recording.segment(made[first - 1 : last], bases=first != at + 1 or at == 0)
        at = last
    return recording


def of(made: list[Record], kinds: set[int], since_ns: int = 0) -> list[int]:
    return [
        one["sequence"] for one in made if one["kind"] in kinds and one["receive_ns"] >= since_ns
    ]


TRADES = {int(Kind.TRADE), int(Kind.LIQUIDATION)}


def when(sequence: int) -> int:
    return BEGIN_NS + sequence * MS


def drained(events: shm.Events, count: int) -> np.ndarray[Any, Any]:
    """So many events; nothing else may come between."""
    parts: list[Any] = []
    deadline = time.monotonic() + 20
    while sum(map(len, parts)) < count:
        assert time.monotonic() < deadline
        batch = events.poll()
        if batch is not None:
            parts.append(batch)
    return np.concatenate(parts)
