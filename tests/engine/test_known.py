"""How far a book is known: of venues that give a part of theirs, nothing that is called known is
missing or wrong, and another snapshot under a book in step makes it reach further."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhandler.engine import _engine as native
from shm import Kind, Reason, State

from . import support

LIVE = (State.LIVE, Reason.NONE)
WHOLE = 2**32 - 1
WINDOW = 50
CELL = 10
Side = dict[int, int]


class Market:
    """A book of some hundred levels a side, whose price walks and is eaten into."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.id = 1000
        self.middle = 10_000
        levels = rng.choice((20, 49, 50, 80, 130))
        self.sides: tuple[Side, Side] = (
            {10_000 - 2 * n: 1 + n for n in range(1, levels + rng.randrange(3))},
            {10_000 + 2 * n: 1 + n for n in range(1, levels + rng.randrange(3))},
        )
        self.history = {self.id: self.copy()}

    def copy(self) -> tuple[Side, Side]:
        return dict(self.sides[0]), dict(self.sides[1])

    def best(self, side: int, levels: int) -> Side:
        prices = sorted(self.sides[side], reverse=side == 0)[:levels]
        return {price: self.sides[side][price] for price in prices}

    def step(self) -> tuple[int, tuple[Side, Side]]:
        """The id before, and the changes."""
        rng, before = self.rng, self.id
        self.id += rng.randrange(1, 4)
        old = self.copy()
        side = rng.randrange(2)
        dice = rng.random()
        if dice < 0.25:  # somebody eats into a side
            for price in self.best(side, int(rng.expovariate(0.1))):
                del self.sides[side][price]
        elif dice < 0.3:  # the deep end goes
            for price in sorted(self.sides[side], reverse=side == 0)[-rng.randrange(1, 20) :]:
                del self.sides[side][price]
        for _ in range(rng.randrange(1, 6)):
            other = self.sides[1 - side]
            near = (max if side else min)(other, default=self.middle)
            price = near + (1 if side else -1) * rng.randrange(1, 300)
            if rng.random() < 0.3:
                self.sides[side].pop(price, None)
            elif price > 0:
                self.sides[side][price] = rng.randrange(1, 9)
        self.history[self.id] = self.copy()
        return before, (changed(old[0], self.sides[0]), changed(old[1], self.sides[1]))


def changed(old: Side, new: Side) -> Side:
    found = {price: size for price, size in new.items() if old.get(price) != size}
    return found | {price: 0 for price in old if price not in new}


def rows(side: Side) -> list[list[str]]:
    return [[str(price), str(size)] for price, size in side.items()]


def best_first(market: Market, levels: int) -> dict[str, Any]:
    return {"bids": rows(market.best(0, levels)), "asks": rows(market.best(1, levels))}


class Wire:
    """One venue: how its frames are written. `asked`: levels a side of its snapshots, 0: all."""

    def __init__(self, venue: str, asked: int, window: bool, symbol: str) -> None:
        self.venue, self.asked, self.window, self.symbol = venue, asked, window, symbol
        self.u = 7

    def delta(self, before: int, at: int, bids: Side, asks: Side) -> bytes:
        b, a = rows(bids), rows(asks)
        if self.venue == "binance":
            return support.binance_depth(before + 1, at, b, a)
        if self.venue == "binance-usdm":
            event = {"e": "depthUpdate", "E": 1, "T": 1, "s": self.symbol, "U": before + 1,
                     "u": at, "pu": before, "b": b, "a": a}  # fmt: skip
            return support.compact(event)
        if self.venue == "okx":
            row = {"asks": a, "bids": b, "ts": "1", "prevSeqId": before, "seqId": at}
            return support.okx("books50-l2-tbt", [row], action="update")
        if self.venue == "deribit":
            verb = {False: "new", True: "delete"}
            sides = [[[verb[not size], price, size] for price, size in s.items()]
                     for s in (bids, asks)]  # fmt: skip
            return support.deribit_book(at, previous=before, bids=sides[0], asks=sides[1])
        self.u += 1
        return self._bybit("delta", at, b, a)

    def _bybit(self, kind: str, at: int, bids: Any, asks: Any) -> bytes:
        data = {"s": self.symbol, "b": bids, "a": asks, "u": self.u, "seq": at}
        frame = {"topic": f"orderbook.50.{self.symbol}", "type": kind, "ts": 1, "data": data}
        return support.compact(frame)

    def base(self, e: native.Engine, market: Market) -> None:
        """The book begins anew."""
        best = best_first(market, self.asked or 10_000)
        e.set_state(0, State.SYNCING, Reason.START)
        feed = e.connection(0).feed
        if self.venue.startswith("binance"):
            assert e.snapshot(0, self.answer(market), levels=self.asked) & native.DATA
            before, market.id = market.id, market.id + 1  # which the stream has to confirm
            market.history[market.id] = market.copy()
            feed(self.delta(before, market.id, {}, {}))
        elif self.venue == "okx":
            row = {**best, "ts": "1", "prevSeqId": -1, "seqId": market.id}
            feed(support.okx("books50-l2-tbt", [row], action="snapshot"))
        elif self.venue == "deribit":
            bids, asks = ([["new", int(p), int(s)] for p, s in best[side]] for side in best)
            feed(support.deribit_book(market.id, kind="snapshot", bids=bids, asks=asks))
        else:
            self.u += 5
            feed(self._bybit("snapshot", market.id, best["bids"], best["asks"]))

    def answer(self, market: Market) -> bytes:
        """To a request for a snapshot."""
        best = best_first(market, self.asked)
        if self.venue == "okx":
            row = support.four({**best, "ts": "1", "seqId": market.id})
            return support.compact({"code": "0", "data": [row]})
        return support.compact({"lastUpdateId": market.id, **best})


WIRES: dict[str, Callable[[], Wire]] = {
    "binance": lambda: Wire("binance", WINDOW, False, "BTCUSDT"),
    "binance-usdm": lambda: Wire("binance-usdm", WINDOW, False, "BTCUSDT"),
    "okx, which keeps its window": lambda: Wire("okx", WINDOW, True, "BTC-USDT"),
    "okx, which does not": lambda: Wire("okx", WINDOW, False, "BTC-USDT"),
    "bybit-linear": lambda: Wire("bybit-linear", WINDOW, True, "BTCUSDT"),
    "deribit": lambda: Wire("deribit", 0, False, "BTC-PERPETUAL"),
}


def check(e: native.Engine, market: Market) -> tuple[int | None, int | None]:
    """What is said to be known, held against the market."""
    head, *cells = support.memory(e).book(0)
    bids, asks, sequence, *_ = e.book(0)
    truth = market.history[sequence]
    for side, ours in enumerate((bids.tolist(), asks.tolist())):
        known = e.known(0)[side]
        in_cell = int(head["asks_known" if side else "bids_known"])
        right = sorted(truth[side].items(), reverse=side == 0)
        if known is None:
            assert in_cell == WHOLE
            assert [tuple(level) for level in ours] == right
        else:
            levels, edge = known
            assert in_cell == levels
            better = [level for level in right if (level[0] <= edge if side else level[0] >= edge)]
            assert [tuple(level) for level in ours[:levels]] == better
        assert cells[side] == right[: min(CELL, in_cell)]
    found = e.known(0)
    return tuple(None if side is None else side[0] for side in found)  # type: ignore[return-value]


@pytest.mark.parametrize("name", WIRES)
@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_what_is_known_is_the_venues(name: str, seed: int) -> None:
    rng = random.Random(seed)
    market, wire = Market(rng), WIRES[name]()
    with support.engine(wire.venue, depth=CELL, ring_slots=1 << 12, instruments=2) as e:
        e.add_instrument(wire.symbol)
        wire.base(e, market)
        asked: tuple[bytes, int] | None = None
        for _ in range(50):
            shown = [market.best(side, WINDOW) for side in (0, 1)]
            before, changes = market.step()
            if wire.window:
                now = [market.best(side, WINDOW) for side in (0, 1)]
                changes = changed(shown[0], now[0]), changed(shown[1], now[1])
            e.connection(0).feed(wire.delta(before, market.id, *changes))
            if e.state(0) == (State.STALE, Reason.NO_SNAPSHOT):  # nothing was left of one side
                assert 0 in [side and side[0] for side in e.known(0)]
                wire.base(e, market)
                asked = None
            assert e.state(0) == LIVE
            check(e, market)
            worn = any(event == native.WORN for _, event, _ in e.attention())
            assert not (worn and wire.venue in ("bybit-linear", "deribit"))
            if asked is None and worn:
                assert e.deepen(0) == native.DEEPEN_AHEAD
                asked = wire.answer(market), rng.randrange(4)
            elif asked is not None and asked[1]:
                asked = asked[0], asked[1] - 1
            elif asked is not None:
                result = e.deepen(0, asked[0], levels=wire.asked)
                assert result == native.DEEPEN_DONE
                asked = None
                if e.state(0) == LIVE:
                    check(e, market)


def usdm(e: native.Engine, first: int, last: int, **sides: Side) -> None:
    wire = WIRES["binance-usdm"]()
    e.connection(0).feed(wire.delta(first, last, sides.get("bids", {}), sides.get("asks", {})))


def usdm_base(e: native.Engine, body: dict[str, Any], levels: int) -> None:
    """A base of number 99, confirmed by a message up to 100."""
    e.add_instrument("BTCUSDT")
    e.snapshot(0, support.compact({"lastUpdateId": 99, **body}), levels=levels)
    usdm(e, 99, 100)
    assert e.state(0) == LIVE
    e.attention()


def test_a_worn_base_is_said_once_and_renewed_in_step() -> None:
    """1,000 levels were asked for; of 1,500 bids 990 are eaten."""
    bids = {20_000 - n: n for n in range(1, 1501)}
    asks = {20_000 + n: n for n in range(1, 1501)}

    def best() -> dict[str, Any]:
        return {"bids": rows(dict(list(bids.items())[:1000])),
                "asks": rows(dict(list(asks.items())[:1000]))}  # fmt: skip

    def answer(at: int) -> bytes:
        return support.compact({"lastUpdateId": at, **best()})

    with support.engine("binance-usdm", depth=50) as e:
        usdm_base(e, best(), 1000)
        assert e.known(0) == ((1000, 19_000), (1000, 21_000))
        for price in list(bids)[:740]:
            del bids[price]
        usdm(e, 100, 101, bids=dict.fromkeys(range(19_260, 20_000), 0))
        assert e.attention() == []  # 260 left
        for price in list(bids)[:250]:
            del bids[price]
        usdm(e, 101, 102, bids=dict.fromkeys(range(19_010, 19_260), 0))
        assert e.attention() == [(0, native.WORN, 10)]
        head, shown, _ = support.memory(e).book(0)
        assert (head["bids"], head["bids_known"], head["asks_known"]) == (10, 10, 1000)
        assert shown == [(price, bids[price]) for price in range(19_009, 18_999, -1)]

        assert e.deepen(0, answer(102), levels=1000) == native.DEEPEN_OLD  # nothing was kept
        assert e.deepen(0) == native.DEEPEN_AHEAD
        assert e.deepen(0, answer(101), levels=1000) == native.DEEPEN_OLD  # of before the request
        e.deepen(0)
        bids[18_999] = 7
        body = answer(105)
        assert e.deepen(0, body, levels=1000) == native.DEEPEN_AHEAD
        usdm(e, 102, 103, bids={18_999: 7})  # right, but what lies before it is not known
        assert support.memory(e).book(0)[0]["bids"] == 10
        usdm(e, 103, 106, bids={19_009: 0, 18_998: 3})
        support.memory(e).records()
        assert e.deepen(0, b"{}", levels=1000) == native.DEEPEN_MALFORMED
        assert e.deepen(0, body, levels=1000) == native.DEEPEN_DONE
        assert e.state(0) == LIVE
        assert e.known(0) == (None, (1000, 21_000))  # fewer bids came than could have
        bids = {price: size for price, size in bids.items() if price != 19_009} | {18_998: 3}
        head, shown, _ = support.memory(e).book(0)
        assert (head["bids"], head["bids_total"], head["bids_known"]) == (50, 509, WHOLE)
        assert shown == [(price, bids[price]) for price in range(19_008, 18_958, -1)]
        records = support.memory(e).records()
        assert {record[0] for record in records} == {Kind.LEVEL}  # changes, and no new beginning
        usdm(e, 106, 107)
        assert e.state(0) == LIVE


def test_a_snapshot_of_another_book_is_not_put_under_it() -> None:
    bids, asks = {900 - n: 1 for n in range(50)}, {1000 + n: 1 for n in range(50)}
    with support.engine("binance-usdm") as e:
        usdm_base(e, {"bids": rows(bids), "asks": rows(asks)}, 50)
        before = e.known(0)
        e.deepen(0)
        foreign = {"lastUpdateId": 100, "bids": rows({800 - n: 2 for n in range(49)}),
                   "asks": rows({810 + n: 2 for n in range(49)})}  # fmt: skip
        assert e.deepen(0, support.compact(foreign), levels=50) == native.DEEPEN_OTHER
        assert e.known(0) == before
        usdm(e, 100, 101)
        assert e.state(0) == LIVE


def test_nothing_left_of_what_is_known_is_no_book() -> None:
    bids, asks = {100 - n: 1 for n in range(50)}, {200 + n: 1 for n in range(50)}
    with support.engine("binance-usdm") as e:
        usdm_base(e, {"bids": rows(bids), "asks": rows(asks)}, 50)
        usdm(e, 100, 101, bids={40: 5, **dict.fromkeys(bids, 0)})  # 40 is right: is it the best?
        assert e.state(0) == (State.STALE, Reason.NO_SNAPSHOT)
        assert (0, native.NEED_RESYNC, Reason.NO_SNAPSHOT) in e.attention()


@pytest.mark.parametrize(
    ("bids", "asks", "known"),
    [
        (49, 50, (None, 50)),  # it could have had fifty
        (3, 3, (None, None)),
        (0, 0, (None, None)),
        (50, 50, (50, 50)),
        (20, 20, (None, None)),
    ],
)
def test_a_side_with_room_left_is_whole(bids: int, asks: int, known: tuple[Any, Any]) -> None:
    body = {"lastUpdateId": 1, "bids": rows({100 - n: 1 for n in range(bids)}),
            "asks": rows({200 + n: 1 for n in range(asks)})}  # fmt: skip
    with support.engine("binance-usdm") as e:
        e.add_instrument("BTCUSDT")
        e.snapshot(0, support.compact(body), levels=50)
        assert tuple(side and side[0] for side in e.known(0)) == known


def test_a_venue_that_answers_with_less_than_asked_for() -> None:
    """Both sides end at the same round number: that is its limit, and not the market's end."""
    body = {"lastUpdateId": 1, "bids": rows({900 - n: 1 for n in range(100)}),
            "asks": rows({1000 + n: 1 for n in range(100)})}  # fmt: skip
    with support.engine("binance") as e:
        e.add_instrument("BTCUSDT")
        e.snapshot(0, support.compact(body), levels=5000)
        assert e.known(0) == ((100, 801), (100, 1099))


def test_edges_follow_the_exponents() -> None:
    body = {"bids": rows({100 - n: 1 for n in range(50)}),
            "asks": rows({200 + n: 1 for n in range(3)})}  # fmt: skip
    with support.engine("binance-usdm") as e:
        usdm_base(e, body, 50)
        assert e.known(0) == ((50, 51), None)
        event = {"e": "depthUpdate", "E": 1, "T": 1, "s": "BTCUSDT", "U": 101, "u": 101, "pu": 100,
                 "b": [["100.25", "1"], ["50.75", "1"]], "a": []}  # fmt: skip
        e.connection(0).feed(support.compact(event))
        assert e.state(0) == LIVE
        assert e.known(0) == ((51, 5100), None)


def test_a_book_in_every_message_is_known_as_far_as_it_goes() -> None:
    with support.engine("okx") as e:
        row = {"asks": [["200", "1"]], "bids": [["100", "1"], ["99", "2"]], "ts": "1", "seqId": 5}
        e.connection(0).feed(support.okx("books5", [row]))
        assert e.state(0) == LIVE
        assert e.known(0) == ((2, 99), (1, 200))
        row = {"asks": [], "bids": [["98", "1"]], "ts": "2", "seqId": 6}
        e.connection(0).feed(support.okx("books5", [row]))
        assert e.state(0) == LIVE
        assert e.known(0)[0] == (1, 98)


def test_nothing_is_known_before_the_first_book() -> None:
    with support.engine("okx") as e:
        e.add_instrument("BTC-USDT")
        head, *_ = support.memory(e).book(0)
        assert (head["bids_known"], head["asks_known"]) == (0, 0)
