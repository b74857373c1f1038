"""A directory that fills: the memory is renewed, and no book leaves LIVE for it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

import shm
from feedhandler.quality.report import report
from feedhandler.sim.market.instrument import first
from feedhandler.sim.venues.okx_listing import DEFAULT_COUNT, catalogue
from feedhandler.view.status import venue_status
from shm import State, segment
from shm.dev_shm import objects
from tests.fleet.test_overload import LIMITED
from tests.kit.rig import Rig, assert_true_book, rig, until

VENUE = "okx"
ALWAYS = ("BTC-USDT", "BTC-USDT-SWAP")
ROWS = 24


class Watch:
    """A reader that looks again and again, and keeps what is not LIVE; a context manager."""

    def __init__(self, r: Rig) -> None:
        self.feed = shm.attach(VENUE, namespace=r.namespace)
        self.looks = 0
        self.epochs: list[int] = []
        self.wrong: list[object] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._over.wait(0.001):
            self.looks += 1
            try:
                for symbol in ALWAYS:
                    instrument = self.feed.instrument(symbol)
                    book = self.feed.book(instrument, depth=1)
                    if self.feed.quote(instrument).state is not State.LIVE or not book.live:
                        self.wrong.append((symbol, book.state, book.reason))
            except shm.ShmError as error:
                self.wrong.append(error)
            if self.epochs[-1:] != [self.feed.epoch]:
                self.epochs.append(self.feed.epoch)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.feed.close()


class Options:
    """Options that expire, and others that list."""

    def __init__(self, r: Rig) -> None:
        self.sim = r.sims[VENUE]
        today = datetime.now(UTC).date()
        listed = first(catalogue(today), DEFAULT_COUNT)
        every = first(catalogue(today), 2000)
        names = [one.symbol for one in every if one.symbol.startswith("BTC-USD-")]
        names = [name for name in names if name.endswith(("-C", "-P"))]
        there = {one.symbol for one in listed}
        self.now = [name for name in names if name in there]
        self.others = [name for name in names if name not in there]

    def come(self, count: int) -> None:
        """So many are listed."""
        fresh, self.others = self.others[:count], self.others[count:]
        for symbol in fresh:
            self.sim._ask("list", {"symbol": symbol})
        self.now += fresh

    def go(self, count: int) -> None:
        """The oldest expire."""
        for symbol in self.now[:count]:
            self.sim._ask("expire", {"symbol": symbol})
        del self.now[:count]


def rolled(r: Rig, options: Options, count: int) -> None:
    """So many come, and then go: of a list that lacks half of what is carried nothing is closed."""
    before = venue_status(r.namespace, VENUE)
    options.come(count)

    def followed() -> bool:
        now = venue_status(r.namespace, VENUE)
        came = now["rows"]["taken"] - before["rows"]["taken"]
        return now["epoch"] != before["epoch"] or bool(came >= count)

    until(followed, "the new ones are taken up")
    options.go(count)


def start(r: Rig, **more: Any) -> Options:
    wanted = (*ALWAYS, "option:BTC-USD:*")
    r.change(  # books alone: an index that options share would speak for those that expired
        VENUE,
        instruments=wanted,
        channels=("book",),
        refresh_s=1.0,
        directory_rows=ROWS,
        audit_s=0.0,
    )
    r.io_process(VENUE, **more)
    r.attach(VENUE)
    return Options(r)


def test_a_full_directory_is_renewed_before_anyone_is_left_out() -> None:
    with rig(VENUE, rate=60.0) as r:
        options = start(r)
        with Watch(r) as watch:
            until(lambda: watch.looks > 100, "it is looked at")
            first = watch.feed.epoch
            rolled(r, options, 4)
            until(lambda: watch.feed.epoch != first, "readers are in the next epoch")
            looks = watch.looks
            until(lambda: watch.looks > looks + 100, "it is looked at again")
            assert watch.wrong == []
            assert len(watch.epochs) == 2
            for symbol in (*ALWAYS, options.now[-1]):
                until(partial(symbol_live, watch.feed, symbol), f"{symbol} is LIVE")
                assert_true_book(r.sims[VENUE], watch.feed, symbol)
            counted = messages(r)
            rolled(r, options, 1)  # the new one follows, too
            until(lambda: symbol_live(watch.feed, options.now[-1]), "what listed later is LIVE")
            until(lambda: options.now[-1] in messages(r), "it is counted")
            until(lambda: messages(r)[ALWAYS[0]] > counted[ALWAYS[0]], "and the others' on")
        until(lambda: venue_status(r.namespace, VENUE)["state"] == "LIVE", "the venue is LIVE")
        assert venue_status(r.namespace, VENUE)["counters"]["disconnects"] == 0
        # so few rows are soon few again: that may be under way, or done
        until(lambda: len(objects(r.namespace)) == 4, "nothing of an epoch that is over is left")
        until(lambda: r.sims[VENUE].stats()["clients"] == 1, "nor of its connections")


def messages(r: Rig) -> dict[str, int]:
    """By symbol, what quality has counted of this day."""
    found = report(r.namespace, VENUE)
    return {each["symbol"]: each["messages"] for each in found["instruments"]} if found else {}


def symbol_live(feed: shm.Feed, symbol: str) -> bool:
    try:
        return feed.book(feed.instrument(symbol), depth=0).live
    except shm.UnknownInstrument:
        return False


def test_where_there_is_no_room_beside_it_that_is_said() -> None:
    with rig(VENUE, rate=60.0) as r:
        options = start(r, run=LIMITED.format(venue=VENUE, connections=1))
        first = venue_status(r.namespace, VENUE)["epoch"]

        rolled(r, options, 4)

        def said() -> bool:
            text = venue_status(r.namespace, VENUE)["detail"]
            return "not renewed (the venue allows 1 connections): raise directory_rows" in text

        until(said, "it is said")
        state = venue_status(r.namespace, VENUE)
        assert (state["state"], state["epoch"]) == ("LIVE", first)
        assert len(objects(r.namespace)) == 4


def test_a_successor_is_unknown_until_it_succeeds(namespace: str) -> None:
    size: dict[str, Any] = {"instruments": 4, "depth": 2, "ring_slots": 64, "connections": 2}
    with segment.create("v", namespace=namespace, **size) as held:
        with shm.attach("v", namespace=namespace) as feed:
            given_up = held.successor(**size)
            assert given_up.epoch > held.epoch
            assert shm.attach("v", namespace=namespace).epoch == feed.epoch == held.epoch
            held.abandon(given_up)
            writer = held.successor(**size)
            assert feed.alive()
            assert len(objects(namespace)) == 5
            held.succeed(writer)
            assert not feed.alive()
            assert feed.reattach()
            assert feed.epoch == held.epoch == writer.epoch
        assert len(objects(namespace)) == 4
        with pytest.raises(shm.WriterRunning):
            segment.create("v", namespace=namespace, **size)
    assert objects(namespace) == []
