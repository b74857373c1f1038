"""Instruments of declared venues that come and go, and what their lists say otherwise."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from feedhandler.adapter.venue import ListedInstrument
from feedhandler.sim.venues.declared import instruments
from feedhandler.sim.venues.declared.server import DeclaredServer
from shm import Status
from tests.sim.declared_reader import OURS, declared, listed, run, served
from tests.sim.declared_venues import VENUES
from tests.sim.harness import Sim

NAMED = ("bitfinex",)  # the name of an instrument says all that is read of its row
every = pytest.mark.parametrize("name", [*VENUES, *OURS])


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little could be listed besides: to make all of it takes seconds of each venue."""
    monkeypatch.setattr(instruments, "UNIVERSE", 300)


async def rows(sim: Sim, name: str) -> dict[str, ListedInstrument]:
    return {one.symbol: one for one in await listed(sim, declared(name))}


@every
def test_an_instrument_expires_and_is_listed_again(name: str) -> None:
    async def main() -> None:
        async with served(name) as sim:
            first, *_ = sim.server.market.instruments
            await sim.post("/sim/expire", {"symbol": first})
            assert first not in await rows(sim, name)
            await sim.post("/sim/list", {"symbol": first})
            assert (await rows(sim, name))[first].active
            error = await sim.post("/sim/list", {"symbol": "NONE-SUCH"}, status=400)
            assert "cannot list 'NONE-SUCH'" in error["error"]

    run(main())


@every
def test_terms_that_are_the_same_as_ever_are_taken(name: str) -> None:
    """It is no reason to refuse an order that it changes nothing."""

    async def main() -> None:
        async with served(name) as sim:
            assert isinstance(sim.server, DeclaredServer)
            check, listing = sim.server.chaos.check, sim.server.listing
            for symbol, instrument in list(sim.server.market.instruments.items())[:3]:
                check({"kind": "redefine", "symbol": symbol, "tick": str(instrument.tick)})
                as_ever = {"kind": "restate", "signs": "list", "word": listing.open_word}
                check({**as_ever, "symbol": symbol, "seconds": 1})

    run(main())


@every
def test_other_terms_are_listed_or_refused(name: str) -> None:
    """What the list has no field for is refused with the order; nothing is passed over."""

    async def main() -> None:
        async with served(name) as sim:
            first, *_ = sim.server.market.instruments
            tick = str(sim.server.market.instruments[first].tick / 10)
            orders: tuple[dict[str, Any], ...] = (
                {"kind": "restate", "word": "odd"},
                {"kind": "redefine", "tick": tick},
                {"kind": "delist_at", "end_after": 1000},
            )
            for order in orders:
                before = (await rows(sim, name))[first]
                async with sim.session.post(
                    sim.at("/sim/fault"), json={**order, "symbol": first}
                ) as answer:
                    status, told = answer.status, await answer.json()
                after = (await rows(sim, name))[first]
                if status == 400:
                    assert "its list" in told["error"] or "the venue has" in told["error"]
                    assert after == before
                elif order["kind"] == "restate":
                    assert after.status is Status.UNKNOWN
                    await sim.fault("none")
                    assert (await rows(sim, name))[first].active
                elif order["kind"] == "redefine":
                    assert after.tick == Decimal(tick)
                    await sim.fault("none")
                else:
                    assert after.expiry_ns != before.expiry_ns
                    await sim.fault("none")
                assert (await rows(sim, name))[first] == before

    run(main())


@every
def test_a_list_in_trouble(name: str) -> None:
    async def main() -> None:
        async with served(name) as sim:
            whole = await rows(sim, name)
            first, *_ = sim.server.market.instruments
            await sim.fault("bad_list", symbol=first)
            lost = set() if name in NAMED else {first}
            assert (await rows(sim, name)).keys() == whole.keys() - lost
            await sim.fault("none")
            await sim.fault("bad_list", rows="odd")
            assert await rows(sim, name) == whole
            await sim.fault("none")
            await sim.fault("bad_list", rows="short")
            assert 0 < len(await rows(sim, name)) < len(whole)

    run(main())
