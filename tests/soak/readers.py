"""Reader processes of the chaos soak: each looks in its own way, and has all that it is shown as
LIVE checked against the simulator.

    python -m tests.soak.readers < ORDER

ORDER is a line of JSON: kind, venues {name: control URL}, namespace, seed. Ends when its stdin is
closed, with one line of JSON on stdout: what it saw.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections import Counter, deque
from dataclasses import asdict
from typing import Any, Protocol

import numpy as np

import shm
from feedhandler.sim import digest
from shm import Kind, State
from tests.soak.truth import Shown, Truth, scaled

_MASK = (1 << 64) - 1
_HISTORY = 12  #: states of an instrument that are told with a wrong book


class Reader(Protocol):
    """One way of looking at one venue."""

    truth: Truth
    seen: Counter[str]

    def look(self) -> None:
        """Take in what there is, and come back soon."""


class RingReader:
    """Rebuilds every book from the ring alone, and has each message's result checked.

    `naps`: seconds it sleeps now and then, so that the ring laps it.
    """

    def __init__(self, feed: shm.Feed, truth: Truth, rng: random.Random, naps: float = 0.0) -> None:
        self.truth = truth
        self.seen: Counter[str] = Counter()
        self._feed = feed
        self._rng = rng
        self._naps = naps
        self._nap_at = time.monotonic() + rng.uniform(0, 5)
        self._events = feed.events(start="state", on_overrun="resync", raw=True)
        self._forget()

    def _forget(self) -> None:
        self._symbols: dict[int, str] = {}
        self._levels: dict[int, tuple[dict[int, int], dict[int, int]]] = {}
        self._digest: dict[int, int] = {}
        self._state: dict[int, int] = {}
        self._shown: dict[int, int] = {}  # by instrument: the sequence that waits for its state
        self._past: dict[int, deque[str]] = {}

    def look(self) -> None:
        try:
            batch = self._events.poll()
        except shm.WriterLost:
            self.seen["writers lost"] += 1
            self._forget()
            return
        if batch is None:
            self._events.wait(0.05)
            return
        self._take(batch)
        for row in list(self._shown):
            self._settle(row)
        self.seen["lost"] = self._events.lost
        now = time.monotonic()
        if self._naps and now >= self._nap_at:
            self._nap_at = now + self._rng.uniform(5, 15)
            self.seen["naps"] += 1
            time.sleep(self._rng.uniform(0, self._naps))

    def _take(self, batch: np.ndarray[Any, Any]) -> None:
        names = ("instrument", "kind", "side", "price", "size", "venue_sequence",
                 "price_exponent", "size_exponent")  # fmt: skip
        columns = (batch[name].tolist() for name in names)
        self.seen["records"] += len(batch)
        for row, kind, side, price, size, sequence, its_price, its_size in zip(
            *columns, strict=True
        ):
            if kind == Kind.LEVEL or kind == Kind.CLEAR:
                if self._shown.get(row, sequence) != sequence:
                    self._settle(row)
                self._shown[row] = sequence
                if kind == Kind.CLEAR:
                    self._levels[row] = ({}, {})
                    self._digest[row] = 0
                else:
                    self._level(row, side, scaled(price, its_price), scaled(size, its_size))
            elif kind == Kind.STATE and side == 0:
                if self._shown.get(row) is not None and price != State.LIVE:
                    del self._shown[row]  # what came with it is not called good
                self._state[row] = price
                self._past.setdefault(row, deque(maxlen=_HISTORY)).append(
                    f"{State(price).name}({shm.Reason(size).name})"
                )
                self.seen[f"state {State(price).name}({shm.Reason(size).name})"] += 1
            elif kind == Kind.TRADE:
                self.seen["trades"] += 1

    def _level(self, row: int, side: int, price: int, size: int) -> None:
        levels = self._levels.setdefault(row, ({}, {}))[side]
        old = levels.pop(price, 0)
        if size:
            levels[price] = size
        moved = digest.level(side, price, size) - digest.level(side, price, old)
        self._digest[row] = (self._digest.get(row, 0) + moved) & _MASK

    def _settle(self, row: int) -> None:
        """The message is whole, and its state is known."""
        sequence = self._shown.pop(row)
        if self._state.get(row) != State.LIVE:
            return
        symbol = self._symbols.get(row)
        if symbol is None:
            known = self._feed.instruments()
            self._symbols = {each.id: each.symbol for each in known}
            symbol = self._symbols[row]
        self.seen["books"] += 1
        told = {"reader": "ring", "states": list(self._past.get(row, ()))}
        self.truth.add(Shown(symbol, sequence, self._digest[row]), told)


class CellReader:
    """Reads whole books from their cells, dozens of times a second."""

    def __init__(self, feed: shm.Feed, truth: Truth, rng: random.Random) -> None:
        self.truth = truth
        self.seen: Counter[str] = Counter()
        self._feed = feed
        self._rng = rng
        self._last: dict[str, int] = {}

    def look(self) -> None:
        time.sleep(self._rng.uniform(0, 0.02))
        for instrument in self._feed.instruments():
            try:
                book = self._feed.book(instrument, raw=True)
            except shm.WriterLost:
                self.seen["writers lost"] += 1
                self._last.clear()
                time.sleep(0.05)
                return
            self.seen[f"looks {book.state.name}"] += 1
            if not book.live or self._last.get(instrument.symbol) == book.venue_sequence:
                continue
            self._last[instrument.symbol] = book.venue_sequence
            self.seen["books"] += 1
            told = {"reader": "cell", "since_ns": book.state_ns, "ring": book.ring_sequence}
            sides = enumerate((book.bids.tolist(), book.asks.tolist()))
            found = digest.of(
                (side, scaled(price, book.price_exponent), scaled(size, book.size_exponent))
                for side, levels in sides
                for price, size in levels
            )
            self.truth.add(Shown(instrument.symbol, book.venue_sequence, found), told)


class QuoteReader:
    """Reads quotes: never crossed while LIVE, and where they have the book's numbers, its top."""

    def __init__(self, feed: shm.Feed, truth: Truth, rng: random.Random) -> None:
        self.truth = truth
        self.seen: Counter[str] = Counter()
        self._feed = feed
        self._rng = rng

    def look(self) -> None:
        time.sleep(self._rng.uniform(0.05, 0.15))
        known = self._feed.instruments()
        if not known:  # a new writer, which has added none yet
            return
        instrument = self._rng.choice(known)
        try:
            quote = self._feed.quote(instrument, raw=True)
        except shm.WriterLost:
            self.seen["writers lost"] += 1
            return
        self.seen[f"looks {quote.state.name}"] += 1
        top = (quote.bid, quote.bid_size), (quote.ask, quote.ask_size)
        mine = [
            (scaled(price, quote.price_exponent), scaled(size, quote.size_exponent))
            for price, size in top
            if price is not None and size is not None
        ]
        if not quote.live or len(mine) < 2:
            return
        verdicts = self.truth.verdicts
        wrong = mine[0][0] >= mine[1][0]
        if quote.venue_sequence:
            right = self.truth.top(instrument.symbol, quote.venue_sequence)
            verdicts.checked += 1
            if right is None:
                verdicts.unknown += 1
            else:
                wrong = wrong or mine != [
                    (_decimal(price), _decimal(size)) for price, size in right
                ]
        if wrong:
            verdicts.wrong += 1
            told = {"symbol": instrument.symbol, "sequence": quote.venue_sequence, "told": mine}
            verdicts.first.append({"what": "wrong quote"} | told)


def _decimal(text: str) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(digest.DIGITS, "0"))


def _make(kind: str, feed: shm.Feed, truth: Truth, rng: random.Random) -> Reader:
    if kind == "ring":
        return RingReader(feed, truth, rng)
    if kind == "sleepy":
        return RingReader(feed, truth, rng, naps=4.0)
    if kind == "cell":
        return CellReader(feed, truth, rng)
    return QuoteReader(feed, truth, rng)


def main() -> None:
    order = json.loads(sys.stdin.readline())
    rng = random.Random(order["seed"])
    over = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait, daemon=True).start()
    readers: dict[str, Reader] = {}
    for venue, control in order["venues"].items():
        feed = shm.attach(venue, namespace=order["namespace"], timeout=60)
        readers[venue] = _make(order["kind"], feed, Truth(control), rng)
    next_check = 0.0
    while not over.is_set():
        for reader in readers.values():
            reader.look()
        now = time.monotonic()
        if now >= next_check:
            next_check = now + 1.0
            for reader in readers.values():
                reader.truth.check()
    for reader in readers.values():
        reader.truth.check()
    found = {
        venue: {"seen": dict(reader.seen), **asdict(reader.truth.verdicts)}
        for venue, reader in readers.items()
    }
    print(json.dumps({"venues": found}))


if __name__ == "__main__":
    main()
