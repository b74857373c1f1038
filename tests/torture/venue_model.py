"""What readers must see of frames: the records, and every cell that there may be, in plain Python.

It reads the frames by itself, with `json` and `Decimal`, and knows of the engine only what it
promises.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from shm import Flag, Kind, Reason, Side, Source, Stat, State

PRICE, SIZE = -1, -3  # the exponents of all instruments
NONE = -(1 << 63)
NS = 1_000_000
#: the statistics of a quote cell
NUMBERS = ("mark", "index", "funding", "predicted_funding", "open_interest", "volume")


class Record(NamedTuple):
    """A ring record, as the slot's fields have it."""

    instrument: int
    kind: int
    flags: int
    side: int
    exchange_ns: int
    venue_sequence: int
    price: int
    size: int
    aux: int


@dataclass(frozen=True)
class Top:
    """Bid and ask of a quote cell, and what they are of."""

    source: int
    number: int
    exchange_ns: int
    sent_ns: int
    bid: tuple[int, int]
    ask: tuple[int, int]


@dataclass(frozen=True)
class Seen:
    """Both cells of an instrument after a message, and the last record until then."""

    end: int
    recorded: bool  # it has records of its own
    of_book: bool  # and changes the book or its state
    quote: dict[str, Any]
    book: dict[str, Any]


Body = tuple[int, int, int, int, int]  # kind, side, price, size, aux


@dataclass
class Market:
    row: int
    bids: dict[int, int] = field(default_factory=dict)
    asks: dict[int, int] = field(default_factory=dict)
    place: int = 0
    state: tuple[int, int] = (State.LIVE, Reason.NONE)
    book_ns: int = 0
    sent_ns: int = 0  # of the message that the book is of
    top: Top | None = None
    trade: tuple[int, int, int, int] = (NONE, 0, 0, 0)  # price, size, side, time
    stats: dict[str, Decimal | None] = field(default_factory=dict)  # None: there is none


class Model:
    """`base`: the last record before the frames that it is told of. `limit`: records of a message
    before it is split. `depth`: levels of a book cell."""

    def __init__(self, symbols: tuple[str, ...], base: int, limit: int, depth: int) -> None:
        self.markets = {symbol: Market(row) for row, symbol in enumerate(symbols)}
        self.base, self.limit, self.depth = base, limit, depth
        self.records: list[Record] = []
        self.seen: list[list[Seen]] = [[] for _ in symbols]
        self.sent_ns = 0  # when the venue sent the message, if it says so; 0

    @property
    def end(self) -> int:
        """The last record."""
        return self.base + len(self.records)

    # ---- frames

    def begin(self, symbol: str, first: bytes, answer: bytes) -> None:
        """A full book, from which the stream goes on: the first frame, or the answer."""
        if answer:
            told = json.loads(answer)
            number = told["lastUpdateId"]
        else:
            (told,) = json.loads(first)["data"]
            number = told["seqId"]
        self._replace(self.markets[symbol], number, told["bids"], told["asks"])

    def frame(self, raw: bytes) -> None:
        """One message of a venue."""
        told = json.loads(raw)
        if "stream" in told:
            m, recorded = self._binance(told["data"])
        else:
            m, recorded = self._okx(told)
        of_book = recorded and self.records[-1].kind in (Kind.LEVEL, Kind.STATE)
        seen = Seen(self.end, recorded, of_book, self._quote(m), self._book(m))
        self.seen[m.row].append(seen)

    def _binance(self, told: dict[str, Any]) -> tuple[Market, bool]:
        m, before, event = self.markets[told["s"]], self.end, told["e"]
        self.sent_ns = told["E"] * NS
        ns = told.get("T", 0) * NS  # of a mark price it is when funding is due
        if event == "depthUpdate":
            sides = [(Side.BID, told["b"]), (Side.ASK, told["a"])]
            self._delta(m, told["pu"], told["u"], sides, ns)
        elif event == "bookTicker":
            top = (told["b"], told["B"]), (told["a"], told["A"])
            self._bbo(m, told["u"], top, ns)
        elif event == "aggTrade":
            side = Side.ASK if told["m"] else Side.BID
            self._trade(m, told["a"], side, told["p"], told["q"], ns)
        else:
            names = {"p": "mark", "i": "index", "r": "funding", "T": "next_funding", "v": "volume"}
            self._statistics(m, {names[k]: told[k] for k in told if k in names}, self.sent_ns)
        return m, self.end > before

    def _okx(self, told: dict[str, Any]) -> tuple[Market, bool]:
        m, before, channel = self.markets[told["arg"]["instId"]], self.end, told["arg"]["channel"]
        (row,) = told["data"]
        row |= {side: [one[:2] for one in row[side]] for side in ("asks", "bids") if side in row}
        ns, self.sent_ns = int(row["ts"]) * NS, 0
        if channel == "books" and told["action"] == "snapshot":
            self._base(m, row, ns)
        elif channel == "books":
            sides = [(Side.ASK, row["asks"]), (Side.BID, row["bids"])]
            self._delta(m, row["prevSeqId"], row["seqId"], sides, ns)
        elif channel == "bbo-tbt":
            self._bbo(m, row["seqId"], (row["bids"][0], row["asks"][0]), ns)
        elif channel == "trades":
            side = Side.BID if row["side"] == "buy" else Side.ASK
            self._trade(m, int(row["tradeId"]), side, row["px"], row["sz"], ns)
        else:
            names = {
                "markPx": "mark",
                "oi": "open_interest",
                "fundingRate": "funding",
                "fundingTime": "next_funding",
                "nextFundingRate": "predicted_funding",
            }
            self._statistics(m, {names[k]: row[k] for k in row if k in names}, ns)
        return m, self.end > before

    # ---- what they mean

    def _base(self, m: Market, row: dict[str, Any], ns: int) -> None:
        levels = self._levels([(Side.ASK, row["asks"]), (Side.BID, row["bids"])])
        self._message(m, [(Kind.CLEAR, 0, 0, 0, 0), *levels], ns, row["seqId"], Flag.SNAPSHOT)
        self._replace(m, row["seqId"], row["bids"], row["asks"])
        m.book_ns, m.sent_ns = ns, self.sent_ns
        m.top = self._best(m)
        self._state(m, State.LIVE, Reason.NONE)

    def _replace(self, m: Market, number: int, bids: Any, asks: Any) -> None:
        m.bids = {scaled(p, PRICE): scaled(s, SIZE) for p, s, *_ in bids}
        m.asks = {scaled(p, PRICE): scaled(s, SIZE) for p, s, *_ in asks}
        m.place = number

    def _delta(self, m: Market, previous: int, number: int, sides: Any, ns: int) -> None:
        if m.state[0] != State.LIVE:
            return
        if previous != m.place:
            self._state(m, State.STALE, Reason.GAP)
            return
        m.place = number
        levels = self._levels(sides)
        if levels:
            self._message(m, levels, ns, number)
            m.book_ns, m.sent_ns = ns, self.sent_ns
        for _, side, price, size, _ in levels:
            one = m.asks if side == Side.ASK else m.bids
            one[price] = size
            if size == 0:
                del one[price]
        if m.top is None or m.top.source == Source.BOOK or m.top.number <= number:
            m.top = self._best(m)

    def _best(self, m: Market) -> Top:
        bid, ask = max(m.bids), min(m.asks)
        ends = (bid, m.bids[bid]), (ask, m.asks[ask])
        return Top(Source.BOOK, m.place, m.book_ns, m.sent_ns, *ends)

    def _bbo(self, m: Market, number: int, told: Any, ns: int) -> None:
        bid, ask = ((scaled(p, PRICE), scaled(s, SIZE)) for p, s in told)
        pair: list[Body] = [(Kind.QUOTE, Side.BID, *bid, 0), (Kind.QUOTE, Side.ASK, *ask, 0)]
        self._message(m, pair, ns, number)
        if m.state[0] != State.LIVE or number > m.place:
            m.top = Top(Source.QUOTE, number, ns, self.sent_ns, bid, ask)

    def _trade(self, m: Market, number: int, side: int, price: str, size: str, ns: int) -> None:
        m.trade = (scaled(price, PRICE), scaled(size, SIZE), side, ns)
        self._message(m, [(Kind.TRADE, side, *m.trade[:2], 0)], ns, number)

    def _statistics(self, m: Market, values: dict[str, Any], ns: int) -> None:
        """In the order in which the venue wrote them, those that are others than before."""
        changed: list[Body] = []
        for name, told in values.items():
            value = Decimal(told) if told else None  # a time of 0: none
            if value is not None and name == "next_funding":
                value *= NS
            if value is not None and m.stats.get(name) != value:
                due = name == "next_funding"
                exponent = 0 if due else int(value.normalize().as_tuple().exponent)
                mantissa = scaled(str(value), exponent)
                changed.append((Kind.STAT, 0, mantissa, exponent, Stat[name.upper()]))
            m.stats[name] = value
        self._message(m, changed, ns, 0)

    def _state(self, m: Market, state: State, reason: Reason) -> None:
        if m.state != (state, reason):
            m.state = (state, reason)
            self._message(m, [(Kind.STATE, 0, state, reason, 0)], 0, 0)

    def _levels(self, sides: Any) -> list[Body]:
        return [
            (Kind.LEVEL, side, scaled(p, PRICE), scaled(s, SIZE), 0)
            for side, levels in sides
            for p, s in levels
        ]

    def _message(self, m: Market, body: list[Body], ns: int, number: int, flags: int = 0) -> None:
        """In parts that the ring takes as one."""
        for begin in range(0, len(body), self.limit):
            part = body[begin : begin + self.limit]
            more = Flag.MORE if begin + self.limit < len(body) else 0
            for place, (kind, side, price, size, aux) in enumerate(part):
                here = flags | (Flag.FIRST if place == 0 else 0)
                here |= (Flag.LAST | more) if place == len(part) - 1 else 0
                if Kind.LEVEL <= kind <= Kind.QUOTE and self.sent_ns:
                    aux = (self.sent_ns - ns) // 1000
                one = Record(m.row, kind, here, side, ns, number, price, size, aux)
                self.records.append(one)

    # ---- cells

    def _quote(self, m: Market) -> dict[str, Any]:
        assert m.top is not None
        price, size, side, ns = m.trade
        due = m.stats.get("next_funding")
        values = {name: m.stats.get(name) for name in NUMBERS}
        return {
            "state": m.state[0],
            "reason": m.state[1],
            "source": m.top.source,
            "venue_sequence": m.top.number,
            "exchange_ns": m.top.exchange_ns,
            "sent_ns": m.top.sent_ns,
            "bid_price": m.top.bid[0],
            "bid_size": m.top.bid[1],
            "ask_price": m.top.ask[0],
            "ask_size": m.top.ask[1],
            "last_price": price,
            "last_size": size,
            "last_side": side,
            "last_ns": ns,
            "next_funding_ns": int(due) if due else 0,
            **{name: None if value is None else float(value) for name, value in values.items()},
        }

    def _book(self, m: Market) -> dict[str, Any]:
        bids, asks = sorted(m.bids.items(), reverse=True), sorted(m.asks.items())
        return {
            "state": m.state[0],
            "reason": m.state[1],
            "venue_sequence": m.place,
            "exchange_ns": m.book_ns,
            "sent_ns": m.sent_ns,
            "bids_total": len(bids),
            "asks_total": len(asks),
            "bids": bids[: self.depth],
            "asks": asks[: self.depth],
        }

    # ---- what there may be to see

    def newest(self, row: int, published: int, *, of_book: bool) -> int:
        """The last record of the last whole message about an instrument, or about its book, that
        can be seen."""
        ends = [
            seen.end
            for seen in self.seen[row]
            if seen.end <= published and (seen.of_book if of_book else seen.recorded)
        ]
        return ends[-1] if ends else 0

    def splits(self, published: int) -> bool:
        """Is more of the same message to follow this record?"""
        at = published - self.base - 1
        return at >= 0 and bool(self.records[at].flags & Flag.MORE)

    def may_be(self, row: int, sequence: int) -> list[Seen]:
        """The cells of an instrument that were stored when `sequence` was the last record: after
        all of its messages before that, and maybe of those since that have none."""
        before = [seen for seen in self.seen[row] if seen.end <= sequence]
        sure = [n for n, seen in enumerate(before) if seen.recorded or seen.end < sequence]
        return before[sure[-1] :] if sure else before


def scaled(text: str, exponent: int) -> int:
    """Exactly."""
    value = Decimal(text).scaleb(-exponent)
    assert value == int(value), text
    return int(value)
