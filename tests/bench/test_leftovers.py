"""A measurement that is told to end, or is killed, leaves nothing: no process, memory or folder."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from feedhandler.bench.kit import leftovers
from tests.kit.patience import DEADLINE_S
from tests.kit.rig import until
from tests.kit.tools import need_module

_TOOL = """
import signal, subprocess, sys
from feedhandler.bench.kit import leftovers
from feedhandler.ending import unwinding

signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the tests were started with
signal.signal(signal.SIGHUP, signal.SIG_DFL)
with unwinding(), leftovers.none(), leftovers.temporary() as folder:
    with open(f"/dev/shm/{leftovers.memory(sys.argv[1])}.okx", "w"):
        child = subprocess.Popen(["sleep", "600"])
        print(child.pid, folder, flush=True)
        sys.stdin.read()
"""
_SIGNALS = signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL


def test_nothing_is_left_by_who_was_told_to_end_or_killed(namespace: str) -> None:
    with ExitStack() as stack:
        tools = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", _TOOL, f"{namespace}-{number}"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            )
            for number in _SIGNALS
        ]
        for tool, number in zip(tools, _SIGNALS, strict=True):
            assert tool.stdout is not None
            pid, folder = tool.stdout.readline().decode().split()
            left = Path("/proc", pid), Path(folder), Path(f"/dev/shm/{namespace}-{number}.okx")
            assert all(each.exists() for each in left)
            tool.send_signal(number)
            until(partial(_gone, left), f"{number!r}: all of it goes")
            assert tool.wait() != 0


def _gone(left: tuple[Path, ...]) -> bool:
    return not any(each.exists() for each in left)


def test_a_benchmark_of_several_hosts_ends_in_order() -> None:
    """By SIGTERM, while its processes run."""
    need_module("zenoh", "mirror")
    words = ("bench", "mirror", "--rate", "1000", "-m", "1", "--seconds", "600", "-n", "1")
    bench = subprocess.Popen([sys.executable, "-m", "feedhandler", *words])
    ours, marks = f"bench{bench.pid}-*", set()
    try:
        until(lambda: list(Path("/dev/shm").glob(f"{ours}.readers")), "its memory")
        marks = {_mark(pid) for pid in _children(bench.pid)} - {""}
    finally:
        bench.terminate()
        assert bench.wait(DEADLINE_S) == 128 + signal.SIGTERM
    (mark,) = marks
    assert leftovers._marked(mark.encode()) == []
    assert not list(Path("/dev/shm").glob(ours))


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _mark(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    except OSError:
        return ""
    return next((word for word in words if word.startswith(leftovers.MARK)), "")
