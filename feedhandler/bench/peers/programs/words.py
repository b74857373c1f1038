"""What a peer's program and `feedhandler.bench.peers.peers` say to each other.

In, on stdin, a line of JSON: {"url", "venue", "warm", "count", "depth", "levels", "instruments":
[{"symbol", "price_exponent", "size_exponent"}]}. Out, on stdout, a line each: "ready" when it is
about to subscribe, "warm" when it has worked off the first `warm` frames, "done" after `count`
more; and then, at a line on stdin, its books: {symbol: [bids, asks]}, best first, the best `depth`
levels of a side, each [price, size] as text.

Imports the standard library alone: a peer's environment has no feedhandler.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

Levels = Iterable[tuple[Any, Any]]


class Words:
    """Reads the order, and counts frames. `books`: symbol -> its bids and asks, each best first."""

    def __init__(self, books: Callable[[str], tuple[Levels, Levels]]) -> None:
        self.order = json.loads(sys.stdin.readline())
        self.symbols: list[str] = [one["symbol"] for one in self.order["instruments"]]
        self._books = books
        self._frames = 0
        self._marks = {
            self.order["warm"]: self._warm,
            self.order["warm"] + self.order["count"]: self._done,
        }

    def ready(self) -> None:
        """Subscribes now."""
        self._say("ready")

    def frame(self) -> None:
        """One more is in the books."""
        self._frames += 1
        if self._frames in self._marks:
            self._marks[self._frames]()

    def _warm(self) -> None:
        self._say("warm")

    def _done(self) -> None:
        """Nothing more is done before the CPU time was taken."""
        self._say("done")
        sys.stdin.readline()
        self._say(json.dumps({symbol: self._best(symbol) for symbol in self.symbols}))

    def _best(self, symbol: str) -> list[list[list[str]]]:
        depth = self.order["depth"]
        return [
            [[str(price), str(size)] for (price, size), _ in zip(side, range(depth), strict=False)]
            for side in self._books(symbol)
        ]

    @staticmethod
    def _say(word: str) -> None:
        print(word, flush=True)
