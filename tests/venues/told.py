"""What the feed told in shared memory, in the words of the references."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from feedhandler.engine._engine import Engine
from shm import Kind, Stat, State
from tests.engine.support import Memory, engine_book
from tests.venues.reference.book import Book, Level, Quote, Side, Trade
from tests.venues.sample import stats_words

NONE = -(2**63)  # a price that is not there


def memory_of(namespace: str, venue: str) -> Memory:
    (data,) = Path("/dev/shm").glob(f"{namespace}.{venue}.[0-9]*")
    return Memory(data)


@dataclass
class Told:
    """Trades, liquidations, quotes and statistics of ring records."""

    trades: list[Trade] = field(default_factory=list)
    liquidations: list[Trade] = field(default_factory=list)
    quotes: list[Quote] = field(default_factory=list)
    stats: list[str] = field(default_factory=list)


def told(memory: Memory, slots: Iterable[Any]) -> Told:
    found = Told()
    entries: dict[int, Any] = {}
    stats: dict[tuple[str, int], list[tuple[str, Decimal]]] = {}
    bid: Any = None
    for slot in slots:
        row, kind = int(slot["instrument"]), int(slot["kind"])
        if kind not in (Kind.TRADE, Kind.LIQUIDATION, Kind.QUOTE, Kind.STAT):
            continue
        entry = entries.get(row)
        if entry is None or not _has(entry, slot):
            entry = entries[row] = memory.entry(row)
        symbol = bytes(entry["symbol"]).rstrip(b"\0").decode()
        time = int(slot["exchange_ns"])
        if kind == Kind.STAT:
            name = Stat(int(slot["aux"])).name.lower()
            value = Decimal(int(slot["price"])).scaleb(int(slot["size"]))
            stats.setdefault((symbol, time), []).append((name, value))
            continue
        level = _level(entry, slot)
        if kind in (Kind.TRADE, Kind.LIQUIDATION):
            assert level is not None
            number = int(slot["venue_sequence"]) or None
            those = found.trades if kind == Kind.TRADE else found.liquidations
            those.append(Trade(symbol, *level, int(slot["side"]) == 0, time, number))
        elif int(slot["side"]) == 0:
            bid = level
        else:
            place = int(slot["venue_sequence"]) or None
            found.quotes.append(Quote(symbol, bid, level, time, place))
    found.stats = [stats_words(symbol, time, rows) for (symbol, time), rows in stats.items()]
    return found


def _has(entry: Any, slot: Any) -> bool:
    """Whether the exponents of the slot were there when the entry was read."""
    return int(slot["precision"]) <= int(entry["precision"])


def _level(entry: Any, slot: Any) -> Level | None:
    if int(slot["price"]) == NONE:
        return None
    precision = int(slot["precision"])
    price, size = int(entry["price_exponents"][precision]), int(entry["size_exponents"][precision])
    return (
        Decimal(int(slot["price"])).scaleb(price),
        Decimal(int(slot["size"])).scaleb(size),
    )


def book_of(engine: Engine, symbol: str, numbered: bool) -> Book:
    """The whole book; `numbered`: the venue has numbers, whose last is the book's."""
    if symbol not in engine.symbols():
        return Book()
    row = engine.instrument_id(symbol)
    if engine.state(row) != (State.LIVE, 0):
        return Book()
    bids, asks = engine_book(engine, row)
    return Book(Side(bids), Side(asks), engine.book(row)[2] if numbered else None, live=True)


def best_of(engine: Engine, symbol: str) -> tuple[Level | None, Level | None]:
    """The best bid and ask of the book."""
    bids, asks, _, price, size = engine.book(engine.instrument_id(symbol))
    bid, ask = (
        None
        if not len(side)
        else (Decimal(int(side[0, 0])).scaleb(price), Decimal(int(side[0, 1])).scaleb(size))
        for side in (bids, asks)
    )
    return bid, ask
