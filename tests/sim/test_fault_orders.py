"""Orders: what is refused and how, what is counted, how one ends or takes another's place."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from feedhandler.sim.faults.keys import KEYS
from feedhandler.sim.faults.kinds import KINDS
from feedhandler.sim.faults.order import FaultError, read_order
from tests.sim.dialects import DIALECTS, Follower
from tests.sim.harness import venue


@pytest.mark.parametrize(
    ("order", "text"),
    [
        ({"kind": "gab"}, "kind: unknown kind 'gab'; did you mean 'gap'?"),
        ({}, "kind: unknown kind None"),
        ({"kind": ["gap"]}, "kind: unknown kind"),
        ({"kind": "gap"}, "gap needs a symbol"),
        ({"kind": "gap", "symbol": "A", "counts": 1}, "counts: not a key of gap, which takes symb"),
        ({"kind": "gap", "symbol": "A", "count": 0}, "count must be an integer from 1 to"),
        ({"kind": "gap", "symbol": "A", "count": True}, "count must be an integer"),
        ({"kind": "gap", "symbol": 7}, "symbol must be the venue's name"),
        ({"kind": "silence", "seconds": -1}, "seconds must be a number of seconds from 0.001"),
        ({"kind": "silence", "seconds": float("nan")}, "seconds must be"),
        ({"kind": "silence", "symbol": "A", "channel": "B"}, "one of them, not both"),
        ({"kind": "silence", "symbol": "A", "heartbeats": True}, "heartbeats: not with a symbol"),
        ({"kind": "drop", "how": "kick"}, "how must be one of rst, fin, close: 'kick'"),
        ({"kind": "rest_error", "status": 200}, "status must be an integer from 400 to 599"),
        ({"kind": "garbage", "form": "truncated"}, "'truncated' needs a symbol"),
        ({"kind": "tls"}, "tls needs a certificate: one of expired, wrong_host"),
        ({"kind": "tls", "certificate": "x"}, "certificate must be one of"),
    ],
)
def test_refused_with_a_reason(order: dict[str, Any], text: str) -> None:
    with pytest.raises(FaultError) as caught:
        read_order(order)
    assert text in str(caught.value)


def test_every_kind_is_described_and_its_defaults_are_allowed() -> None:
    for name, kind in KINDS.items():
        assert kind.does
        for key in (*kind.needs, *kind.takes):
            assert key in KEYS, (name, key)
        for key, value in kind.defaults.items():
            assert key in kind.takes
            assert KEYS[key].fits(value), (name, key)


def test_what_only_the_venue_can_say() -> None:
    async def main() -> None:
        async with venue("binance") as sim:
            for order, text in (
                ({"kind": "gap", "symbol": "BTCUSD"}, "did you mean 'BTCUSDT'?"),
                ({"kind": "silence", "channel": "btcusdt@tea"}, "btcusdt@depth@100ms"),
                ({"kind": "no_snapshot"}, "its stream has no snapshots"),
                ({"kind": "bad_checksum", "symbol": "BTCUSDT"}, "come without checksums"),
                (
                    {"kind": "tls", "certificate": "expired"},
                    "needs a simulator with the op",
                ),
                ({"kind": "none", "id": 12}, "id: no fault 12 is in force"),
            ):
                answer = await sim.post("/sim/fault", order, status=400)
                assert text in answer["error"]
            async with sim.session.post(sim.at("/sim/fault"), data=b"{") as answer:
                assert answer.status == 400
            stats = await sim.get("/sim/stats")
            assert stats["faults"] == []
            assert stats["faults_ordered"] == {}
        async with venue("okx") as sim:
            order = {"kind": "bad_checksum", "symbol": "BTC-USDT"}
            answer = await sim.post("/sim/fault", order, status=400)
            assert "the option checksums" in answer["error"]

    asyncio.run(main())


def test_kinds_can_be_asked_for() -> None:
    async def main() -> None:
        async with venue("okx") as sim:
            found = (await sim.get("/sim/faults"))["kinds"]
            assert set(found) == set(KINDS)
            assert list(found["bad_checksum"]["needs"]) == ["symbol"]

    asyncio.run(main())


def test_a_record_says_when_it_began_first_struck_and_ended() -> None:
    async def main() -> None:
        speak = DIALECTS[0]
        async with venue("deribit") as sim, sim.socket() as socket:
            book = Follower(speak, sim, socket)
            await book.subscribe()
            before = time.time_ns()
            number = await sim.fault("gap", symbol=speak.symbol, count=2)
            told = await sim.told(number)
            assert (told["hits"], told["first_ns"], told["ended_ns"]) == (0, None, None)
            assert before <= told["began_ns"] <= time.time_ns()
            assert told["source"] == "request"
            await sim.step(100)
            told = await sim.told(number)
            assert told["hits"] == 2
            assert told["began_ns"] <= told["first_ns"] <= told["last_ns"] <= told["ended_ns"]
            assert told["ended_ns"] <= time.time_ns()
            stats = await sim.get("/sim/stats")
            assert stats["faults_ordered"] == {"gap": 1}
            assert stats["faults_in_force"] == 0

    asyncio.run(main())


def test_seconds_end_a_fault_and_none_ends_all() -> None:
    async def main() -> None:
        async with venue("okx") as sim:
            told = await sim.ended(await sim.fault("gap", symbol="BTC-USDT", seconds=0.05))
            assert told["ended_ns"] - told["began_ns"] >= 0.05e9
            orders: list[dict[str, Any]] = [
                {"kind": "gap", "symbol": "BTC-USDT", "seconds": 99},
                {"kind": "silence"},
                {"kind": "delay", "ms": 5},
                {"kind": "clock_skew", "skew_ms": 9},
                {"kind": "rest_error"},
                {"kind": "shutdown", "close_after": 99},
            ]
            numbers = [await sim.fault(**order) for order in orders]
            await sim.fault("none", id=numbers[0])
            assert (await sim.told(numbers[0]))["ended_ns"]
            assert (await sim.get("/sim/stats"))["faults_in_force"] == 5
            await sim.fault("none")
            assert (await sim.get("/sim/stats"))["faults_in_force"] == 0
            faults = sim.server.faults
            assert (faults.active, faults.silent, faults.shape) == (False, False, None)

    asyncio.run(main())


def test_a_lasting_fault_takes_the_place_of_one_on_the_same_target() -> None:
    async def main() -> None:
        async with venue("okx") as sim:
            first = await sim.fault("silence", symbol="BTC-USDT")
            other = await sim.fault("silence", symbol="ETH-USDT")
            await sim.fault("silence", symbol="BTC-USDT", seconds=99)
            assert (await sim.told(first))["ended_ns"]
            assert not (await sim.told(other))["ended_ns"]
            await sim.fault("unsilence", symbol="ETH-USDT")
            assert (await sim.told(other))["ended_ns"]
            await sim.fault("unsilence")
            assert (await sim.get("/sim/stats"))["faults_in_force"] == 0
            # Counted ones add up.
            await sim.fault("gap", symbol="BTC-USDT")
            await sim.fault("gap", symbol="BTC-USDT", count=2)
            assert (await sim.get("/sim/stats"))["faults_in_force"] == 2

    asyncio.run(main())
