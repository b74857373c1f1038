"""A writer that changes an instrument's terms all the time, and readers that know what may be.

`python -m tests.engine.terms_play writer|quotes|books|boards|events NAMESPACE SEED COUNT`

Definition n has the terms `play(seed, count)[n - 1]`, and while it holds the writer shows books
whose prices and sizes say n.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from typing import Any

import shm
from feedhandler import venues
from feedhandler.engine import _engine as native
from shm import Change, Kind, Status, segment
from tests.engine import support

VENUE, SYMBOL, OTHER = "okx", "BTC-USDT", "ETH-USDT"
BOOKS = 2  # between two changes
DEADLINE_S = 120.0
_STATUSES = [status for status in Status if status is not Status.EXPIRED]
_BITS = {
    "status": Change.STATUS, "tick": Change.TICK, "bands": Change.TICK, "lot": Change.LOT,
    "contract_size": Change.CONTRACT_SIZE, "expiry_ns": Change.EXPIRY, "settle": Change.IDENTITY,
}  # fmt: skip


def play(seed: int, count: int) -> list[dict[str, Any]]:
    """The terms of every definition: each has another value in one field at least."""
    numbers = random.Random(seed)
    terms: dict[str, Any] = {
        "kind": int(shm.InstrumentKind.PERPETUAL), "tick": 0.01, "lot": 0.1, "contract_size": 1.0,
        "contract_type": int(shm.ContractType.LINEAR), "strike": 0.0, "expiry_ns": 0, "option": 0,
        "status": int(Status.ACTIVE), "name": "BTC-USDT-PERP", "base": "BTC", "quote": "USDT",
        "settle": "USDT", "bands": (),
    }  # fmt: skip
    found = [terms]
    while len(found) < count:
        terms = dict(terms)
        for field in numbers.sample(list(_BITS), numbers.randint(1, len(_BITS))):
            while terms[field] == found[-1][field]:
                terms[field] = _value(field, numbers)
        found.append(terms)
    return found


def _value(field: str, numbers: random.Random) -> Any:
    match field:
        case "status":
            return int(numbers.choice(_STATUSES))
        case "expiry_ns":
            return 2 * 10**18 + numbers.randint(0, 10**9) * 10**9
        case "settle":
            return numbers.choice(["USDT", "USDC", "USD"])
        case "bands":
            count = numbers.randint(0, 12)
            return tuple((float(at), float(numbers.randint(1, 99))) for at in range(1, count + 1))
    return numbers.randint(1, 1000) / 1000


def bits(old: dict[str, Any], new: dict[str, Any]) -> Change:
    """What has changed."""
    found = Change(0)
    for field, bit in _BITS.items():
        if old[field] != new[field]:
            found |= bit
    return found


def write(namespace: str, terms: list[dict[str, Any]]) -> None:
    """All definitions in turn, as fast as it goes; then the last one holds until stdin ends."""
    with segment.create(VENUE, namespace=namespace, instruments=4, depth=3) as held:
        engine = native.Engine(
            held.writer, venues.load(VENUE).decoder,
            rule=native.RULE_PREVIOUS, base=native.BASE_STREAM, checksum=None,
        )  # fmt: skip
        engine.add_instrument(SYMBOL, price_exponent=-2, size_exponent=-2, **terms[0])
        engine.add_instrument(OTHER, price_exponent=-2, size_exponent=-2)
        place = 100
        for number, its in enumerate(terms, 1):
            if number > 1:
                engine.redefine(0, **its)
            for _ in range(BOOKS):
                place += 1
                show(engine, SYMBOL, place, number)
            show(engine, OTHER, place, 7)
            held.writer.heartbeat()
            if number == 1:
                print("ready", flush=True)
                sys.stdin.readline()
        print("done", flush=True)
        while not sys.stdin.closed and sys.stdin.readline():
            held.writer.heartbeat()


def show(engine: native.Engine, symbol: str, place: int, number: int) -> None:
    """A whole book whose prices and sizes say `number`."""
    low, high, size = f"{number}.00", f"{number + 1}.00", f"{number}"
    engine.connection(0).feed(
        support.okx_book(
            place, -1, bids=[[low, size]], asks=[[high, size]], action="snapshot", symbol=symbol
        )
    )


class Reader:
    """What any reader may believe; a broken promise is an AssertionError."""

    def __init__(self, namespace: str, terms: list[dict[str, Any]]) -> None:
        self.feed = shm.attach(VENUE, namespace=namespace)
        self.terms = terms
        self.held = self.feed.instrument(SYMBOL)  # old for nearly all of the time
        self.seen: Counter[int] = Counter()
        self.last = 0

    def has(self, instrument: shm.Instrument) -> None:
        """The instrument is one definition, whole."""
        its = self.terms[instrument.definition - 1]
        found = {
            "tick": instrument.tick, "lot": instrument.lot, "expiry_ns": instrument.expiry_ns,
            "contract_size": instrument.contract_size, "settle": instrument.settle,
            "status": int(instrument.status), "bands": instrument.tick_bands,
        }  # fmt: skip
        assert found == {field: its[field] for field in found}, instrument.definition

    def under(self, definition: int, status: int, bid: float, size: float) -> None:
        """A cell is under one definition, which never goes back, and its market is of then."""
        assert status == self.terms[definition - 1]["status"]
        assert definition >= self.last
        assert bid == size
        assert definition - 1 <= bid <= definition, (bid, definition)
        self.last = definition
        self.seen[definition] += 1

    def quotes(self) -> None:
        quote = self.feed.quote(self.held)
        self.under(quote.definition, quote.status, quote.bid, quote.bid_size)
        assert quote.instrument.definition >= quote.definition
        self.has(quote.instrument)

    def books(self) -> None:
        book = self.feed.book(self.held)
        ((bid, size),) = book.bids.tolist()
        self.under(book.definition, book.status, bid, size)
        assert book.instrument.definition >= book.definition
        self.has(book.instrument)
        self.has(self.feed.instrument(SYMBOL))

    def boards(self) -> None:
        board = self.feed.board()
        row, other = board[0], board[1]
        self.under(int(row["definition"]), int(row["status"]), row["bid"], row["bid_size"])
        instrument = board.instrument(0)
        assert instrument.definition >= row["definition"]
        self.has(instrument)
        assert (other["definition"], other["bid"]) == (1, 7.0)

    def events(self) -> None:
        """Each change is one record, in order, and what it announces is there to be read."""
        followed = self.feed.events(start="oldest")
        known = 1
        while known < len(self.terms):
            batch = next(followed)
            for record in batch[batch["instrument"] == self.held.id]:
                if record["kind"] == Kind.DEFINITION:
                    number = int(record["aux"])
                    assert number == known + 1
                    old, new = self.terms[known - 1], self.terms[number - 1]
                    assert Change(int(record["size"])) == bits(old, new)
                    assert int(record["price"]) == new["status"]
                    known = number
                    self.seen[number] += 1
                    for cell in (self.feed.quote(self.held), self.feed.book(self.held)):
                        assert cell.definition >= number
                        assert cell.instrument.definition >= cell.definition
                elif record["kind"] == Kind.LEVEL and record["size"]:
                    # The book between this change and the next.
                    assert int(record["size"]) == known
        assert not followed.lost

    def read(self, what: str) -> None:
        print("ready", flush=True)
        deadline = time.monotonic() + DEADLINE_S
        if what == "events":
            self.events()
        while self.last < len(self.terms) and what != "events":
            getattr(self, what)()
            assert time.monotonic() < deadline
        print(json.dumps(len(self.seen)), flush=True)


def main(what: str, namespace: str, seed: str, count: str) -> None:
    terms = play(int(seed), int(count))
    if what == "writer":
        write(namespace, terms)
    else:
        Reader(namespace, terms).read(what)


if __name__ == "__main__":
    main(*sys.argv[1:])
