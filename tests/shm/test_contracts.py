"""Contracts in coins and in money, against decimals."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pytest

import shm
from shm import ContractType, InstrumentKind
from tests.shm.conftest import EXPONENTS, Create

SPOT, PERP, FUTURE, OPTION, COMBO, UNKNOWN = (
    InstrumentKind.SPOT, InstrumentKind.PERPETUAL, InstrumentKind.FUTURE, InstrumentKind.OPTION,
    InstrumentKind.COMBO, InstrumentKind.UNKNOWN,
)  # fmt: skip
NONE, LINEAR, INVERSE, QUANTO = ContractType
EACH = ("1", "0.01", "100", "0.000001")  # contract sizes

#: kinds, contract -> in coins, in money where it settles, in money of quotes; s: size, c: contract
#: size, p: price
FORMULAS: list[tuple[tuple[InstrumentKind, ...], ContractType, str, str, str]] = [
    ((SPOT,), NONE, "sc", "scp", "scp"),
    ((PERP, FUTURE, OPTION), LINEAR, "sc", "scp", "scp"),
    ((PERP, FUTURE), INVERSE, "sc/p", "sc/p", "sc"),
    ((OPTION,), INVERSE, "sc", "scp", ""),
    ((PERP, FUTURE, OPTION), QUANTO, "", "scp", ""),
    ((COMBO, UNKNOWN), INVERSE, "", "", ""),
    ((COMBO, UNKNOWN), LINEAR, "", "", ""),
]


def listed(create: Create, kind: InstrumentKind, contract: ContractType) -> shm.Feed:
    """Instruments named X and their contract size."""
    writer = create("okx").writer
    for each in EACH:
        terms = {"kind": kind, "contract_type": contract, "contract_size": float(each)}
        names = {"symbol": f"X{each}", "name": f"X{each}-Y", "base": "X", "quote": "Y"}
        writer.directory_add(names | terms | EXPONENTS)
    writer.heartbeat()
    return shm.attach("okx", namespace=writer.namespace)


def near(found: float, formula: str, s: Decimal, c: Decimal, p: Decimal) -> bool:
    if not formula:
        return math.isnan(found)
    exact = {"sc": s * c, "scp": s * c * p, "sc/p": s * c / p}[formula]
    return math.isclose(found, exact, rel_tol=1e-14)


@pytest.mark.parametrize(
    ("kind", "contract", "coins", "settle", "quote"),
    [(kind, *rest) for kinds, *rest in FORMULAS for kind in kinds],
)
def test_every_kind_is_worth_what_decimals_say(
    create: Create,
    kind: InstrumentKind,
    contract: ContractType,
    coins: str,
    settle: str,
    quote: str,
) -> None:
    numbers = random.Random(1)
    sizes = [Decimal(numbers.randint(1, 10**9)).scaleb(-3) for _ in range(50)]
    prices = [Decimal(numbers.randint(1, 10**9)).scaleb(-4) for _ in range(50)]
    with listed(create, kind, contract) as feed:
        for each in EACH:
            its = feed.instrument(f"X{each}")
            ways: list[tuple[str, Callable[[Any, Any], Any]]] = [
                (coins, partial(feed.coins, its)),
                (settle, partial(feed.notional, its.symbol)),
                (quote, partial(feed.notional, its, currency="quote")),
            ]
            for formula, call in ways:
                many = call(np.array(sizes, float), np.array(prices, float))
                assert many.shape == (50,)
                for at, (size, price) in enumerate(zip(sizes, prices, strict=True)):
                    one = call(float(size), float(price))
                    assert isinstance(one, float)
                    assert near(one, formula, size, Decimal(each), price), (size, price)
                    assert near(float(many[at]), formula, size, Decimal(each), price)
                assert call(np.ones((3, 1)), np.ones(2)).shape == (3, 2) or formula == "sc"


def test_what_has_no_price_is_nothing(create: Create) -> None:
    with listed(create, PERP, INVERSE) as feed:
        for price in (math.nan, 0.0, -1.0):
            assert math.isnan(feed.coins("X100", 5.0, price))
            assert math.isnan(feed.notional("X100", 5.0, price))
        assert feed.notional("X100", 5.0, math.nan, "quote") == 500.0  # a dollar is a dollar
        found = feed.coins("X100", 5.0, np.array([10.0, 0.0, np.nan]))
        assert found[0] == 50.0
        assert np.isnan(found[1:]).all()
        with pytest.raises(ValueError, match="X100 is inverse: what it is in coins needs a price"):
            feed.coins("X100", 5.0)
        with pytest.raises(ValueError, match="currency 'usd': settle or quote"):
            feed.notional("X100", 5.0, 1.0, "usd")  # type: ignore[arg-type]


def test_what_needs_no_price_has_none(create: Create) -> None:
    with listed(create, PERP, LINEAR) as feed:
        assert feed.coins("X100", 5.0) == 500.0
        assert feed.coins("X100", [1, 2]).tolist() == [100.0, 200.0]
        assert math.isnan(feed.coins("X100", math.nan))


def test_the_newest_terms_count_whichever_were_looked_up(create: Create) -> None:
    writer = create("okx").writer
    row = {"symbol": "X", "name": "X-Y", "kind": PERP, "contract_type": LINEAR} | EXPONENTS
    writer.directory_add(row | {"contract_size": 1.0, "definition": 1})
    writer.heartbeat()
    with shm.attach("okx", namespace=writer.namespace) as feed:
        old = feed.instrument("X")
        assert feed.notional(old, 2.0, 3.0) == 6.0
        writer.directory_update(0, row | {"contract_size": 10.0, "definition": 2})
        assert feed.notional(old, 2.0, 3.0) == 60.0
        assert feed.coins(old, 2.0) == 20.0
        with pytest.raises(shm.UnknownInstrument):
            feed.coins("Z", 1.0)
    other = create("deribit").writer
    other.directory_add(row | {"contract_size": 1.0})
    other.heartbeat()
    with (
        shm.attach("deribit", namespace=other.namespace) as elsewhere,
        pytest.raises(shm.UnknownInstrument, match="an instrument of okx"),
    ):
        elsewhere.coins(old, 1.0)
