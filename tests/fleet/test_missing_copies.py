"""A subscription that is dumb on one of two connections: no reader loses by it, and it is cured."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest

from feedhandler import venues
from feedhandler.connection.connection import Connection
from feedhandler.connection.state import ConnectionState
from feedhandler.healing.missing_copies import LOOK_S, LOOKS, MissingCopies
from feedhandler.instruments.universe import CHANNEL, CarriedInstrument, Universe
from shm import Reason
from shm.inspect import open_memory
from tests.feed.fault_table import row
from tests.healing.test_silent import DUMB
from tests.kit.facts import spec
from tests.kit.outage import Watched, unnoticed, watched
from tests.kit.rig import MORE_SYMBOLS, SYMBOLS, rig

ALL = SYMBOLS | MORE_SYMBOLS
#: of each venue: the subscription of its second book
BOOKS = {
    "deribit": "book.ETH-PERPETUAL.100ms",
    "okx": "books:BTC-USDT-SWAP",
    "binance": "ethusdt@depth@100ms",
    "binance-usdm": "ethusdt@depth@100ms",
    "bybit-linear": "orderbook.50.ETHUSDT",
    "bybit-spot": "orderbook.50.ETHUSDT",
}


def rows(each: Watched) -> list[dict[str, Any]]:
    with open_memory(each.venue, namespace=each.r.namespace) as memory:
        found = memory.connections()
    return [its for its in found if its["state"] != ConnectionState.CLOSED]


def tells(each: Watched, key: str) -> bool:
    words = f"{key} brings nothing here, and comes on connection "
    return any(its["reason"] == Reason.NO_DATA and words in its["detail"] for its in rows(each))


def whole(each: Watched) -> bool:
    """All connections are LIVE, and nothing is to be said of them."""
    said = {(its["state"], its["reason"]) for its in rows(each)}
    return said == {(ConnectionState.LIVE, Reason.NONE)}


class Line:
    """A connection as far as it is looked at; `taken`: whether the venue has acknowledged."""

    def __init__(self, number: int) -> None:
        self.row = number
        self.state = ConnectionState.LIVE
        self.taken = True
        self.asked = 0
        self.notes: list[tuple[Reason, str]] = []

    @property
    def subscriptions(self) -> Line:
        return self

    def is_live(self, _: str) -> bool:
        return self.taken

    def resubscribe(self, _: str) -> bool:
        self.asked += 1
        return True

    def note(self, reason: Reason, detail: str, _: str) -> None:
        self.notes.append((reason, detail))


class Scene:
    """Two connections that both carry one instrument's trades."""

    key = "trades:S"

    def __init__(self) -> None:
        self.lines = [Line(0), Line(1)]
        self.bundles = [self]
        self.keys = (self.key,)
        self.connections = self.lines
        self.bits = 0
        self.renewed: list[int] = []
        venue = venues.load("okx")
        universe = Universe(venue, ("trades",))
        universe.by_id[0] = universe.by_symbol["S"] = CarriedInstrument(0, spec("S"), None)
        self.copies = MissingCopies(
            venue, universe, cast(Any, self), cast(Any, self), self._renew, lambda _: None
        )
        self.now = 0.0

    def _renew(self, connection: Connection, reason: Reason, _: str, turn: str | None) -> None:
        assert (reason, turn) == (Reason.NO_DATA, None)
        self.renewed.append(connection.row)

    def brought(self) -> npt.NDArray[np.uint64]:
        return np.full((1, len(CHANNEL)), self.bits, dtype=np.uint64)

    def run(self, seconds: float, *rows: int) -> None:
        """For so long these bring it."""
        self.bits = sum(1 << each for each in rows)
        end = self.now + seconds
        while self.now < end:
            self.now += LOOK_S
            self.copies.poll(self.now)


def test_the_subscription_is_made_again_then_the_connection_each_time_later() -> None:
    scene = Scene()
    line = scene.lines[1]
    scene.run(LOOKS - 1, 0)
    assert (line.asked, line.notes) == (0, [])
    scene.run(1, 0)
    assert (line.asked, scene.renewed) == (1, [])
    assert line.notes[-1] == (
        Reason.NO_DATA, "trades:S brings nothing here, and comes on connection 0"
    )  # fmt: skip
    scene.run(3600, 0)
    assert line.asked == 1
    assert scene.renewed == [1] * len(scene.renewed)
    assert 6 <= len(scene.renewed) <= 12
    scene.run(1, 0, 1)
    assert line.notes[-1] == (Reason.NONE, "")
    assert scene.lines[0].notes == []


def test_what_nobody_brings_or_is_not_acknowledged_says_nothing() -> None:
    scene = Scene()
    scene.run(3600)
    scene.lines[1].taken = False
    scene.run(3600, 0)
    scene.lines[1].taken = True
    scene.lines[1].state = ConnectionState.BACKOFF
    scene.run(3600, 0)
    for _ in range(100):  # each its own copy, at its own time
        scene.run(LOOKS - 1, 0)
        scene.run(1, 1)
    assert [line.notes for line in scene.lines] == [[], []]
    assert scene.renewed == []


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(("okx", "binance-usdm", "bybit-linear"), id="one of each kind"),
        pytest.param(tuple(BOOKS), id="all", marks=pytest.mark.soak),
    ],
)
def test_what_one_of_two_connections_does_not_bring_is_told_and_cured(
    chosen: tuple[str, ...],
) -> None:
    its = row("one of two connections does not bring a subscription")
    with rig(*chosen, rate=200.0) as r:
        for venue in chosen:
            channels, key = DUMB[venue]
            r.change(venue, channels=channels, redundancy=2)
            r.sims[venue].fault("dumb", channel=key, count=1)
            r.sims[venue].fault("dumb", channel=BOOKS[venue], count=1)
        with watched(r, {venue: ALL[venue] for venue in chosen}) as all_watched:
            for each in all_watched:
                each.forget()
                assert (its.noticed_s(), its.sees) == (15.0, ())
            told: dict[str, set[str]] = {each.venue: set() for each in all_watched}

            def all_told() -> bool:
                for each in all_watched:
                    keys = (DUMB[each.venue][1], BOOKS[each.venue])
                    told[each.venue] |= {key for key in keys if tells(each, key)}
                return all(told.values())

            all_watched[0].until(lambda _: all_told(), "it is told", its.noticed_s())
            for each in all_watched:
                each.until(whole, "both bring all of it", its.healed_s())
                unnoticed(its, each)
