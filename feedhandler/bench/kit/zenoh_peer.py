"""Bare Zenoh, a process of its own: batches from one to another, with nothing of ours in between.

`python -m feedhandler.bench.kit.zenoh_peer` takes an `Order` on stdin. It listens or connects, says
"ready", and sends when it is told "go", or receives until it has all; "done" comes with its CPU
time in ns.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import time
from typing import Any

import msgspec
import numpy as np

from feedhandler.link.session import at_once, engine

KEY = "bench/batches"
_PATIENCE_S = 30.0


class Order(msgspec.Struct, frozen=True):
    """`role`: send or receive. `path`: where a receiver writes how long each took, ns, from
    before it was put. Endpoints as Zenoh writes them; "": none. `ours`: the engine is set as that
    of a mirror is, else as it is by itself."""

    role: str
    listen: str = ""
    connect: str = ""
    batches: int = 0
    bytes: int = 0
    interval_ns: int = 0
    path: str = ""
    ours: bool = False


def session(listen: str, connect: str) -> Any:
    """A session that scouts nothing."""
    import zenoh

    config = zenoh.Config()
    settings = {
        "mode": "client" if connect else "peer",
        "listen/endpoints": [listen] if listen else [],
        "connect/endpoints": [connect] if connect else [],
        "scouting/multicast/enabled": False,
        "scouting/gossip/enabled": False,
        "transport/shared_memory/enabled": False,  # it leaves files, and hosts share none
    }
    for name, value in settings.items():
        config.insert_json5(name, json.dumps(value))
    return zenoh.open(config)


def send(opened: Any, order: Order) -> None:
    """A batch when it is due; asleep until then."""
    import zenoh

    block = zenoh.CongestionControl.BLOCK  # every batch is to arrive
    publisher = opened.declare_publisher(KEY, express=True, congestion_control=block)
    _said("ready")
    if not sys.stdin.buffer.readline():
        return
    end = time.monotonic() + _PATIENCE_S
    while not publisher.matching_status.matching and time.monotonic() < end:
        time.sleep(0.01)
    body = bytes(order.bytes - 8)
    now, due = time.monotonic_ns, time.monotonic_ns()
    cpu = time.process_time_ns()
    for _ in range(order.batches):
        due += order.interval_ns
        time.sleep(max(0, due - now()) / 1e9)
        publisher.put(now().to_bytes(8, "little") + body)
    _said(f"done {time.process_time_ns() - cpu}")
    sys.stdin.buffer.read()


def receive(opened: Any, order: Order) -> None:
    """How long each took, until there are enough or none comes any more."""
    took: list[int] = []
    over, now = threading.Event(), time.monotonic_ns

    def take(sample: Any) -> None:
        payload = sample.payload.to_bytes()
        took.append(now() - int.from_bytes(payload[:8], "little"))
        if len(took) == order.batches:
            over.set()

    cpu = time.process_time_ns()
    subscriber = opened.declare_subscriber(KEY, at_once(take) if order.ours else take)
    _said("ready")
    over.wait(_PATIENCE_S + order.batches * order.interval_ns / 1e9)
    subscriber.undeclare()
    np.array(took, np.int64).tofile(order.path)
    _said(f"done {time.process_time_ns() - cpu}")
    sys.stdin.buffer.read()


def _said(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    if order.ours:
        engine()  # it says how many threads there are
    opened = session(order.listen, order.connect)
    gc.disable()
    (send if order.role == "send" else receive)(opened, order)
    opened.close()
    os._exit(0)  # its threads would be waited for


if __name__ == "__main__":
    main()
