"""The JSON-RPC of a simulated Deribit: the same methods over the socket and over REST."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from aiohttp import web

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.adapter.declared.words import decoded
from feedhandler.sim.config import SimOptions
from feedhandler.sim.faults.in_force import Fault
from feedhandler.sim.server.client import Client
from feedhandler.sim.server.subscribe_faults import Asked
from feedhandler.sim.venues import deribit_heartbeat as heartbeat
from feedhandler.sim.venues.declared.beside import Beside
from feedhandler.sim.venues.deribit_answers import RpcError, failure, success
from feedhandler.sim.venues.deribit_requests import (
    CURRENCIES,
    PUBLIC,
    VERSION,
    Ask,
    DeribitMethods,
)

_API: Final = "/api/v2/"
_KINDS: Final = ("option", "future", "any")


class DeribitRpc(DeribitMethods):
    """Answers calls, and keeps the subscriptions that they make."""

    def __init__(self, options: SimOptions, declared: DeclaredVenue, beside: Beside) -> None:
        super().__init__(options, declared, beside)
        self._beats = heartbeat.Heart(declared, self.talk, options)
        self._alive = []  # a heartbeat is asked for
        self._methods: dict[str, Callable[[Mapping[str, Any], Client | None], Any]] = {
            "public/test": self._test,
            **{f"public/{name}": partial(_asked, make, self) for name, make in PUBLIC.items()},
            "public/subscribe": self._subscribe,
            "public/unsubscribe": self._unsubscribe,
            "public/unsubscribe_all": self._unsubscribe_all,
            "public/set_heartbeat": lambda params, client: heartbeat.ask(
                client, params, options.heartbeat_scale
            ),
            "public/disable_heartbeat": lambda _params, client: heartbeat.stop(client),
        }

    def error_body(self, status: int) -> bytes:  # noqa: ARG002
        """Error 10028."""
        now = self.market.clock.us()
        return failure(None, RpcError(10028, "too_many_requests"), now, now)

    def further(self, request: web.Request, path: str) -> web.Response | None:
        """HTTP serves the same methods as the socket."""
        if not path.startswith(_API):
            return None
        began = self.market.clock.us()
        try:
            result = self._call(path.removeprefix(_API), dict(request.query), None)
            body, status = success(None, result, began, self.market.clock.us()), 200
        except RpcError as error:
            body, status = failure(None, error, began, self.market.clock.us()), 400
        return web.Response(body=body, status=status, content_type="application/json")

    def _list(self, request: web.Request, path: str, body: str) -> web.Response | None:  # noqa: ARG002
        return None  # they are methods

    def _book(self, request: web.Request, path: str, body: str) -> web.Response | None:  # noqa: ARG002
        return None

    def on_text(self, client: Client, text: str) -> None:
        """Answer one request."""
        began = self.market.clock.us()
        request = decoded(text.encode())
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            known = isinstance(request, dict | list)
            wrong = (-32600, "Invalid Request") if known else (-32700, "Parse error")
            client.send(failure(None, RpcError(*wrong), began, self.market.clock.us()))
            return
        identity = request.get("id")
        client.memory["fresh"] = []
        method, params = request["method"], request.get("params") or {}
        if method == "public/test" and self.unanswered_ping():
            heartbeat.answered(client)
            return
        lost = self._lost(method, params)
        if lost is not None and not lost["subscribed"]:
            return
        try:
            result = self._call(method, params, client)
        except RpcError as error:
            client.send(failure(identity, error, began, self.market.clock.us()))
            return
        if lost is None:
            client.send(success(identity, result, began, self.market.clock.us()))
        for channel in client.memory.pop("fresh"):
            if channel in self.open:
                self.first_messages(client, self.open[channel])

    def asked(self, text: str) -> Asked | None:
        """A request to subscribe: some say no version of the protocol."""
        request = decoded(text.encode())
        if not isinstance(request, dict) or request.get("method") != "public/subscribe":
            return None
        params = request.get("params")
        named = params.get("channels") if isinstance(params, dict) else None

        def refusal(fault: Fault) -> bytes:
            error = RpcError(fault["code"] or -32602, fault["message"] or "Invalid params")
            now = self.market.clock.us()
            return failure(request.get("id"), error, now, now)

        return Asked([(str(name), str(name)) for name in named or ()], refusal)

    def _lost(self, method: str, params: object) -> Fault | None:
        """The fault by which a request goes unanswered."""
        if method != "public/subscribe" or not self.faults.of("lost_ack"):
            return None
        named = params.get("channels") if isinstance(params, dict) else None
        for channel in named if isinstance(named, list) else ():
            fault = self.faults.take("lost_ack", self.symbol_of(str(channel)), str(channel))
            if fault is not None:
                return fault
        return None

    def _call(self, method: str, params: object, client: Client | None) -> Any:
        handler = self._methods.get(method)
        if handler is None:
            raise RpcError(-32601, "Method not found")
        if not isinstance(params, dict):
            raise RpcError(-32602, "Invalid params")
        return handler(params, client)

    def _test(self, _params: Mapping[str, Any], client: Client | None) -> dict[str, str]:
        if client is not None:
            heartbeat.answered(client)
        return VERSION

    # -- subscriptions -----------------------------------------------------------------------

    def _subscribe(self, params: Mapping[str, Any], client: Client | None) -> list[str]:
        named = _named(params)
        if client is None:
            raise RpcError(-32601, "Method not found")
        if any(channel.endswith(".raw") for channel in named):
            raise RpcError(13778, "raw_subscriptions_not_available_for_unauthorized")
        accepted = [channel for channel in dict.fromkeys(named) if self.knows_channel(channel)]
        if self.faults.of("error_reply"):
            accepted = [channel for channel in accepted if not self._refused(channel)]
        for channel in accepted:
            self.begin(client, channel)
        fresh = [channel for channel in accepted if self.subscribe(client, channel)]
        client.memory["fresh"] = fresh
        self.close_unheard(accepted)
        return accepted

    def knows_channel(self, channel: str) -> bool:
        """Also of what becomes of instruments."""
        parts = channel.split(".")
        if parts[:2] == ["instrument", "state"] and len(parts) == 4:
            return parts[2] in _KINDS and parts[3] in (*CURRENCIES, "any")
        return super().knows_channel(channel)

    def _refused(self, channel: str) -> bool:
        """Whether a fault keeps a channel out of the answer, which is how Deribit refuses one.

        Raises RpcError for a fault that is about all channels: the whole request fails.
        """
        fault = self.faults.take("error_reply", self.symbol_of(channel), channel)
        if fault is not None and not (fault["symbol"] or fault["channel"]):
            raise RpcError(fault["code"] or 10028, fault["message"] or "too_many_requests")
        return fault is not None

    def _unsubscribe(self, params: Mapping[str, Any], client: Client | None) -> list[str]:
        named = _named(params)
        left = [c for c in named if client is not None and self.unsubscribe(client, c)]
        self.close_unheard(left)
        return left

    def _unsubscribe_all(self, _params: Mapping[str, Any], client: Client | None) -> str:
        if client is not None:
            left = list(client.channels)
            for channel in left:
                self.unsubscribe(client, channel)
            self.close_unheard(left)
        return "ok"


def _named(params: Mapping[str, Any]) -> list[str]:
    """The channels of a request. Raises RpcError."""
    named = params.get("channels")
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        raise RpcError(-32602, "Invalid params", {"param": "channels", "reason": "required"})
    return named


def _asked(make: Ask, server: DeribitRpc, params: Mapping[str, Any], _client: Client | None) -> Any:
    return make(server, params)
