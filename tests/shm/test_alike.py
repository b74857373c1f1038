"""Instruments by a name that they have at every venue, whatever dollars they are quoted in."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest

import shm
from shm import ContractType, InstrumentKind, State
from shm._native import Writer
from tests.shm.conftest import CELL_EXPONENTS, EXPONENTS, Create


@pytest.mark.parametrize(
    ("name", "general"),
    [
        ("BTC-USD-PERP", "BTC-PERP"),
        ("BTC-USDT-PERP", "BTC-PERP"),
        ("BTC-USDC-PERP", "BTC-PERP"),
        ("1000PEPE-USDT-PERP", "1000PEPE-PERP"),
        ("BTC-USD-20261225", "BTC-20261225"),
        ("BTC-USDT", "BTC-SPOT"),
        ("ETH-BTC", ""),  # no dollars
        ("BTC-EUR-PERP", ""),
        ("BTC-USD-20261225-90000-C", ""),  # in coins at one venue, in dollars at another
        ("BTC-USD-PERP/BTC-USD-20261225", ""),
        ("", ""),
    ],
)
def test_a_general_name_leaves_the_dollars_out(name: str, general: str) -> None:
    assert shm.general_name(name) == general


def add(writer: Writer, symbol: str, name: str, contract: ContractType, size: float) -> int:
    base, quote = name.split("-")[:2]
    kind = InstrumentKind.PERPETUAL if name.endswith("PERP") else InstrumentKind.SPOT
    return writer.directory_add(
        {
            "symbol": symbol, "name": name, "base": base, "quote": quote, "kind": kind,
            "contract_type": contract, "contract_size": size, **EXPONENTS,
        }
    )  # fmt: skip


def show(writer: Writer, row: int, bid: float, ask: float, size: float) -> None:
    cell: dict[str, Any] = {
        "state": State.LIVE, "data_ns": time.time_ns(),
        "bid_price": round(bid * 100), "ask_price": round(ask * 100),
        "bid_size": round(size * 1000), "ask_size": round(size * 1000),
    }  # fmt: skip
    writer.quote_store(row, cell | CELL_EXPONENTS)
    writer.heartbeat()


@pytest.fixture
def two(create: Create) -> tuple[Writer, Writer]:
    """Deribit's inverse and USDC perpetuals, and Binance's linear one in USDT."""
    deribit, binance = create("deribit").writer, create("binance-usdm").writer
    add(deribit, "BTC-PERPETUAL", "BTC-USD-PERP", ContractType.INVERSE, 1.0)
    add(deribit, "BTC_USDC-PERPETUAL", "BTC-USDC-PERP", ContractType.LINEAR, 1.0)
    add(binance, "BTCUSDT", "BTC-USDT-PERP", ContractType.LINEAR, 1.0)
    show(deribit, 0, 50_000.0, 50_010.0, 10_000)  # dollars
    show(deribit, 1, 50_001.0, 50_020.0, 0.5)
    show(binance, 0, 50_005.0, 50_006.0, 2.0)
    return deribit, binance


@pytest.mark.usefixtures("two")
def test_the_best_of_perpetuals_over_venues_is_in_coins(namespace: str) -> None:
    found = shm.best(["deribit", "binance-usdm"], "BTC-PERP", namespace=namespace)
    assert found.bid is not None
    assert found.ask is not None
    assert (found.bid.venue, found.bid.price, found.bid.coins) == ("binance-usdm", 50_005.0, 2.0)
    assert (found.ask.instrument.name, found.spread) == ("BTC-USDT-PERP", 1.0)
    # Of one venue the better of its two, by what a dollar's token is worth.
    found = shm.best(["deribit"], "BTC-PERP", namespace=namespace)
    assert found.bid is not None
    assert found.bid.instrument.name == "BTC-USDC-PERP"
    rates = {"USDC": 0.999, "USDT": 0.9}
    found = shm.best(["deribit", "binance-usdm"], "BTC-PERP", namespace=namespace, rates=rates)
    assert found.bid is not None
    assert found.ask is not None
    assert (found.bid.instrument.name, found.bid.coins) == ("BTC-USD-PERP", 0.2)
    assert found.ask.price == 50_006.0
    assert found.ask.compared == pytest.approx(45_005.4)
    for rate in (0.0, math.nan, -1.0):
        with pytest.raises(ValueError, match="USDT"):
            shm.best(["deribit"], "BTC-PERP", namespace=namespace, rates={"USDT": rate})


def test_what_is_left_out_says_which(two: tuple[Writer, Writer], namespace: str) -> None:
    two[0].quote_store(1, {"state": State.STALE} | CELL_EXPONENTS)
    found = shm.best(["deribit"], "BTC-PERP", namespace=namespace)
    assert [(one.venue, one.why.partition(":")[0]) for one in found.left_out] == [
        ("deribit", "BTC-USDC-PERP")
    ]


@pytest.mark.usefixtures("two")
def test_a_feed_finds_what_is_alike(namespace: str) -> None:
    with shm.attach("deribit", namespace=namespace) as feed:
        names = [one.symbol for one in feed.alike("BTC-PERP")]
        assert names == ["BTC-PERPETUAL", "BTC_USDC-PERPETUAL"]
        assert [one.symbol for one in feed.alike("BTC-USD-PERP")] == ["BTC-PERPETUAL"]
        with pytest.raises(shm.UnknownInstrument, match=r"near: .*BTC-PERP"):
            feed.alike("BTC-PERPP")


def test_an_instrument_that_comes_later_is_alike_too(
    two: tuple[Writer, Writer], namespace: str
) -> None:
    with shm.attach("binance-usdm", namespace=namespace) as feed:
        assert len(feed.alike("BTC-PERP")) == 1
        add(two[1], "BTCUSDC", "BTC-USDC-PERP", ContractType.LINEAR, 1.0)
        assert len(feed.alike("BTC-PERP")) == 2


@pytest.mark.usefixtures("two")
def test_a_venues_own_symbol_is_told_by_its_name(namespace: str) -> None:
    with pytest.raises(shm.UnknownInstrument) as caught:
        shm.best(["deribit", "binance-usdm"], "BTC-PERPETUAL", namespace=namespace)
    said = str(caught.value)
    assert said.startswith("no venue has 'BTC-PERPETUAL': deribit has no instrument of the name")
    assert "that is its own symbol of BTC-USD-PERP; binance-usdm has no instrument" in said
    assert "near: BTC-USDT-PERP" in said or "near: BTC-PERP" in said


def test_sizes_in_coins_and_money_are_in_the_open(
    two: tuple[Writer, Writer], namespace: str
) -> None:
    assert two
    with shm.attach("deribit", namespace=namespace) as feed:
        perp = feed.instrument("BTC-PERPETUAL")
    assert shm.coins(perp, 10_000.0, 50_000.0) == 0.2
    assert shm.notional(perp, 10_000.0, 50_000.0, "quote") == 10_000.0
