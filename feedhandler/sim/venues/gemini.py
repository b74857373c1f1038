"""A simulated Gemini: what it declares, and that it lists symbols by name alone: what one of them
is has an address of its own, and capitals.
"""

from __future__ import annotations

from typing import Final

import orjson
from aiohttp import web

from feedhandler.sim.faults import bad_list
from feedhandler.sim.venues.declared.server import DeclaredServer

_SYMBOLS: Final = "/v1/symbols"
_DETAILS: Final = "/v1/symbols/details/"


class GeminiServer(DeclaredServer):
    """Its list is many answers."""

    def _list(self, request: web.Request, path: str, body: str) -> web.Response | None:  # noqa: ARG002
        if path == _SYMBOLS:
            every = [{"symbol": symbol} for symbol in self.market.instruments]
            rows = bad_list.as_ordered(self.faults, every, ("symbol",))
            return _json([row.get("symbol") if isinstance(row, dict) else row for row in rows])
        symbol = path.removeprefix(_DETAILS).lower()
        if not path.startswith(_DETAILS):
            return None
        rows = [self.as_listed(symbol, {})] if symbol in self.market.instruments else []
        shown = bad_list.as_ordered(self.faults, rows, ("symbol",))
        if not shown:
            return web.json_response({"result": "error", "reason": "InvalidSymbol"}, status=400)
        return _json({**shown[0], "symbol": symbol.upper()})


def _json(body: object) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json")
