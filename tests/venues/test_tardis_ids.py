"""Tardis' names of venues, and what of theirs records have in other units."""

from __future__ import annotations

import pytest

from feedhandler import venues
from feedhandler.venues import tardis_ids
from feedhandler.venues.tardis_ids import exchange_id, in_percent, liquidations_are_trades
from shm import InstrumentKind, Stat


@pytest.mark.parametrize(
    ("venue", "kind", "symbol", "name"),
    [
        ("deribit", InstrumentKind.OPTION, "", "deribit"),
        ("okx", InstrumentKind.SPOT, "BTC-USDT", "okex"),
        ("okx", InstrumentKind.PERPETUAL, "BTC-USDT-SWAP", "okex-swap"),
        ("okx", InstrumentKind.FUTURE, "BTC-USD-261225", "okex-futures"),
        ("okx", InstrumentKind.OPTION, "BTC-USD-261225-80000-C", "okex-options"),
        ("okx", InstrumentKind.UNKNOWN, "BTC-USDT", "okex"),
        ("okx", InstrumentKind.UNKNOWN, "BTC-USDT-SWAP", "okex-swap"),
        ("okx", InstrumentKind.UNKNOWN, "BTC-USD-261225", "okex-futures"),
        ("okx", InstrumentKind.UNKNOWN, "BTC-USD-261225-80000-C", "okex-options"),
        ("binance", InstrumentKind.SPOT, "", "binance"),
        ("binance-usdm", InstrumentKind.PERPETUAL, "", "binance-futures"),
        ("binance-coinm", InstrumentKind.PERPETUAL, "", "binance-delivery"),
        ("bybit-linear", InstrumentKind.PERPETUAL, "", "bybit"),
        ("bybit-spot", InstrumentKind.SPOT, "", "bybit-spot"),
        ("nowhere", InstrumentKind.SPOT, "", "nowhere"),
    ],
)
def test_venues_are_called_as_tardis_calls_them(
    venue: str, kind: InstrumentKind, symbol: str, name: str
) -> None:
    assert exchange_id(venue, kind, symbol) == name


def test_names_that_are_told_are_those_of_venues() -> None:
    assert {*tardis_ids._IDS, *tardis_ids._LIQUIDATIONS_ARE_TRADES} <= {*venues.names()}
    assert liquidations_are_trades("deribit")
    assert not liquidations_are_trades("binance-usdm")  # it announces orders


def test_what_is_written_in_percent_is_known() -> None:
    assert in_percent("deribit") == {Stat.BID_IV, Stat.ASK_IV, Stat.MARK_IV}
    assert in_percent("okx") == in_percent("bybit-option") == frozenset()
    assert in_percent("nowhere") == frozenset()
