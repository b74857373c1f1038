"""A connection that cannot keep up is split, or it is said why not; nothing is lost on the way."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from feedhandler.cli.main import main as command
from feedhandler.connection.state import ConnectionState
from feedhandler.view.status import venue_status
from tests.kit.followed import assert_each_trade_once, assert_same_end, follow, rows
from tests.kit.patience import CROWDED
from tests.kit.rig import Rig, RingBooks, rig, until

FOUR = {
    "deribit": ("BTC-PERPETUAL", "ETH-PERPETUAL", "future:BTC-USD:*"),
    "okx": ("BTC-USDT", "ETH-USDT", "SOL-USDT", "BTC-USDT-SWAP"),
    "binance": ("ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT"),
}
LIMITED = (  # the same process, at a venue that allows fewer connections
    "import runpy; from dataclasses import replace; from feedhandler import venues; "
    "venue = type(venues.load({venue!r})); "
    "venue.limits = replace(venue.limits, connections={connections}); "
    "runpy.run_module('feedhandler.io_process.main', run_name='__main__')"
)

LABORIOUS = (  # the same process, to which every frame is 1 ms of work; it reads little at a time
    "import runpy, socket, time; "
    "from feedhandler.connection.frame_listener import FrameListener as Listener; "
    "from feedhandler.network.receive_queue import ReceiveQueue as Queue; known = Queue.__init__; "
    "little = (socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 15); "
    "Queue.__init__ = lambda queue, s: s.setsockopt(*little) or known(queue, s); "
    "Listener._hand_over = lambda *about: None; real = Listener.on_ws_frame; "
    "burn = lambda until: all(time.thread_time() < until for _ in iter(int, 1)); "
    "Listener.on_ws_frame = lambda *about: burn(time.thread_time() + 0.001) or real(*about); "
    "runpy.run_module('feedhandler.io_process.main', run_name='__main__')"
)


def counters(r: Rig, venue: str) -> dict[str, int]:
    found: dict[str, int] = venue_status(r.namespace, venue)["counters"]
    return found


class Throttle:
    """Lets each connection have fewer and fewer bytes, until the one there is falls behind.

    By a tenth every two seconds, from what it had at most: on a busy machine the simulator itself
    may send less at times, and two connections are to have room enough for all.
    """

    def __init__(self, r: Rig, venue: str) -> None:
        self.r, self.venue = r, venue
        self.most = self.bytes = 0
        self.at = time.monotonic()
        self.looks = 0

    def behind(self) -> bool:
        """To be asked again and again."""
        (row,) = rows(self.r, self.venue)
        now = time.monotonic()
        if now - self.at >= 1.0:
            if self.bytes:
                self.most = max(self.most, int((row["bytes"] - self.bytes) / (now - self.at)))
            self.at, self.bytes, self.looks = now, row["bytes"], self.looks + 1
            if self.looks >= 4 and self.looks % 2 == 0:
                share = 0.9 ** (self.looks // 2 - 1)
                rate = int(share * self.most)
                self.r.sims[self.venue].fault("slow", bytes_per_second=rate)
        return bool(row["behind_ns"])


@pytest.mark.parametrize("venue", ["deribit", "binance"])
def test_a_slow_link_is_split_and_nothing_is_lost(venue: str) -> None:
    with rig(venue, rate=300.0) as r:
        r.change(venue, instruments=FOUR[venue], behind_s=0.3, split_after_s=2.5)
        r.io_process(venue)
        feed = r.attach(venue)
        ring = RingBooks(feed, "oldest")
        follow(ring, Throttle(r, venue).behind, "it is behind", 60)
        follow(ring, lambda: counters(r, venue)["splits"] == 1, "it is split", 40)
        worst = max(row["behind_ns"] for row in rows(r, venue))
        if CROWDED:  # a simulator that waits for its core is behind on any link
            r.sims[venue].fault("none")

        def keeps_up() -> bool:
            there = rows(r, venue)
            live = all(row["state"] == ConnectionState.LIVE for row in there)
            return len(there) == 2 and live and not any(row["behind_ns"] for row in there)

        follow(ring, keeps_up, f"two connections that keep up, not {worst / 1e9:.1f} s behind", 20)
        sim = r.sims[venue]
        sim.pause()
        for instrument in feed.instruments():
            assert_same_end(sim, feed, ring, instrument.symbol)
        assert ring.states == {}
        assert ring.events.lost == 0
        assert_each_trade_once(ring, venue)
        found = counters(r, venue)
        assert found["gaps"] == found["resyncs"] == found["disconnects"] == found["behind"] == 0
        state = venue_status(r.namespace, venue)
        assert (state["state"], state["reason"]) == ("LIVE", "NONE")
        both = [row["live"] for row in rows(r, venue)]
        assert min(both) > 0


def said(r: Rig, venue: str, capfd: Any, why: str) -> None:
    """What cannot be helped is in the status, the table, the counters, the commands and the log."""

    def loud() -> bool:
        state = venue_status(r.namespace, venue)
        text = state["detail"]
        return (state["state"], state["reason"]) == ("LIVE", "CAPACITY") and why in text

    until(loud, f"the venue says that it is behind: {why}", 40)
    assert counters(r, venue)["behind"] >= 1
    assert counters(r, venue)["splits"] == 0
    for row in rows(r, venue):
        assert row["behind_ns"] > 0
    where = ["--namespace", r.namespace]
    log = capfd.readouterr().err
    assert "WARNING" in log
    assert why in log
    for arguments, found in (
        (["inspect", "connections", venue, "--json", *where], "connections"),
        (["status", "--json", *where], "venues"),
    ):
        code = command(arguments)
        out = capfd.readouterr().out
        (shown,) = json.loads(out)[found]
        assert shown["reason"] == "CAPACITY"
        assert why in shown["detail"]
        assert code == (1 if found == "venues" else 0)


def test_the_limits_may_forbid_a_split(capfd: Any) -> None:
    venue = "okx"
    with rig(venue, rate=300.0) as r:
        r.change(venue, instruments=FOUR[venue], behind_s=0.2, split_after_s=1.0)
        r.io_process(venue, run=LIMITED.format(venue=venue, connections=2))
        r.attach(venue)
        until(Throttle(r, venue).behind, "it is behind", 60)
        said(r, venue, capfd, "no more than 2 connections are allowed")
        r.sims[venue].fault("none")

        def well() -> bool:
            state = venue_status(r.namespace, venue)
            return (state["state"], state["reason"], state["detail"]) == ("LIVE", "NONE", "")

        until(well, "it keeps up again, and says no more", 30)
        assert [row["detail"] for row in rows(r, venue)] == [""]


def test_one_instrument_cannot_be_split(capfd: Any) -> None:
    venue = "deribit"
    with rig(venue, rate=300.0) as r:
        r.change(venue, instruments=("BTC-PERPETUAL",), behind_s=0.2, split_after_s=1.0)
        r.io_process(venue)
        r.attach(venue)
        until(Throttle(r, venue).behind, "it is behind", 60)
        said(r, venue, capfd, "all of it is one instrument")


def test_a_process_without_time_is_named_and_not_split(capfd: Any) -> None:
    """What has reached this machine waits to be read: more connections would not help."""
    venue = "okx"
    with rig(venue, rate=2000.0, paused=True) as r:
        r.change(venue, instruments=FOUR[venue], behind_s=0.2, split_after_s=1.0, silence_s=60.0)
        r.io_process(venue, run=LABORIOUS)
        r.attach(venue)
        r.sims[venue].resume()
        said(r, venue, capfd, "its process does not read in time")
        assert len(rows(r, venue)) == 1
