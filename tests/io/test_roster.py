"""Instruments that come and go: by the list, by the date, by the rules; the others untouched."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from time import time_ns
from typing import Any

import msgspec
import pytest

import shm
from feedhandler import rules
from feedhandler.config import VenueConfig
from feedhandler.lister import Lister
from feedhandler.rest import RestFailed
from feedhandler.roster import Change, Roster
from feedhandler.select import UnknownSymbol
from feedhandler.universe import Tracked, Universe
from feedhandler.venue_engine import make_engine
from feedhandler.venues.base import InstrumentSpec, Limits, Request, Stated
from shm import Change as ChangeBits
from shm import InstrumentKind, Reason, State, Status, segment
from tests.io.facts import PaperVenue, spec
from tests.io.test_rest import reached


class PaperRest:
    """What the venue lists; None: it is down."""

    def __init__(self) -> None:
        self.lists: list[InstrumentSpec] | None = []
        self.asked = 0

    async def get(self, _: Request) -> bytes:
        self.asked += 1
        if self.lists is None:
            raise RestFailed("HTTP 500", "paper")
        return b"[]"


class Paper(PaperVenue):
    def __init__(self, rest: PaperRest, limits: Limits | None = None) -> None:
        super().__init__(limits)
        self._rest = rest

    def parse_instruments(self, body: bytes) -> list[InstrumentSpec]:  # noqa: ARG002
        return list(self._rest.lists or [])


class Carried:
    """The keys that are subscribed to, and every time that something was done to them."""

    def __init__(self) -> None:
        self.open = True
        self.keys: set[str] = set()
        self.done: list[str] = []

    def carry(self, endpoint: str, keys: Sequence[str]) -> None:
        assert not self.keys & set(keys)
        assert all((endpoint == "family") == key.startswith("family:") for key in keys)
        self.keys |= set(keys)
        self.done += keys

    def streams(self, tracked: Tracked) -> bool:
        return self.open and not tracked.closed

    def restated(self, tracked: Tracked) -> None:
        assert not tracked.closed
        self.done.append(f"{tracked.spec.symbol} {tracked.spec.status.name}")

    def drop(self, tracked: Tracked, keys: Sequence[str]) -> None:
        assert tracked.closed
        self.keys -= set(keys)
        self.done += keys


class House:
    def __init__(self, namespace: str, wanted: Sequence[str], capacity: int = 16) -> None:
        self.rest = PaperRest()
        self.venue = Paper(self.rest)
        self.held = segment.create("paper", namespace=namespace, instruments=capacity)
        config = VenueConfig(
            instruments=tuple(wanted), ws_url="ws://x", rest_url="http://x", capacity=capacity
        )
        config = msgspec.structs.replace(config, channels=("book", "trades"))
        self.engine = make_engine(self.venue, self.held.writer)
        self.universe = Universe(self.venue, config.channels)
        self.lister = Lister(self.venue, self.rest, wanted, random.Random(1), 3600.0)
        self.carried = Carried()
        self.roster = Roster(
            self.venue, config, self.engine, self.universe, self.lister, self.carried
        )

    async def start(self, *listed: InstrumentSpec) -> None:
        self.rest.lists = list(listed)
        self.roster.start(await self.lister.first(lambda _: None))
        self.carried.keys = self.universe.carried_keys()

    async def refresh(self, *listed: InstrumentSpec) -> None:
        self.rest.lists = list(listed)
        self.roster.refreshed(await self.lister.list(self.lister.rules))

    def state(self, symbol: str) -> tuple[int, int]:
        return self.engine.state(self.universe.by_symbol[symbol].id)

    def open(self) -> list[str]:
        return [tracked.spec.symbol for tracked in self.universe if not tracked.closed]


Play = Callable[[House], Awaitable[None]]


def play(namespace: str, wanted: Sequence[str], acts: Play, **more: int) -> None:
    async def main() -> None:
        house = House(namespace, wanted, **more)
        try:
            await acts(house)
        finally:
            house.held.close()

    asyncio.run(main())


CLOSED_EXPIRED = (State.CLOSED, Reason.EXPIRED)
CLOSED_UNSUBSCRIBED = (State.CLOSED, Reason.UNSUBSCRIBED)
FRESH = (State.SYNCING, Reason.START)


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
    monkeypatch.setattr("feedhandler.roster.ROLL_S", (0.0, 0.05))

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

    play(namespace, ["B-*"], acts, capacity=4)


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
    chosen, unknown = rules.choose(wanted, SPECS)
    assert [one.symbol for one in chosen] == symbols
    assert unknown == []


def test_unknown_rules_are_named() -> None:
    chosen, unknown = rules.choose(["A-1", "A-3"], SPECS)
    assert [one.symbol for one in chosen] == ["A-1"]
    assert [error.pattern for error in unknown] == ["A-3"]
    with pytest.raises(ValueError, match="pattern"):
        rules.check("!")


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
            assert house.roster.not_open() == "1 of 2 instruments are not open: A is HALTED"
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
    monkeypatch.setattr("feedhandler.roster.ROLL_S", (0.0, 0.02))

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
            house.lister.soon(0.0, 0.0)
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


def test_a_stream_that_speaks_of_something_new_has_the_list_asked_for(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedhandler.terms.NEWS_S", (0.0, 0.02))

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
    monkeypatch.setattr("feedhandler.terms.LOOK_S", 0.02)

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
        house.lister.soon(0.0, 0.0)

        def asked_more() -> bool:
            house.roster.expire()
            return house.rest.asked > asked + 4

        await reached(asked_more)
        follow.cancel()

    play(namespace, ["A", "B"], acts)
