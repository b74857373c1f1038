"""What a trader computes first: mid, microprice, days to expiry, ticks, lots, picks of a chain."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shm
from shm import ContractType, InstrumentKind, OptionType, Side, TradeSide
from tests.shm.conftest import CELL_EXPONENTS, EXPONENTS, Create

DAY_NS = 86_400 * 10**9
EXPIRY = datetime(2026, 12, 25, 8, tzinfo=UTC)
EXPIRY_NS = int(EXPIRY.timestamp()) * 10**9
PERP: dict[str, Any] = {
    "symbol": "PERP", "name": "BTC-USD-PERP", "base": "BTC", "quote": "USD", "settle": "BTC",
    "kind": InstrumentKind.PERPETUAL, "contract_type": ContractType.INVERSE,
    "contract_size": 10.0, "tick": 0.1, "lot": 0.003, **EXPONENTS,
}  # fmt: skip
STEPS = ["0.1", "0.5", "0.0001", "0.000025", "5", "0.003", "1e-8"]


def feed_of(create: Create, *rows: dict[str, Any]) -> tuple[Any, shm.Feed]:
    writer = create("venue").writer
    for row in rows:
        writer.directory_add(row)
    writer.heartbeat()
    return writer, shm.attach("venue", namespace=writer.namespace)


def test_between_bid_and_ask(create: Create) -> None:
    writer, feed = feed_of(create, PERP)
    writer.quote_store(
        0, CELL_EXPONENTS | {"bid_price": 1000, "bid_size": 300, "ask_price": 1004, "ask_size": 100}
    )
    quote = feed.quote("PERP")
    price = 10.0 ** feed.instrument("PERP").price_exponent
    assert quote.mid == pytest.approx(1002 * price)
    assert quote.spread == pytest.approx(4 * price)
    assert quote.microprice == pytest.approx(1003 * price)  # (1000 x 100 + 1004 x 300) / 400
    writer.quote_store(0, CELL_EXPONENTS | {"bid_price": 1000, "bid_size": 300})
    quote = feed.quote("PERP")
    assert math.isnan(quote.mid)
    assert math.isnan(quote.spread)
    assert math.isnan(quote.microprice)


def test_of_a_book(create: Create) -> None:
    writer, feed = feed_of(create, PERP)
    writer.book_store(0, CELL_EXPONENTS, [(1000, 300), (999, 1)], [(1004, 100)])
    book = feed.book("PERP")
    price = 10.0 ** feed.instrument("PERP").price_exponent
    assert (book.mid, book.spread, book.microprice) == pytest.approx(
        (1002 * price, 4 * price, 1003 * price)
    )
    writer.book_store(0, CELL_EXPONENTS, [], [(1004, 100)])
    assert math.isnan(feed.book("PERP").mid)
    assert math.isnan(feed.book("PERP").microprice)


def test_the_side_of_the_last_trade(create: Create) -> None:
    writer, feed = feed_of(create, PERP)
    writer.quote_store(0, CELL_EXPONENTS | {"bid_price": 1000, "bid_size": 300})
    assert feed.quote("PERP").last_side is None
    for side in TradeSide:
        writer.quote_store(0, {"last_price": 1000, "last_size": 1, "last_side": side})
        assert feed.quote("PERP").last_side is side
    assert [int(side) for side in (TradeSide.BUY, TradeSide.SELL)] == [Side.BUY, Side.SELL]
    assert TradeSide.SELL.name == "SELL"


def test_an_expiry_is_a_time(create: Create) -> None:
    call = PERP | {"symbol": "C", "name": "C", "kind": InstrumentKind.OPTION}
    _, feed = feed_of(create, PERP, call | {"expiry_ns": EXPIRY_NS})
    perp, option = feed.instrument("PERP"), feed.instrument("C")
    assert option.expiry == EXPIRY
    assert perp.expiry is None
    assert option.days_to_expiry(EXPIRY_NS - 36 * 3600 * 10**9) == 1.5
    assert option.days_to_expiry(EXPIRY_NS + DAY_NS) == -1.0
    assert math.isnan(perp.days_to_expiry())


def test_contracts_and_coins(create: Create) -> None:
    _, feed = feed_of(create, PERP)
    perp = feed.instrument("PERP")
    assert perp.to_coins(500, 50_000.0) == feed.coins(perp, 500, 50_000.0) == 0.1
    assert perp.to_contracts(0.1, 50_000.0) == pytest.approx(500)
    assert perp.notional(500, 50_000.0, "quote") == 5000.0
    assert list(perp.to_contracts([0.1, 0.2], [50_000.0, 25_000.0])) == pytest.approx([500, 500])


def test_ticks_and_lots_are_exact(create: Create) -> None:
    rows = (
        PERP | {"symbol": step, "name": step, "tick": float(step), "lot": float(step)}
        for step in STEPS
    )
    _, feed = feed_of(create, *rows)

    @settings(max_examples=300)
    @given(step=st.sampled_from(STEPS), value=st.floats(0, 1e6))
    def rounded(step: str, value: float) -> None:
        one, steps = feed.instrument(step), Decimal(repr(value)) / Decimal(step)

        def on(rounding: str) -> float:
            return float(steps.quantize(Decimal(1), rounding) * Decimal(step))

        assert one.round_price(value) == on(ROUND_HALF_EVEN)
        assert one.round_price(value, Side.BID) == on(ROUND_FLOOR)
        assert one.round_price(value, Side.ASK) == on(ROUND_CEILING)
        assert one.round_size(value) == on(ROUND_DOWN)

    rounded()
    assert feed.instrument("0.1").round_price(0.1 * 3) == 0.3


def test_without_a_tick_and_of_nothing(create: Create) -> None:
    _, feed = feed_of(create, PERP | {"tick": 0.0, "lot": 0.0})
    perp = feed.instrument("PERP")
    assert perp.round_price(1.2345) == 1.2345
    assert math.isnan(perp.round_size(math.nan))
    with pytest.raises(ValueError, match="side 7"):
        perp.round_price(1.0, 7)


def test_picks_of_a_chain(create: Create) -> None:
    rows = []
    for strike, call, put in ((90, 0.8, -0.2), (100, 0.52, -0.48), (110, 0.24, -0.76)):
        for option, delta in ((OptionType.CALL, call), (OptionType.PUT, put)):
            name = f"{strike}{option.name}"
            more = {"symbol": name, "name": name, "option_type": option, "strike": float(strike)}
            kind = {"kind": InstrumentKind.OPTION, "expiry_ns": EXPIRY_NS}
            rows.append((PERP | more | kind, delta))
    writer, feed = feed_of(create, *(row for row, _ in rows))
    for number, (_, delta) in enumerate(rows):
        writer.quote_store(number, {"underlying": 103.0, "delta": delta})
    chain = feed.chain("BTC", EXPIRY_NS)
    assert chain.forward == 103.0
    names = [feed.instruments()[id_].symbol for id_ in chain.atm()["instrument"]]
    assert names == ["100CALL", "100PUT"]
    for option, wanted in ((OptionType.CALL, "110CALL"), (OptionType.PUT, "90PUT")):
        for sign in (1, -1):
            row = chain.by_delta(0.25 * sign, option)
            assert row is not None
            assert chain.instrument(row["instrument"]).symbol == wanted
    assert chain[:0].by_delta(0.25, OptionType.CALL) is None
    assert math.isnan(chain[:0].forward)
    assert len(chain[:0].atm()) == 0
