from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal

import pytest

from feedhandler.sim.market import expiries
from feedhandler.sim.market.book import ASK, BID, Book
from feedhandler.sim.market.instrument import Instrument, fixed8, float_style, plain
from feedhandler.sim.server.control import describe
from tests.sim.harness import SIX, market, venue


@pytest.mark.parametrize("name", SIX)
def test_same_seed_same_books_whoever_looks_on(name: str) -> None:
    first, second, other = market(name), market(name), market(name, seed=2)
    for symbol in first.instruments:
        # One market is looked at early and all over, the other only at the end.
        first.live(symbol)
    for one in (first, second, other):
        for _ in range(3000):
            one.step()
    books = [
        [describe(i, m.live(s).book) for s, i in m.instruments.items()]
        for m in (first, second, other)
    ]
    assert books[0] == books[1]
    assert books[0] != books[2]


@pytest.mark.parametrize("name", SIX)
def test_books_are_never_crossed_and_updates_tell_the_whole_change(name: str) -> None:
    tested = market(name)
    mirror: dict[str, dict[tuple[int, int], int]] = {}
    kinds = set()
    for _ in range(6000):
        update = tested.step()
        book = update.live.book
        symbol = update.live.instrument.symbol
        assert update.changes
        assert len({(c.side, c.grid) for c in update.changes}) == len(update.changes)
        bid, ask = book.best(BID), book.best(ASK)
        assert bid is None or ask is None or bid < ask
        if symbol not in mirror:
            mirror[symbol] = levels_of(book)
        for side, grid, old, new in update.changes:
            kinds.add((bool(old), bool(new)))
            mirror[symbol][side, grid] = new
        shown = {key: lots for key, lots in mirror[symbol].items() if lots}
        assert shown == levels_of(book)
        assert all(trade.lots > 0 for trade in update.trades)
    assert kinds == {(False, True), (True, True), (True, False)}


def levels_of(book: Book) -> dict[tuple[int, int], int]:
    return {(side, g): lots for side in (BID, ASK) for g, lots in book.levels(side)}


def test_depth_stays_realistic() -> None:
    tested = market("binance", depth=300)
    for _ in range(20_000):
        tested.step()
    book = tested.live("BTCUSDT").book
    for side in (BID, ASK):
        assert 200 <= len(book.keys[side]) <= 400


def test_history_is_exact_and_bounded() -> None:
    tested = market("binance", history=500)
    seen: dict[int, dict[tuple[int, int], int]] = {}
    book = tested.live("BTCUSDT").book
    for _ in range(2000):
        update = tested.step()
        if update.live.book is book:
            seen[update.sequence] = levels_of(book)
    recent = sorted(seen)[-50:]
    for sequence in recent:
        past = book.as_of(sequence)
        assert past is not None
        assert levels_of(past) == seen[sequence]
    assert book.as_of(min(seen)) is None
    assert book.as_of(recent[-1] + 1) is None
    assert book.sequence_before(3) == recent[-4]
    assert levels_of(book) == seen[recent[-1]]


def test_records_are_bounded_over_the_venue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedhandler.sim.market.records._RECORDS", 200)
    tested = market("okx")
    traded = {tested.step().live.instrument.symbol for _ in range(6000)}
    lives = [tested.live(symbol) for symbol in traded]
    assert sum(len(live.trades) for live in lives) == 200
    # One more each: what its best levels are now.
    assert sum(len(live.touches) for live in lives) == 200 + len(lives)
    for live in lives:
        assert live.touches[-1][2:] == live.touch()[2:]
        assert [one.number for one in live.trades] == list(
            range(live.trade_number - len(live.trades) + 1, live.trade_number + 1)
        )


def test_number_texts_are_exact() -> None:
    assert [plain(n, 4) for n in (5, 425_000, 10_000, 0)] == ["0.0005", "42.5", "1", "0"]
    assert [float_style(n, 1) for n in (5, 420)] == ["0.5", "42.0"]
    assert [fixed8(n, 2) for n in (8_250_012, 1)] == ["82500.12000000", "0.01000000"]


def test_banded_grid_keeps_order_and_round_trips() -> None:
    option = Instrument(
        "X", "option", "BTC", "BTC", Decimal("0.0001"), Decimal("0.1"), 1, 1, 1.0,
        band=(Decimal("0.005"), Decimal("0.0005")),
    )  # fmt: skip
    texts = option.prices(plain)
    assert [texts[g] for g in (1, 49, 50, 51, 52)] == [
        "0.0001", "0.0049", "0.005", "0.0055", "0.006",
    ]  # fmt: skip
    for grid in range(1, 400):
        assert option.index_below(option.price(grid)) == grid


@pytest.mark.parametrize("count", [1, 20, 10_000])
def test_listings_have_the_size_asked_for(count: int) -> None:
    for listed in (
        list(market("deribit", instruments=count).instruments.values()),
        list(market("okx", instruments=count).instruments.values()),
        list(market("binance", instruments=count).instruments.values()),
    ):
        assert len({i.symbol for i in listed}) == len(listed) == count


def test_expiries() -> None:
    today = date(2026, 11, 23)
    assert expiries.deribit_name(date(2026, 12, 4)) == "4DEC26"
    assert expiries.quarters(today, 2) == [date(2026, 12, 25), date(2027, 3, 26)]
    for offset in range(400):
        day = date.fromordinal(today.toordinal() + offset)
        found = expiries.options(day, 10)
        assert len(found) == len(set(found)) == 10
        assert min(found) > day


def test_control_answers() -> None:
    async def main() -> None:
        async with venue("binance", history=10) as sim:
            start = (await sim.get("/sim/book", symbol="BTCUSDT"))["sequence"]
            await sim.step(300)
            book = await sim.get("/sim/book", symbol="BTCUSDT")
            assert list(book) == ["symbol", "sequence", "bids", "asks"]
            error = await sim.get("/sim/book", status=404, symbol="BTCUSDT", sequence=start)
            assert "last 10 updates" in error["error"]
            await sim.get("/sim/book", status=404, symbol="NOPE")
            await sim.get("/sim/book", status=400, symbol="BTCUSDT", sequence="x")
            stats = await sim.get("/sim/stats")
            assert stats["updates"] == 300
            assert stats["paused"] is True
            orders: list[object] = [{"kind": "?"}, {"kind": "gap"}, [], None]
            for order in [*orders, {"kind": "gap", "symbol": "?"}]:
                assert (await sim.post("/sim/fault", order, status=400))["error"]
            await sim.post("/sim/resume")
            await sim.post("/sim/step", status=409)

    asyncio.run(main())
