"""Heartbeats of a declared venue: who asks whom, in which words, and who is cut for silence."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import WSMsgType

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.adapter.venue import ControlKind, Speaker
from feedhandler.shape.tree import holes, parsed
from feedhandler.sim.config import SimOptions
from feedhandler.sim.server.client import Client
from feedhandler.sim.server.frames import PING
from feedhandler.sim.venues.declared.beside import Idle
from feedhandler.sim.venues.declared.words import Talk, reads, say

_PERIODS = 2  # of a client's beat that may fail before it is cut, where the venue says no more


class Beats:
    """Of one venue's server. `now`: monotonic seconds; `ms`: the venue's time."""

    def __init__(
        self, venue: DeclaredVenue, talk: Talk, options: SimOptions, silent: Idle | None = None
    ) -> None:
        self._silent = silent
        if silent is not None and options.idle_timeout is not None:
            self._silent = replace(silent, seconds=options.idle_timeout)
        self._beat, scale = venue.heartbeat, options.heartbeat_scale
        self._speaker = self._beat.speaker
        every, cut = self._beat.period_s * scale, self._beat.cut_s * scale
        self._every = options.ping_interval or every
        self._cut = options.pong_timeout or max(cut, _PERIODS * every)
        self._idle = options.idle_timeout or self._cut
        self._asked, self._pong = talk.has(ControlKind.ASKED), talk.has(ControlKind.PONG)

    def tick(self, client: Client, now: float, ms: int, *, off: bool) -> None:
        """Ask, and cut who does not answer. `off`: the venue's heartbeats are."""
        if self._silent is not None:
            _cut_idle(client, now, self._silent)
        if self._speaker in (Speaker.CLIENT_TEXT, Speaker.CLIENT_JSON):
            if self._silent is None and now - client.last_received > self._idle:
                client.abort()
            return
        memory = client.memory
        asked = memory.get("asked")
        if asked is not None and now - asked > self._cut:
            client.close(1008, "no answer to a heartbeat")
        elif now >= memory.setdefault("beat", client.opened + self._every) and not off:
            memory["beat"] = now + self._every
            if self._speaker is Speaker.SERVER_FRAME:
                memory["ping"] = str(ms).encode()
                client.send(memory["ping"], PING)
            elif self._asked is not None:
                sample = self._asked.sample
                values = {hole.name: ms for hole in holes(parsed(sample))}
                memory["reply"] = say(self._asked.reply, values).decode()
                client.send(say(sample, values))
            else:
                return  # it only says that it is there
            memory.setdefault("asked", now)

    def on_frame(self, client: Client, kind: WSMsgType, payload: bytes) -> None:
        """A pong counts with the ping's payload."""
        if kind is WSMsgType.PONG and payload == client.memory.get("ping"):
            client.memory.pop("asked", None)

    def is_reply(self, client: Client, text: str) -> bool:
        """Whether a text answers our question."""
        if client.memory.get("reply") is None or not self._is(client.memory["reply"], text):
            return False
        client.memory.pop("asked", None)
        return True

    def _is(self, reply: str, text: str) -> bool:
        if self._asked is not None and "$time" in self._asked.reply:
            return reads(self._asked.reply, text) is not None
        return reads(reply, text) is not None

    def pong(self, text: str) -> bytes | None:
        """What a client's ping is answered with; None: it is no ping."""
        if not self._beat.ping or (found := reads(self._beat.ping, text)) is None:
            return None
        sample = self._pong.sample if self._pong is not None else self._beat.pong
        return say(self._beat.pong or sample, found)


def _cut_idle(client: Client, now: float, rule: Idle) -> None:
    allowed = min(rule.seconds, rule.bare) if rule.bare and not client.channels else rule.seconds
    if now - max(client.last_received, client.last_sent) <= allowed:
        return
    if rule.code:
        client.close(rule.code, rule.reason)
    else:
        client.abort()  # without a close frame
