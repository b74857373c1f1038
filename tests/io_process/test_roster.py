"""Instruments that come and go: by the list, by the date, by the rules; the others untouched."""

import asyncio
from dataclasses import replace
from time import time_ns

import pytest

from feedhandler.adapter import selection
from feedhandler.adapter.selection import UnknownSymbol
from feedhandler.adapter.venue import Limits
from feedhandler.io_process.roster import Change
from feedhandler.network.rest import RestFailed
from shm import InstrumentKind
from tests.kit.facts import spec
from tests.kit.paper_house import (
    CLOSED_EXPIRED,
    CLOSED_UNSUBSCRIBED,
    FRESH,
    House,
    play,
)
from tests.network.test_rest import reached


def test_rules_are_followed_as_instruments_list_vanish_and_list_again(namespace: str) -> None:
    async def acts(house: House) -> None:
        await house.start(spec("B-1"), spec("B-2"), spec("E-1"))
        assert house.open() == ["B-1", "B-2"]
        await house.refresh(spec("B-1"), spec("B-3"), spec("E-1"))
        assert house.open() == ["B-1", "B-2", "B-3"]  # missing once is no end
        await house.refresh(spec("B-1"), spec("B-3"))
        assert house.open() == ["B-1", "B-3"]
        assert house.state("B-2") == CLOSED_EXPIRED
        await house.refresh(spec("B-1"), spec("B-2"), spec("B-3"))
        assert house.open() == ["B-1", "B-2", "B-3"]
        assert house.state("B-2") == FRESH
        assert house.carried.keys == house.universe.carried_keys()
        assert not any(key.endswith(":B-1") for key in house.carried.done)
        assert len(house.universe.by_id) == 3  # in its old row

    play(namespace, ["B-*"], acts)


def test_expiry_closes_and_asks_soon_for_what_follows(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedhandler.io_process.roster.ROLL_S", (0.0, 0.05))

    async def acts(house: House) -> None:
        end = time_ns() + 50_000_000
        dies = replace(spec("B-1"), kind=InstrumentKind.FUTURE, expiry_ns=end)
        await house.start(dies, spec("B-2"))
        asked = house.rest.asked
        follow = asyncio.create_task(house.roster.follow())
        house.rest.lists = [dies, spec("B-2"), spec("B-3")]

        def expired() -> bool:
            house.roster.expire()
            return house.state("B-1") == CLOSED_EXPIRED

        await reached(expired)
        await reached(lambda: "B-3" in house.open())
        follow.cancel()
        assert house.rest.asked == asked + 1
        assert house.open() == ["B-2", "B-3"]  # still in the list, but over

    play(namespace, ["B-*"], acts)


def test_subscribe_and_unsubscribe_leave_the_others_alone(namespace: str) -> None:
    async def acts(house: House) -> None:
        listed = [spec("B-1"), spec("B-2"), spec("E-1"), spec("E-2")]
        await house.start(*listed)
        change = await house.roster.subscribe(["E-1"])
        assert change == Change(added=["E-1"])
        assert list(house.roster.wanted) == ["B-*", "E-1"]
        change = house.roster.unsubscribe(["B-1"])
        assert change == Change(removed=["B-1"])
        assert house.state("B-1") == CLOSED_UNSUBSCRIBED
        assert list(house.roster.wanted) == ["B-*", "E-1", "!B-1"]
        await house.refresh(*listed)
        assert house.open() == ["B-2", "E-1"]  # the rule would mean it, were it not left out
        assert (await house.roster.subscribe(["B-1"])).added == ["B-1"]
        assert house.roster.unsubscribe(["E-1"]).removed == ["E-1"]
        assert list(house.roster.wanted) == ["B-*", "B-1"]
        assert not any(key.endswith(":B-2") for key in house.carried.done)
        assert house.carried.keys == house.universe.carried_keys()
        assert (await house.roster.subscribe(["B-2"])) == Change()  # it was there

    play(namespace, ["B-*"], acts)


def test_what_is_refused_changes_nothing(namespace: str) -> None:
    async def acts(house: House) -> None:
        with pytest.raises(ValueError, match="has not listed its instruments yet"):
            await house.roster.subscribe([])
        await house.start(*(spec(f"B-{n}") for n in range(4)), spec("E-1"))
        before = house.roster.wanted, house.open(), list(house.carried.done)
        with pytest.raises(UnknownSymbol, match="'E-2'"):
            await house.roster.subscribe(["E-1", "E-2"])
        with pytest.raises(UnknownSymbol, match="'E-1'"):
            house.roster.unsubscribe(["B-1", "E-1"])
        with pytest.raises(ValueError, match="nothing of paper would be left"):
            house.roster.unsubscribe(["B-*"])
        with pytest.raises(ValueError, match="of 4 rows of the directory 4 are taken"):
            await house.roster.subscribe(["E-1"])
        house.rest.lists = None
        with pytest.raises(RestFailed):
            await house.roster.change(["B-1"])
        assert (house.roster.wanted, house.open(), house.carried.done) == before

    play(namespace, ["B-*"], acts, directory_rows=4)


def test_limits_of_the_venue_refuse_a_subscription(namespace: str) -> None:
    async def acts(house: House) -> None:
        house.venue.limits = Limits(keys_per_connection=2, connections=2)
        await house.start(spec("A"), spec("B"), spec("C"))
        with pytest.raises(ValueError, match=r"need 3 connections .* allows 2"):
            await house.roster.subscribe(["C"])
        assert house.open() == ["A", "B"]

    play(namespace, ["A", "B"], acts)


def test_family_keys_stay_as_long_as_one_of_the_family(namespace: str) -> None:
    async def acts(house: House) -> None:
        listed = [spec("A1", "F"), spec("A2", "F"), spec("B1", "G")]
        await house.start(*listed)
        house.roster.unsubscribe(["A1"])
        assert "family:F" in house.carried.keys
        house.roster.unsubscribe(["A2"])
        assert house.carried.keys == {"book:B1", "trades:B1", "family:G"}
        await house.roster.subscribe(["A2"])
        assert house.carried.keys == house.universe.carried_keys()

    play(namespace, ["*"], acts)


def test_list_on_its_way_while_the_rules_change_is_read_by_the_new_ones(namespace: str) -> None:
    async def acts(house: House) -> None:
        await house.start(spec("A"), spec("B"))
        old = await house.lister.list(house.lister.rules)
        house.roster.unsubscribe(["B"])
        house.roster.refreshed(old)
        assert house.open() == ["A"]

    play(namespace, ["A", "B"], acts)


SPECS = [spec("A-1"), spec("A-2"), spec("B-1")]


@pytest.mark.parametrize(
    ("wanted", "symbols"),
    [
        (["A-*"], ["A-1", "A-2"]),
        (["*", "!A-*"], ["B-1"]),
        (["*", "!A-*", "A-2"], ["B-1", "A-2"]),
        (["!A-1", "A-*"], ["A-1", "A-2"]),
        (["A-*", "!Z-9"], ["A-1", "A-2"]),
    ],
)
def test_last_rule_that_matches_decides(wanted: list[str], symbols: list[str]) -> None:
    chosen, unknown = selection.choose(wanted, SPECS)
    assert [one.symbol for one in chosen] == symbols
    assert unknown == []


def test_unknown_rules_are_named() -> None:
    chosen, unknown = selection.choose(["A-1", "A-3"], SPECS)
    assert [one.symbol for one in chosen] == ["A-1"]
    assert [error.pattern for error in unknown] == ["A-3"]
    with pytest.raises(ValueError, match="pattern"):
        selection.check("!")
