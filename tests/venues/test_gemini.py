"""What is singular of Gemini: the terms of an instrument cost a request each."""

from __future__ import annotations

import json

import pytest

from feedhandler import venues
from feedhandler.adapter.request import Request
from shm import InstrumentKind

GEMINI = venues.load("gemini")
LIST = Request("/v1/symbols")
SYMBOLS = ["btcusd", "btcgusd", "paxgusd", "btcgusdperp", "btcusdcperp"]


@pytest.mark.parametrize(
    ("pattern", "asked"),
    [
        ("btcusd", ["btcusd"]),
        ("BTC-USD", ["btcusd"]),
        ("PAXG-USD", ["paxgusd"]),  # it may be PAX in GUSD, too: the terms say
        ("PAX-GUSD", ["paxgusd"]),
        ("*-GUSD", ["btcgusd", "paxgusd"]),
        ("perpetual:BTC-*", ["btcgusdperp", "btcusdcperp"]),
        ("nosuch", []),
    ],
)
def test_terms_are_asked_of_what_may_be_meant(pattern: str, asked: list[str]) -> None:
    (first,) = GEMINI.instrument_requests([pattern])
    assert first == LIST
    body = json.dumps(SYMBOLS).encode()
    found = [request.path for request in GEMINI.follow_up([pattern], LIST, body)]
    assert found == [f"/v1/symbols/details/{symbol}" for symbol in asked]
    assert GEMINI.parse_instruments(body) == []


def test_more_than_can_be_asked_for_is_an_error() -> None:
    body = json.dumps([f"x{number}usd" for number in range(101)]).encode()
    with pytest.raises(ValueError, match=r"101 instruments are meant.*name 100 at most"):
        GEMINI.follow_up(["*"], LIST, body)
    assert len(GEMINI.follow_up(["x1*"], LIST, body)) == 12


def test_terms_are_of_a_symbol_in_small_letters() -> None:
    answer = {
        "symbol": "BTCUSDCPERP",
        "quote_currency": "USDC",
        "tick_size": 0.0001,
        "quote_increment": 0.5,
        "status": "open",
        "product_type": "swap",
        "contract_price_currency": "GUSD",
        "base_currency": "BTC",
    }
    (one,) = GEMINI.parse_instruments(json.dumps(answer).encode())
    assert (one.symbol, one.name, one.kind) == (
        "btcusdcperp",
        "BTC-USDC-PERP",
        InstrumentKind.PERPETUAL,
    )
    assert (str(one.tick), str(one.lot), one.settle) == ("0.5", "0.0001", "GUSD")
    with pytest.raises(ValueError, match="no list of instruments"):
        GEMINI.parse_instruments(b'{"result":"error","reason":"System"}')
