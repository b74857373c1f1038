"""The supervisor and its children: whatever dies, the rest goes on, and nothing stays behind."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import msgspec
import orjson
import pytest
from aiohttp import ClientSession

import shm
from feedhandler.config.places import Places
from feedhandler.io_process.main import Exit
from feedhandler.supervisor import supervisor
from feedhandler.supervisor.control_socket import NotRunning, request, socket_path
from feedhandler.supervisor.status_http import serve
from shm import State
from tests.feed.fault_table import row
from tests.kit.patience import SLACK_S
from tests.kit.rig import SYMBOLS, Rig, RingBooks, assert_true_book, rig, until


def ask(r: Rig, what: str) -> dict[str, Any] | None:
    try:
        return request(r.namespace, {"do": what})
    except NotRunning:
        return None


def venue(r: Rig, name: str) -> dict[str, Any]:
    answer = ask(r, "status")
    found = [one for one in answer["venues"] if one["venue"] == name] if answer else []
    return found[0] if found else {"state": "NONE", "pid": 0, "restarts": 0}


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_killed_io_process_is_restarted_and_readers_come_back() -> None:
    with rig("okx", "deribit") as r:
        supervisor = r.supervisor()
        feed = r.attach("okx")
        other = r.attach("deribit")
        ring, calm = RingBooks(feed), RingBooks(other)
        first = feed.epoch
        os.kill(venue(r, "okx")["pid"], signal.SIGKILL)

        def lost() -> shm.WriterLost | None:
            try:
                ring.catch_up()
            except shm.WriterLost as error:
                return error
            return None

        its = row("our process killed")
        error = until(lost, "the reader learns that the writer is gone", its.noticed_s() + SLACK_S)
        assert error.reason == "died"
        assert error.epoch == first

        def back() -> bool:
            ring.catch_up()
            if feed.reattach() or feed.epoch != first:
                return feed.state[0] == State.LIVE and ("LIVE", "NONE") in ring.of("BTC-USDT")
            return False

        until(back, "the reader is on a new epoch and LIVE", its.healed_s() + SLACK_S)
        for symbol in SYMBOLS["okx"]:
            assert_true_book(r.sims["okx"], feed, symbol)
        assert venue(r, "okx")["restarts"] == 1
        calm.catch_up()
        assert calm.states == {}
        assert venue(r, "deribit")["restarts"] == 0
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(45) == 0
        assert r.left() == []


def test_hung_io_process_is_killed_and_restarted() -> None:
    with rig("binance") as r:
        r.supervisor()
        r.attach("binance").close()
        pid = venue(r, "binance")["pid"]
        os.kill(pid, signal.SIGSTOP)
        its = row("our process hangs")
        hangs = its.noticed_s() + SLACK_S
        until(lambda: venue(r, "binance")["reason"] == "HEARTBEAT", "it is said to hang", hangs)
        until(lambda: venue(r, "binance")["pid"] not in (0, pid), "another process runs")
        feed = r.attach("binance", its.healed_s() + SLACK_S)
        assert_true_book(r.sims["binance"], feed, "BTCUSDT")
        assert venue(r, "binance")["restarts"] == 1


def test_io_processes_end_with_a_killed_supervisor() -> None:
    with rig("okx") as r:
        supervisor = r.supervisor()
        feed = r.attach("okx")
        pid = venue(r, "okx")["pid"]
        supervisor.kill()
        supervisor.wait()
        until(lambda: gone(pid), "the IO process ends")
        assert not feed.alive()
        assert r.left() == []  # it had the time to end in order


def test_stop_over_the_socket_and_what_readers_see() -> None:
    with rig("deribit") as r:
        supervisor = r.supervisor()
        ring = RingBooks(r.attach("deribit"))
        assert ask(r, "config") == orjson.loads(msgspec.json.encode(r.config))
        assert "unknown request" in request(r.namespace, {"do": "fly"})["error"]
        assert request(r.namespace, {"do": "stop"})["stopping"]
        assert supervisor.wait(45) == 0
        with pytest.raises(shm.WriterLost, match="stopped"):
            until(lambda: ring.poll() and None, "the writer is gone")
        assert ring.of("BTC-PERPETUAL")[-1] == ("CLOSED", "STOPPED")
        assert not socket_path(r.namespace).exists()
        with pytest.raises(NotRunning):
            request(r.namespace, {"do": "status"})


def run_to_its_end(r: Rig) -> tuple[int, str]:
    """A supervisor that is refused: its exit code and what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.kit.supervised"],
        input=msgspec.json.encode(r.config),
        capture_output=True,
        timeout=30,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)},
    )
    return done.returncode, done.stderr.decode()


def test_second_supervisor_of_a_namespace_is_refused() -> None:
    with rig("okx") as r:
        first = r.supervisor()
        r.attach("okx").close()
        code, said = run_to_its_end(r)
        assert code == 2
        assert f"process {first.pid} is already the supervisor" in said
        assert venue(r, "okx")["state"] == "LIVE"


def test_unknown_symbols_are_refused_before_anything_starts() -> None:
    with rig("okx", "deribit") as r:
        r.change("okx", instruments=("BTC-USDT", "BTC-USDC-SWAPP"))
        r.change("deribit", instruments=("BTC-PERPETUALE",))
        lines = {"instruments": {"BTC-USDC-SWAPP": 7}}
        r.change("okx", places=Places(source="f.toml", table="venues.okx", elements=lines))
        code, said = run_to_its_end(r)
        assert code == 2
        assert "f.toml: line 7: venues.okx.instruments: no listed instrument" in said
        assert "'BTC-USDC-SWAPP'" in said
        assert "venues.deribit.instruments: " in said
        assert "BTC-PERPETUAL?" in said or "BTC-PERPETUAL " in said
        assert "started" not in said
        assert r.left() == []


def test_venue_that_is_down_at_the_start_is_a_warning_and_heals() -> None:
    with rig("okx", "binance") as r:
        url = r.config.venues["okx"].rest_url
        r.change("okx", rest_url="http://127.0.0.1:9")
        r.supervisor()
        r.attach("binance").close()  # the other one is not held up
        until(lambda: "cannot connect" in venue(r, "okx")["detail"], "it says why")
        assert venue(r, "okx")["state"] == "SYNCING"
        assert url != r.config.venues["okx"].rest_url


def test_second_writer_of_a_venue_says_who_has_it() -> None:
    with rig("okx") as r:
        r.io_process("okx")
        feed = r.attach("okx")
        second = r.io_process("okx")
        assert second.wait(45) == Exit.WRITER_RUNNING
        assert feed.alive()
        assert_true_book(r.sims["okx"], feed, "BTC-USDT")


def test_memory_is_kept_when_asked_for() -> None:
    with rig("binance") as r:
        process = r.io_process("binance", keep=True)
        r.attach("binance").close()
        process.terminate()
        assert process.wait(45) == 0
        assert len(r.left()) == 4


def test_status_over_http() -> None:
    with rig("binance") as r:
        with socket.create_server(("127.0.0.1", 0)) as free:
            at = f"127.0.0.1:{free.getsockname()[1]}"
        r.config = msgspec.structs.replace(r.config, status_address=at)
        r.supervisor()
        r.attach("binance").close()

        codes: set[int] = set()

        def healthy() -> bool:
            try:
                with urlopen(f"http://{at}/health", timeout=5) as answer:
                    return bool(orjson.loads(answer.read())["healthy"])
            except HTTPError as error:
                codes.add(error.code)
                return False

        until(healthy, "health says 200")
        assert codes <= {503}
        with urlopen(f"http://{at}/status", timeout=5) as answer:
            status = orjson.loads(answer.read())
        assert status["venues"][0]["venue"] == "binance"
        assert status["venues"][0]["live"] == 2
        assert status["supervisor"]["pid"] > 0
        assert status["supervisor"]["http"] == f"http://{at}"

        def get(path: str) -> tuple[int, dict[str, Any]]:
            try:
                with urlopen(f"http://{at}/{path}", timeout=5) as answer:
                    return answer.status, orjson.loads(answer.read())
            except HTTPError as error:
                return error.code, orjson.loads(error.read())

        pid = status["supervisor"]["pid"]
        whose = {"namespace": r.namespace, "pid": pid}
        code, live = get("live")
        assert (code, live) == (200, {**whose, "alive": True, "venues": ["binance"]})
        for path in ("ready", "health", f"ready?namespace={r.namespace}"):
            code, ready = get(path)
            assert code == 200
            assert ready.items() >= {**whose, "ready": True, "reasons": {}}.items()
            assert ready["venues"] == {"binance": "LIVE"}
        for path in ("live", "ready", "status"):
            code, other = get(f"{path}?namespace=another")
            assert code == 421
            assert other.items() >= whose.items()
            assert "not 'another'" in other["error"]
        r.sims["binance"].fault("silence")
        until(lambda: get("ready")[0] == 503, "it is not ready")
        assert get("ready")[1]["reasons"]["binance"] != "NONE"
        assert get("live")[0] == 200  # nobody has to start it again
        taken(r, at, pid)


def taken(r: Rig, at: str, pid: int) -> None:
    """Another feed's address: one that was asked for is needed; else any other will do."""
    other = f"{r.namespace}b"
    config = msgspec.structs.replace(
        r.config, namespace=other, status_address=at, address_named=True
    )
    refused: list[str] = []
    assert supervisor.run(config, report=refused.append) == 2
    assert refused == [
        f"status_address: {at} cannot be had: address already in use: "
        f'the feed {r.namespace!r}, process {pid}, listens there; name another, or "" for none'
    ]

    async def instead() -> str:
        server = await serve(at, False, lambda: {"namespace": other, "venues": []})
        assert server is not None
        url = server.url
        try:
            async with ClientSession() as session, session.get(f"{url}/ready") as answer:
                assert answer.status == 503
                assert (await answer.json())["namespace"] == other
        finally:
            await server.stop()
        return url

    assert asyncio.run(instead()) not in ("", f"http://{at}")
