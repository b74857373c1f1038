"""Connections that end, and peers that are silent or gone: rows of the fault table."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from feedhandler.budgets.backoff import STEADY_S
from feedhandler.budgets.shared_retry import PROBE_S
from tests.feed.fault_table import row
from tests.kit.outage import LIVE, SILENCE_S, healed, undergo, unnoticed, watched
from tests.kit.rig import SYMBOLS, Rig, rig

STOPPED_NS = int((SILENCE_S + 1) * 1e9)
FROZEN_MS = int((SILENCE_S + 2) * 1e3)
#: one of Binance: the REST budget has room for few snapshots in a row
CHOSEN = SYMBOLS | {"binance": SYMBOLS["binance"][:1]}


@pytest.fixture(scope="module")
def r() -> Iterator[Rig]:
    with rig(*SYMBOLS, rate=50.0) as made:
        yield made


def test_cut(r: Rig) -> None:
    its = row("connection cut")
    with watched(r, CHOSEN) as all_watched:
        for how in ("rst", "fin", "close"):
            undergo(its, all_watched, {"kind": "drop", "how": how}, ends=True)


def test_cut_again_and_again(r: Rig) -> None:
    """As soon as it is up; then, after failures that would wait for half a minute, and some seconds
    of health, as if nothing had been."""
    again, once = row("connection cut again as soon as it is up"), row("connection cut")
    with watched(r, CHOSEN) as all_watched:
        for _ in range(6):
            undergo(again, all_watched, {"kind": "drop", "how": "rst"}, ends=True)
        for each in all_watched:
            each.sim.fault("upgrade_error", status=503)
            each.sim.fault("drop")
            each.until(lambda it: it.connection()["disconnects"] >= 7, "it is down")
            each.sim.fault("none")
        for each in all_watched:
            each.until(lambda it: it.said(it.symbols[0])[-1:] == [LIVE], "it is LIVE again", 30.0)
            up = each.connection()["connected_ns"] + int((STEADY_S + 1) * 1e9)
            each.until(lambda _, ns=up: time.time_ns() > ns, "it is healthy", STEADY_S)  # type: ignore[misc]
            each.rest_earned(2)
        undergo(once, all_watched, {"kind": "drop", "how": "rst"}, ends=True)


def test_silent(r: Rig) -> None:
    with watched(r, CHOSEN) as all_watched:
        undergo(row("peer gone without a FIN"), all_watched, {"kind": "half_open"})
        undergo(row("nothing sent, socket open"), all_watched, {"kind": "silence"})
        undergo(row("server stands still"), all_watched, {"kind": "freeze", "ms": FROZEN_MS})


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


def test_our_own_process_stands_still(r: Rig) -> None:
    """For longer than a venue may be silent: what it has not read is no silence of the venue."""
    its = row("our process stands still")
    with watched(r, CHOSEN) as all_watched:
        for each in all_watched:
            each.forget()
            each.process.send_signal(signal.SIGSTOP)
        for each in all_watched:
            symbol = each.symbols[0]
            each.until(
                lambda it, s=symbol: not it.feed.quote(s).live,  # type: ignore[misc]
                "readers see it",
                its.noticed_s(),
            )
            each.until(lambda it, s=symbol: it.feed.quote(s).heartbeat_age_ns > STOPPED_NS, "3 s")  # type: ignore[misc]
        for each in all_watched:
            each.process.send_signal(signal.SIGCONT)
        for each in all_watched:
            for symbol in each.symbols:
                last = each.feed.book(symbol).venue_sequence
                each.until(
                    lambda it, s=symbol, q=last: it.feed.book(s).venue_sequence > q,  # type: ignore[misc]
                    "it moves",
                    its.healed_s(),
                )
            unnoticed(its, each)
            assert each.counter("disconnects") == 0
