"""The whole way: a feed on simulated venues, looked at, captured, replayed, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import orjson
import pytest

from tests.cli.support import Terminal, json_of, run, spawn, until
from tests.conftest import remove_objects
from tests.kit.patience import CROWDED

README = Path(__file__).parents[2] / "README.md"
SECONDS = "8" if CROWDED else "2"  #: in which all of a venue is LIVE


def test_stop_leaves_nothing(namespace: str, tmp_path: Path) -> None:
    config = tmp_path / "feed.toml"
    config.write_text('status_address = ""\n[venues.okx]\n')
    log = tmp_path / "log"
    with log.open("w") as out:
        slow = ("--sim-rate", "50")
        process = spawn(
            "start", str(config), "--sim", *slow, namespace=namespace, stdout=out, stderr=out
        )
    try:
        until(lambda: run("status", namespace=namespace).returncode == 0, log.read_text(), 30.0)
        again = run("start", str(config), namespace=namespace)
        assert again.returncode == 2
        assert "already the supervisor" in again.stderr
        assert json_of(run("clean", "--json", namespace=namespace))["removed"] == []
        assert run("stop", namespace=namespace).returncode == 0
        assert process.wait(45) == 0
    finally:
        process.kill()
        process.wait()
    assert not list(Path("/dev/shm").glob(f"{namespace}.*"))
    assert run("stop", namespace=namespace).returncode == 3
    assert "Traceback" not in log.read_text()


def test_start_on_a_terminal_tells_how_to_look(namespace: str, tmp_path: Path) -> None:
    config = tmp_path / "feed.toml"
    config.write_text(
        'status_address = "127.0.0.1:0"\n[venues.deribit]\ninstruments = ["BTC-PERPETUAL"]\n'
    )
    with Terminal("start", str(config), "--sim", namespace=namespace, columns=80) as terminal:
        hint = f"inspect book deribit BTC-PERPETUAL --watch --namespace {namespace}"
        until(lambda: any("in a browser" in line for line in terminal.lines()), "the hint", 30.0)
        assert any(hint in line for line in terminal.lines())
        page = next(line for line in terminal.lines() if "in a browser" in line).split()[-1]
        with urlopen(page) as answer:
            assert b"<!doctype html>" in answer.read()
        until(lambda: any("LIVE" in line and "1/1" in line for line in terminal.lines()), "LIVE")
        control = next(line for line in terminal.lines() if "/sim/fault" in line)
        assert "http://127.0.0.1:" in control
        assert len(control) <= 80
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.finish() == 0
        assert "stopping deribit (Ctrl-C)" in terminal.lines()
        assert any(line.startswith("stopped after ") for line in terminal.lines())
        assert "Traceback" not in terminal.raw
    assert not list(Path("/dev/shm").glob(f"{namespace}.*"))


def test_status_of_a_running_feed(feed: str) -> None:
    status = json_of(run("status", "--json", namespace=feed))
    assert status["supervisor"]["pid"] > 0
    for venue in status["venues"]:
        assert (venue["state"], venue["reason"]) == ("LIVE", "NONE")
        assert venue["live"] == venue["instruments"] > 0
        assert venue["heartbeat_age_ns"] < 1_000_000_000
        assert (venue["restarts"], venue["pid"] > 0, venue["epoch"] > 0) == (0, True, True)


def test_book_moves_and_is_sorted(feed: str) -> None:
    def read() -> dict[str, Any]:
        result = run("inspect", "book", "deribit", "BTC-PERPETUAL", "--json", namespace=feed)
        found: dict[str, Any] = json_of(result)["BTC-PERPETUAL"]
        return found

    first = read()
    assert first["state"] == "LIVE"
    bids, asks = ([float(price) for price, _ in first[side]] for side in ("bids", "asks"))
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]
    until(lambda: read()["venue_sequence"] != first["venue_sequence"], "the book moves")


def test_everything_can_be_looked_at(feed: str) -> None:
    assert run("inspect", "verify", namespace=feed).returncode == 0

    def looks() -> tuple[Any, Any] | None:
        """Links and counters that agree: a frame may come between the two."""
        links = json_of(run("inspect", "connections", "--json", namespace=feed))["connections"]
        stat = json_of(run("inspect", "stat", "okx", "--json", namespace=feed))
        slow = sum(link["slow_frames"] for link in links if link["venue"] == "okx")
        return (links, stat) if stat["slow_frames"] == slow else None

    links, stat = until(looks, "as many slow frames on connections as of the venue", 30.0)
    assert {(link["venue"], link["state"]) for link in links} == {
        ("deribit", "LIVE"), ("okx", "LIVE"), ("binance", "LIVE"),
    }  # fmt: skip
    assert stat["counters"]["frames"] > 0
    assert stat["counters"]["malformed"] == 0
    assert 0 < stat["slow_frames"] < 20  # of the first ones, that were learned from
    assert stat["latency_ns"]["receive_publish"]["p50"] > 0
    listed = json_of(run("inspect", "ls", "deribit", "--json", namespace=feed))["instruments"]
    assert {"PERPETUAL", "OPTION"} <= {row["kind"] for row in listed}


@pytest.mark.parametrize("columns", [80, 200])
def test_screens_of_a_running_feed(feed: str, columns: int) -> None:
    for arguments in (
        ("status",), ("inspect", "connections"), ("inspect", "ls", "deribit", "--no-pager"),
        ("inspect", "tail", "deribit", "-n", "40"),
        ("inspect", "book", "deribit", "BTC-PERPETUAL", "-d", "40"),
    ):  # fmt: skip
        with Terminal(*arguments, namespace=feed, columns=columns) as terminal:
            assert terminal.finish() == 0
            assert max(map(len, terminal.lines())) <= columns, arguments


def test_watch_refreshes_until_interrupted(feed: str) -> None:
    command = ("inspect", "book", "okx", "BTC-USDT", "--watch")
    with Terminal(*command, namespace=feed, columns=80) as terminal:
        until(lambda: terminal.read().count("sequence ") >= 3, "it refreshes")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.finish() == 130
        assert "Traceback" not in terminal.raw


def test_capture_then_replay(feed: str, tmp_path: Path) -> None:
    capture, books = tmp_path / "okx.ndjson.zst", tmp_path / "books.json"
    made = run(
        "capture", "okx", "-o", str(capture), "--seconds", SECONDS, "--json", namespace=feed
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert json_of(made)["frames"] > 50
    full = run("capture", "okx", "-o", "/dev/full", "--seconds", "20", namespace=feed)
    assert full.returncode == 74
    assert "no space left on device" in full.stderr.lower()
    assert "Traceback" not in full.stderr
    space = f"{feed}-replay"
    try:
        played = run(
            "replay", str(capture), "--books", str(books), "--json", "--namespace", space,
            namespace=feed,
        )  # fmt: skip
        assert played.returncode == 0, played.stderr
        summary = json_of(played)
        assert (summary["venue"], summary["broken"]) == ("okx", 0)
        assert summary["states"] == {"LIVE": 5}
        found = orjson.loads(books.read_bytes())
        assert found.keys() >= {"BTC-USDT", "ETH-USDT"}
        for book in found.values():
            assert len(book["bids"]) > 50
            assert float(book["bids"][0][0]) < float(book["asks"][0][0])
        held(capture, space, found)
    finally:
        remove_objects(space)
    assert run("status", namespace=feed).returncode == 0


def held(capture: Path, space: str, books: dict[str, dict[str, object]]) -> None:
    """`--hold` keeps the same books in memory until it is interrupted."""
    process = spawn(
        "replay", str(capture), "--hold", "--namespace", space, namespace=space,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        assert "held in namespace" in process.stderr.readline()
        shown = json_of(run("inspect", "book", "okx", "BTC-USDT", "--json", namespace=space))
        for field in ("state", "venue_sequence"):
            assert shown["BTC-USDT"][field] == books["BTC-USDT"][field]
        assert shown["BTC-USDT"]["bids"] == books["BTC-USDT"]["bids"][:50]  # type: ignore[index]
        process.send_signal(signal.SIGINT)
        assert process.wait(45) == 0
    finally:
        process.kill()
        process.wait()
    assert run("inspect", "ls", namespace=space).returncode == 3


def test_capture_of_a_venue_that_does_not_run(namespace: str, tmp_path: Path) -> None:
    out = str(tmp_path / "a.ndjson")
    result = run("capture", "nonesuch", "-o", out, namespace=namespace)
    assert result.returncode == 2
    assert "nonesuch" in result.stderr


def test_the_strategy_of_the_readme(feed: str) -> None:
    text = README.read_text().partition("## A strategy")[2]
    code = text.partition("```python\n")[2].partition("```")[0]
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"FEEDHANDLER_NAMESPACE": feed},
    )
    try:
        assert process.stdout is not None
        quote, *events = [process.stdout.readline() for _ in range(20)]
        assert quote.rstrip().endswith("LIVE"), quote
        assert {line.split()[0] for line in events} <= {"LEVEL", "TRADE", "CLEAR"}
        assert all(float(line.split()[2]) > 0 for line in events if line.startswith("LEVEL"))
    finally:
        process.kill()
        process.communicate()
