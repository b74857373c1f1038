"""The consolidated best bid and offer: what counts, what does not and why."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest

import shm
from shm import ContractType, InstrumentKind, Reason, State
from shm._native import Writer
from tests.shm.conftest import CELL_EXPONENTS, EXPONENTS, Create

PERP = "BTC-USD-PERP"
DEADLINE = 60.0


def venue(create: Create, name: str, contract: float = 1.0, symbol: str = "X") -> Writer:
    writer = create(name).writer
    writer.directory_add(
        {
            "symbol": symbol, "name": PERP, "kind": InstrumentKind.PERPETUAL,
            "contract_type": ContractType.INVERSE, "contract_size": contract, **EXPONENTS,
        }
    )  # fmt: skip
    return writer


def show(writer: Writer, bid: float, ask: float, size: float = 1.0, **more: Any) -> None:
    prices = {
        "bid_price": shm.NONE if math.isnan(bid) else round(bid * 100),
        "ask_price": shm.NONE if math.isnan(ask) else round(ask * 100),
        "bid_size": round(size * 1000),
        "ask_size": round(size * 1000),
    }
    fresh = {"state": State.LIVE, "data_ns": time.time_ns()} | CELL_EXPONENTS
    writer.quote_store(0, fresh | prices | more)
    writer.heartbeat()


def left(found: shm.Best) -> dict[tuple[str, str], str]:
    return {(one.venue, one.side): one.why for one in found.left_out}


def test_the_best_side_may_be_of_either_venue(namespace: str, create: Create) -> None:
    deribit, okx = venue(create, "deribit"), venue(create, "okx", contract=100.0)
    show(deribit, 50_000.0, 50_010.0, size=2_000)
    show(okx, 49_999.5, 50_009.5, size=3)
    for venues in (
        ["deribit", "okx"],
        [shm.attach(name, namespace=namespace) for name in ("deribit", "okx")],
    ):
        found = shm.best(venues, PERP, namespace=namespace)
        assert found.bid is not None
        assert found.ask is not None
        assert (found.bid.venue, found.bid.price, found.bid.size) == ("deribit", 50_000.0, 2_000.0)
        assert (found.ask.venue, found.ask.price, found.ask.size) == ("okx", 50_009.5, 3.0)
        # 2,000 contracts of 1 dollar, and 3 of 100, in coins at their prices
        assert found.bid.coins == pytest.approx(0.04)
        assert found.ask.coins == pytest.approx(300 / 50_009.5)
        assert (found.spread, found.mid, found.crossed) == (9.5, 50_004.75, False)
        assert found.left_out == ()
        assert found.begin_ns <= found.end_ns <= time.time_ns()
    show(okx, 50_020.0, 50_030.0)
    assert shm.best(["deribit", "okx"], PERP, namespace=namespace).crossed
    # Equal prices: the larger in coins, which is not the larger number of contracts.
    show(deribit, 50_000.0, 50_010.0, size=150)
    show(okx, 50_000.0, 50_010.0, size=2)
    found = shm.best(["deribit", "okx"], PERP, namespace=namespace)
    assert found.bid is not None
    assert found.bid.venue == "okx"


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"state": State.STALE, "reason": Reason.GAP}, "STALE (GAP)"),
        ({"state": State.CROSSED, "reason": Reason.CROSSED}, "CROSSED (CROSSED)"),
        ({"data_ns": 1}, " h old"),
    ],
)
def test_what_is_not_live_and_young_does_not_count(
    namespace: str, create: Create, state: dict[str, int], says: str
) -> None:
    one, other = venue(create, "deribit"), venue(create, "okx")
    show(one, 50_000.0, 50_010.0)
    show(other, 60_000.0, 40_000.0, **state)  # better on both sides, were it to be believed
    found = shm.best(["okx", "deribit"], PERP, namespace=namespace)
    assert found.bid is not None
    assert found.ask is not None
    assert (found.bid.venue, found.ask.venue) == ("deribit", "deribit")
    assert says in left(found)["okx", "both"]


def test_one_side_may_be_missing(namespace: str, create: Create) -> None:
    one, other = venue(create, "deribit"), venue(create, "okx")
    show(one, math.nan, 50_010.0)
    show(other, math.nan, 50_020.0)
    found = shm.best(["deribit", "okx"], PERP, namespace=namespace)
    assert found.bid is None
    assert found.ask is not None
    assert found.ask.venue == "deribit"
    assert left(found) == {("deribit", "bid"): "no bid", ("okx", "bid"): "no bid"}
    assert math.isnan(found.spread)
    assert math.isnan(found.mid)
    assert not found.crossed


def test_venues_that_go_and_come(namespace: str, create: Create) -> None:
    show(venue(create, "deribit"), 50_000.0, 50_010.0)
    found = shm.best(["deribit", "okx"], PERP, namespace=namespace)
    assert "no venue 'okx'" in left(found)["okx", "both"]
    owner = create("okx")
    assert (
        "has no instrument"
        in left(shm.best(["deribit", "okx"], PERP, namespace=namespace))["okx", "both"]
    )
    owner.writer.directory_add({"symbol": "X", "name": PERP, **EXPONENTS})
    show(owner.writer, 50_001.0, 50_002.0)
    found = shm.best(["deribit", "okx"], PERP, namespace=namespace)
    assert found.bid is not None
    assert found.bid.venue == "okx"
    owner.close()
    found = shm.best(["deribit", "okx"], PERP, namespace=namespace)
    assert found.bid is not None
    assert found.bid.venue == "deribit"
    assert "gone (stopped)" in left(found)["okx", "both"]
    show(venue(create, "okx"), 50_003.0, 50_004.0)
    found = shm.best(["deribit", "okx"], PERP, namespace=namespace)
    assert found.bid is not None
    assert found.bid.price == 50_003.0


def test_a_silent_writer_does_not_count(namespace: str, create: Create) -> None:
    show(venue(create, "deribit"), 50_000.0, 50_010.0)
    deadline = time.monotonic() + DEADLINE
    while True:
        found = shm.best(["deribit"], PERP, namespace=namespace, max_age_ns=10**12)
        if found.bid is None:
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "silent" in left(found)["deribit", "both"]


def test_symbols_of_venues_are_not_names(namespace: str, create: Create) -> None:
    """BTCUSDT is spot at one venue and a perpetual at another."""
    show(venue(create, "binance-usdm", symbol="BTCUSDT"), 50_000.0, 50_010.0)
    with pytest.raises(shm.UnknownInstrument, match="no venue has 'BTCUSDT'"):
        shm.best(["binance-usdm"], "BTCUSDT", namespace=namespace)
    with pytest.raises(shm.UnknownInstrument, match="near: BTC-USD-PERP"):
        shm.best(["binance-usdm"], "BTC-USD-PERT", namespace=namespace)
    with pytest.raises(shm.BadName):
        shm.best(["binance-usdm"], PERP, namespace="no/where")


@pytest.mark.parametrize(
    ("kind", "contract", "coins"),
    [
        (InstrumentKind.PERPETUAL, ContractType.INVERSE, 0.05),  # 5 x 100 dollars at 10,000
        (InstrumentKind.PERPETUAL, ContractType.LINEAR, 500.0),
        (InstrumentKind.OPTION, ContractType.INVERSE, 500.0),  # priced in coin, and on coins
        (InstrumentKind.SPOT, ContractType.NONE, 500.0),
        (InstrumentKind.PERPETUAL, ContractType.QUANTO, math.nan),
    ],
)
def test_sizes_in_coins(
    namespace: str, create: Create, kind: InstrumentKind, contract: ContractType, coins: float
) -> None:
    writer = create("v").writer
    fields = {"symbol": "A", "name": "N", "kind": kind, "contract_type": contract}
    writer.directory_add({**fields, "contract_size": 100.0, **EXPONENTS})
    show(writer, 10_000.0, 10_001.0, size=5)
    found = shm.best(["v"], "N", namespace=namespace)
    assert found.bid is not None
    assert found.bid.coins == pytest.approx(coins, nan_ok=True)
