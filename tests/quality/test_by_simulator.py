"""The quality of a venue's data equals what its simulator knows it did."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import pytest

from feedhandler import venues
from feedhandler.quality.report import report
from shm import Kind, State
from shm.inspect import open_memory
from tests.kit.rig import Rig, end, rig, until

SLACK_NS = 300_000_000  # what is counted lags a look behind


def quality(r: Rig, venue: str) -> dict[str, Any]:
    return report(r.namespace, venue) or {"messages": 0, "heals": 0}


def healed(r: Rig, venue: str, gaps: int, number: int) -> bool:
    """The fault is over, its gap was counted, and all are LIVE again."""
    its = quality(r, venue)
    states = open_memory(venue, namespace=r.namespace).quotes()["state"]
    over = r.sims[venue].told(number)["ended_ns"]
    return bool(over and its["heals"] >= gaps and (states == State.LIVE).all())


def live_ns(r: Rig, venue: str) -> dict[str, int]:
    """By symbol: how long it was LIVE, by the records in the ring."""
    memory = open_memory(venue, namespace=r.namespace)
    last = memory.segment.published
    assert last <= memory.segment.slots
    slots = memory.slots(1, last)
    now = time.time_ns()
    found = {}
    for row, (symbol, _) in enumerate(memory.segment.names(0)):
        ours = slots[(slots["instrument"] == row) & (slots["kind"] == int(Kind.STATE))]
        total, since = 0, 0
        for at, state in zip(ours["receive_ns"].tolist(), ours["price"].tolist(), strict=True):
            total += at - since if since else 0
            since = at if state == State.LIVE else 0
        found[symbol] = total + (now - since if since else 0)
    return found


@contextmanager
def one(venue: str) -> Iterator[Rig]:
    with rig(venue, rate=200.0) as r:
        r.change(venue, ring_slots=1 << 20)
        r.io_process(venue)
        r.attach(venue)
        yield r


@pytest.mark.parametrize("venue", ["kraken-futures", "okx"])
def test_gaps_missing_and_time_live(venue: str) -> None:
    symbol = venues.load(venue).default_instruments[0]
    counts = (1, 4)
    with one(venue) as r:
        for nth, count in enumerate(counts):
            number = r.sims[venue].fault("gap", symbol=symbol, count=count)
            until(partial(healed, r, venue, nth + 1, number), "it is counted, and healed")
        its = quality(r, venue)
        if venue == "okx":  # a chain: that something is missing shows, and not how much
            assert (its["gaps"], its["missing"], its["unsized"]) == (len(counts), 0, len(counts))
        else:
            assert (its["missing"], its["unsized"]) == (sum(counts), 0)
            assert its["gaps"] >= len(counts)
        assert its["heals"] >= len(counts)
        assert its["suspects"] >= len(counts)
        assert its["hour"]["gaps"] == its["gaps"]
        told = {each["symbol"]: each["live_ns"] for each in quality(r, venue)["instruments"]}
        true = live_ns(r, venue)
        assert told.keys() == true.keys()
        for name, ns in true.items():
            assert abs(told[name] - ns) < SLACK_NS + 700_000_000, (name, told[name], ns)


def test_a_process_that_is_killed_was_not_live() -> None:
    venue = "kraken-futures"
    with rig(venue, rate=200.0) as r:
        first = r.io_process(venue)
        r.attach(venue)
        until(lambda: quality(r, venue).get("messages", 0) > 50, "messages are counted")
        before = quality(r, venue)
        first.kill()
        first.wait()
        died = time.time_ns()
        until(lambda: time.time_ns() - died > 1_000_000_000, "it is dead for a second")
        second = r.io_process(venue)
        r.attach(venue)
        until(lambda: quality(r, venue)["messages"] > before["messages"] + 50, "it goes on")
        its = quality(r, venue)
        end(second)
    assert its["began_ns"] == before["began_ns"]
    lost = np.array([each["carried_ns"] - each["live_ns"] for each in its["instruments"]])
    assert (lost > 900_000_000).all()
    assert its["live"] < 1
