"""Simulated Bybits: made of what they declare, and of the rules that no table says.

A topic that is not there, or is subscribed already, spoils the request of contracts and of spot,
and of options is named beside those that were taken. The topics of a connection have 21,000
characters; a request of spot has ten of them, a connection of options 2,000. Answers of spot say
what was done, and no `req_id` that was not sent.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

import orjson

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.adapter.declared.words import decoded
from feedhandler.adapter.venue import ControlKind
from feedhandler.sim.config import SimOptions
from feedhandler.sim.server.client import Client
from feedhandler.sim.venues.bybit_rest import BybitRest
from feedhandler.sim.venues.bybit_wire import INVERSE, LINEAR, OPTION, SPOT
from feedhandler.sim.venues.declared.beside import Beside
from feedhandler.sim.venues.declared.server import channel_form_of, ws_path_of
from feedhandler.sim.venues.declared.words import say, with_missing
from feedhandler.venues import bybit

_INVERSE, _OPTION = bybit.BybitInverse(), bybit.BybitOption()
_LINEAR, _SPOT = bybit.BybitLinear(), bybit.BybitSpot()
_MAX_CHARACTERS: Final = 21_000
_SPOT_TOPICS: Final = 10
_OPTION_TOPICS: Final = 2_000


class BybitServer(BybitRest):
    """One topic spoils a request."""

    invalid: ClassVar[tuple[str, int]] = ("error:invalid args", 400)

    def on_text(self, client: Client, text: str) -> None:
        """What a request may be, before it is looked at key by key."""
        request = decoded(text.encode())
        if not isinstance(request, dict):
            begins = f"expect {{ or n, but found {text[:1] or 'EOF'}"
            self._say(client, {}, f"Failed to decode incoming data:{begins}")
            return
        operation, args = request.get("op"), request.get("args")
        if operation == "ping":
            if not self.unanswered_ping() and not self.faults.no_heartbeat:
                self._say(client, request, "pong", success=True)
        elif operation not in ("subscribe", "unsubscribe"):
            self._say(client, request, "error:invalid op")
        elif not isinstance(args, list) or not args or not all(isinstance(a, str) for a in args):
            self._say(client, request, "error:invalid args")
        elif operation == "subscribe" and (why := self.spoilt(client, args)):
            self._say(client, request, why)
        else:
            super().on_text(client, text)

    def _say(
        self, client: Client, request: dict[str, Any], text: str, *, success: bool = False
    ) -> None:
        asked = {"req_id": request["req_id"]} if "req_id" in request else {}
        answer = {"success": success, "ret_msg": text, "op": request.get("op", ""), **asked}
        client.send(self.signed(client, orjson.dumps(answer)))

    def signed(self, client: Client, answer: bytes) -> bytes:
        """With the connection's name, and what there is to say of nothing."""
        more = {"ret_msg": "", "conn_id": client.memory["name"], "req_id": ""}
        return with_missing(answer, orjson.dumps(more))

    def spoilt(self, client: Client, args: list[str]) -> str:
        """Why nothing of a request can be taken; "": it can."""
        if sum(map(len, (*client.channels, *args))) > _MAX_CHARACTERS:
            return f"error:args longer than {_MAX_CHARACTERS} characters"
        there = next((key for key in args if key in client.channels), "")
        return f"error:already subscribed,topic:{there}" if there else ""

    def refusal(self, client: Client, key: str, symbol: str | None) -> tuple[str, int] | None:  # noqa: ARG002
        """In the venue's words."""
        if not self.knows_channel(key):
            return f"error:handler not found,topic:{key}", 404
        fault = self.faults.take("error_reply", symbol, key)
        if fault is None:
            return None
        code = f"{fault['code']}," if fault["code"] else ""
        return f"error:{code}{fault['message'] or 'too many requests'}", 400


class LinearServer(BybitServer):
    """Perpetuals and dated futures of linear margin."""

    venue: ClassVar[str] = _LINEAR.name
    category: ClassVar[str] = _LINEAR.category
    ws_path: ClassVar[str] = ws_path_of(_LINEAR)
    channel_form: ClassVar[str] = channel_form_of(_LINEAR)
    beside: ClassVar[Beside] = LINEAR

    def __init__(self, options: SimOptions, declared: DeclaredVenue = _LINEAR) -> None:
        super().__init__(options, declared)


class SpotServer(BybitServer):
    """Spot."""

    venue: ClassVar[str] = _SPOT.name
    category: ClassVar[str] = _SPOT.category
    ws_path: ClassVar[str] = ws_path_of(_SPOT)
    channel_form: ClassVar[str] = channel_form_of(_SPOT)
    beside: ClassVar[Beside] = SPOT
    usual_levels: ClassVar[int] = 1
    most_levels: ClassVar[int] = 200
    written: ClassVar[bool] = False

    def __init__(self, options: SimOptions, declared: DeclaredVenue = _SPOT) -> None:
        super().__init__(options, declared)

    def signed(self, client: Client, answer: bytes) -> bytes:
        """With what was done."""
        more = {"ret_msg": orjson.loads(answer).get("op"), "conn_id": client.memory["name"]}
        return with_missing(answer, orjson.dumps(more))

    def spoilt(self, client: Client, args: list[str]) -> str:
        """Also by their number."""
        if len(args) > _SPOT_TOPICS:
            return f"args size >{_SPOT_TOPICS}"
        return super().spoilt(client, args)


class InverseServer(BybitServer):
    """Contracts that are paid in their base."""

    venue: ClassVar[str] = _INVERSE.name
    category: ClassVar[str] = _INVERSE.category
    ws_path: ClassVar[str] = ws_path_of(_INVERSE)
    channel_form: ClassVar[str] = channel_form_of(_INVERSE)
    beside: ClassVar[Beside] = INVERSE

    def __init__(self, options: SimOptions, declared: DeclaredVenue = _INVERSE) -> None:
        super().__init__(options, declared)


class OptionServer(BybitServer):
    """What is taken of a request, and what is not, is told topic by topic."""

    venue: ClassVar[str] = _OPTION.name
    category: ClassVar[str] = _OPTION.category
    ws_path: ClassVar[str] = ws_path_of(_OPTION)
    channel_form: ClassVar[str] = channel_form_of(_OPTION)
    beside: ClassVar[Beside] = OPTION
    most_levels: ClassVar[int] = 25
    written: ClassVar[bool] = False

    def __init__(self, options: SimOptions, declared: DeclaredVenue = _OPTION) -> None:
        super().__init__(options, declared)

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

    def spoilt(self, client: Client, args: list[str]) -> str:
        """Also by their number."""
        if len(client.channels) + len(args) > _OPTION_TOPICS:
            return f"error:args size >{_OPTION_TOPICS}"
        return super().spoilt(client, args)
