"""Instruments added and removed while a feed runs, by command, by SIGHUP and by the venue itself;
what stays never leaves LIVE."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from feedhandler.config.document import ConfigError
from feedhandler.config.keys import Config, VenueConfig
from feedhandler.config.load import load
from feedhandler.connection.state import ConnectionState
from feedhandler.supervisor.control_socket import request
from feedhandler.supervisor.reload import difference
from feedhandler.supervisor.supervisor import Supervisor
from feedhandler.view.status import venue_status
from shm import Reason, State
from shm.inspect import open_memory
from tests.feed.fault_table import row
from tests.kit.forked import Forked
from tests.kit.rig import Rig, RingBooks, assert_true_book, end, rig, until


def change(r: Rig, do: str, venue: str, *patterns: str) -> dict[str, Any]:
    return request(r.namespace, {"do": do, "venue": venue, "patterns": list(patterns)}, 30.0)


def state_of(feed: Any, symbol: str) -> tuple[int, int] | None:
    try:
        quote = feed.quote(feed.instrument(symbol))
    except KeyError:
        return None
    return quote.state, quote.reason


def last_said(ring: RingBooks, symbol: str) -> tuple[str, str] | None:
    """The instrument's last (state, reason) in the ring."""
    ring.catch_up()
    said = ring.of(symbol)
    return said[-1] if said else None


def pid_of(r: Rig, venue: str) -> int:
    found = request(r.namespace, {"do": "status"})["venues"]
    return int(next(one["pid"] for one in found if one["venue"] == venue))


@pytest.mark.parametrize(
    ("venue", "old", "new"),
    [
        ("deribit", "BTC-PERPETUAL", "ETH-PERPETUAL"),
        ("okx", "BTC-USDT", "BTC-USDT-SWAP"),
        ("binance", "BTCUSDT", "ETHUSDT"),
    ],
)
def test_subscribe_and_unsubscribe_touch_nobody_else(venue: str, old: str, new: str) -> None:
    with rig(venue) as r:
        r.change(venue, instruments=(old,))
        r.supervisor()
        feed = r.attach(venue)
        ring = RingBooks(feed)
        for turn in range(2):  # what was left can be taken up again
            answer = change(r, "subscribe", venue, new)
            assert answer["added"] == [new], answer
            until(lambda: state_of(feed, new) == (State.LIVE, Reason.NONE), "the new one is LIVE")
            assert_true_book(r.sims[venue], feed, new)
            answer = change(r, "unsubscribe", venue, new)
            assert answer["removed"] == [new], answer
            until(lambda: last_said(ring, new) == ("CLOSED", "UNSUBSCRIBED"), "it is gone")
            assert turn or answer["rules"] == [old]
        answer = change(r, "subscribe", venue, "NO-SUCH-THING")
        assert answer["refused"]
        assert "NO-SUCH-THING" in answer["error"]
        assert change(r, "unsubscribe", venue, old)["refused"]
        assert "running: " + venue in change(r, "subscribe", "kraken", "X")["error"]
        ring.catch_up()
        assert ring.of(old) == []  # it never was in any other state
        assert_true_book(r.sims[venue], feed, old)


def test_a_connection_without_keys_is_closed_and_another_opened_for_new_ones() -> None:
    venue, kept = "okx", "BTC-USDT"
    with rig(venue, instruments=150, rate=200.0) as r:
        r.change(venue, instruments=(kept, "option:BTC-USD:*"))
        r.supervisor()
        feed = r.attach(venue)
        sim = r.sims[venue]
        ring = RingBooks(feed)
        assert sim.stats()["clients"] == 2  # more keys than one may carry
        answer = change(r, "unsubscribe", venue, "option:BTC-USD:*")
        assert len(answer["removed"]) > 80
        until(lambda: sim.stats()["clients"] == 1, "the connection without keys is closed")

        def second() -> dict[str, Any]:
            with open_memory(venue, namespace=r.namespace) as memory:
                row: dict[str, Any] = memory.connections()[1]
            return row

        until(lambda: second()["state"] == ConnectionState.CLOSED, "its row says so")
        assert second()["detail"] == "its last key was unsubscribed"
        change(r, "subscribe", venue, "option:BTC-USD:*")
        until(lambda: sim.stats()["clients"] == 2, "another one is opened")
        until(lambda: venue_status(r.namespace, venue)["state"] == "LIVE", "all are LIVE", 60)
        ring.catch_up()
        assert ring.of(kept) == []
        assert_true_book(sim, feed, kept)


def test_what_was_subscribed_survives_the_process() -> None:
    with rig("okx") as r:
        r.change("okx", instruments=("BTC-USDT",))
        r.supervisor()
        feed = r.attach("okx")
        first = feed.epoch
        change(r, "subscribe", "okx", "BTC-USDT-SWAP")
        os.kill(pid_of(r, "okx"), signal.SIGKILL)
        until(lambda: feed.reattach() or feed.epoch != first, "a new epoch")
        until(lambda: state_of(feed, "BTC-USDT-SWAP") == (State.LIVE, Reason.NONE), "it is there")
        config = request(r.namespace, {"do": "config"})
        assert config["venues"]["okx"]["instruments"] == ["BTC-USDT", "BTC-USDT-SWAP"]


def write(r: Rig, path: Path, **instruments: list[str]) -> None:
    lines = [f'namespace = "{r.namespace}"', 'status_address = ""']
    for venue, symbols in instruments.items():
        one = r.config.venues[venue]
        listed = ", ".join(f'"{symbol}"' for symbol in symbols)
        lines += [f"[venues.{venue}]", f"instruments = [{listed}]"]
        lines += [
            f'ws_url = "{one.ws_url}"',
            f'rest_url = "{one.rest_url}"',
            f"silence_s = {one.silence_s}",
        ]
    path.write_text("\n".join(lines))


def start(r: Rig, path: Path, log: Path) -> "subprocess.Popen[bytes]":
    process = Forked(
        "feedhandler",
        "start",
        str(path),
        stdin=subprocess.DEVNULL,
        stderr=log.open("w"),
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(each or "." for each in sys.path)},
    )
    r.stack.callback(end, process)
    return process


def refused(what: str, said: str) -> bool:
    """Whether a line says so. One refusal may have several: later ones of the last come late."""
    lines = [line for line in said.splitlines() if "refused, the old one goes on" in line]
    return any(what in line for line in lines)


def test_sighup_follows_the_file_and_refuses_a_bad_one(tmp_path: Path) -> None:
    with rig("okx", "binance", "deribit") as r:
        path, log = tmp_path / "feed.toml", tmp_path / "log"
        write(r, path, okx=["BTC-USDT"], binance=["BTCUSDT"])
        supervisor = start(r, path, log)
        okx, binance = r.attach("okx"), r.attach("binance")
        ring, calm = RingBooks(okx), RingBooks(binance)
        pid = pid_of(r, "okx")

        def said(text: str, times: int = 1) -> None:
            until(lambda: log.read_text().count(text) >= times, f"the log says {text!r}")

        good = path.read_text()
        for wrong, what in (
            (good.replace("silence_s", "silense_s"), "did you mean 'silence_s'"),
            ("not toml", "not TOML"),
            (good.replace('"BTC-USDT"', '"BTC-USDT", "X-Y"'), "'X-Y'"),
            ("", "there is no table [venues.NAME] in it"),
            (good.partition("[venues")[0], "there is no table [venues.NAME] in it"),
            (good[: good.index("rest_url") + 12], "not TOML"),  # half of it is written
        ):
            before = len(log.read_text())
            path.write_text(wrong)
            supervisor.send_signal(signal.SIGHUP)
            until(lambda b=before, w=what: refused(w, log.read_text()[b:]), f"refused: {what}")  # type: ignore[misc]
        path.unlink()
        supervisor.send_signal(signal.SIGHUP)
        said("cannot be read")
        with socket.create_server(("127.0.0.1", 0)) as held:  # all of it, or nothing
            at = f"127.0.0.1:{held.getsockname()[1]}"
            moved = good.replace('status_address = ""', f'status_address = "{at}"')
            path.write_text(moved.replace('"BTC-USDT"', '"BTC-USDT", "BTC-USDT-SWAP"'))
            supervisor.send_signal(signal.SIGHUP)
            said(f"status_address: {at} cannot be had: address already in use: another program")
        assert request(r.namespace, {"do": "config"})["venues"]["okx"]["instruments"] == [
            "BTC-USDT"
        ]
        ring.catch_up()
        calm.catch_up()
        assert (ring.states, calm.states) == ({}, {})
        path.write_text(f'namespace = "{r.namespace}x"\n[venues.okx]')
        supervisor.send_signal(signal.SIGHUP)
        said("stop it to change that")

        write(r, path, okx=["BTC-USDT", "BTC-USDT-SWAP"], deribit=["BTC-PERPETUAL"])
        supervisor.send_signal(signal.SIGHUP)
        said("configuration read again")
        r.attach("deribit").close()
        until(lambda: state_of(okx, "BTC-USDT-SWAP") == (State.LIVE, Reason.NONE), "it is taken up")
        until(lambda: not binance.alive(), "binance ended")
        ring.catch_up()
        assert ring.of("BTC-USDT") == []
        assert pid_of(r, "okx") == pid
        assert {name.split(".")[1] for name in r.left()} == {"okx", "deribit"}
        assert not calm.states.get(0) or calm.of("BTCUSDT")[-1] == ("CLOSED", "STOPPED")

        text = path.read_text().replace("[venues.okx]", "[venues.okx]\ndepth = 7")
        path.write_text(text)
        supervisor.send_signal(signal.SIGHUP)
        until(lambda: pid_of(r, "okx") not in (0, pid), "okx is another process")
        assert load(path).venues["okx"].depth == 7
        until(lambda: okx.reattach() or okx.epoch, "readers come back")
        supervisor.terminate()
        assert supervisor.wait(45) == 0
        assert r.left() == []


class _Child:
    """A venue's process, which follows other instruments unless it has a `problem`."""

    def __init__(self, config: VenueConfig, problem: str = "") -> None:
        self.config = config
        self.problem = problem

    async def follow(self, rules: tuple[str, ...]) -> str:
        if not self.problem:
            self.config = msgspec.structs.replace(self.config, instruments=rules)
        return self.problem


def test_a_reload_that_one_venue_cannot_do_is_done_by_none() -> None:
    old = load(None, venues=["okx", "binance"])
    new = load(None, venues=["okx", "binance"], symbols=["ETH-USDT"])
    okx, binance = (_Child(old.venues[name]) for name in ("okx", "binance"))
    binance.problem = "its process does not answer"
    running = Supervisor(old)
    running._children = {"okx": okx, "binance": binance}  # type: ignore[dict-item]
    change = difference(old, new)
    assert change.rules == ("okx", "binance")
    with pytest.raises(ConfigError, match=r"--symbols, venues\.binance: its process does not"):
        asyncio.run(running._follow(new, change))
    assert (okx.config, binance.config) == (old.venues["okx"], old.venues["binance"])
    binance.problem = ""
    asyncio.run(running._follow(new, change))
    assert okx.config == new.venues["okx"]


def test_a_sighup_while_the_last_one_is_followed_is_not_lost() -> None:
    config = load(None, venues=["okx"])
    read: list[int] = []
    again = iter([True, False])

    def reading() -> Config:
        """Each reload reads twice, until two are alike; the file changes after the first one's."""
        read.append(1)
        if len(read) % 2 == 0 and next(again):
            os.kill(os.getpid(), signal.SIGHUP)
        return config

    async def followed() -> None:
        running = Supervisor(config, load=reading)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, running._hung_up)
        task = loop.create_task(running._until_stopped())
        os.kill(os.getpid(), signal.SIGHUP)
        while len(read) < 4:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        running._stop.set()
        await task
        loop.remove_signal_handler(signal.SIGHUP)

    asyncio.run(asyncio.wait_for(followed(), 30.0))
    assert len(read) == 4


@pytest.mark.parametrize(
    ("venue", "pattern"),
    [("deribit", "option:BTC-USD:*"), ("okx", "option:BTC-USD:*"), ("binance", "spot:*")],
)
def test_listed_and_expired_instruments_are_followed(venue: str, pattern: str) -> None:
    its = row("instrument expires, another is listed")
    with rig(venue, rate=100.0) as r:
        r.change(venue, instruments=(pattern,), refresh_s=1.0)
        r.io_process(venue)
        feed = r.attach(venue)
        ring = RingBooks(feed)
        gone = feed.instruments()[-1].symbol
        r.sims[venue]._ask("expire", {"symbol": gone})
        until(lambda: last_said(ring, gone) == its.sees[0], "it is closed")
        r.sims[venue]._ask("list", {"symbol": gone})
        until(lambda: state_of(feed, gone) == (State.LIVE, Reason.NONE), "it is taken up again")
        ring.catch_up()
        assert {ring.feed.instruments()[each].symbol for each in ring.states} == {gone}
