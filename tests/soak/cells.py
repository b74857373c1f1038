"""Readers of cells: whole books, and quotes."""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from typing import Any

import shm
from feedhandler.sim.market import digest
from shm import Source, Status
from tests.kit.patience import SILENCE_S
from tests.soak.tops import Halts, Level, Tops
from tests.soak.truth import Shown, Truth, scaled

#: a quote was the venue's best no longer ago: a silence (2 s) is noticed half a second later, a
#: busy machine is given 4 s more
BEHIND_S = SILENCE_S + 0.5 + 4.0
#: an instrument's status is the venue's of no longer ago: its list is read every 5 s, and may fail,
#: or wait with all other requests until a spent budget of the host has recovered
STATUS_S = 28.0


def shown(book: shm.RawBook) -> Shown:
    """A raw book for its check."""
    sides = enumerate((book.bids.tolist(), book.asks.tolist()))
    found = digest.of(
        (side, scaled(price, book.price_exponent), scaled(size, book.size_exponent))
        for side, levels in sides
        for price, size in levels
    )
    known = book.bids_known, book.asks_known
    return Shown(book.instrument.symbol, book.venue_sequence, found, known)


def top_of(quote: shm.RawQuote) -> tuple[Level, Level] | None:
    """Its best bid and ask; None: not both are there."""
    sides = (quote.bid, quote.bid_size), (quote.ask, quote.ask_size)
    bid, ask = (
        None
        if price is None or size is None
        else (scaled(price, quote.price_exponent), scaled(size, quote.size_exponent))
        for price, size in sides
    )
    return None if bid is None or ask is None else (bid, ask)


class Quotes:
    """Quotes that were seen as LIVE, held against the venue's own history of best levels."""

    def __init__(self, truth: Truth, tops: Tops, seen: Counter[str]) -> None:
        self._truth = truth
        self._tops = tops
        self._seen = seen
        self._waiting: dict[str, list[tuple[int, shm.RawQuote]]] = defaultdict(list)

    def add(self, quote: shm.RawQuote, at_ns: int) -> None:
        """`at_ns`: before it was read."""
        self._waiting[quote.instrument.symbol].append((at_ns, quote))

    def check(self) -> None:
        """Once the venue's history was asked for."""
        for symbol, quotes in self._waiting.items():
            for at_ns, quote in quotes:
                self._judge(symbol, quote, at_ns)
        self._waiting.clear()

    def _judge(self, symbol: str, quote: shm.RawQuote, at_ns: int) -> None:
        mine = top_of(quote)
        if mine is None:
            return
        bid, ask = mine
        said = {
            "symbol": symbol, "source": quote.source.name, "sequence": quote.venue_sequence,
            "told": mine, "receive_ns": quote.receive_ns, "at_ns": at_ns,
        }  # fmt: skip
        self._truth.verdicts.checked += 1
        self._seen[f"quotes of {quote.source.name}"] += 1
        if bid[0] >= ask[0]:
            self._truth.wrong("crossed quote", **said)
        elif not self._tops.had(symbol, bid, ask, at_ns - int(BEHIND_S * 1e9)):
            self._truth.wrong("quote that the venue has not had", **said)
        elif quote.source is Source.BOOK and quote.venue_sequence:
            right = self._tops.at(symbol, quote.venue_sequence)
            if right is not None and (right.bid, right.ask) != mine:
                self._truth.wrong("wrong quote at its sequence", right=right, **said)


class Terms:
    """Statuses that were seen, held against what was ordered of the venue."""

    def __init__(self, truth: Truth, halts: Halts, seen: Counter[str]) -> None:
        self._truth = truth
        self._halts = halts
        self._seen = seen
        self._waiting: list[tuple[str, Status, int]] = []

    def look(self, cell: shm.Quote | shm.RawBook, at_ns: int) -> None:
        """`at_ns`: before it was read."""
        if cell.tradable != (cell.live and cell.status is Status.ACTIVE):
            self._truth.wrong("tradable, or not", symbol=cell.instrument.symbol)
        self._waiting.append((cell.instrument.symbol, cell.status, at_ns))

    def check(self) -> None:
        """Once what was ordered was read."""
        for symbol, status, at_ns in self._waiting:
            is_open = self._halts.open(symbol, at_ns - int(STATUS_S * 1e9), at_ns)
            if is_open is None:
                self._seen["statuses on the way"] += 1
                continue
            self._seen["statuses open" if is_open else "statuses halted"] += 1
            self._truth.verdicts.checked += 1
            if (status is Status.ACTIVE) != is_open:
                self._truth.wrong("status", symbol=symbol, status=status.name, at_ns=at_ns)
        self._waiting.clear()


class CellReader:
    """Reads whole books from their cells, dozens of times a second: levels, what of them is called
    known, and whether the venue takes orders."""

    def __init__(self, feed: shm.Feed, truth: Truth, rng: random.Random, halts: Halts) -> None:
        self.truth = truth
        self.seen: Counter[str] = Counter()
        self._feed = feed
        self._rng = rng
        self._halts = halts
        self._terms = Terms(truth, halts, self.seen)
        self._last: dict[str, int] = {}

    def look(self) -> None:
        time.sleep(self._rng.uniform(0, 0.02))
        for instrument in self._feed.instruments():
            at_ns = time.time_ns()
            try:
                book = self._feed.book(instrument, raw=True)
            except shm.WriterLost:
                self.seen["writers lost"] += 1
                self._last.clear()
                time.sleep(0.05)
                return
            self.seen[f"looks {book.state.name}"] += 1
            if not book.live or self._last.get(instrument.symbol) == book.venue_sequence:
                continue
            self._last[instrument.symbol] = book.venue_sequence
            self.seen["books"] += 1
            self._terms.look(book, at_ns)
            told = {"reader": "cell", "since_ns": book.state_ns, "ring": book.ring_sequence}
            found = shown(book)
            for known, levels in zip(found.known, (book.bids, book.asks), strict=True):
                self.seen["sides known whole" if known is None else "sides known to a depth"] += 1
                if known is not None and len(levels) != known:
                    self.truth.wrong("depth", symbol=instrument.symbol, known=known, told=told)
            self.truth.add(found, told)

    def check(self) -> None:
        self.truth.check()
        self._halts.read()
        self._terms.check()


class QuoteReader:
    """Reads quotes: never crossed while LIVE, the venue's best of now or of just before, and where
    they are of the book, its best at that sequence."""

    def __init__(self, feed: shm.Feed, truth: Truth, rng: random.Random, halts: Halts) -> None:
        self.truth = truth
        self.seen: Counter[str] = Counter()
        self._feed = feed
        self._rng = rng
        self._halts = halts
        self._tops = Tops(truth, [one.symbol for one in feed.instruments()])
        self._quotes = Quotes(truth, self._tops, self.seen)
        self._terms = Terms(truth, halts, self.seen)

    def look(self) -> None:
        time.sleep(self._rng.uniform(0.005, 0.03))
        known = self._feed.instruments()
        if not known:  # a new writer, which has added none yet
            return
        instrument = self._rng.choice(known)
        at_ns = time.time_ns()
        try:
            quote: Any = self._feed.quote(instrument, raw=True)
        except shm.WriterLost:
            self.seen["writers lost"] += 1
            return
        self.seen[f"looks {quote.state.name}"] += 1
        if quote.live:
            self._terms.look(quote, at_ns)
            self._quotes.add(quote, at_ns)

    def check(self) -> None:
        self._tops.ask()
        self._halts.read()
        self._quotes.check()
        self._terms.check()
