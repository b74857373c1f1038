"""Reader processes of the chaos soak: each looks in its own way, and has all that it is shown as
LIVE checked against the simulator.

    python -m tests.soak.readers < ORDER

ORDER is a line of JSON: kind, venues {name: control URL}, namespace, seed, windows {venue: levels},
halts and seen (files; the latter is told what was seen as soon as it was). Ends when its stdin is
closed, with one line of JSON on stdout: what it saw. Before, it says "ready" when it begins.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections import Counter, deque
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np

import shm
from feedhandler.sim.market import digest
from shm import Kind, State
from tests.soak.cells import CellReader, QuoteReader
from tests.soak.guards import GuardReader
from tests.soak.tops import Halts
from tests.soak.truth import Shown, Truth, scaled

_MASK = (1 << 64) - 1
_HISTORY = 12  #: states of an instrument that are told with a wrong book


class Reader(Protocol):
    """One way of looking at one venue."""

    truth: Truth
    seen: Counter[str]

    def look(self) -> None:
        """Take in what there is, and come back soon."""

    def check(self) -> None:
        """Have what was seen checked: about once a second."""


class RingReader:
    """Rebuilds every book from the ring alone, and has each message's result checked.

    `naps`: seconds it sleeps now and then, so that the ring laps it. `window`: so many levels a
    side are all that the venue's channel has.
    """

    def __init__(
        self,
        feed: shm.Feed,
        truth: Truth,
        rng: random.Random,
        naps: float = 0.0,
        window: int | None = None,
    ) -> None:
        self.truth = truth
        self.check = truth.check
        self._known = window, window
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
        self.truth.add(Shown(symbol, sequence, self._digest[row], self._known), told)


def _make(kind: str, feed: shm.Feed, order: dict[str, Any], rng: random.Random) -> Reader:
    truth = Truth(order["venues"][feed.venue])
    if kind in ("ring", "sleepy"):
        window = order["windows"].get(feed.venue)
        return RingReader(feed, truth, rng, naps=4.0 if kind == "sleepy" else 0.0, window=window)
    halts = Halts(order["halts"], feed.venue)
    if kind == "cell":
        return CellReader(feed, truth, rng, halts)
    if kind == "quote":
        return QuoteReader(feed, truth, rng, halts)
    return GuardReader(feed, truth, rng, halts)


def main() -> None:
    order = json.loads(sys.stdin.readline())
    rng = random.Random(order["seed"])
    over = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait, daemon=True).start()
    readers: dict[str, Reader] = {}
    for venue in order["venues"]:
        feed = shm.attach(venue, namespace=order["namespace"], timeout=60)
        readers[venue] = _make(order["kind"], feed, order, rng)
    print("ready", flush=True)
    next_check, told = 0.0, set[str]()
    while not over.is_set():
        for reader in readers.values():
            reader.look()
        now = time.monotonic()
        if now >= next_check:
            next_check = now + 1.0
            for reader in readers.values():
                reader.check()
            seen = {what for reader in readers.values() for what in reader.seen} - told
            told |= seen
            with Path(order["seen"]).open("a") as file:
                file.writelines(f"{what}\n" for what in seen)
    for reader in readers.values():
        reader.check()
    found = {
        venue: {"seen": dict(reader.seen), **asdict(reader.truth.verdicts)}
        for venue, reader in readers.items()
    }
    print(json.dumps({"venues": found}))


if __name__ == "__main__":
    main()
