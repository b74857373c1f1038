"""Faults that a request to subscribe meets as a whole, in whichever venue's words it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from feedhandler.sim.faults.in_force import Fault
from feedhandler.sim.server.client import Client
from feedhandler.sim.server.venue import SimVenue

_KINDS = ("spoiled", "late_ack")


@dataclass(frozen=True)
class Asked:
    """A request to subscribe. `channels`: as the venue names them, and as the server does;
    `refusal`: the venue's, without a word for which channel it is."""

    channels: list[tuple[str, str]]
    refusal: Callable[[Fault], bytes]


@dataclass(frozen=True)
class _Refused:
    """The refusal of a request, in the words of the venue whose it is."""

    request: Mapping[str, Any]

    def __call__(self, fault: Fault) -> bytes:
        request, code, text = self.request, fault["code"], fault["message"]
        identity = {"id": request["id"]} if request.get("id") is not None else {}
        if "args" not in request and isinstance(request["params"], list):
            return orjson.dumps({"code": code or 2, "msg": text or "Invalid request", **identity})
        if "args" not in request:
            error = {"code": code or -32602, "message": text or "Invalid params"}
            return orjson.dumps({"jsonrpc": "2.0", **identity, "error": error})
        if any(isinstance(arg, dict) for arg in request["args"]):
            told = {"event": "error", "code": str(code or 60012), "msg": text or "Invalid request"}
            return orjson.dumps({**identity, **told, "connId": "a4d3ae55"})
        told = {"success": False, "ret_msg": text or "error:invalid args", "conn_id": "sim"}
        return orjson.dumps({**told, "req_id": request.get("req_id", ""), "op": "subscribe"})


def read(text: str) -> Asked | None:
    """A request in one of the forms that most venues' have; None: it is none to subscribe."""
    try:
        request = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(request, dict):
        return None
    operation = str(request.get("op") or request.get("method")).rpartition("/")[2].lower()
    params = request.get("args", request.get("params"))
    prefix = "c:" if isinstance(params, list) and "method" in request else ""
    if isinstance(params, dict):
        params = params.get("channels")
    if operation != "subscribe" or not isinstance(params, list):
        return None
    names = [_name(one) for one in params]
    return Asked([(name, prefix + name) for name in names], _Refused(request))


def _name(one: object) -> str:
    if not isinstance(one, dict):
        return str(one)
    return f"{one.get('channel')}:{one.get('instId') or one.get('instFamily')}"


class SubscribeFaults:
    """Of one server: stands before what it does with a text, which `read` understands."""

    def __init__(self, server: SimVenue, read: Callable[[str], Asked | None]) -> None:
        self._server, self._read = server, read

    def take(self, client: Client, text: str) -> None:
        """Deal with a client's text, or let the server."""
        faults = self._server.faults
        asked = self._read(text) if any(faults.of(kind) for kind in _KINDS) else None
        if asked is None:
            self._server.on_text(client, text)
        elif (fault := self._met("spoiled", asked)) is not None:
            client.send(asked.refusal(fault))
        elif (fault := self._met("late_ack", asked)) is not None:
            self._late(client, text, fault)
        else:
            self._server.on_text(client, text)

    def _met(self, kind: str, asked: Asked) -> Fault | None:
        for name, channel in asked.channels if self._server.faults.of(kind) else ():
            fault = self._server.faults.take(kind, self._server.symbol_of(channel), name)
            if fault is not None:
                return fault
        return None

    def _late(self, client: Client, text: str, fault: Fault) -> None:
        """The answer is late, or all of it."""
        later = asyncio.get_running_loop().call_later
        if not fault["subscribed"]:
            later(fault["ms"] / 1000, self._overdue, client, text)
            return
        client.held = []
        try:
            self._server.on_text(client, text)
        finally:
            held, client.held = client.held, None
        later(fault["ms"] / 1000, client.send_all, held)

    def _overdue(self, client: Client, text: str) -> None:
        if not client.closing and not client.dead:
            self._server.on_text(client, text)
