"""An engine's memory, wherever its writer is, beside the model of the frames that it read."""

from __future__ import annotations

import functools
import math
import time
from typing import Any

import numpy as np

import shm
from shm import _native, inspect
from tests.torture.engine_scenario import GEOMETRY, READS, SLOTS
from tests.torture.venue_frames import PONG, SYMBOLS, Stream
from tests.torture.venue_model import Model, Record

LIMIT = SLOTS // 4  # records of a message before it is split
PENDING = 2 * LIMIT  # records that may be written before they can be seen


@functools.cache
def model_of(venue: str, seed: int, base: int) -> Model:
    """All that the frames of a seed will ever mean; `base`: the last record before them."""
    stream = Stream(venue, seed)
    model = Model(SYMBOLS, base, LIMIT, GEOMETRY["depth"])
    for symbol, (first, answer) in zip(SYMBOLS, stream.bases(), strict=True):
        model.begin(symbol, first, answer)
    for frames in stream.reads(READS):
        for frame in frames:
            if frame != PONG:
                model.frame(frame)
    return model


def check_engine(venue: str, namespace: str, model: Model) -> int:
    """Records and cells are whole, the model's, and cells not behind records. The last record."""
    with inspect.open_memory(venue, namespace=namespace) as memory:
        wrong = [finding.text for finding in inspect.verify(memory)]
        assert not wrong, wrong
        published = memory.segment.published
        check_records(memory, model, published)
        for row, symbol in enumerate(SYMBOLS):
            quote, book = memory.quote(row), memory.book(row)
            assert quote is not None
            assert book is not None
            head, bids, asks = book
            sides = {name: [(int(p), int(s)) for p, s in side] for name, side in
                     (("bids", bids), ("asks", asks))}  # fmt: skip
            check_cell(model, row, f"{symbol} quote", quote, published)
            check_cell(model, row, f"{symbol} book", {**head, **sides}, published)
    return published


def check_records(memory: inspect.Memory, model: Model, published: int) -> None:
    first = max(model.base + 1, published - SLOTS + 1)
    slots = memory.slots(first, published)
    whole = slots["status"] == _native.READ_OK
    assert whole[PENDING:].all(), "a record that can be seen is not whole"
    assert np.array_equal(np.sort(whole), whole), "a hole among the records"
    for slot in slots[whole]:
        sequence = int(slot["sequence"])
        expected = model.records[sequence - model.base - 1]
        found = Record(*(int(slot[name]) for name in Record._fields))
        assert found == expected, f"record {sequence} is not the venue's"


def check_cell(model: Model, row: int, name: str, cell: dict[str, Any], published: int) -> None:
    """It is of one moment, and of the right one."""
    last = cell["ring_sequence"]
    newest = model.newest(row, published, of_book="bids" in cell)
    assert last >= newest, f"{name}: record {newest} can be seen that the cell does not have"
    assert last <= model.end, f"{name}: it has records that nobody wrote"
    may_be = [seen.book if "bids" in cell else seen.quote for seen in model.may_be(row, last)]
    assert any(not differences(cell, one) for one in may_be), (
        f"{name}: of record {last} wrong: {differences(cell, may_be[-1])}"
    )


def differences(cell: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """By field: what it is, what it should be."""
    return {
        name: (cell[name], value)
        for name, value in expected.items()
        if cell[name] != value and not (value is None and math.isnan(cell[name]))
    }


class Follower:
    """A reader of records and cells that attached while all was well."""

    def __init__(self, venue: str, namespace: str, model: Model) -> None:
        self.model = model
        self.feed = shm.attach(venue, namespace=namespace)
        self.events = self.feed.events(start="oldest", raw=True)
        self.rows = self.lost = 0

    def loses(self) -> shm.WriterLost:
        """All that is there, to the end of a writer that is gone: readers ask 20 times a second."""
        deadline = time.monotonic() + 10
        while (lost := self.drain()) is None:
            assert time.monotonic() < deadline, "nobody notices that the writer died"
        return lost

    def drain(self) -> shm.WriterLost | None:
        """All that is there; how the writer went if it is gone."""
        while True:
            try:
                rows = self.events.poll()
            except shm.Overrun as error:
                self.lost += error.lost
                continue
            except shm.WriterLost as error:
                return error
            if rows is None:
                return None
            self.rows += len(rows)
            for row in rows:
                place = int(row["sequence"]) - self.model.base - 1
                if place >= 0:
                    one = self.model.records[place]
                    assert (row["price"], row["size"]) == (one.price, one.size), "a wrong record"
