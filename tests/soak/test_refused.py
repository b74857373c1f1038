"""A venue that refuses every connection, and three processes that want in, one of which crashes
and crashes: ten minutes of it by a clock that runs 40 times as fast."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from feedhandler.budgets.shared_budget import ENVIRONMENT
from feedhandler.venues import load
from shm.dev_shm import objects, unlink
from tests.kit.rig import until
from tests.soak.hurried import FACTOR

MINUTES = 10
LIMIT, WINDOW_S = load("binance").limits.connects_per_window


class Crowd:
    """Processes that try to connect to one port at which nobody listens."""

    def __init__(self, folder: Path, url: str) -> None:
        self.attempts = folder / "attempts"
        self.attempts.touch()
        self._url = url
        self._running: list[tuple[subprocess.Popen[bytes], str]] = []

    def start(self, budgets: str) -> subprocess.Popen[bytes]:
        namespace = f"t{uuid.uuid4().hex[:12]}"
        paths = os.pathsep.join(path or "." for path in sys.path)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.hurried"],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": paths, ENVIRONMENT: budgets},
        )
        self._running.append((process, namespace))
        order = {"namespace": namespace, "ws_url": self._url, "attempts": str(self.attempts)}
        assert process.stdin is not None
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.close()
        return process

    def tries(self) -> list[tuple[float, int]]:
        """(when by the fast clock, process id), in order."""
        rows = (line.split() for line in self.attempts.read_text().splitlines())
        return sorted((float(at), int(pid)) for at, pid in rows)

    def of(self, process: subprocess.Popen[bytes]) -> int:
        return sum(pid == process.pid for _, pid in self.tries())

    def end(self) -> None:
        for process, namespace in self._running:
            process.kill()
            process.wait()
            for name in objects(namespace):
                unlink(name.path)


@contextmanager
def crowd(folder: Path) -> Iterator[Crowd]:
    with socket.socket() as reserved:  # bound, and not listening: the kernel refuses
        reserved.bind(("127.0.0.1", 0))
        its = Crowd(folder, f"ws://127.0.0.1:{reserved.getsockname()[1]}/stream")
        try:
            yield its
        finally:
            its.end()


def storm(folder: Path, budgets: list[str]) -> tuple[list[float], int]:
    """When the venue saw a try, from the first one on, and how often the third process crashed."""
    with crowd(folder) as its:
        for name in budgets[:2]:
            its.start(name)
        until(lambda: its.tries(), "somebody tries")
        end = time.monotonic() + MINUTES * 60 / FACTOR
        crashes = 0
        while time.monotonic() < end:
            third = its.start(budgets[2])
            until(lambda p=third: its.of(p) or time.monotonic() > end, "it tries")  # type: ignore[misc]
            third.send_signal(signal.SIGKILL)
            third.wait()
            crashes += 1
        tries = [at for at, _ in its.tries()]
        return [at for at in tries if at <= tries[0] + MINUTES * 60], crashes


def worst_window(tries: list[float]) -> int:
    """The most tries that any window of the limit's length saw."""
    return max(bisect_left(tries, at + WINDOW_S) - n for n, at in enumerate(tries))


@contextmanager
def own_budgets(count: int) -> Iterator[list[str]]:
    names = [f"test-refused-{uuid.uuid4().hex[:12]}" for _ in range(count)]
    try:
        yield names
    finally:
        for name in names:
            Path("/dev/shm", name).unlink(missing_ok=True)


def test_a_venue_that_refuses_sees_no_more_tries_than_it_allows(tmp_path: Path) -> None:
    with own_budgets(1) as names:
        tries, crashes = storm(tmp_path, names * 3)
    print(f"{len(tries)} tries in {MINUTES} minutes, {crashes} crashes, "
          f"at most {worst_window(tries)} of {LIMIT} in {WINDOW_S:.0f} s")  # fmt: skip
    assert worst_window(tries) <= LIMIT
    assert len(tries) > LIMIT  # they wanted more than it allows in a window
    assert crashes >= 3


@pytest.mark.soak
def test_without_a_common_budget_it_would_see_more(tmp_path: Path) -> None:
    """So the budget is what holds them, and this test could fail."""
    with own_budgets(3) as names:
        tries, _ = storm(tmp_path, names)
    assert worst_window(tries) > LIMIT
