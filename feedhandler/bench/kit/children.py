"""Readers as processes, for the hop benchmark: started, pinned, stopped, ended by their parent."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from feedhandler import python_child
from feedhandler.bench.kit.latency_reader import Order
from feedhandler.bench.kit.receiving import expect
from feedhandler.bench.kit.stage import end, environment

Child = subprocess.Popen[bytes]


@contextmanager
def child(command: Sequence[str | Path], cpu: int, first: bytes = b"") -> Iterator[Child]:
    """A process on a core, once it has said "ready"; `first`: what it is told on stdin."""
    made = subprocess.Popen(
        ["taskset", "-c", str(cpu), *command],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    )
    try:
        assert made.stdin is not None
        if first:
            made.stdin.write(first)
        expect(made, "ready")
        yield made
    finally:
        end(made)


@contextmanager
def recorder(order: Order, cpu: int) -> Iterator[Child]:
    """A reader in Python that notes when it held what (latency_reader.py)."""
    command = python_child.command("feedhandler.bench.kit.latency_reader")
    with child(command, cpu, msgspec.json.encode(order) + b"\n") as made:
        yield made


@contextmanager
def followers(space: str, venue: str, mode: str, count: int, cpu: int) -> Iterator[list[Child]]:
    """Readers in Python that only follow (follower.py): poll, sleep, slow."""
    command = python_child.command("feedhandler.bench.kit.follower", space, venue, mode)
    with ExitStack() as stack:
        yield [stack.enter_context(child(command, cpu)) for _ in range(count)]


def stop(made: Child) -> None:
    """As by Ctrl-Z; on return it is stopped."""
    made.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, made.pid, os.WSTOPPED)


def go_on(made: Child) -> None:
    """After `stop`."""
    made.send_signal(signal.SIGCONT)
