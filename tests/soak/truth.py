"""The simulator's word on every book that a reader was shown."""

from __future__ import annotations

import http.client
import json
import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from feedhandler.sim.market import digest

_BATCH = 500
_PARTLY = 12  #: books known to a depth that are checked at a time, chosen at random
_KEPT = 10  #: wrong books that are told in full


@dataclass(frozen=True)
class Shown:
    """A book that a reader was shown as good, at a sequence of the venue.

    `known`: so many levels a side; None: all that the venue has.
    """

    symbol: str
    sequence: int
    digest: int
    known: tuple[int | None, int | None] = (None, None)


@dataclass
class Verdicts:
    """`unknown`: the venue never had such a sequence. `partly`: those checked to a depth."""

    checked: int = 0
    partly: int = 0
    unknown: int = 0
    wrong: int = 0
    first: list[dict[str, Any]] = field(default_factory=list)


class Truth:
    """One venue's control, asked in batches. Not for several threads."""

    def __init__(self, control_url: str) -> None:
        parts = urlsplit(control_url)
        self._path = parts.path
        self._http = http.client.HTTPConnection(parts.netloc, timeout=60)
        self._waiting: list[tuple[Shown, Any]] = []
        self._rng = random.Random(1)
        self.verdicts = Verdicts()

    def add(self, shown: Shown, told: Any = None) -> None:
        """Have it checked by and by. `told`: what to say with it if it is wrong."""
        self._waiting.append((shown, told))
        if len(self._waiting) >= _BATCH:
            self.check()

    def check(self) -> None:
        """Check all that waits, now."""
        waiting, self._waiting = self._waiting, []
        partly = [each for each in waiting if each[0].known != (None, None)]
        waiting = [each for each in waiting if each[0].known == (None, None)]
        for shown, told in self._rng.sample(partly, min(_PARTLY, len(partly))):
            self._judge(shown, told, self._of_part(shown))
            self.verdicts.partly += 1
        by_symbol: dict[str, list[tuple[Shown, Any]]] = defaultdict(list)
        for shown, told in waiting:
            by_symbol[shown.symbol].append((shown, told))
        for symbol, books in by_symbol.items():
            sequences = [shown.sequence for shown, _ in books]
            found = self.ask("digests", {"symbol": symbol, "sequences": sequences})["digests"]
            for (shown, told), right in zip(books, found, strict=True):
                self._judge(shown, told, right)

    def _of_part(self, shown: Shown) -> int | None:
        """The digest of the best levels that there were, so many as are called known."""
        found = self._book(shown.symbol, shown.sequence)
        if found is None:
            return None
        return digest.of(
            (side, decimal(price), decimal(size))
            for side, (name, known) in enumerate(zip(("bids", "asks"), shown.known, strict=True))
            for price, size in found[name][:known]
        )

    def _judge(self, shown: Shown, told: Any, right: int | None) -> None:
        verdicts = self.verdicts
        verdicts.checked += 1
        if right == shown.digest:
            return
        if right is None:
            verdicts.unknown += 1
        else:
            verdicts.wrong += 1
        if len(verdicts.first) < _KEPT:
            what = "unknown" if right is None else "wrong"
            verdicts.first.append(
                {"what": what, "symbol": shown.symbol, "sequence": shown.sequence, "told": told}
            )

    def _book(self, symbol: str, sequence: int) -> dict[str, Any] | None:
        found = self.ask(f"book?symbol={quote(symbol)}&sequence={sequence}")
        return None if "error" in found else found

    def wrong(self, what: str, **told: Any) -> None:
        """Something else than a book was found to be wrong."""
        self.verdicts.wrong += 1
        if len(self.verdicts.first) < _KEPT:
            self.verdicts.first.append({"what": what} | told)

    def ask(self, path: str, body: Any = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body)
        self._http.request("GET" if data is None else "POST", f"{self._path}/{path}", data)
        with self._http.getresponse() as answer:
            found: dict[str, Any] = json.load(answer)
        if "error" in found and answer.status != 404:
            raise RuntimeError(f"{path}: {found['error']}")
        return found

    def close(self) -> None:
        self._http.close()


def scaled(value: int, exponent: int) -> int:
    """A scaled integer of the memory as the digest has it."""
    return value * int(10 ** (digest.DIGITS + exponent))


def decimal(text: str) -> int:
    """A venue's number as the digest has it."""
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(digest.DIGITS, "0"))
