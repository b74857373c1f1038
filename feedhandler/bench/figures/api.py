"""API benchmark: what the calls of a strategy cost, in Python, on memory that is warm.

Each is called in a loop, as a strategy would, loop included. The floor is the same read in C by the
contract's header, in a native loop: what is left is Python, its objects and its floats.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any

import shm
from feedhandler.bench.kit import cores, policy
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.kit.stage import namespace
from feedhandler.bench.native import _publisher, _reads
from shm import InstrumentKind, Kind, OptionType, State, segment
from shm._arrow import drain
from shm._native import Writer

BENCH = "api"
BOARD_ROWS = 4000  # options
PAST_RECORDS = 100_000  # trades of the last minutes
CHAIN_ROWS = 160  # that expire on one day
_VENUE = "api"
_DEPTH = 50
_BASE = "BTC"
_CURRENCIES = {"base": _BASE, "quote": "USD", "settle": _BASE}
_FIRST_EXPIRY_NS = 4_102_444_800 * 10**9  # none of them is past
_PAST_NS = 280 * 10**9  # from the first of them to now
_TURN_NS = 5_000_000  # of a side; the writer's heartbeat is given in between, as it is in life
Timed = Callable[[int], float]  # so many calls -> ns a call


@dataclass(frozen=True)
class Call:
    """One call and its floor; `calls`: how many make a turn."""

    name: str
    own: Timed
    floor: Timed
    calls: int


def _called(call: Callable[[], Any], count: int) -> float:
    begin = time.perf_counter_ns()
    for _ in repeat(None, count):
        call()
    return (time.perf_counter_ns() - begin) / count


def _native(read: Callable[..., int], *arguments: Any) -> Timed:
    return lambda count: read(*arguments, count) / count


@contextmanager
def memory(rows: int = BOARD_ROWS) -> Iterator[tuple[Writer, shm.Feed]]:
    """A venue with so many options, every cell filled, and a strategy's view of it."""
    with (
        namespace() as space,
        segment.create(
            _VENUE, namespace=space, instruments=rows, depth=_DEPTH, ring_slots=1 << 14
        ) as held,
    ):
        writer = held.writer
        levels = [(100_000 - i, 5 + i) for i in range(_DEPTH)]
        for row in range(rows):
            writer.directory_add(
                {
                    "symbol": b"I%d" % row,
                    "price_exponents": [-2] * 8,
                    "size_exponents": [-3] * 8,
                    "has_book": 1,
                    "kind": InstrumentKind.OPTION,
                    "option_type": OptionType.CALL if row % 2 else OptionType.PUT,
                    "strike": 1000.0 * (row % CHAIN_ROWS // 2 + 1),
                    "expiry_ns": _FIRST_EXPIRY_NS + row // CHAIN_ROWS * 7 * 86_400 * 10**9,
                    **_CURRENCIES,
                }
            )
            cell = {"state": State.LIVE, "price_exponent": -2, "size_exponent": -3}
            prices = {"bid_price": 100_000, "bid_size": 5, "ask_price": 100_001, "ask_size": 7}
            writer.quote_store(row, cell | prices)
            writer.book_store(row, cell, levels, [(2 * 100_001 - p, s) for p, s in levels])
        with shm.attach(_VENUE, namespace=space) as feed:
            yield writer, feed


class _Polls:
    """Polls that each find `records` new ones. Writing them, timed alone, is taken off."""

    def __init__(self, writer: Writer, feed: shm.Feed, records: int) -> None:
        self._write = partial(_publisher.paced, writer.capsule(), records, 0)
        self._poll = feed.events(start="now", on_overrun="resync").poll

    def __call__(self, count: int) -> float:
        write, poll = self._write, self._poll

        def both() -> None:
            write()
            poll()

        def alone() -> None:
            write()
            nothing()

        poll()
        took = _called(both, count)
        return max(took - _called(alone, count), 1.0)


@contextmanager
def past(records: int = PAST_RECORDS) -> Iterator[tuple[Writer, shm.Feed]]:
    """A venue whose ring has so many trades of the last minutes, of eight instruments."""
    with (
        namespace() as space,
        segment.create(
            _VENUE, namespace=space, instruments=8, ring_slots=1 << records.bit_length()
        ) as held,
    ):
        writer = held.writer
        for row in range(8):
            exponents = {"price_exponents": [-2] * 8, "size_exponents": [-3] * 8}
            writer.directory_add({"symbol": b"I%d" % row, **exponents})
        begin = time.time_ns() - _PAST_NS
        for n in range(records):
            writer.message(
                n % 8,
                [(Kind.TRADE, n % 2, 100_000 + n % 500, 1000 + n % 77)],
                receive_ns=begin + n * _PAST_NS // records,
                venue_sequence=n + 1,
            )
        writer.publish()
        with shm.attach(_VENUE, namespace=space) as feed:
            yield writer, feed


def past_calls(writer: Writer, feed: shm.Feed, records: int) -> list[Call]:
    """What is measured of the past: all of it is of the last five minutes."""
    floor = _native(_reads.records, writer.capsule(), records)
    trades = feed.trades("10m")
    assert len(trades) == records
    return [
        Call(
            f'trades("5m") of {records:,}', partial(_called, partial(feed.trades, "5m")), floor, 3
        ),
        Call(
            f'bars("1s", "5m") of {records:,} trades',
            partial(_called, partial(feed.bars, "1s", "5m")),
            floor,
            1,
        ),
        Call(f"Arrow batches of {records:,} trades", partial(_called, _read(trades)), floor, 1),
    ]


def _read(trades: shm.Trades) -> Callable[[], int]:
    """The stream as a consumer in C reads it to its end."""
    return lambda: drain(trades.__arrow_c_stream__())


def nothing() -> None:
    """A call that does nothing."""


def calls(writer: Writer, feed: shm.Feed) -> list[Call]:
    """What is measured."""
    capsule = writer.capsule()
    instrument = feed.instruments()[0]
    events = feed.events(start="now")
    expiry = feed.expiries(_BASE)[0]
    quote, book = feed.quote, feed.book

    def bid_and_ask() -> tuple[float, float]:
        found = quote(instrument)
        return found.bid, found.ask

    def levels() -> tuple[Any, Any]:
        found = book(instrument, 10)
        return found.bids, found.asks

    def own(call: Callable[[], Any]) -> Timed:
        return partial(_called, call)

    of_quote, of_book = _native(_reads.quote, capsule), _native(_reads.book, capsule, 10)
    of_records = partial(_native, _reads.records, capsule)
    return [
        Call("poll, nothing new", own(events.poll), _native(_reads.poll, capsule), 20_000),
        *(Call(f"poll, {n} new", _Polls(writer, feed, n), of_records(n), 2000) for n in (1, 100)),
        Call("quote", own(partial(quote, instrument)), of_quote, 5000),
        Call("quote, its bid and ask", own(bid_and_ask), of_quote, 5000),
        Call("book(depth=10)", own(partial(book, instrument, 10)), of_book, 5000),
        Call("book(depth=10), bids and asks", own(levels), of_book, 5000),
        Call(
            f"board of {len(feed.instruments()):,}",
            own(feed.board),
            _native(_reads.board, capsule, len(feed.instruments())),
            20,
        ),
        Call(
            f"chain of {len(feed.chain(_BASE, expiry=expiry)):,}, the second time",
            own(partial(feed.chain, _BASE, expiry=expiry)),
            _native(_reads.board, capsule, CHAIN_ROWS),
            500,
        ),
    ]


def run(
    findings: Findings, *, repetitions: int = 30, rows: int = BOARD_ROWS, scale: float = 1.0
) -> None:
    """Every call in turns with its floor; `scale`: of the calls in a turn, and of the past."""
    with memory(rows) as (writer, feed), cores.pinned(cores.choose().reader):
        for call in calls(writer, feed):
            _measure(findings, call, writer, repetitions, scale)
    records = max(64, int(PAST_RECORDS * scale))
    with past(records) as (writer, feed), cores.pinned(cores.choose().reader):
        for call in past_calls(writer, feed, records):
            _measure(findings, call, writer, repetitions, scale)


def _measure(
    findings: Findings, call: Call, writer: Writer, repetitions: int, scale: float
) -> None:
    count = max(1, int(call.calls * scale))

    def turn(timed: Timed) -> float:
        writer.heartbeat()
        return timed(count)

    turn(call.own)
    turn(call.floor)
    sides = {"own": partial(turn, call.own), "floor": partial(turn, call.floor)}
    findings.progress(f"api {call.name}")
    taken = policy.in_turns(sides, repetitions)
    pairs = list(zip(taken["own"], taken["floor"], strict=True))
    what = (BENCH, call.name, "time per call", "ns")
    findings.results.append(policy.summary(*what, pairs))
