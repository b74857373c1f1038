"""The chaos soak: short and always on, long and marked; and the proof that it would find a lie."""

from __future__ import annotations

import asyncio
import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from feedhandler.cli.simulated import at_host
from feedhandler.sim.config import SimOptions
from feedhandler.sim.faults.kinds import KINDS
from feedhandler.sim.runner import make_server
from tests.kit.proxy import proxy
from tests.kit.rig import rig, until
from tests.sim.harness import running
from tests.soak import chaos, menu
from tests.soak.cells import CellReader, QuoteReader
from tests.soak.guards import GuardReader
from tests.soak.readers import Reader, RingReader
from tests.soak.tops import Halts
from tests.soak.truth import Truth

#: not of the menu, and why
LEFT_OUT = {
    "none": "ends others",
    "unsilence": "ends others",
    "tls": "the soak's venues speak without; tests/feed/test_fault_connecting.py",
    "list": "numbers begin anew: what was shown before could not be judged; "
    "tests/feed/test_changes.py",
    "expire": "the same",
    "delist_at": "the same, and tests/instruments/test_terms.py",
}


def test_chaos_for_a_while() -> None:
    findings = chaos.run(30.0, seed=7, every_s=1.0, rate=150.0)
    print(findings.told())
    assert not findings.problems, findings.told()
    assert findings.checked > 1000
    assert sum(findings.ordered.values()) > 50


@pytest.mark.soak
@pytest.mark.parametrize("seed", [11])
def test_chaos_for_half_an_hour(seed: int) -> None:
    findings = chaos.run(1800.0, seed=seed)
    print(findings.told())
    assert not findings.problems, findings.told()


def test_every_kind_of_fault_is_on_the_menu() -> None:
    assert menu.kinds().isdisjoint(LEFT_OUT)
    assert menu.kinds() | set(LEFT_OUT) == set(KINDS)


@pytest.mark.parametrize("venue", chaos.SYMBOLS)
def test_venues_take_every_order_of_the_menu(venue: str) -> None:
    """A run meets few of them: one that is refused would end one run of many."""

    async def main() -> None:
        rng, offered = random.Random(1), set[str]()
        async with running(
            make_server(venue, SimOptions(depth=60, checksums=True, paused=True))
        ) as sim:
            for _ in range(3000):
                symbol = rng.choice(list(chaos.SYMBOLS[venue]))
                for order in menu.orders(rng, venue, symbol):
                    sim.server.chaos.check(order)
                    offered.add(order["kind"])
        assert len(offered) > len(KINDS) / 2

    asyncio.run(main())


def test_a_wrong_level_is_found_by_every_reader(tmp_path: Path) -> None:
    """Between the venue and the feed the best bid of one book is made another."""
    symbol = "BTC-USDT"
    with rig("okx", depth=60, digests=True) as r:
        sim = r.sims["okx"]
        with proxy(sim.endpoint.ws_url.removesuffix("/ws/v5/public")) as between:
            url = r.config.venues["okx"].ws_url
            assert isinstance(url, str)
            r.change("okx", ws_url=at_host(url, between.url), depth=400, audit_s=0.0)
            r.io_process("okx")
            feed = r.attach("okx")
            rng = random.Random(1)
            truth = [Truth(sim.endpoint.control_url) for _ in range(4)]
            (tmp_path / "halts").touch()
            halts = Halts(str(tmp_path / "halts"), "okx")
            readers: list[Reader] = [
                RingReader(feed, truth[0], rng), CellReader(feed, truth[1], rng, halts),
                QuoteReader(feed, truth[2], rng, halts), GuardReader(feed, truth[3], rng, halts),
            ]  # fmt: skip

            def looked(least: int) -> bool:
                for reader in readers:
                    reader.look()
                    reader.check()
                return all(each.verdicts.checked >= least for each in truth)

            until(lambda: looked(10), "all readers have looked")
            assert [each.verdicts.wrong for each in truth] == [0, 0, 0, 0]
            assert [each.verdicts.unknown for each in truth] == [0, 0, 0, 0]
            between.doctor = lambda text: _raised(text, symbol)

            def found() -> bool:
                looked(0)
                return all(each.verdicts.wrong for each in truth)

            until(found, "each reader has seen a wrong book")
            for each in truth:
                assert {first["symbol"] for first in each.verdicts.first} == {symbol}
                each.close()


def _raised(text: str, symbol: str) -> str:
    """The same message, but every bid in it is for a little more."""
    message: dict[str, Any] = json.loads(text)
    ours = message.get("arg", {}).get("instId") == symbol
    if not ours or message["arg"].get("channel") != "books":
        return text
    for level in message["data"][0]["bids"]:
        if Decimal(level[1]):
            level[1] = str(Decimal(level[1]) + Decimal("0.01"))
    return json.dumps(message)
