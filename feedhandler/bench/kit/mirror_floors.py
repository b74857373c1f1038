"""What a mirror stands beside: the same batches over bare Zenoh, and over TCP in C."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np

from feedhandler.bench.kit import cores, zenoh_peer
from feedhandler.bench.kit.mirror_stage import PORT, Net, Times, peer
from feedhandler.bench.kit.receiving import line
from feedhandler.bench.kit.stage import StageError, end
from feedhandler.bench.native import programs

_DEADLINE_S = 120.0


class Batches(NamedTuple):
    """`number` of them, each of `size` bytes, as `serve` sends them."""

    number: int
    size: int
    interval_ns: int


class Bare(NamedTuple):
    """`took`: each batch, ns. CPU time, ns: of who sends and of who receives."""

    took: Times
    sender_ns: int
    receiver_ns: int


def zenoh(on: Net, where: cores.Cores, batches: Batches, *, ours: bool = False) -> Bare:
    """`ours`: set as that of a mirror is. Raises StageError."""
    path, way = programs.scratch("bare"), f"tcp/{on.address}:{PORT + 1}"
    few = batches.number, batches.size, batches.interval_ns
    sends = zenoh_peer.Order("send", way, "", *few, ours=ours)
    receives = zenoh_peer.Order("receive", "", way, *few, str(path), ours)
    with (
        peer(sends, on.source, where.writer) as sender,
        peer(receives, on.mirrors[0], where.reader) as receiver,
    ):
        assert sender.stdin is not None
        sender.stdin.write(b"go\n")
        spent = [int(line(one, _DEADLINE_S).removeprefix("done ")) for one in (sender, receiver)]
    took = np.fromfile(path, np.int64)
    if len(took) != batches.number:
        raise StageError(f"bare Zenoh: {len(took)} of {batches.number} batches came")
    return Bare(took, *spent)


def tcp(on: Net, where: cores.Cores, batches: Batches) -> Times:
    """Raises NoProgram, StageError."""
    program, path = programs.build("tcp_pingpong"), programs.scratch("tcp")
    far = on.mirrors[0]
    address = far.address if far else "127.0.0.1"
    size = str(batches.size)
    serving: list[str | Path] = [program, "serve", address, size]
    server = subprocess.Popen(
        ["taskset", "-c", str(where.reader), *(far.command(*serving) if far else serving)],
        bufsize=0,
        stdout=subprocess.PIPE,
    )
    try:
        port = line(server)
        count, interval = str(batches.number), str(batches.interval_ns)
        asking: list[str | Path] = [program, "ask", address, port, size, count, interval, path]
        entered = on.source.command(*asking) if on.source else asking
        done = subprocess.run(
            ["taskset", "-c", str(where.writer), *entered],
            stdout=subprocess.DEVNULL,
            timeout=_DEADLINE_S,
        )
    finally:
        end(server)
    if done.returncode:
        raise StageError(f"TCP ping-pong: it ended with {done.returncode}")
    return np.fromfile(path, np.int64)
