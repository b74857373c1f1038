"""What random faults did to a venue's data: by the simulator's word, and by the ring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from feedhandler import venues as registry
from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.adapter.venue import Base, Continuity
from shm import Kind, Reason, State
from shm.inspect import open_memory


@dataclass
class Lives:
    """Of one book: ns LIVE, and the times that it was LIVE again."""

    live_ns: int = 0
    heals: int = 0


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
                since = 0
            elif state == State.LIVE and not since:
                since, times = at, times + 1
        its.heals = max(0, times - 1)
        found[symbol] = its
    return found


def left_by(venue: str, namespace: str, symbol: str, since: int) -> Reason | None:
    """Why a book left LIVE first after `since`, by the ring of the process that runs."""
    memory = open_memory(venue, namespace=namespace)
    row = [name for name, _ in memory.segment.names(0)].index(symbol)
    slots = memory.slots(1, memory.segment.published)
    ours = slots[(slots["kind"] == int(Kind.STATE)) & (slots["side"] == 0)]
    ours = ours[(ours["instrument"] == row) & (ours["receive_ns"] >= since)]
    left = ours[ours["price"] != int(State.LIVE)]
    return Reason(int(left["size"][0])) if len(left) else None


class Forms:
    """How a venue's books are numbered, as far as faults are told by it."""

    def __init__(self, venue: str) -> None:
        its = registry.load(venue)
        assert isinstance(its, DeclaredVenue)
        self.whole = its.base is Base.EVERY
        #: what is numbered are the messages of a connection
        self.connection = any(frame.kind == "number" for frame in its.frames)
        #: that something is missing shows, and not how much
        self.chain = its.rule is Continuity.PREVIOUS
        self.numbered = self.chain or its.rule in (Continuity.NEXT, Continuity.RANGE)
        #: to heal: what was left out just before is followed by nothing
        self.resubscribes = its.base is Base.STREAM
        apart = any(frame.kind == "checksum" for frame in its.frames)
        self.summed = its.checksum is not None and not apart  # in each message of a book
        self.keyed = any("$id" in frame.level for frame in its.frames)


@dataclass
class Ledger:
    """What became of a venue's data. `gaps`: at least, and `holes`: at most, for what was left out
    one after the other is one; `unheard`: what may have been left out just before a book was
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


def differences(venue: str, its: Mapping[str, Any], ledger: Ledger) -> list[str]:
    """What the quality says otherwise than the ledger."""
    found = []
    if not ledger.missing - ledger.unheard <= its["missing"] <= ledger.missing:
        found.append(f"{venue}: {its['missing']} missing, and truly {ledger.missing}")
    if not ledger.gaps <= its["gaps"] <= ledger.holes:
        found.append(f"{venue}: {its['gaps']} gaps, and truly {ledger.gaps} to {ledger.holes}")
    unsized = its["gaps"] if Forms(venue).chain else ledger.unsized
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
