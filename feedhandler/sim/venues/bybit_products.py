"""Simulated inverse contracts and options of Bybit: made of what they declare, and of the rules
that no table says.

A topic that is not there, or is subscribed already, spoils the request of contracts, and of options
is named beside those that were taken. The topics of a connection have 21,000 characters, of options
there are 2,000. Who says nothing for ten minutes is cut; without a topic it is one.
"""

from __future__ import annotations

from typing import ClassVar, Final

import orjson

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.adapter.venue import ControlKind
from feedhandler.sim.config import SimOptions
from feedhandler.sim.server.client import Client
from feedhandler.sim.venues.beside import BESIDE
from feedhandler.sim.venues.declared.beside import Beside
from feedhandler.sim.venues.declared.server import DeclaredServer, channel_form_of, ws_path_of
from feedhandler.sim.venues.declared.words import Wish, say
from feedhandler.venues.bybit import BybitInverse, BybitOption

_INVERSE, _OPTION = BybitInverse(), BybitOption()
_MAX_CHARACTERS: Final = 21_000
_OPTION_TOPICS: Final = 2_000
_IDLE_S, _NOTHING_SUBSCRIBED_S = 600.0, 60.0


class InverseServer(DeclaredServer):
    """One topic spoils a request."""

    venue: ClassVar[str] = _INVERSE.name
    ws_path: ClassVar[str] = ws_path_of(_INVERSE)
    channel_form: ClassVar[str] = channel_form_of(_INVERSE)
    beside: ClassVar[Beside] = BESIDE[_INVERSE.name]

    def __init__(self, options: SimOptions, declared: DeclaredVenue = _INVERSE) -> None:
        super().__init__(options, declared)
        self._idle = _IDLE_S if options.idle_timeout is None else options.idle_timeout

    def on_text(self, client: Client, text: str) -> None:
        """What makes a request of no use, before it is looked at key by key."""
        wish = self.talk.read(text)
        why = "" if wish is None or wish.leave else self.spoilt(client, wish)
        if wish is not None and why:
            self.refuse(client, wish, wish.keys[0], f"error:{why}", 400)
            return
        super().on_text(client, text)

    def spoilt(self, client: Client, wish: Wish) -> str:
        """Why nothing of a request can be taken; "": it can."""
        if sum(map(len, (*client.channels, *wish.keys))) > _MAX_CHARACTERS:
            return f"args longer than {_MAX_CHARACTERS} characters"
        there = next((key for key in wish.keys if key in client.channels), "")
        return f"already subscribed,topic:{there}" if there else ""

    def refusal(self, client: Client, key: str, symbol: str | None) -> tuple[str, int] | None:
        """In the venue's words."""
        if not self.knows_channel(key):
            return f"error:handler not found,topic:{key}", 404
        return super().refusal(client, key, symbol)

    def on_time(self, now: float) -> None:
        """Also who is idle."""
        super().on_time(now)
        for client in list(self.clients):
            allowed = self._idle if client.channels else min(self._idle, _NOTHING_SUBSCRIBED_S)
            if now - max(client.last_received, client.last_sent) > allowed:
                client.abort()  # without a close frame


class OptionServer(InverseServer):
    """What is taken of a request, and what is not, is told topic by topic."""

    venue: ClassVar[str] = _OPTION.name
    ws_path: ClassVar[str] = ws_path_of(_OPTION)
    channel_form: ClassVar[str] = channel_form_of(_OPTION)
    beside: ClassVar[Beside] = BESIDE[_OPTION.name]

    def __init__(self, options: SimOptions) -> None:
        super().__init__(options, _OPTION)

    def on_text(self, client: Client, text: str) -> None:
        """The others are asked for as if they had come alone."""
        wish = self.talk.read(text)
        if wish is None or wish.leave:
            super().on_text(client, text)
            return
        bad = [key for key in wish.keys if key in client.channels or not self.knows_channel(key)]
        good = [key for key in wish.keys if key not in bad]
        if bad:
            parted = self.talk.has(ControlKind.ACK)
            assert parted is not None
            values = {"id": wish.id, "text": "", "keys": [], "failed": bad}
            client.send(say(parted.sample, values))
        if good:
            super().on_text(client, orjson.dumps(orjson.loads(text) | {"args": good}).decode())

    def spoilt(self, client: Client, wish: Wish) -> str:
        """Also by their number."""
        if len(client.channels) + len(wish.keys) > _OPTION_TOPICS:
            return f"args size >{_OPTION_TOPICS}"
        return super().spoilt(client, wish)
