"""Ticks that grow with the price: as lists have them, and as figures of prices make them."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from feedhandler.adapter.declared import Decimals, Figures, Listing, Steps
from feedhandler.adapter.declared.ticks import significant
from feedhandler.adapter.listing import TICK_BANDS
from feedhandler.adapter.listing import Listing as Listed
from shm import _native
from tests.adapter import declared_venues as venues


class Banded(venues.Listed):
    """Deribit's names of the fields."""

    name = "banded"
    listing = Listing(
        "/list",
        rows="result",
        symbol="name",
        base="base",
        quote="quote",
        tick="tick_size",
        bands=Steps("tick_size_steps", "above_price", "tick_size"),
        lot=Decimal(1),
    )


class Figured(venues.Listed):
    name = "figured"
    listing = Listing(
        "/list",
        rows="result",
        symbol="name",
        base="base",
        quote="quote",
        tick=Decimals("places"),
        bands=Figures(5, whole=True),
        lot=Decimal(1),
    )


def listed(venue: venues.Listed, **row: object) -> Listed:
    rows = [{"name": "A", "base": "B", "quote": "C", **row}, {"name": "X", "tick_size": 0}]
    found = venue.parse_instruments(json.dumps({"result": rows}).encode())
    assert isinstance(found, Listed)
    return found


def test_the_directory_has_room_for_so_many() -> None:
    assert _native.constants()["FH_BANDS"] == TICK_BANDS


def test_ticks_are_listed_by_price() -> None:
    steps = [{"above_price": 1, "tick_size": "0.01"}, {"above_price": 0.005, "tick_size": 0.0005}]
    (one,) = listed(Banded(), tick_size=0.0001, tick_size_steps=steps)
    assert one.tick == Decimal("0.0001")
    assert one.tick_bands == (
        (Decimal("0.005"), Decimal("0.0005")),
        (Decimal(1), Decimal("0.01")),
    )
    assert one.price_exponent == -4
    (one,) = listed(Banded(), tick_size=1, tick_size_steps=[{"above_price": 9, "tick_size": 0.25}])
    assert one.price_exponent == -2  # the finest, wherever it is
    for empty in ("[]", "null"):
        (one,) = listed(Banded(), tick_size=0.0001, tick_size_steps=json.loads(empty))
        assert one.tick_bands == ()
    (one,) = listed(Banded(), tick_size=0.0001)
    assert one.tick_bands == ()


@pytest.mark.parametrize(
    "steps",
    [
        [{"above_price": 0, "tick_size": 1}],
        [{"above_price": 1, "tick_size": 0}],
        [{"above_price": 1, "tick_size": 1}, {"above_price": 1, "tick_size": 2}],
        [{"above_price": 1}],
        [{"above_price": "x", "tick_size": 1}],
        [1],
        {"above_price": 1, "tick_size": 1},
        [{"above_price": at, "tick_size": 1} for at in range(1, TICK_BANDS + 2)],
    ],
)
def test_ticks_that_cannot_be_cost_the_instrument_alone(steps: object) -> None:
    good = {"name": "G", "base": "B", "quote": "C", "tick_size": 1}
    rows = [{**good, "name": "A", "tick_size_steps": steps}, good]
    found = Banded().parse_instruments(json.dumps({"result": rows}).encode())
    assert isinstance(found, Listed)
    assert [one.symbol for one in found] == ["G"]
    assert list(found.broken) == ["A"]


@pytest.mark.parametrize("places", range(9))
def test_prices_of_five_figures(places: int) -> None:
    """The tick of each price is the finest that has five figures, or is whole."""
    (one,) = listed(Figured(), places=places)
    assert one.price_exponent == -places
    for power in range(-places, 7):
        for figures in (1, 12345, 99999):
            price = Decimal(figures).scaleb(power - len(str(figures)) + 1)
            tick = one.tick
            for begin, step in one.tick_bands:
                tick = step if price >= begin else tick
            allowed = max(Decimal(1).scaleb(-places), Decimal(1).scaleb(price.adjusted() - 4))
            assert tick == min(allowed, Decimal(1)), (price, one.tick_bands)


def test_figures_go_on_for_as_long_as_there_is_room() -> None:
    bands = significant(5, Decimal("0.00000001"))
    assert len(bands) == TICK_BANDS
    assert bands[0] == (Decimal("0.001"), Decimal("0.0000001"))
    assert (Decimal(100_000), Decimal(10)) in bands
    assert bands[-1] == (Decimal(10) ** 8, Decimal(10) ** 4)
    assert significant(5, Decimal(0)) == ()
