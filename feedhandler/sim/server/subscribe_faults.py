"""Faults that a request to subscribe meets as a whole, in whichever venue's words it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

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
