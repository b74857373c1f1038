"""Ticks by price that a venue tells apart from its list of instruments, of whole families each."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

import shm
from feedhandler import venues
from feedhandler.adapter.listing import Listing
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Stated
from feedhandler.instruments.listing import list_instruments
from feedhandler.network.rest import RestRefused
from shm import Change, InstrumentKind, Status
from tests.kit.facts import spec
from tests.kit.paper_house import House, play

TICKS = "/api/v5/public/instrument-tick-bands"
BANDS = [("0", "0.005", "0.0001"), ("0.005", "0.1", "0.0005"), ("0.1", "100", "0.001")]
READ = ((Decimal("0.005"), Decimal("0.0005")), (Decimal("0.1"), Decimal("0.001")))


def banded(family: Any, bands: Any = BANDS) -> dict[str, Any]:
    """A family's row of the answer, as the venue's documentation prints it."""
    if isinstance(bands, list):
        bands = [{"minPx": low, "maxPx": high, "tickSz": tick} for low, high, tick in bands]
    return {"instType": "OPTION", "instFamily": family, "tickBand": bands}


def option(family: str, strike: int) -> dict[str, Any]:
    return {
        "instType": "OPTION", "instId": f"{family}-271231-{strike}-C", "instFamily": family,
        "uly": family, "settleCcy": family.split("-")[0], "ctVal": "1", "ctMult": "0.01",
        "ctValCcy": family.split("-")[0], "optType": "C", "stk": str(strike), "tickSz": "0.0001",
        "lotSz": "1", "expTime": "1830240000000", "state": "live",
    }  # fmt: skip


SWAP = {
    "instType": "SWAP", "instId": "BTC-USD-SWAP", "instFamily": "BTC-USD", "uly": "BTC-USD",
    "settleCcy": "BTC", "ctVal": "100", "ctMult": "1", "ctValCcy": "USD", "ctType": "inverse",
    "tickSz": "0.1", "lotSz": "1", "state": "live",
}  # fmt: skip
FAMILIES = ("BTC-USD", "ETH-USD")
PATTERNS = ["swap:*", "option:BTC-USD:*", "option:ETH-USD:*"]


class Answers:
    """OKX's, of two families of options and a swap."""

    def __init__(self, ticks: Any) -> None:
        self.ticks = ticks
        self.asked: list[Request] = []

    async def get(self, request: Request) -> bytes:
        self.asked.append(request)
        if request.path == TICKS:
            if isinstance(self.ticks, Exception):
                raise self.ticks
            return json.dumps({"code": "0", "msg": "", "data": self.ticks}).encode()
        family = request.params.get("instFamily")
        rows = [SWAP] if family is None else [option(family, at) for at in (100, 200)]
        return json.dumps({"code": "0", "msg": "", "data": rows}).encode()


def listed(ticks: Any, patterns: list[str] | None = None) -> tuple[Listing, Answers]:
    answers = Answers(ticks)
    found = asyncio.run(list_instruments(venues.load("okx"), answers, patterns or PATTERNS))
    return found, answers


def test_options_have_the_ticks_of_their_family_and_nothing_else_has() -> None:
    found, answers = listed([banded("BTC-USD"), banded("ETH-USD", [("0", "9", "0.0001")])])
    its = {one.symbol: (one.tick, one.tick_bands) for one in found}
    assert its.pop("BTC-USD-SWAP") == (Decimal("0.1"), ())
    assert {symbol[:3]: ticks for symbol, ticks in its.items()} == {
        "BTC": (Decimal("0.0001"), READ),
        "ETH": (Decimal("0.0001"), ()),
    }
    assert len(its) == 4
    assert found.broken == {}
    asked = [request for request in answers.asked if request.path == TICKS]
    assert [dict(one.params) for one in asked] == [{"instType": "OPTION"}]  # once, of all families
    _, answers = listed([], ["BTC-USD-SWAP"])
    assert TICKS not in [request.path for request in answers.asked]


def test_a_family_that_is_not_told_of_has_one_tick() -> None:
    found, _ = listed([banded("BTC-USD")])
    assert {one.tick_bands for one in found if one.family == "ETH-USD"} == {()}
    found, _ = listed([])
    assert {one.tick_bands for one in found} == {()}


@pytest.mark.parametrize(
    "odd",
    [
        banded("ETH-USD", [("0", "1", "0")]),
        banded("ETH-USD", [("0", "1", "x"), ("1", "2", "0.1")]),
        banded("ETH-USD", [("0", "1", "0.1"), ("1", "2", None)]),
        banded("ETH-USD", "none"),
        banded("ETH-USD", [("0", "1", "0.1"), ("0", "2", "0.2")]),
        {"instType": "OPTION", "instFamily": "ETH-USD", "tickBand": [3]},
    ],
)
def test_ticks_that_cannot_be_read_cost_their_family_alone(odd: Any) -> None:
    """Its instruments are left out, and said: nobody knows which prices are on the tick."""
    found, _ = listed([odd, banded("BTC-USD"), None, {"instFamily": 5}, "row"])
    assert sorted(one.symbol[:3] for one in found) == ["BTC", "BTC", "BTC"]
    assert [name[:3] for name in found.broken] == ["ETH", "ETH"]
    assert {one.tick_bands for one in found if one.kind is InstrumentKind.OPTION} == {READ}


def test_a_refusal_is_one_of_the_list() -> None:
    refusal = RestRefused("HTTP 400", TICKS, 400, b"{}")
    with pytest.raises(RestRefused):
        listed(refusal)


def test_a_stream_that_says_nothing_of_them_changes_none(namespace: str) -> None:
    """`instruments` of OKX has the least tick alone; if that is another one the list is asked."""
    whole = replace(spec("A"), tick=Decimal("0.0001"), lot=Decimal(1), tick_bands=READ)

    async def acts(house: House) -> None:
        await house.start(whole, spec("B"))
        asked: list[tuple[float, float]] = []
        house.lister.ask_within = lambda *within: asked.append(within)  # type: ignore[method-assign]
        row = house.universe.by_symbol["A"].id
        with shm.attach("paper", namespace=namespace) as feed:
            events = feed.events(kinds=["definition"])

            def said(**changes: Any) -> int:
                one = replace(whole, tick_bands=(), **changes)
                word = one.stated or "live"
                house.roster.terms.stated([Stated("A", one.status, word, lambda: one)])
                batch = events.poll()
                return 0 if batch is None else int(batch[-1]["size"])

            assert said() == 0
            assert said(lot=Decimal(5)) == Change.LOT
            assert said(lot=Decimal(5), status=Status.HALTED) == Change.STATUS
            assert asked == []
            assert said(lot=Decimal(5), status=Status.HALTED, tick=Decimal("0.0002")) == 0
            assert len(asked) == 1
            its = feed.instrument("A")
            assert its.tick_bands == tuple((float(at), float(tick)) for at, tick in READ)
            finer = replace(whole, tick=Decimal("0.0002"), tick_bands=READ[1:], lot=Decimal(5))
            await house.refresh(finer, spec("B"))
            batch = events.poll()
            assert batch is not None
            (record,) = batch
            assert (record["instrument"], record["size"]) == (row, Change.TICK | Change.STATUS)
            its = feed.instrument("A")
            assert (its.tick, its.tick_bands) == (0.0002, ((0.1, 0.001),))
            assert its.round_price(0.04711) == pytest.approx(0.0472, abs=1e-12)
            assert its.round_price(0.34567) == pytest.approx(0.346, abs=1e-12)

    play(namespace, ["A", "B"], acts)
