"""What random faults did to a venue's data: by the simulator's word, by the wire, by the ring."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shm import Kind, State
from shm.inspect import open_memory
from tests.kit.proxy import Proxy

CHAINS: Final = ("okx",)  #: that something is missing shows, and not how much


@dataclass
class Lives:
    """Of one book: ns LIVE, the times that it was LIVE again, and when it was: from, to."""

    live_ns: int = 0
    heals: int = 0
    times: list[tuple[int, int]] = field(default_factory=list)

    def at(self, ns: int) -> bool:
        """Whether it was LIVE then."""
        return any(begin <= ns <= end for begin, end in self.times)


def lives(
    venue: str, namespace: str, end: int, still: Sequence[tuple[int, int]]
) -> dict[str, Lives]:
    """By symbol, of the process whose memory is there, by the records in its ring up to `end`.
    `still`: when the process did not run."""
    memory = open_memory(venue, namespace=namespace)
    last = memory.segment.published
    assert last <= memory.segment.slots
    slots = memory.slots(1, last)
    slots = slots[(slots["kind"] == int(Kind.STATE)) & (slots["side"] == 0)]  # not of connections
    found = {}
    for row, (symbol, _) in enumerate(memory.segment.names(0)):
        ours = slots[slots["instrument"] == row]
        its, since, times = Lives(), 0, 0
        stamps = [*ours["receive_ns"].tolist(), end]
        states = [*ours["price"].tolist(), int(State.CLOSED)]
        for at, state in zip(stamps, states, strict=True):
            if since and state != State.LIVE:
                gone = sum(max(0, min(at, b) - max(since, a)) for a, b in still)
                its.live_ns += at - since - gone
                its.times.append((since, at))
                since = 0
            elif state == State.LIVE and not since:
                since, times = at, times + 1
        its.heals = max(0, times - 1)
        found[symbol] = its
    return found


class Tap:
    """Counts the numbers that lack between depth messages of one stream and connection: one that
    nobody reads any more may go on for a while."""

    def __init__(self, between: Proxy) -> None:
        self.holes: list[tuple[int, str, int]] = []  # when, of which stream, of how many
        self._between = between
        self._last: dict[tuple[int, str], int] = {}

    def __call__(self, text: str) -> str:
        found = json.loads(text)
        data = found.get("data", found)
        if data.get("e") == "depthUpdate":
            stream = self._between.speaking, data["s"]
            last = self._last.get(stream)
            if last is not None and data["U"] > last + 1:
                self.holes.append((time.time_ns(), data["s"], data["U"] - last - 1))
            self._last[stream] = max(last or 0, data["u"])
        return text


@dataclass
class Ledger:
    """What became of a venue's data. `gaps`: at least, and `holes`: at most, for a book that heals
    meanwhile makes two of one; `unheard`: what may have been left out just before a book was
    subscribed to anew, so that nothing followed it; `unseen_ns`: how long nobody looked whether the
    process ran, and it stood still for about as long as is too long; `ordered`: faults by kind."""

    gaps: int = 0
    holes: int = 0
    missing: int = 0
    unheard: int = 0
    unsized: int = 0
    checksums: int = 0
    unseen_ns: int = 0
    books: dict[str, Lives] = field(default_factory=dict)
    ordered: Counter[str] = field(default_factory=Counter)

    def close(self, found: Mapping[str, Lives]) -> None:
        """A process is over."""
        for symbol, its in found.items():
            mine = self.books.setdefault(symbol, Lives())
            mine.live_ns += its.live_ns
            mine.heals += its.heals
            mine.times += its.times

    def heard(self, holes: Sequence[tuple[int, str, int]]) -> None:
        """Those are on the wire. One of a book that was not LIVE may be before its base, where it
        says nothing."""
        sure = [missing for at, symbol, missing in holes if self.books[symbol].at(at)]
        self.gaps, self.holes = len(sure), len(holes)
        self.missing = sum(missing for _, _, missing in holes)
        self.unheard = self.missing - sum(sure)


def differences(venue: str, its: Mapping[str, Any], ledger: Ledger) -> list[str]:
    """What the quality says otherwise than the ledger."""
    found = []
    if not ledger.missing - ledger.unheard <= its["missing"] <= ledger.missing:
        found.append(f"{venue}: {its['missing']} missing, and truly {ledger.missing}")
    if not ledger.gaps <= its["gaps"] <= ledger.holes:
        found.append(f"{venue}: {its['gaps']} gaps, and truly {ledger.gaps} to {ledger.holes}")
    unsized = its["gaps"] if venue in CHAINS else ledger.unsized
    if its["unsized"] != unsized:
        found.append(f"{venue}: {its['unsized']} unsized, and truly {unsized}")
    heals = sum(each.heals for each in ledger.books.values())
    if its["heals"] != heals:
        found.append(f"{venue}: {its['heals']} heals, and truly {heals}")
    if its["checksums"]["differ"] != ledger.checksums:
        found.append(f"{venue}: {its['checksums']['differ']} checksums, {ledger.checksums}")
    told = {each["symbol"]: each for each in its["instruments"]}
    if told.keys() != ledger.books.keys():
        found.append(f"{venue}: {sorted(told)} are told, there were {sorted(ledger.books)}")
    for symbol, book in ledger.books.items():
        live = told[symbol]["live_ns"]
        if abs(live - book.live_ns) > 1_000_000_000 + ledger.unseen_ns:
            found.append(f"{venue} {symbol}: LIVE {live / 1e9:.2f} s, {book.live_ns / 1e9:.2f} s")
    return found
