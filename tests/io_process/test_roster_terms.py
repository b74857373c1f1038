"""The terms of what is carried, as lists and streams change them."""

import asyncio
import re
from dataclasses import replace
from decimal import Decimal
from time import time_ns
from typing import Any

import pytest

import shm
from feedhandler.adapter.venue import ListedInstrument, Stated
from feedhandler.engine._engine import Engine
from feedhandler.instruments import listing, terms, universe
from shm import Change as ChangeBits
from shm import Status
from tests.kit.facts import spec
from tests.kit.paper_house import (
    CLOSED_EXPIRED,
    FRESH,
    House,
    play,
)
from tests.network.test_rest import reached


def test_of_a_list_only_what_is_another_than_before_is_defined_anew(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    defined: list[int] = []

    def redefine(engine: Engine, row: int, its: ListedInstrument) -> ChangeBits:
        defined.append(row)
        return universe.redefine(engine, row, its)

    async def acts(house: House) -> None:
        listed = [spec(f"A{n}") for n in range(10)]
        await house.start(*listed)
        monkeypatch.setattr(terms, "redefine", redefine)
        await house.refresh(*listed)
        assert defined == []
        await house.refresh(replace(listed[0], lot=Decimal(5)), *listed[1:])
        assert defined == [house.universe.by_symbol["A0"].id]
        assert house.universe.by_symbol["A0"].spec.lot == 5

    play(namespace, ["*"], acts)


def test_terms_that_the_list_changes_reach_readers(namespace: str) -> None:
    async def acts(house: House) -> None:
        await house.start(spec("A"), spec("B"))
        row = house.universe.by_symbol["A"].id
        with shm.attach("paper", namespace=namespace) as feed:
            events = feed.events(kinds=["definition"])

            async def becomes(**changes: Any) -> tuple[int, float, float]:
                await house.refresh(replace(spec("A"), **changes), spec("B"))
                batch = events.poll()
                assert batch is not None
                (record,) = batch
                assert record["instrument"] == row
                return int(record["aux"]), float(record["price"]), float(record["size"])

            halted = {"status": Status.HALTED, "stated": "suspend"}
            assert await becomes(**halted) == (2, Status.HALTED, ChangeBits.STATUS)
            assert (feed.quote("A").status, feed.quote("B").status) == (2, 0)
            said = house.roster.not_open()
            assert re.fullmatch(
                "1 of 2 instruments not open: A is HALTED since [0-9:]{8} UTC", said
            )
            terms: dict[str, Any] = {
                "tick": Decimal("0.0001"),
                "lot": Decimal(5),
                "contract_size": Decimal("0.1"),
            }
            bits = ChangeBits.TICK | ChangeBits.LOT | ChangeBits.CONTRACT_SIZE
            assert await becomes(**halted, **terms) == (3, Status.HALTED, bits)
            end = time_ns() + 10**12
            last = await becomes(**terms, expiry_ns=end)
            assert last == (4, Status.ACTIVE, ChangeBits.STATUS | ChangeBits.EXPIRY)
            found = feed.quote("A").instrument
            assert (found.tick, found.lot, found.contract_size) == (0.0001, 5.0, 0.1)
            assert (found.expiry_ns, found.status, found.definition) == (end, Status.ACTIVE, 4)
            assert house.carried.done == ["A HALTED", "A ACTIVE"]  # its keys were left alone
            await house.refresh(replace(spec("A"), **terms, expiry_ns=end), spec("B"))
            assert events.poll() is None

    play(namespace, ["A", "B"], acts)


def test_what_a_set_has_taken_up_stays_while_it_is_halted(namespace: str) -> None:
    async def acts(house: House) -> None:
        halted = replace(spec("B-2"), status=Status.HALTED)
        await house.start(spec("B-1"), halted)
        assert house.open() == ["B-1"]  # a set takes up what is open
        await house.refresh(spec("B-1"), spec("B-2"))
        await house.refresh(spec("B-1"), halted)
        assert house.open() == ["B-1", "B-2"]
        await house.roster.change(["B-*"])  # as SIGHUP does
        assert house.open() == ["B-1", "B-2"]
        assert house.state("B-2") == FRESH

    play(namespace, ["B-*"], acts)


def test_what_the_venue_calls_over_is_closed_and_comes_back(namespace: str) -> None:
    async def acts(house: House) -> None:
        await house.start(spec("A"), spec("B"))
        over = replace(spec("A"), status=Status.EXPIRED)
        await house.refresh(over, spec("B"))
        assert house.state("A") == CLOSED_EXPIRED
        row = house.universe.by_symbol["A"].id
        assert house.engine.status(row) == Status.EXPIRED
        await house.refresh(over, spec("B"))
        assert house.open() == ["B"]
        await house.refresh(replace(spec("A"), tick=Decimal("0.5")), spec("B"))
        assert sorted(house.open()) == ["A", "B"]
        assert house.state("A") == FRESH
        with shm.attach("paper", namespace=namespace) as feed:
            found = feed.quote("A")
            assert (found.status, found.instrument.tick) == (Status.ACTIVE, 0.5)

    play(namespace, ["A", "B"], acts)


def test_an_announced_end_is_asked_about_and_closes_nothing_by_itself(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedhandler.io_process.roster.ROLL_S", (0.0, 0.02))

    async def acts(house: House) -> None:
        ends = replace(spec("A"), expiry_ns=time_ns() + 20_000_000)  # a perpetual that is delisted
        await house.start(ends, spec("B"))
        asked = house.rest.asked
        follow = asyncio.create_task(house.roster.follow())

        def past() -> bool:
            house.roster.expire()
            return house.rest.asked > asked

        await reached(past)
        assert house.open() == ["A", "B"]  # the venue has put it off, and lists it as ACTIVE
        house.rest.lists = [spec("B")]
        for _ in range(2):
            house.lister.ask_within(0.0, 0.0)
            seen = house.rest.asked
            await reached(lambda seen=seen: house.rest.asked > seen)  # type: ignore[misc]
        await reached(lambda: house.state("A") == CLOSED_EXPIRED)
        follow.cancel()

    play(namespace, ["A", "B"], acts)


def test_what_a_stream_says_is_newer_than_a_list_that_was_asked_for_before(namespace: str) -> None:
    async def acts(house: House) -> None:
        await house.start(spec("A"), spec("B"))
        older = await house.lister.list(house.lister.rules)
        house.roster.terms.stated([Stated("A", Status.CANCEL_ONLY, "locked")])
        house.roster.terms.stated([Stated("NOBODY", Status.HALTED, "halted")])
        row = house.universe.by_symbol["A"].id
        house.roster.refreshed(older)
        assert house.engine.status(row) == Status.CANCEL_ONLY
        house.roster.refreshed(await house.lister.list(house.lister.rules))
        assert house.engine.status(row) == Status.ACTIVE
        finer = replace(spec("A"), tick=Decimal("0.001"), status=Status.UNKNOWN)
        house.roster.terms.stated([Stated("A", Status.UNKNOWN, "odd", lambda: finer)])
        assert house.engine.status(row) == Status.UNKNOWN
        with shm.attach("paper", namespace=namespace) as feed:
            assert feed.instrument("A").tick == 0.001
        house.roster.terms.stated([Stated("A", Status.EXPIRED, "expired")])
        assert house.state("A") == CLOSED_EXPIRED

    play(namespace, ["A", "B"], acts)


def test_a_list_counts_whatever_becomes_of_the_clock_since_a_stream_spoke(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The venue halts it, and only the list says so: it must not be open for an hour more."""

    async def acts(house: House) -> None:
        await house.start(spec("A"), spec("B"))
        house.roster.terms.stated([Stated("A", Status.ACTIVE, "open")])
        for module in (terms, listing):  # set back by an hour
            monkeypatch.setattr(module, "time_ns", lambda: time_ns() - 3600 * 10**9)
        await house.refresh(replace(spec("A"), status=Status.HALTED), spec("B"))
        assert house.engine.status(house.universe.by_symbol["A"].id) == Status.HALTED

    play(namespace, ["A", "B"], acts)


def test_a_stream_that_speaks_of_something_new_has_the_list_asked_for(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedhandler.instruments.terms.NEWS_S", (0.0, 0.02))

    async def acts(house: House) -> None:
        await house.start(spec("B-1"))
        follow = asyncio.create_task(house.roster.follow())
        house.rest.lists = [spec("B-1"), spec("B-2")]
        asked = house.rest.asked
        for _ in range(50):
            house.roster.terms.stated([Stated("B-1", Status.ACTIVE, "open")])
        for _ in range(50):
            house.roster.terms.stated([Stated("B-2", Status.ACTIVE, "started")])
        await reached(lambda: house.open() == ["B-1", "B-2"])
        follow.cancel()
        assert house.rest.asked == asked + 1

    play(namespace, ["B-*"], acts)


def test_the_list_is_asked_again_and_again_until_all_is_open(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedhandler.instruments.terms.LOOK_S", 0.02)

    async def acts(house: House) -> None:
        await house.start(spec("A"), spec("B"))
        follow = asyncio.create_task(house.roster.follow())
        asked = house.rest.asked
        house.roster.expire()
        house.roster.terms.stated(
            [Stated("A", Status.SETTLING, "settled")]
        )  # and nothing says: over
        row = house.universe.by_symbol["A"].id

        def opened() -> bool:
            house.roster.expire()
            return bool(house.engine.status(row) == Status.ACTIVE)

        await reached(opened)
        assert house.rest.asked == asked + 1
        house.rest.lists = [replace(spec("A"), status=Status.HALTED), spec("B")]
        house.lister.ask_within(0.0, 0.0)

        def asked_more() -> bool:
            house.roster.expire()
            return house.rest.asked > asked + 4

        await reached(asked_more)
        follow.cancel()

    play(namespace, ["A", "B"], acts)
