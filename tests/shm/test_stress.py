"""One writer, several readers, stops and kills at random: nothing torn, all counted."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shm import inspect

ROOT = Path(__file__).parents[2]
NO_MARKET = ("LIVE, but crossed", "its bids", "its asks")  # the payload is no sensible book
READERS = ("spin", "sleep", "resync", "async", "cells")


def start(script: str, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"tests.shm.{script}", *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def start_writer(namespace: str, seed: int) -> subprocess.Popen[str]:
    writer = start("stress_writer", namespace, str(seed))
    assert writer.stdout is not None
    assert writer.stdout.readline(), writer.communicate()[1]
    return writer


def until_found(namespace: str) -> None:
    """Wait until every reader has found the last epoch."""
    deadline = time.monotonic() + 150
    while True:
        found = {
            reader["name"]
            for reader in inspect.readers("stress", namespace=namespace)
            if reader["alive"] and reader["lag"] is not None
        }
        if found == {f"stress-{how}" for how in READERS}:
            return
        assert time.monotonic() < deadline, f"only {found} have found the last epoch"
        time.sleep(0.05)


def torment(namespace: str, writer: subprocess.Popen[str], seconds: float, seed: int) -> int:
    """Stop, continue and kill the writer at random; returns how many were killed."""
    pick = random.Random(seed)
    killed = 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(pick.uniform(0.05, 0.8))
        if pick.random() < 0.5:
            writer.send_signal(signal.SIGSTOP)
            time.sleep(pick.uniform(0.0, 0.5))
            writer.send_signal(signal.SIGCONT)
        elif pick.random() < 0.6 or not killed:
            writer.kill()
            writer.wait()
            killed += 1
            time.sleep(pick.choice((0.0, 0.0, 0.2, 0.6)))
            if pick.random() < 0.5:  # what it left must be readable, and right
                with inspect.open_memory("stress", namespace=namespace) as memory:
                    wrong = [f for f in inspect.verify(memory) if not f.text.startswith(NO_MARKET)]
                    assert wrong == []
            writer = start_writer(namespace, seed + killed)
    until_found(namespace)
    assert writer.stdin is not None
    writer.stdin.close()
    assert writer.wait(timeout=60) == 0
    return killed


def stress(namespace: str, seconds: float, seed: int) -> None:
    writer = start_writer(namespace, seed)
    processes = [writer]
    readers = {}
    try:
        for how in READERS:
            readers[how] = start("stress_reader", namespace, how)
            processes.append(readers[how])
        killed = torment(namespace, writer, seconds, seed)
        for how, reader in readers.items():
            output, problem = reader.communicate(timeout=60)
            assert reader.returncode == 0, f"{how}: {problem}"
            saw = json.loads(output)
            print(how, saw)
            assert saw["stopped"] == 1
            assert saw.get("died", 0) + saw.get("superseded", 0) <= killed
            assert saw["boards" if how == "cells" else "records"] > 10
        assert killed >= 1
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        for info in inspect.list_objects(namespace):
            if info.writer_alive:
                os.kill(info.writer_pid, signal.SIGKILL)
                time.sleep(0.05)


def test_stress(namespace: str) -> None:
    stress(namespace, 5.0, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_stress_long(namespace: str, seed: int) -> None:
    stress(namespace, float(os.environ.get("FEEDHANDLER_SOAK_SECONDS", "120")), seed=100 + seed)
