"""Looking into the memory of a real writer: alive, silent, dead, damaged."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import orjson
import pytest

import shm
from shm import Reason, State
from tests.cli.conftest import Venue
from tests.cli.support import COMMAND, Terminal, json_of, run, spawn, until

SYMBOL = "BTC-USD-SWAP"


def book(namespace: str, *more: str) -> dict[str, object]:
    result = run("inspect", "book", "okx", SYMBOL, "--json", *more, namespace=namespace)
    assert result.returncode == 0, result.stderr
    found: dict[str, object] = json_of(result)[SYMBOL]
    return found


@pytest.mark.usefixtures("venue")
def test_book_json_is_exact(namespace: str) -> None:
    found = book(namespace)
    assert found["state"] == "LIVE"
    assert found["reason"] == "NONE"
    assert found["venue_sequence"] == 77
    assert found["bids"] == [["10000.5", "1.5"], ["10000", "20"]]
    assert found["asks"] == [["10001", "2"], ["10002.25", "0.001"]]
    assert book(namespace, "--depth", "1")["bids"] == [["10000.5", "1.5"]]


def test_book_says_why_it_is_not_live(venue: Venue, namespace: str) -> None:
    venue.show(State.STALE, Reason.GAP)
    assert (book(namespace)["state"], book(namespace)["reason"]) == ("STALE", "GAP")
    human = run("inspect", "book", "okx", "BTC-USD-PERP", namespace=namespace)
    assert human.returncode == 0
    assert "STALE GAP" in human.stdout


def test_book_of_a_silent_or_dead_writer_is_not_live(venue: Venue, namespace: str) -> None:
    venue.silence()
    until(lambda: book(namespace)["state"] == "STALE", "a silent writer's book is STALE", 5.0)
    venue.close(keep=True)
    assert (book(namespace)["state"], book(namespace)["reason"]) == ("CLOSED", "STOPPED")
    assert book(namespace)["bids"] == [["10000.5", "1.5"], ["10000", "20"]]


def test_status_from_memory_alone(venue: Venue, namespace: str) -> None:
    result = run("status", "--json", namespace=namespace)
    assert result.returncode == 0
    [status] = json_of(result)["venues"]
    expected = {"venue": "okx", "state": "LIVE", "reason": "NONE", "pid": os.getpid()}
    assert expected.items() <= status.items()
    assert {"epoch", "restarts", "instruments", "live", "heartbeat_age_ns"} <= status.keys()
    assert "no supervisor answers" in run("status", namespace=namespace).stdout
    venue.writer.set_state(State.SYNCING, Reason.START)
    assert run("status", namespace=namespace).returncode == 1
    venue.writer.set_state(State.LIVE, Reason.NONE)
    venue.silence()
    until(
        lambda: run("status", namespace=namespace).returncode == 1, "a silent writer is a finding"
    )


def test_ls(venue: Venue, namespace: str) -> None:
    objects = json_of(run("inspect", "ls", "--json", namespace=namespace))["objects"]
    parts = {each["part"]: each for each in objects}
    assert sorted(parts) == ["control", "data", "lock", "readers"]
    assert parts["data"]["epoch"] == venue.segment.epoch
    assert all(each["locked"] for each in objects)
    assert all(parts[name]["writer_pid"] == os.getpid() for name in ("control", "data"))
    listed = json_of(run("inspect", "ls", "okx", "--json", namespace=namespace))["instruments"]
    [row] = listed
    expected = {"symbol": SYMBOL, "name": "BTC-USD-PERP", "kind": "PERPETUAL", "state": "LIVE"}
    assert (expected | {"bid": "10000.5", "ask": "10001", "last": None}).items() <= row.items()
    with shm.attach("okx", namespace=namespace) as feed:
        (its,) = feed.instruments()
    terms = {"settle": its.settle, "contract_type": its.contract_type.name, "tick_bands": []}
    assert (terms | {"contract_size": its.contract_size, "tick": its.tick}).items() <= row.items()


@pytest.mark.usefixtures("venue")
def test_unknown_instrument_and_venue(namespace: str) -> None:
    result = run("inspect", "book", "okx", "BTC-USD-SWAPP", namespace=namespace)
    assert result.returncode == 2
    assert f"did you mean {SYMBOL}" in result.stderr
    result = run("inspect", "book", "okxx", SYMBOL, namespace=namespace)
    assert result.returncode == 3
    assert "'okxx'" in result.stderr
    assert "Traceback" not in result.stderr


def tail(namespace: str, *arguments: str) -> list[dict[str, object]]:
    result = run("inspect", "tail", "okx", "--json", *arguments, namespace=namespace)
    assert result.returncode == 0, result.stderr
    return [orjson.loads(line) for line in result.stdout.splitlines()]


def test_tail_filters(venue: Venue, namespace: str) -> None:
    sequences = [venue.trade(10_001_00 + n) for n in range(5)]
    found = tail(namespace, "-n", "2")
    assert [each["sequence"] for each in found] == sequences[-2:]
    expected = {"kind": "TRADE", "side": "sell", "price": "10001.04", "size": "1"}
    assert (expected | {"instrument": SYMBOL, "flags": ["FIRST", "LAST"]}).items() <= found[
        1
    ].items()
    kinds = [each["kind"] for each in tail(namespace, "-n", "99", "--kind", "clear,level")]
    assert kinds == ["CLEAR", "LEVEL", "LEVEL", "LEVEL", "LEVEL"]
    first = str(sequences[1])
    found = tail(namespace, "--from", first, "-n", "2", "-i", "BTC-USD-PERP")
    assert [each["sequence"] for each in found] == sequences[1:3]
    assert run("inspect", "tail", "okx", "--kind", "trads", namespace=namespace).returncode == 2
    assert run("inspect", "tail", "okx", "--from", "999", namespace=namespace).returncode == 2


def test_tail_counts_what_was_overwritten(venue: Venue, namespace: str) -> None:
    for n in range(100):
        last = venue.trade(10_000_00 + n)
    found = tail(namespace, "--from", "1", "-n", "1000")
    assert found[0]["lost"] == last - 64
    assert [each["sequence"] for each in found[1:]] == list(range(last - 63, last + 1))


def test_tail_follows_over_a_restart(venue: Venue, namespace: str, tmp_path: Path) -> None:
    out = tmp_path / "tail"
    with out.open("w") as stdout:
        process = spawn(
            "inspect", "tail", "okx", "-f", "-n", "0", "--kind", "trade", "--json",
            namespace=namespace, stdout=stdout,
        )  # fmt: skip
    second: Venue | None = None

    def came(field: str, text: str) -> bool:
        *lines, _ = out.read_text().split("\n")
        return any(text in orjson.loads(line).get(field, "") for line in lines)

    def traded(maker: Venue, price: int, shown: str) -> bool:
        maker.trade(price)
        return came("price", shown)

    try:
        until(lambda: traded(venue, 10_005_00, "10005"), "a trade is followed")
        venue.close()
        until(lambda: came("remark", "stopped"), "the end is told")
        second = Venue(namespace)
        until(lambda: traded(second, 10_007_00, "10007"), "the next epoch is followed")
    finally:
        process.kill()
        process.wait()
        if second is not None:
            second.close()


def test_slots(venue: Venue, namespace: str) -> None:
    last = venue.trade(10_003_00)
    result = run(
        "inspect", "slots", "okx", "--range", f"{last}:{last + 1}", "--json", namespace=namespace
    )
    whole, empty = json_of(result)["slots"]
    assert (whole["status"], whole["stamp"]) == ("ok", 2 * last)
    assert int(whole["words"][5], 16) == 10_003_00
    assert whole["record"]["price"] == "10003"
    assert (empty["status"], empty["record"]) == ("empty", None)
    human = run("inspect", "slots", "okx", "--range", "-2:", "--hex", namespace=namespace)
    assert f"{10_003_00:016x}" in human.stdout
    for bad in ("5:1", "x", ":", "0:3", "1:9999"):
        refused = run("inspect", "slots", "okx", "--range", bad, namespace=namespace)
        assert refused.returncode == 2, bad


def test_stat(venue: Venue, namespace: str) -> None:
    venue.writer.histogram_add(0, 1_000)
    stat = json_of(run("inspect", "stat", "okx", "--json", namespace=namespace))
    assert stat["header"]["epoch"] == venue.segment.epoch
    assert stat["header"]["writer"] == "alive"
    assert stat["latency_ns"]["receive_publish"]["count"] == 1
    assert 1_000 <= stat["latency_ns"]["receive_publish"]["p50"] <= 1_125
    assert "counters" in stat


def test_verify_finds_damage(venue: Venue, namespace: str) -> None:
    fine = run("inspect", "verify", "--json", namespace=namespace)
    assert fine.returncode == 0
    assert json_of(fine)["ok"] is True
    path = Path(f"/dev/shm{venue.segment.path}")
    stat = json_of(run("inspect", "stat", "okx", "--json", namespace=namespace))
    with path.open("r+b") as memory:  # the stamp of record 2
        memory.seek(stat["header"]["ring"]["offset"] + 2 * 64)
        memory.write((5_000).to_bytes(8, "little"))
    damaged = run("inspect", "verify", "--json", namespace=namespace)
    assert damaged.returncode == 1
    [result] = json_of(damaged)["venues"]
    assert any(finding["place"] == "ring 2" for finding in result["findings"])
    with path.open("r+b") as memory:
        memory.write(b"not this")
    wrong = run("inspect", "verify", "okx", namespace=namespace)
    assert wrong.returncode == 1
    assert "magic" in wrong.stdout
    assert run("inspect", "book", "okx", SYMBOL, namespace=namespace).returncode == 1


def test_clean_leaves_the_living(venue: Venue, namespace: str) -> None:
    assert json_of(run("clean", "--json", namespace=namespace))["removed"] == []
    venue.close(keep=True)
    would = json_of(run("clean", "--dry-run", "--json", namespace=namespace))["removed"]
    kin = [f"/{namespace}.okx{part}" for part in ("", ".lock", ".readers")]
    assert sorted(would) == sorted([*kin, venue.segment.path])
    assert json_of(run("clean", "--json", namespace=namespace))["removed"] == would
    assert run("inspect", "ls", namespace=namespace).returncode == 3


@pytest.mark.usefixtures("venue")
@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize(
    "arguments",
    [
        ("status",), ("inspect", "ls"), ("inspect", "ls", "okx"), ("inspect", "stat", "okx"),
        ("inspect", "book", "okx", SYMBOL), ("inspect", "tail", "okx"),
        ("inspect", "slots", "okx"), ("inspect", "connections"), ("inspect", "verify"),
        ("inspect", "readers"), ("inspect", "abi"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_terminal_is_never_too_narrow(
    arguments: tuple[str, ...], columns: int, namespace: str
) -> None:
    with Terminal(*arguments, namespace=namespace, columns=columns) as terminal:
        assert terminal.finish() == 0
        lines = terminal.lines()
    assert any(lines)
    assert max(map(len, lines)) <= columns
    assert "Traceback" not in terminal.raw


@pytest.mark.usefixtures("venue")
def test_colour_only_on_a_terminal(namespace: str) -> None:
    assert "\x1b" not in run("status", namespace=namespace).stdout
    with Terminal("status", namespace=namespace, columns=80) as terminal:
        terminal.finish()
        assert "\x1b[32mLIVE" in terminal.raw


def test_a_reader_that_has_seen_enough(venue: Venue, namespace: str) -> None:
    for n in range(40):
        venue.trade(10_000_00 + n)
    command = " ".join(COMMAND) + " inspect tail okx -n 60 --json | head -1"
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        env=os.environ | {"FEEDHANDLER_NAMESPACE": namespace},
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == 1
