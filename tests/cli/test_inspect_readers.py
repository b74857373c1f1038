"""`inspect readers` and `inspect abi`: real readers, dead ones too, and the golden contract."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack
from typing import Any

import pytest

import shm
from shm import _native, dev_shm, inspect, object_names, segment
from tests.cli.conftest import Venue
from tests.cli.support import json_of, run
from tests.proof.abi import GOLDEN

_VICTIM = """
import signal, sys, shm
events = shm.attach("okx", namespace=sys.argv[1]).events(name="victim")
print("ready", flush=True)
signal.pause()
"""


def rows(namespace: str, *venue: str) -> list[dict[str, Any]]:
    result = run("inspect", "readers", *venue, "--json", namespace=namespace)
    assert result.returncode == 0, result.stderr
    found: list[dict[str, Any]] = json_of(result)["readers"]
    return found


def test_lag_and_losses(venue: Venue, namespace: str) -> None:
    feed = shm.attach("okx", namespace=namespace)
    with feed.events(name="slow") as slow, feed.events(kinds=["state"], name="picky") as picky:
        for n in range(7):
            last = venue.trade(10_000_00 + n)
        picky.poll()
        found = {row["name"]: row for row in rows(namespace, "okx")}
        expected = {"venue": "okx", "pid": os.getpid(), "alive": True, "reclaimable": False}
        assert (expected | {"lag": 7, "lost": 0, "cursor": last - 6}).items() <= found[
            "slow"
        ].items()
        assert found["picky"]["lag"] == 0  # it got on, though nothing was for it
        for n in range(100):
            last = venue.trade(10_000_00 + n)
        with pytest.raises(shm.Overrun):
            slow.poll()
        [row] = [row for row in rows(namespace) if row["name"] == "slow"]
        assert (row["lag"], row["lost"], row["overruns"]) == (0, 107, 1)
        assert row["cursor"] == last + 1
        [told] = json_of(run("status", "--json", namespace=namespace))["venues"]
        losing = {"name": "slow", "pid": os.getpid(), "lost": 107, "overruns": 1}
        assert told["readers"] == {"alive": 2, "losing": [losing]}
        said = " ".join(run("status", namespace=namespace).stdout.split())
        assert f"reader slow ({os.getpid()}) has lost 107 records: feedhandler inspect" in said
    assert rows(namespace) == []
    assert "nobody is registered" in run("inspect", "readers", namespace=namespace).stdout
    said = run("inspect", "readers", "okxx", namespace=namespace).stderr
    assert "no venue" in said
    assert "there is okx" in said
    assert "start it" not in said  # it runs


def test_a_reader_that_finds_no_row_reads_and_is_spoken_of(venue: Venue, namespace: str) -> None:
    feed = shm.attach("okx", namespace=namespace)
    with ExitStack() as stack:
        for n in range(_native.READERS):
            stack.enter_context(feed.events(name=f"r{n}"))
        more = stack.enter_context(feed.events(name="one too many"))
        venue.trade(10_000_00)
        assert more.poll() is not None
        said = run("inspect", "readers", namespace=namespace).stdout
    assert "one too many" not in said
    assert f"okx: all {_native.READERS} rows are taken" in said


def test_a_dead_reader_is_shown_and_its_row_is_taken(venue: Venue, namespace: str) -> None:
    victim = subprocess.Popen(
        [sys.executable, "-c", _VICTIM, namespace], stdout=subprocess.PIPE, text=True
    )
    try:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "ready\n"
        venue.trade(10_000_00)
        [row] = rows(namespace)
        expected = {"name": "victim", "pid": victim.pid, "alive": True, "lag": 1}
        assert expected.items() <= row.items()
    finally:
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
    [row] = rows(namespace)
    assert (row["alive"], row["reclaimable"]) == (False, True)
    shown = run("inspect", "readers", namespace=namespace).stdout
    assert re.search(r"victim +\d+ +dead", shown)
    with shm.attach("okx", namespace=namespace).events(name="heir"):
        [heir] = rows(namespace)
        assert (heir["name"], heir["row"], heir["pid"]) == ("heir", row["row"], os.getpid())


def test_a_reader_of_an_epoch_that_is_over(venue: Venue, namespace: str) -> None:
    feed = shm.attach("okx", namespace=namespace)
    with feed.events(name="late"):
        venue.silence()
        venue.segment._release()  # as when its process ends: the lock is free
        with segment.create("okx", namespace=namespace, instruments=4, ring_slots=64):
            [row] = rows(namespace)
            assert (row["name"], row["epoch"], row["lag"]) == ("late", feed.epoch, None)
            assert "which is over" in run("inspect", "readers", namespace=namespace).stdout


@pytest.mark.usefixtures("venue")
def test_a_damaged_registry_is_refused(namespace: str) -> None:
    path = dev_shm.DIRECTORY / object_names.readers_name(namespace, "okx")[1:]
    whole = path.stat().st_size
    os.truncate(path, _native.READERS_ROWS)  # what its writer looks at is left
    with pytest.raises(shm.DamagedSegment) as caught:
        inspect.readers("okx", namespace=namespace)
    assert caught.value.field == "total_bytes"
    assert run("inspect", "readers", "okx", namespace=namespace).returncode == 1
    os.truncate(path, whole)
    assert inspect.readers("okx", namespace=namespace) == []


def test_abi_is_the_golden_one() -> None:
    """Against the text that a C program printed, which no Python has touched."""
    golden = GOLDEN.read_text()
    found = json_of(run("inspect", "abi", "--json"))
    assert golden.startswith(f"version {found['version']}\nlayout_hash {found['layout_hash']}\n")
    constants = dict(re.findall(r"^  (FH_\w+) = (\S+)$", golden, re.MULTILINE))
    assert {name: int(value, 0) for name, value in constants.items()} == found["constants"]
    parts = dict(re.findall(r"^((?:struct|enum) \w+.*)\n((?:  .*\n)+)", golden, re.MULTILINE))
    structures = {}
    for head, body in parts.items():
        if head.startswith("struct"):
            _, name, size, _ = head.split()
            fields = [tuple(line.split()) for line in body.splitlines()]
            structures[name] = (int(size), [(int(at), kind, field) for at, kind, field in fields])
    assert structures == {
        name: (part["bytes"], [(f["offset"], f["type"], f["name"]) for f in part["fields"]])
        for name, part in found["structures"].items()
    }
    vocabularies = {
        head.split()[1].removesuffix("_kind").removesuffix("_type"): {
            name: int(value) for name, value in re.findall(r"(\w+) = (\d+)", body)
        }
        for head, body in parts.items()
        if head.startswith("enum")
    }
    assert vocabularies == found["vocabularies"]
    for part in found["structures"].values():
        assert sum(field["bytes"] for field in part["fields"]) == part["bytes"]


def test_abi_for_people() -> None:
    shown = run("inspect", "abi", "slot", "kind").stdout
    assert re.search(r"^ +40 +8 +i64 +price$", shown, re.MULTILINE)
    assert re.search(r"^ +3 +TRADE$", shown, re.MULTILINE)
    assert "heartbeat_ns" not in shown
    refused = run("inspect", "abi", "slots")
    assert refused.returncode == 2
    assert "the contract has no 'slots'" in refused.stderr
