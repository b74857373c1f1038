"""One underlying for all venues: their books lie on one another, though nobody tells them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from itertools import permutations
from statistics import mean, pstdev

import pytest

from feedhandler.sim.config import SimOptions
from feedhandler.sim.market.book import ASK, BID
from feedhandler.sim.market.market import Market
from feedhandler.sim.market.underlyings import INDEX_START, PREMIUM, Underlying, Wander
from feedhandler.sim.runner import make_server
from tests.sim.harness import START_MS, venue

SPOT = {"okx": "BTC-USDT", "binance": "BTCUSDT", "bybit-spot": "BTCUSDT"}
PERPETUALS = {
    "deribit": "BTC-PERPETUAL",
    "okx": "BTC-USDT-SWAP",
    "binance-usdm": "BTCUSDT",
    "bybit-linear": "BTCUSDT",
}
DATED = {"deribit": "BTC-25DEC26", "okx": "BTC-USD-261225"}


def touch(market: Market, symbol: str) -> tuple[float, float]:
    live = market.live(symbol)
    bid, ask = live.book.best(BID), live.book.best(ASK)
    assert bid is not None
    assert ask is not None
    return live.instrument.price(bid), live.instrument.price(ask)


@pytest.mark.parametrize("group", [SPOT, PERPETUALS], ids=["spot", "perpetuals"])
def test_venues_are_mostly_uncrossed_by_a_few_ticks_and_sometimes_crossed(
    group: dict[str, str],
) -> None:
    markets = {
        name: make_server(name, SimOptions(rate=1000, depth=60, start_ms=START_MS)).market
        for name in group
    }
    room: list[float] = []
    for _ in range(700):
        for market in markets.values():
            for _ in range(20):
                market.step()
        touches = [touch(markets[name], symbol) for name, symbol in group.items()]
        room += [ask - bid for (bid, _), (_, ask) in permutations(touches, 2)]
    crossed = sum(one < 0 for one in room) / len(room)
    assert 0.0005 < crossed < 0.1
    assert mean(room) < 1.0
    assert min(room) > -10.0


def test_dated_futures_agree_with_the_index_and_each_other() -> None:
    markets = {name: make_server(name, SimOptions(start_ms=START_MS)).market for name in DATED}
    prices = [mean(touch(markets[name], symbol)) for name, symbol in DATED.items()]
    deribit = markets["deribit"]
    future = deribit.instruments[DATED["deribit"]]
    assert prices[0] == pytest.approx(prices[1], abs=5)
    assert prices[0] == pytest.approx(deribit.forward(future), abs=5)
    assert deribit.index("BTC") == markets["okx"].index("BTC")


def test_perpetuals_cost_the_same_on_all_venues() -> None:
    rates = set()
    for name, symbol in PERPETUALS.items():
        market = make_server(name, SimOptions(start_ms=START_MS)).market
        rates.add(round(market.funding(market.instruments[symbol]), 12))
    assert rates == {round(PREMIUM / 3, 12)}


def test_an_underlying_wanders_and_comes_back() -> None:
    btc = Underlying(1, "BTC")
    seconds = [btc.at(START_MS + 1000 * n) for n in range(20_000)]
    moves = [later / sooner - 1 for sooner, later in zip(seconds, seconds[60:], strict=False)]
    # A yearly volatility of 45% is 0.062% a minute.
    assert 0.0004 < pstdev(moves) < 0.0009
    days = [btc.at(START_MS + 86_400_000 * n) / INDEX_START["BTC"] for n in range(500)]
    assert max(abs(one - 1) for one in days) < 0.03
    assert mean(days) == pytest.approx(1.0, abs=0.002)
    assert Underlying(2, "BTC").at(START_MS) != btc.at(START_MS)


def test_another_process_has_the_same_price_at_a_time() -> None:
    """Hashes are salted by process, and times are asked for in another order."""
    times = [START_MS + 7_777 * n for n in range(50)]
    program = (
        "import json; from feedhandler.sim.market.underlyings import Underlying;"
        "one = Underlying(7, 'ETH');"
        f"print(json.dumps([one.at(at) for at in {times[::-1]}]))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    one = Underlying(7, "ETH")
    assert Wander("x", 1000, (1.0, 2.0)).at(500) == Wander("x", 1000, (1.0, 2.0)).at(500) != 0
    assert json.loads(said.stdout)[::-1] == [one.at(at) for at in times]


def test_without_a_beginning_the_market_goes_by_the_clock() -> None:
    async def main() -> None:
        async with venue("binance", start_ms=None, paused=False, rate=500.0) as sim:
            market = sim.server.market
            while (await sim.get("/sim/stats"))["updates"] < 100:
                pass
            assert market.now_ms == pytest.approx(time.time() * 1000, abs=2000)
            bid, ask = touch(market, "BTCUSDT")
            assert bid - 10 < Underlying(1, "BTC").at(time.time() * 1000) < ask + 10

    asyncio.run(main())
