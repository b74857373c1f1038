"""The formulas of the options example, held against what the contracts pay at delivery."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import shm
from shm import ContractType, InstrumentKind, OptionType, segment
from tests.examples.conftest import example_module

STRIKES = (70_000.0, 80_000.0, 90_000.0, 100_000.0)
FORWARD = 85_000.0
TICK = 0.0005

parity: Any = example_module("parity")
FEES: Any = example_module("fees").FEES["deribit"]


@pytest.fixture(scope="module")
def listed() -> Iterator[list[shm.Instrument]]:
    """Calls, puts, and the future, its lot so small that no rounding is in the way."""
    name = f"parity-{random.SystemRandom().getrandbits(64):x}"
    inverse = {"contract_type": ContractType.INVERSE, "base": "BTC", "quote": "USD"}
    option = inverse | {"kind": InstrumentKind.OPTION, "lot": 0.1}
    with segment.create("v", namespace=name, instruments=16, depth=1, ring_slots=64) as owner:
        for side in (OptionType.CALL, OptionType.PUT):
            for strike in STRIKES:
                symbol = f"{strike:.0f}-{side.name}"
                fields = option | {"symbol": symbol, "option_type": side, "strike": strike}
                owner.writer.directory_add(fields)
        future = inverse | {"symbol": "FUTURE", "kind": InstrumentKind.FUTURE, "lot": 1e-9}
        owner.writer.directory_add(future)
        with shm.attach("v", namespace=name) as feed:
            yield feed.instruments()


def surface(chance: random.Random, noise: float) -> dict[str, np.ndarray[Any, Any]]:
    """Bids and asks of calls and puts that agree with one another, but for the noise."""
    calls = np.array([max(0.02, 1 - strike / FORWARD + 0.03) for strike in STRIKES])
    puts = calls - (1 - np.array(STRIKES) / FORWARD)
    found = {}
    for name, values in (("call", calls), ("put", puts)):
        middle = values + np.array([chance.uniform(-noise, noise) for _ in STRIKES])
        found[f"{name}_bid"], found[f"{name}_ask"] = middle - TICK, middle + TICK
    return found


def searched(
    listed: list[shm.Instrument], quotes: dict[str, Any], chance: random.Random, least: float
) -> tuple[list[Any], Any]:
    count = len(STRIKES)
    sizes = {name: np.array([chance.randint(1, 80) / 10 for _ in STRIKES]) for name in quotes}
    strip = parity.Strip(
        np.array(STRIKES), listed[:count], listed[count : 2 * count], **quotes, sizes=sizes
    )
    ladder = [(n * 5.0, chance.randint(1, 50) * 1000.0) for n in range(1, 30)]
    bids = np.array([(FORWARD - away, dollars) for away, dollars in ladder])
    asks = np.array([(FORWARD + away, dollars) for away, dollars in ladder])
    hedge = parity.Hedge(listed[-1], bids, asks)
    return parity.violations(strip, hedge, FEES, least), hedge


def earned(trade: Any, hedge: Any, delivery: float) -> float:
    """What a trade leaves in coins when all is delivered at a price: each leg by its contract."""
    coins = 0.0
    for leg in trade.legs:
        one, sign = leg.instrument, 1 if leg.buy else -1
        if one.kind is InstrumentKind.FUTURE:
            left, worth = leg.amount, 0.0
            for price, dollars in hedge.asks if leg.buy else hedge.bids:
                taken = min(left, dollars)
                worth, left = worth + taken / price, left - taken
                within = price <= leg.price if leg.buy else price >= leg.price
                assert taken < 1e-6 or within
            assert left < 1e-6
            coins += sign * (worth - leg.amount / delivery)
            coins -= (FEES.future + FEES.future_delivery) * worth
            continue
        call = one.option is OptionType.CALL
        value = max(0.0, (1 - one.strike / delivery) * (1 if call else -1))
        fee = FEES.of_option(leg.price) + min(FEES.option_delivery, FEES.option_cap * value)
        coins += leg.amount * (sign * (value - leg.price) - fee)
    return coins


@pytest.mark.parametrize("seed", range(30))
def test_every_trade_earns_what_it_says_whatever_the_delivery_price(
    listed: list[shm.Instrument], seed: int
) -> None:
    chance = random.Random(seed)
    trades, hedge = searched(listed, surface(chance, 0.01), chance, 0.0)
    assert trades
    for trade in trades:
        prices = [*STRIKES, *(FORWARD * factor for factor in (0.1, 0.5, 0.97, 1.0, 1.2, 5.0))]
        outcomes = [earned(trade, hedge, price) for price in prices]
        # Delivery fees are taken at their most: it is never less than was said, and not much more.
        assert min(outcomes) >= trade.profit - 1e-9
        assert max(outcomes) <= trade.profit + 2 * FEES.option_delivery * trade.size + 1e-9
        assert trade.size * 10 == pytest.approx(round(trade.size * 10))  # whole lots
        assert trade.profit == pytest.approx(trade.edge * trade.size)


def test_a_surface_that_agrees_has_none(listed: list[shm.Instrument]) -> None:
    for seed in range(20):
        chance = random.Random(seed)
        assert searched(listed, surface(chance, 0.0), chance, 0.0)[0] == []


@pytest.mark.parametrize("name", ["call_bid", "call_ask", "put_bid", "put_ask"])
@pytest.mark.parametrize("at", range(len(STRIKES)))
def test_one_price_that_is_off_is_found(listed: list[shm.Instrument], name: str, at: int) -> None:
    chance = random.Random(1)
    quotes = surface(chance, 0.0)
    quotes[name][at] += 0.006 if name.endswith("bid") else -0.006
    trades, _ = searched(listed, quotes, chance, 0.0002)
    expected = "conversion" if name in ("call_bid", "put_ask") else "reversal"
    assert {(trade.kind, trade.strikes) for trade in trades if len(trade.strikes) == 1} == {
        (expected, (STRIKES[at],))
    }
    assert all(STRIKES[at] in trade.strikes for trade in trades)
    assert {trade.kind for trade in trades} > {expected}  # and boxes with other strikes
