"""The simulator's word on every book that a reader was shown."""

from __future__ import annotations

import http.client
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from feedhandler.sim import digest

_BATCH = 500
_KEPT = 10  #: wrong books that are told in full


@dataclass(frozen=True)
class Shown:
    """A book that a reader was shown as good: whole, at a sequence of the venue."""

    symbol: str
    sequence: int
    digest: int


@dataclass
class Verdicts:
    """`unknown`: the venue never had such a sequence."""

    checked: int = 0
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
        self.verdicts = Verdicts()

    def add(self, shown: Shown, told: Any = None) -> None:
        """Have it checked by and by. `told`: what to say with it if it is wrong."""
        self._waiting.append((shown, told))
        if len(self._waiting) >= _BATCH:
            self.check()

    def check(self) -> None:
        """Check all that waits, now."""
        waiting, self._waiting = self._waiting, []
        by_symbol: dict[str, list[tuple[Shown, Any]]] = defaultdict(list)
        for shown, told in waiting:
            by_symbol[shown.symbol].append((shown, told))
        for symbol, books in by_symbol.items():
            sequences = [shown.sequence for shown, _ in books]
            found = self._ask("digests", {"symbol": symbol, "sequences": sequences})["digests"]
            for (shown, told), right in zip(books, found, strict=True):
                self._judge(shown, told, right)

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

    def top(self, symbol: str, sequence: int) -> tuple[list[str], list[str]] | None:
        """Best bid and ask as [price, size]; None: unknown sequence."""
        found = self._ask(f"book?symbol={quote(symbol)}&sequence={sequence}", None)
        if "error" in found:
            return None
        return found["bids"][0], found["asks"][0]

    def _ask(self, path: str, body: Any) -> dict[str, Any]:
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
