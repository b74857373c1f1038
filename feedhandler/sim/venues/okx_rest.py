"""What a simulated OKX answers over HTTP that no table says: options are listed by family, families
by a question of their own, and what cannot be is refused in its words."""

from __future__ import annotations

from typing import Final

import orjson
from aiohttp import web

from feedhandler.sim.venues.declared.server import DeclaredServer

_UNKNOWN: Final = "Instrument ID, Instrument ID code, or Spread ID doesn't exist."
_MOST: Final = 400
_TYPES: Final = ("SPOT", "SWAP", "FUTURES", "OPTION", "MARGIN")


class OkxRest(DeclaredServer):
    """The paths under `/api/v5/`."""

    def error_body(self, status: int) -> bytes:
        """Error 50011 of too many requests, 50001 of an overload."""
        code, text = ("50011", "Too Many Requests") if status < 500 else ("50001", "Service busy")
        return orjson.dumps({"code": code, "msg": text, "data": []})

    def unknown(self, what: str) -> web.Response:  # noqa: ARG002
        """No such instrument."""
        return _refused("51001", _UNKNOWN, 200)

    def wrong(self, param: str) -> web.Response:
        """What a param cannot be."""
        return _refused("51000", f"Parameter {param} error")

    def _list(self, request: web.Request, path: str, body: str) -> web.Response | None:
        asked = request.query
        kind, family = asked.get("instType"), asked.get("instFamily") or asked.get("uly")
        if path == "/api/v5/public/underlying":
            if kind not in ("SWAP", "FUTURES", "OPTION"):
                return self.wrong("instType")
            every = self.market.instruments.values()
            found = {one.family for one in every if self.listing.word(one) == kind}
            return web.json_response({"code": "0", "msg": "", "data": [sorted(found)]})
        if path == "/api/v5/public/instrument-tick-bands":
            return self._tick_bands(kind, family)
        if path == "/api/v5/public/instruments" and kind not in _TYPES:
            return _refused("50014", "Parameter instType can not be empty.")
        if path == "/api/v5/public/instruments" and kind == "OPTION" and family is None:
            return _refused("50015", "Either parameter uly or instFamily is required.")
        return super()._list(request, path, body)

    def _tick_bands(self, kind: str | None, family: str | None) -> web.Response:
        """Of each family of options, from the lowest prices on."""
        if kind != "OPTION":
            return self.wrong("instType")
        bands: dict[str, list[dict[str, str]]] = {}
        for one in self.market.instruments.values():
            if one.kind != "option" or one.band is None or family not in (None, one.family):
                continue
            edge, coarse = one.band
            bands[one.family] = [
                {"minPx": "0", "maxPx": f"{edge:f}", "tickSz": f"{one.tick:f}"},
                {"minPx": f"{edge:f}", "maxPx": "1", "tickSz": f"{coarse:f}"},
            ]
        rows = [{"instType": "OPTION", "instFamily": f, "tickBand": b} for f, b in bands.items()]
        return web.json_response({"code": "0", "msg": "", "data": rows})

    def _book(self, request: web.Request, path: str, body: str) -> web.Response | None:  # noqa: ARG002
        if path != "/api/v5/market/books":
            return None
        symbol, size = request.query.get("instId", ""), request.query.get("sz", "1")
        if symbol not in self.market.instruments:
            return self.unknown(symbol)
        if not size.isdigit() or not 1 <= int(size) <= _MOST:
            return self.wrong("sz")
        found = self.book_answer(self.market.live(symbol), int(size))
        return web.Response(body=found, content_type="application/json")


def _refused(code: str, text: str, status: int = 400) -> web.Response:
    return web.json_response({"code": code, "msg": text, "data": []}, status=status)
