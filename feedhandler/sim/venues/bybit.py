"""Simulated Bybits: made of what they declare, and of the rules that no table says.

A topic that is not there, or is subscribed already, spoils the request of contracts and of spot,
and of options is named beside those that were taken. The topics of a connection have 21,000
characters; a request of spot has ten of them, a connection of options 2,000. Answers of spot say
what was done, and no `req_id` that was not sent.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

import orjson

from feedhandler.adapter.declared.words import decoded
from feedhandler.adapter.venue import ControlKind
from feedhandler.sim.server.client import Client
from feedhandler.sim.venues.bybit_rest import BybitRest
from feedhandler.sim.venues.declared.words import with_missing

_MAX_CHARACTERS: Final = 21_000


class BybitServer(BybitRest):
    """One topic spoils a request, where the answer does not part them."""

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
        """With the connection's name, and what was done, or what there is to say of nothing."""
        name = {"conn_id": client.memory["name"]}
        if self.product.says_done:
            more = {"ret_msg": orjson.loads(answer).get("op"), **name}
        else:
            more = {"ret_msg": "", **name, "req_id": ""}
        return with_missing(answer, orjson.dumps(more))

    def spoilt(self, client: Client, args: list[str]) -> str:
        """Why nothing of a request can be taken; "": it can."""
        most, held = self.product.topics, self.product.held
        if most and len(args) > most:
            return f"args size >{most}"
        if held and len(client.channels) + len(args) > held:
            return f"error:args size >{held}"
        if sum(map(len, (*client.channels, *args))) > _MAX_CHARACTERS:
            return f"error:args longer than {_MAX_CHARACTERS} characters"
        parted = self.talk.parts(self.talk.has(ControlKind.ACK))
        there = "" if parted else next((key for key in args if key in client.channels), "")
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
