"""The JSON-RPC of a simulated Deribit: the same methods over the socket and over REST."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from feedhandler.sim.config import SimOptions
from feedhandler.sim.faults.in_force import Fault
from feedhandler.sim.server.client import Client
from feedhandler.sim.venues import deribit_channels as channels
from feedhandler.sim.venues import deribit_heartbeat as heartbeat
from feedhandler.sim.venues.deribit_answers import RpcError, failure, success
from feedhandler.sim.venues.deribit_requests import PUBLIC, VERSION, Ask, DeribitMethods

_API = "/api/v2/"


class DeribitRpc(DeribitMethods):
    """Answers calls, and keeps the subscriptions that they make."""

    def __init__(self, options: SimOptions) -> None:
        super().__init__(options)
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

    @abstractmethod
    def first_message(self, client: Client, channel: str) -> None:
        """Books and tickers begin with the present state, after the answer."""

    def error_body(self, status: int) -> bytes:  # noqa: ARG002
        """Error 10028."""
        now = self.market.clock.us()
        return failure(None, RpcError(10028, "too_many_requests"), now, now)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """REST serves the same methods as the socket."""
        router.add_get(self.ws_path, self.websocket)
        router.add_get(_API + "{scope}/{method}", self._rest)

    def on_text(self, client: Client, text: str) -> None:
        """Answer one request."""
        began = self.market.clock.us()
        try:
            request = orjson.loads(text)
        except orjson.JSONDecodeError:
            client.send(
                failure(None, RpcError(-32700, "Parse error"), began, self.market.clock.us())
            )
            return
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            client.send(
                failure(None, RpcError(-32600, "Invalid Request"), began, self.market.clock.us())
            )
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
            self.first_message(client, channel)

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

    async def _rest(self, request: web.Request) -> web.Response:
        began = self.market.clock.us()
        method = f"{request.match_info['scope']}/{request.match_info['method']}"
        try:
            result = self._call(method, dict(request.query), None)
            body = success(None, result, began, self.market.clock.us())
            status = 200
        except RpcError as error:
            body, status = failure(None, error, began, self.market.clock.us()), 400
        return web.Response(body=body, status=status, content_type="application/json")

    def _test(self, _params: Mapping[str, Any], client: Client | None) -> dict[str, str]:
        if client is not None:
            heartbeat.answered(client)
        return VERSION

    # -- subscriptions -----------------------------------------------------------------------

    def _subscribe(self, params: Mapping[str, Any], client: Client | None) -> list[str]:
        named = channels.asked(params)
        if client is None:
            raise RpcError(-32601, "Method not found")
        if any(channel.endswith(".raw") for channel in named):
            raise RpcError(13778, "raw_subscriptions_not_available_for_unauthorized")
        accepted = [channel for channel in dict.fromkeys(named) if self.knows_channel(channel)]
        if self.faults.of("error_reply"):
            accepted = [channel for channel in accepted if not self._refused(channel)]
        fresh = [channel for channel in accepted if self.subscribe(client, channel)]
        client.memory["fresh"] = fresh
        return accepted

    def _refused(self, channel: str) -> bool:
        """Whether a fault keeps a channel out of the answer, which is how Deribit refuses one.

        Raises RpcError for a fault that is about all channels: the whole request fails.
        """
        fault = self.faults.take("error_reply", self.symbol_of(channel), channel)
        if fault is not None and not (fault["symbol"] or fault["channel"]):
            raise RpcError(fault["code"] or 10028, fault["message"] or "too_many_requests")
        return fault is not None

    def _unsubscribe(self, params: Mapping[str, Any], client: Client | None) -> list[str]:
        named = channels.asked(params)
        return [c for c in named if client is not None and self.unsubscribe(client, c)]

    def _unsubscribe_all(self, _params: Mapping[str, Any], client: Client | None) -> str:
        if client is not None:
            for channel in list(client.channels):
                self.unsubscribe(client, channel)
        return "ok"


def _asked(make: Ask, server: DeribitRpc, params: Mapping[str, Any], _client: Client | None) -> Any:
    return make(server, params)
