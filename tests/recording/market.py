"""A venue's writer for tests: random messages, and the truth about all that it ever wrote."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple

import shm
from shm import Kind
from shm._native import KNOWN_WHOLE, Writer
from shm.segment import create

VENUE = "sim"
NS = 1_000_000_000
DAY = 86_400 * NS
#: names that no path may have, and one that is no ASCII
SYMBOLS = ("BTC-USD", "xyz:CL", "PURR/USDC", "@107", "币安人生USDT", "BTC-30NOV26-90000-C")
KINDS = (1, 2, 1, 1, 2, 4)  # spot, perpetual, option


class Written(NamedTuple):
    """A ring record, as it was written."""

    instrument: int
    kind: int
    flags: int
    side: int
    price: int
    size: int
    aux: int
    receive_ns: int
    venue_sequence: int


class Market:
    """`truth`: by epoch and sequence, every record. Cells are those of the books."""

    def __init__(
        self,
        namespace: str,
        *,
        slots: int = 4096,
        depth: int = 8,
        seed: int = 1,
        now_ns: int | None = None,
    ) -> None:
        self.namespace = namespace
        self.slots, self.depth = slots, depth
        self.truth: dict[int, dict[int, Written]] = {}
        today = time.time_ns() // DAY * DAY  # a writer's own records have the real time
        self.now_ns = today + DAY // 2 if now_ns is None else now_ns
        self._random = random.Random(seed)
        self._held: Any = None
        self.restart()

    @property
    def writer(self) -> Writer:
        writer: Writer = self._held.writer
        return writer

    @property
    def epoch(self) -> int:
        return int(self.writer.epoch)

    @property
    def published(self) -> int:
        return int(self.writer.published)

    def restart(self, *, keep: bool = False) -> None:
        """A new epoch, with full books."""
        if self._held is not None:
            self.close(keep=keep)
        self._held = create(
            VENUE,
            namespace=self.namespace,
            instruments=16,
            depth=self.depth,
            ring_slots=self.slots,
            connections=4,
        )
        no_instrument = shm.NO_INSTRUMENT
        self.truth[self.epoch] = {1: Written(no_instrument, Kind.WRITER, 3, 0, 1, 0, 0, 0, 0)}
        self.books: list[tuple[dict[int, int], dict[int, int]]] = []
        for symbol, kind in zip(SYMBOLS, KINDS, strict=True):
            self.writer.directory_add(
                {
                    "symbol": symbol,
                    "name": symbol.lower(),
                    "kind": kind,
                    "has_book": 1,
                    "price_exponents": [-2] * 8,
                    "size_exponents": [-3] * 8,
                    "tick": 0.01,
                }
            )
            self.books.append(({}, {}))
        for row in range(len(SYMBOLS)):
            self.snapshot(row)
        self.writer.publish()

    def close(self, *, keep: bool = False) -> None:
        """The writer stops in order: it says so in a last record."""
        self._note(None, [(Kind.WRITER, 0, 0, 0)], 0, stops=True)
        self._held.close(keep=keep)
        self._held = None

    def __enter__(self) -> Market:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        if self._held is not None:
            self.close()

    # ---- messages

    def message(
        self, instrument: int | None, records: Sequence[tuple[int, ...]], flags: int = 0
    ) -> int:
        """One venue message, not published yet."""
        self.now_ns += self._random.randrange(1, 2_000_000)
        number = self._note(instrument, records, flags)
        return self.writer.message(
            instrument,
            records,
            flags=flags,
            receive_ns=self.now_ns,
            exchange_ns=self.now_ns - 1000,
            venue_sequence=number,
        )

    def _note(
        self,
        instrument: int | None,
        records: Sequence[tuple[int, ...]],
        flags: int,
        *,
        stops: bool = False,
    ) -> int:
        truth = self.truth[self.epoch]
        first = len(truth) + 1
        row = shm.NO_INSTRUMENT if instrument is None else instrument
        when, number = (0, 0) if stops else (self.now_ns, first)
        for at, (kind, side, price, size, *aux) in enumerate(records):
            own = flags | (at == 0) | 2 * (at == len(records) - 1)
            its = Written(row, kind, own, side, price, size, (aux or [0])[0], when, number)
            truth[first + at] = its
        return number

    def snapshot(self, row: int) -> None:
        """A full book."""
        bids, asks = self.books[row]
        middle = self._random.randrange(50_000, 60_000)
        bids.clear()
        asks.clear()
        for away in range(1, self._random.randrange(3, 2 * self.depth)):
            bids[middle - away] = self._random.randrange(1, 9999)
            asks[middle + away] = self._random.randrange(1, 9999)
        records = [(int(Kind.CLEAR), 0, 0, 0)]
        records += [(int(Kind.LEVEL), 0, price, size) for price, size in bids.items()]
        records += [(int(Kind.LEVEL), 1, price, size) for price, size in asks.items()]
        self._store(row, self.message(row, records, flags=4))

    def change(self, row: int) -> None:
        """A few levels."""
        records = []
        for _ in range(self._random.randrange(1, 5)):
            side = self._random.randrange(2)
            bids, asks = self.books[row]
            book = (bids, asks)[side]
            best = max(bids, default=55_000) if side == 0 else min(asks, default=55_010)
            price = best + self._random.randrange(0, 6) * (-1, 1)[side]
            size = self._random.choice((0, self._random.randrange(1, 9999)))
            book.pop(price, None)
            if size:
                book[price] = size
            records.append((int(Kind.LEVEL), side, price, size))
        self._store(row, self.message(row, records))

    def _store(self, row: int, sequence: int) -> None:
        bids, asks = self.books[row]
        best = sorted(bids.items(), reverse=True)
        offers = sorted(asks.items())
        self.writer.book_store(
            row,
            {
                "ring_sequence": sequence,
                "price_exponent": -2,
                "size_exponent": -3,
                "state": int(shm.State.LIVE),
                "bids_total": len(best),
                "asks_total": len(offers),
                "bids_known": KNOWN_WHOLE,
                "asks_known": KNOWN_WHOLE,
            },
            best,
            offers,
        )

    def step(self, messages: int = 10) -> None:
        """Whatever comes."""
        for _ in range(messages):
            row = self._random.randrange(len(SYMBOLS))
            match self._random.randrange(10):
                case 0:
                    self.message(
                        row, [(Kind.TRADE, 1, 55_000, 17), (Kind.LIQUIDATION, 0, 54_999, 3)]
                    )
                case 1:
                    self.message(row, [(Kind.QUOTE, 0, 54_999, 10), (Kind.QUOTE, 1, shm.NONE, 0)])
                case 2:
                    self.message(row, [(Kind.STAT, 0, 12_345, -7, int(shm.Stat.FUNDING))])
                case 3:
                    live, none = int(shm.State.LIVE), int(shm.Reason.NONE)
                    self.message(row, [(Kind.STATE, 0, live, none)])
                    self.message(None, [(Kind.STATE, 1, live, none, 2)])
                case 4:
                    self.snapshot(row)
                case _:
                    self.change(row)
        self.writer.publish()
        self.writer.wake()

    def until(self, records: int) -> None:
        """As many more records, at least."""
        wanted = self.published + records
        while self.published < wanted:
            self.step()
