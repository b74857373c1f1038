"""A reader of the stress test: checks all that it sees, and says at the end what it saw.

Argument 2 is how it reads: "spin", "sleep", "resync", "async" or "cells".
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

import shm
from shm import Flag, Kind
from shm._native import DTYPES, READ_EMPTY, READ_OK
from tests.shm.stress_payload import (
    DEPTH,
    INSTRUMENTS,
    QUOTE_FLOATS,
    QUOTE_WORDS,
    mix,
    mixed,
)

Rows = npt.NDArray[np.void]


class Checker:
    """Follows the records of one reader, and knows what each must hold."""

    def __init__(self, feed: shm.Feed, events: shm.Events, strict: bool) -> None:
        self.feed = feed
        self.events = events
        self.strict = strict  # no record may be missing but by an Overrun
        self.saw: Counter[str] = Counter()
        self.rows = 0  # ring records of this epoch
        self.lost = 0  # of this epoch, by the exceptions
        self.before = 0  # events.lost + events.filtered when this epoch began
        self.previous = 0
        self.more = False
        self.number: dict[int, int] = {}  # last level message, by instrument

    def batch(self, rows: Rows) -> None:
        assert len(rows)
        state = (rows["flags"] & Flag.SNAPSHOT) != 0
        if state.any():
            assert state.all()
            self.state(rows)
            return
        self.saw["batches"] += 1
        self.rows += len(rows)
        ours = rows[rows["kind"] != Kind.WRITER]
        sequence = ours["sequence"]
        assert np.array_equal(ours["price"], mixed(sequence, 1)), "torn price"
        assert np.array_equal(ours["size"], mixed(sequence, 2)), "torn size"
        trade = ours["kind"] == Kind.TRADE
        aux = np.where(trade, 7, mixed(sequence, 3) & 0xFFFFFFFF)
        assert np.array_equal(ours["aux"], aux), "torn aux"
        key = ours["venue_sequence"] * np.uint64(64) + ours["instrument"]
        assert np.array_equal(ours["exchange_ns"], mixed(key, 4)), "torn message"
        self.order(rows)

    def order(self, rows: Rows) -> None:
        """Whole messages, none missing."""
        first = (rows["flags"] & Flag.FIRST) != 0
        last = (rows["flags"] & Flag.LAST) != 0
        assert first[0], "the beginning of a message is missing"
        assert last[-1], "the end of a message is missing"
        if self.strict:
            assert np.array_equal(first[1:], last[:-1])
            step = np.diff(rows["sequence"].astype(np.int64))
            assert (step == 1).all(), "a hole"
            if self.previous:
                assert int(rows["sequence"][0]) == self.previous + 1, "a hole between batches"
        self.previous = int(rows["sequence"][-1])
        for row in rows[last & (rows["kind"] == Kind.LEVEL)]:
            if row["flags"] & Flag.MORE:
                self.saw["split"] += 1
                continue
            instrument, number = int(row["instrument"]), int(row["venue_sequence"])
            known = self.number.get(instrument)
            assert known is None or number == known + 1, (
                f"instrument {instrument}: message {number} after {known}"
            )
            self.number[instrument] = number

    def state(self, rows: Rows) -> None:
        """State from the cells, instrument by instrument."""
        self.saw["states"] += 1
        self.previous = 0
        self.number.clear()
        for instrument in np.unique(rows["instrument"]):
            mine = rows[rows["instrument"] == instrument]
            assert mine["flags"][0] & Flag.FIRST
            assert mine["flags"][-1] & Flag.LAST
            level = mine[mine["kind"] == Kind.LEVEL]
            if not (mine["kind"] == Kind.CLEAR).any():  # its quote is stored, its book not yet
                assert not len(level)
                continue
            assert len(level) == 2 * DEPTH
            sequence = int(level["sequence"][0])
            for side in (0, 1):
                for at, row in enumerate(level[level["side"] == side]):
                    assert int(row["price"]) == mix(sequence, at + 200 * side)
                    assert int(row["size"]) == mix(sequence, at + 100 + 200 * side)
            self.number[int(instrument)] = int(level["venue_sequence"][0])
        for row in range(INSTRUMENTS):  # not stored yet: from its first message on
            self.number.setdefault(row, 0)

    def overrun(self, error: shm.Overrun) -> None:
        self.saw["overruns"] += 1
        self.lost += error.lost
        self.previous = 0
        self.number.clear()

    def writer_lost(self, error: shm.WriterLost) -> None:
        """Delivered, filtered and lost must add up to what this epoch published."""
        self.saw[error.reason] += 1
        counted = self.events.lost + self.events.filtered - self.before
        if self.strict:
            assert counted == self.lost
        assert self.rows + counted == error.published, (self.rows, counted, error.published)
        self.saw["records"] += self.rows
        self.saw["lost"] = self.events.lost
        self.before += counted
        self.rows = self.lost = self.previous = 0
        self.number = {}


def check_cells(feed: shm.Feed, known: list[shm.Instrument], saw: Counter[str]) -> None:
    """Every field of a cell follows from its ring sequence, or the reading was torn."""
    segment = feed._current()
    for row in range(min(segment.instruments, INSTRUMENTS)):
        status, raw = segment.cell("quotes", row)
        if status == READ_EMPTY:
            continue
        assert status == READ_OK
        quote = np.frombuffer(raw, DTYPES["quote"])[0]
        last = int(quote["ring_sequence"])
        for salt, name in enumerate(QUOTE_WORDS):
            assert int(quote[name]) == mix(last, salt), f"torn quote: {name}"
        for salt, name in enumerate(QUOTE_FLOATS):
            assert float(quote[name]) == mix(last, salt + 50), f"torn quote: {name}"
        instrument = known[row]
        quick = feed.quote(instrument, raw=True)
        book = feed.book(instrument, raw=True)
        if 0 in (quick.ring_sequence, book.ring_sequence):
            continue  # a new epoch meanwhile, with nothing in it yet
        assert quick.bid == mix(quick.ring_sequence, 3)
        assert quick.last_size == mix(quick.ring_sequence, 8)
        last = book.ring_sequence
        assert book.exchange_ns == mix(last, 0)
        for side, levels in enumerate((book.bids, book.asks)):
            expected = [[mix(last, i + 200 * side), mix(last, i + 100 + 200 * side)]
                        for i in range(DEPTH)]  # fmt: skip
            assert levels.tolist() == expected, "torn book"
        saw["cells"] += 3
    for row in feed.board():
        if row["ring_sequence"]:
            last = int(row["ring_sequence"])
            assert row["bid"] == mix(last, 3)
            assert row["data_ns"] == mix(last, 12)
            assert row["open_interest"] == mix(last, 62)
            assert row["volume"] == mix(last, 63)
    saw["boards"] += 1


def cells(feed: shm.Feed) -> Counter[str]:
    saw: Counter[str] = Counter()
    lost = 0  # the epoch that was last seen to end: it must not come back
    while len(feed.instruments()) < INSTRUMENTS:
        feed.reattach()
    known = feed.instruments()
    there = feed.events(start="now", on_overrun="resync", name="stress-cells")
    while True:
        with suppress(shm.WriterLost):
            there.poll()  # the registry shows which epoch it has found
        try:
            check_cells(feed, known, saw)
            lost = 0
        except shm.WriterLost as error:
            saw[error.reason] += lost != error.epoch
            lost = error.epoch
            if error.reason == "stopped":
                return saw


def follow(feed: shm.Feed, how: str) -> Counter[str]:
    resync = how == "resync"
    events = feed.events(
        start=1, on_overrun="resync" if resync else "raise", raw=True, name=f"stress-{how}"
    )
    checker = Checker(feed, events, strict=not resync)
    while True:
        try:
            batch = events.poll() if how == "spin" else next(events)
            if batch is not None:
                checker.batch(batch)
        except shm.Overrun as error:
            checker.overrun(error)
        except shm.WriterLost as error:
            checker.writer_lost(error)
            if error.reason == "stopped":
                return checker.saw


async def follow_async(feed: shm.Feed) -> Counter[str]:
    events = feed.events(start=1, on_overrun="resync", raw=True, name="stress-async")
    checker = Checker(feed, events, strict=False)
    while True:
        try:
            async for batch in events:
                checker.batch(batch)
        except shm.WriterLost as error:
            checker.writer_lost(error)
            if error.reason == "stopped":
                events.close()
                return checker.saw


def main() -> None:
    namespace, how = sys.argv[1], sys.argv[2]
    feed = shm.attach("stress", namespace=namespace, timeout=60)
    saw: Any
    if how == "cells":
        saw = cells(feed)
    elif how == "async":
        saw = asyncio.run(follow_async(feed))
    else:
        saw = follow(feed, how)
    print(json.dumps(saw))


if __name__ == "__main__":
    main()
