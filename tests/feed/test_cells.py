"""What the table of venues says that one brings is what its cells have: all of it, and no more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from feedhandler import venues
from feedhandler.adapter.declared.carried import carried
from feedhandler.shape.frame import STATS
from shm import Kind
from tests.kit.rig import rig, until

#: where the usual ones are not of all kinds
CHOSEN = {
    "deribit": ("BTC-PERPETUAL", "option:BTC-USD:*"),
    "coinbase-derivatives": ("BTC_USDC-PERPETUAL", "option:*"),
    "okx": ("BTC-USDT", "BTC-USDT-SWAP", "option:BTC-USD:*"),
}


#: whose statistics come in ways of their own; the others cost minutes together
ALWAYS = ("okx", "kraken", "htx-swap", "cryptocom", "dydx", "binance-usdm")


#: statistics that are times, and their fields
TIMES = {"next_funding": "next_funding_ns"}


def _told(values: Any) -> bool:
    return not np.isnan(values).all()


def _each() -> list[Any]:
    others = pytest.mark.soak
    return [one if one in ALWAYS else pytest.param(one, marks=others) for one in venues.names()]


@pytest.mark.parametrize("name", _each())
def test_a_cell_has_what_the_table_says(name: str) -> None:
    its = carried(venues.load(name))
    assert its is not None
    forced = its.liquidations and name != "deribit"  # whose simulator liquidates nobody
    with rig(name, rate=1000.0, instruments=40) as running:
        if name in CHOSEN:
            running.change(name, instruments=CHOSEN[name])
        running.io_process(name)
        feed = running.attach(name)
        events = feed.events(
            kinds=["trade", "liquidation"], start="oldest", on_overrun="resync", raw=True
        )
        wanted = its.stats | {"TRADE"} | ({"LIQUIDATION"} if forced else set())
        seen: set[str] = set()

        def all_seen() -> bool:
            board = feed.board()
            while (batch := events.poll()) is not None:
                seen.update(Kind(kind).name for kind in np.unique(batch["kind"]).tolist())
            seen.update(stat for stat in STATS if stat not in TIMES and _told(board[stat]))
            seen.update(stat for stat, field in TIMES.items() if board[field].any())
            assert seen <= wanted, f"{seen - wanted}: the table does not say it"
            return seen == wanted

        try:
            until(all_seen, "all that the table says", 15.0)
        except AssertionError as error:
            raise AssertionError(f"{error}: not there: {wanted - seen}") from None
