"""The best bid and offer that names its instrument, by which a quiet book is believed."""

from __future__ import annotations

from decimal import Decimal

import orjson
import pytest

from feedhandler import venues

#: rest-api.md, "Symbol order book ticker"
DOCUMENTED = {
    "symbol": "LTCBTC", "bidPrice": "4.00000000", "bidQty": "431.00000000",
    "askPrice": "4.00000200", "askQty": "9.00000000",
}  # fmt: skip


@pytest.mark.parametrize("name", ["binance", "binance-usdm"])
def test_it_is_read_as_documented_and_of_no_other_instrument(name: str) -> None:
    venue = venues.load(name)
    request = venue.best_request("LTCBTC")
    assert request is not None
    assert request.path.endswith("/ticker/bookTicker")
    assert request.params == {"symbol": "LTCBTC"}
    best = [(Decimal("4"), Decimal("431")), (Decimal("4.000002"), Decimal("9"))]
    assert venue.parse_best(orjson.dumps(DOCUMENTED), "LTCBTC") == best
    empty = DOCUMENTED | {"bidPrice": "0.00000000", "bidQty": "0.00000000"}
    assert venue.parse_best(orjson.dumps(empty), "LTCBTC") == best[1:]
    for wrong in (
        DOCUMENTED | {"symbol": "ETHBTC"},
        {key: value for key, value in DOCUMENTED.items() if key != "symbol"},
        {key: value for key, value in DOCUMENTED.items() if key != "askQty"},
        DOCUMENTED | {"bidPrice": None},
        DOCUMENTED | {"bidPrice": "x"},
    ):
        with pytest.raises(ValueError, match=name):
            venue.parse_best(orjson.dumps(wrong), "LTCBTC")


@pytest.mark.parametrize("name", ["deribit", "okx", "bybit-linear", "bybit-spot"])
def test_a_venue_without_such_an_answer_says_so(name: str) -> None:
    venue = venues.load(name)
    assert venue.best_request("X") is None
    with pytest.raises(NotImplementedError):
        venue.parse_best(b"{}", "X")
