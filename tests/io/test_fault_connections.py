"""Connections that end, and peers that are silent or gone: rows of the fault table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from feedhandler.reach import PROBE_S
from tests.io.fault_table import row
from tests.io.outage import SILENCE_S, healed, undergo, watched
from tests.io.rig import SYMBOLS, Rig, rig

#: one of Binance: the REST budget has room for few snapshots in a row
CHOSEN = SYMBOLS | {"binance": SYMBOLS["binance"][:1]}


@pytest.fixture(scope="module")
def r() -> Iterator[Rig]:
    with rig(*SYMBOLS, rate=100.0) as made:
        yield made


def test_cut(r: Rig) -> None:
    its = row("connection cut")
    with watched(r, CHOSEN) as all_watched:
        for how in ("rst", "fin", "close"):
            undergo(its, all_watched, {"kind": "drop", "how": how}, ends=True)


def test_silent(r: Rig) -> None:
    with watched(r, CHOSEN) as all_watched:
        undergo(row("peer gone without a FIN"), all_watched, {"kind": "half_open"})
        undergo(row("nothing sent, socket open"), all_watched, {"kind": "silence"})
        undergo(row("server stands still"), all_watched, {"kind": "freeze", "ms": 4000})


def test_silent_from_the_beginning(r: Rig) -> None:
    """Nobody is there on the second connection, and the third: none is waited for in vain."""
    its = row("new connections are silent too")
    asked = "though we asked for subscriptions"
    with watched(r, CHOSEN) as all_watched:
        for each in all_watched:
            each.forget()
            each.sim.fault("half_open", new=True)
        tries = its.noticed_s(silence_s=SILENCE_S) * 3 + 2 * PROBE_S
        for each in all_watched:
            each.until(lambda it: it.counter("disconnects") >= 3, "it is given up again", tries)
            each.until(lambda it: asked in it.detail, asked, tries)
            each.sim.fault("none")
            healed(its, each, each.sim.stats()["faults"][-1]["began_ns"])


def test_quiet_market(r: Rig) -> None:
    """Nothing happens in it: our pings alone tell whether the venue is there."""
    its = row("ping never answered, market quiet")
    with watched(r, CHOSEN) as all_watched:
        for each in all_watched:
            each.until(lambda it: it.connection()["rtt_ns"] > 0, "a ping was answered")
            each.sim.pause()
        undergo(its, all_watched, {"kind": "no_pong"})
