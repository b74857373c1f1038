"""Deribit's heartbeats: asked for by the client, from then on the server asks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from feedhandler.sim.server.client import Client
from feedhandler.sim.venues.declared.beats import Beats
from feedhandler.sim.venues.deribit_answers import RpcError


class Heart(Beats):
    """Beats for those who have asked."""

    def tick(self, client: Client, now: float, ms: int, *, off: bool) -> None:  # noqa: ARG002
        """Whatever is due."""
        if not off:
            _beat(client, now)


def _beat(client: Client, now: float) -> None:
    """Alternate heartbeat and test_request; a test_request left unanswered is fatal."""
    due = client.memory.get("heartbeat_due")
    if due is None or now < due:
        return
    if client.memory.get("test_pending"):
        client.close(1000, "heartbeat timeout")
        return
    client.memory["heartbeat_due"] = now + client.memory["heartbeat_every"]
    beats = client.memory["beats"] = client.memory.get("beats", 0) + 1
    kind = "heartbeat" if beats % 2 else "test_request"
    client.memory["test_pending"] = kind == "test_request"
    client.send(b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"%b"}}' % kind.encode())


def answered(client: Client) -> None:
    """A test_request has had its answer."""
    client.memory["test_pending"] = False


def ask(client: Client | None, params: Mapping[str, Any], scale: float) -> str:
    """public/set_heartbeat; ``scale`` multiplies the interval. Raises RpcError."""
    interval = params.get("interval")
    if client is None:
        raise RpcError(-32601, "Method not found")
    if not isinstance(interval, (int, float)) or interval < 10:
        reason = {"reason": "value must be greater or equal 10", "param": "interval"}
        raise RpcError(-32602, "Invalid params", reason)
    every = float(interval) * scale
    client.memory |= {
        "heartbeat_every": every,
        "heartbeat_due": time.monotonic() + every,
        "test_pending": False,
    }
    return "ok"


def stop(client: Client | None) -> str:
    """public/disable_heartbeat."""
    if client is not None:
        client.memory["heartbeat_due"] = None
    return "ok"
