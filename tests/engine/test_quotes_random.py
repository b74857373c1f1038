"""Random books, quotes, resets and wrong numbers, against the venue's own history."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from feedhandler.engine import _engine as native
from shm import Source

from .quotes import FAR, LIVE, SECOND, shown, ticker
from .support import binance_depth, compact, engine, memory

NONE = -(2**63)


@dataclass
class Market:
    """The truth: every top of book that there ever was, by its number."""

    rng: random.Random
    number: int = 1_000_000
    bid: int = 1050
    ask: int = 1060
    tops: dict[int, set[tuple[int, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tops[self.number] = {(self.bid, self.ask)}

    def step(self) -> tuple[int, list[list[str]], list[list[str]]]:
        """(the number before, changes of bids, of asks): the only level a side moves."""
        previous, before = self.number, (self.bid, self.ask)
        self.number += self.rng.randrange(1, 4)
        self.bid = self.rng.randrange(1010, 1054)
        self.ask = self.rng.randrange(1056, 1099)
        self.tops.setdefault(self.number, set()).add((self.bid, self.ask))
        bids = [[str(before[0]), "0"], [str(self.bid), "1"]]
        asks = [[str(before[1]), "0"], [str(self.ask), "1"]]
        return previous, bids, asks

    def answer(self) -> bytes:
        return compact({"lastUpdateId": self.number, "bids": [[str(self.bid), "1"]],
                        "asks": [[str(self.ask), "1"]]})  # fmt: skip

    def ticker(self) -> bytes:
        return ticker(self.number, str(self.bid), str(self.ask))


def check(
    e: native.Engine, market: Market, now: int, sent: dict[int, set[tuple[int, int]]]
) -> None:
    """What must hold in any single reading."""
    quote = memory(e).quote(0)
    top = int(quote["bid_price"]), int(quote["ask_price"])
    if e.state(0) != LIVE:
        return
    bids, asks, place, *_ = e.book(0)
    book = int(bids[0][0]), int(asks[0][0])
    assert book in market.tops[place], (place, book)  # LIVE: the venue's at its number
    if quote["source"] == Source.BOOK:
        assert (top, int(quote["venue_sequence"])) == (book, place)
    else:
        assert quote["source"] == Source.QUOTE
        assert now - int(quote["receive_ns"]) <= SECOND
        assert int(quote["venue_sequence"]) > place
        assert top in sent[int(quote["venue_sequence"])]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 2))
def test_random_books_quotes_resets_and_wrong_numbers(seed: int, connections: int) -> None:
    rng = random.Random(seed)
    now = time.time_ns()
    market = Market(rng)
    sent: dict[int, set[tuple[int, int]]] = {}
    frames: list[bytes] = []

    def healthy(number: int) -> bool:  # one mistake about a book at a time
        return e.state(0) == LIVE and e.book(0)[2] == number

    def show(frame: bytes, again: bool = True) -> None:
        if again:
            frames.append(frame)
        for index in range(connections):
            if connections == 1 or rng.random() < 0.9:
                e.connection(index).feed(frame, now)

    def move(odd: bool, step: int = 0) -> None:
        previous, bids, asks = market.step()
        if odd and rng.random() < 0.06:
            return  # lost
        final = market.number
        if odd and rng.random() < 0.1 and healthy(previous):
            final += FAR + 10 * step
            market.tops.setdefault(final, set()).add((market.bid, market.ask))
        show(binance_depth(previous + 1, final, bids, asks), again=final == market.number)

    def tell(odd: bool) -> None:
        number, top, frame = market.number, (market.bid, market.ask), market.ticker()
        if odd and rng.random() < 0.1:
            number, top = number + FAR + rng.randrange(9), (1005, 1006)
            frame = ticker(number, "1005", "1006")
        sent.setdefault(number, set()).add(top)
        show(frame)

    with engine("binance", ring_slots=1 << 12, instruments=2) as e:
        e.add_instrument("BTCUSDT")
        for step in range(140):
            odd = step < 90
            now += rng.choice((1_000_000, 30_000_000, 100_000_000) + (700_000_000,) * odd)
            e.overdue(now)
            check(e, market, now, sent)
            dice = rng.random()
            if odd and dice < 0.1:
                e.connection(rng.randrange(connections)).feed(rng.choice(frames or [b"{}"]), now)
            elif odd and dice < 0.14 and healthy(market.number):
                market.number -= 10_000  # what says so is lost
                frames.clear()
                market.tops.setdefault(market.number, set()).add((market.bid, market.ask))
            elif dice < 0.45:
                tell(odd)
            else:
                move(odd, step)
            if e.state(0) != LIVE and rng.random() < 0.5:
                e.snapshot(0, market.answer(), now)
            check(e, market, now, sent)
        now += 3 * SECOND  # all is well again: within seconds it is right, and stays so
        e.overdue(now)
        for _ in range(60):
            now += 100_000_000
            move(False)
            tell(False)
            e.overdue(now)
            check(e, market, now, sent)
            if e.state(0) != LIVE:
                e.snapshot(0, market.answer(), now)
        assert e.state(0) == LIVE
        assert shown(e)[:3] == (market.bid, market.ask, market.number)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 2))
def test_what_the_cell_shows_never_goes_back_while_numbers_are_right(
    seed: int, connections: int
) -> None:
    """Books up to 200 ms behind quotes, frames twice, connections up to half a second apart."""
    rng = random.Random(seed)
    now = time.time_ns()
    market = Market(rng)
    queue: list[tuple[int, int, int, bytes]] = []
    lags = [0, rng.randrange(500_000_000)][:connections]
    began = market.number
    first = market.answer()
    sent: dict[int, set[tuple[int, int]]] = {}
    for n in range(80):
        at = now + n * 50_000_000
        previous, bids, asks = market.step()
        sent[market.number] = {(market.bid, market.ask)}
        for index, lag in enumerate(lags):
            queue.append((at + lag, index, 2 * n, market.ticker()))
            depth = binance_depth(previous + 1, market.number, bids, asks)
            queue.append((at + lag + 200_000_000, index, 2 * n + 1, depth))
            if rng.random() < 0.1:
                queue.append((at + lag + 200_000_000, index, 2 * n + 1, depth))
    with engine("binance", ring_slots=1 << 12, instruments=2) as e:
        e.connection(0).feed(binance_depth(began, began), now)
        e.snapshot(0, first, now)
        last = 0
        for at, index, _, frame in sorted(queue):
            e.connection(index).feed(frame, at)
            assert e.overdue(at) == 0
            check(e, market, at, sent)
            number = int(memory(e).quote(0)["venue_sequence"])
            assert number >= last
            last = number
        assert e.state(0) == LIVE
        assert last == market.number
        assert e.counters()["gaps"] == 0
