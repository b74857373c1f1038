"""What a declared venue answers over HTTP: its list, books, and tokens for connections."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from feedhandler.adapter.declared import Listing
from feedhandler.adapter.declared.words import filled
from feedhandler.sim.faults import bad_list
from feedhandler.sim.faults.terms import Terms
from feedhandler.sim.market.book import ASK, BID
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.market.live import Live
from feedhandler.sim.venues.declared.beside import Beside, json_list
from feedhandler.sim.venues.declared.levels import Texts
from feedhandler.sim.venues.declared.listing import List
from feedhandler.sim.venues.declared.rows import document, fine_document
from feedhandler.sim.venues.declared.wire import DeclaredWire
from feedhandler.sim.venues.declared.words import say, with_missing

_ANY = r"/{path:(?!sim/).*}"  # the paths under /sim/ are the control's
_PAGE = 1_000


class DeclaredRest(DeclaredWire):
    """`listing`: the venue's instruments as rows."""

    listing: List
    beside: Beside

    def __init__(self, *arguments: Any) -> None:
        self._tokens: set[str] = set()
        self._issued = 0
        super().__init__(*arguments)
        self._base = urlsplit(self.declared.rest_url).path.rstrip("/")
        self._sockets: dict[str, Mapping[str, str]] = {}
        """Path -> headers without which it is of no use."""
        for endpoint, url in self.declared.ws_urls.items():
            headers = self.declared.ws_headers.get(endpoint, {})
            self._sockets.setdefault(urlsplit(url).path.rstrip("/"), headers)

    @abstractmethod
    def book_answer(self, live: Live, levels: int) -> bytes:
        """A book that was asked for."""

    @abstractmethod
    def texts(self, live: Live) -> Texts:
        """An instrument's number texts."""

    @abstractmethod
    def terms(self, symbol: str) -> Terms:
        """What the list says of an instrument otherwise than it was made."""

    @abstractmethod
    def facts(self, instrument: Instrument) -> dict[str, object]:
        """What others are told of an instrument."""

    @abstractmethod
    def further(self, request: web.Request, path: str) -> web.Response | None:
        """What else is asked for over HTTP."""

    def unknown(self, what: str) -> web.Response:
        """The answer to who asks for an instrument that there is not."""
        return _said(400, f"Unknown symbol {what}")

    def wrong(self, param: str) -> web.Response:
        """The answer to who asks for what a param cannot be."""
        return _said(400, f"Parameter {param} error")

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Whatever is asked for, by any method: the declarations say what it means."""
        router.add_route("*", _ANY, self._serve)

    def error_body(self, status: int) -> bytes:
        """In no venue's words."""
        text = "Too many requests" if status < 500 else "Service unavailable"
        return orjson.dumps({"code": str(status), "message": text})

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = request.path.rstrip("/")
        if "Upgrade" in request.headers and path in self._sockets:
            token = self.declared.token
            if token is not None and not self._redeemed(request):
                return _said(401, "Invalid token")
            wrong = _wrong(request, self._sockets[path])
            return wrong or await self.websocket(request)
        if (wrong := _wrong(request, self.declared.rest_headers)) is not None:
            return wrong
        body = await request.text()
        for answer in (self._token, self._list, self._book):
            if (found := answer(request, path, body)) is not None:
                return found
        found = self.further(request, path) or self._best(request, path)
        if found is not None:
            return found
        if (text := self.beside.answers.get(path.removeprefix(self._base))) is not None:
            return _json(text.encode())
        return _said(404, f"Not found: {request.path}")

    # -- tokens ------------------------------------------------------------------------------

    def _token(self, request: web.Request, path: str, body: str) -> web.Response | None:
        token = self.declared.token
        if token is None or path != self._base + token.request.path.rstrip("/"):
            return None
        if request.method != token.request.method or body != token.request.body:
            return _said(405, "Method not allowed")
        self._issued += 1
        name = f"sim{self.start_ms:x}t{self._issued}"
        self._tokens.add(name)
        scheme = "wss" if self.options.tls else "ws"
        beat = self.declared.heartbeat
        values = {
            "token": name,
            "endpoint": f"{scheme}://{request.host}{self.ws_path}",
            "period_ms": int(beat.period_s * 1000),
            "cut_ms": int(beat.cut_s * 1000),
        }
        return _json(say(token.answer, values))

    def _redeemed(self, request: web.Request) -> bool:
        """Whether a token of ours comes with an upgrade, for the first time."""
        for value in request.query.values():
            if value in self._tokens:
                self._tokens.discard(value)
                return True
        return False

    # -- instruments -------------------------------------------------------------------------

    def _list(self, request: web.Request, path: str, body: str) -> web.Response | None:
        here = [
            listing
            for listing in self.declared.listings
            if path == self._base + listing.path.rstrip("/")
            and (not listing.body or _same(listing.body, body))
        ]
        for listing in here:
            params = listing.params.items()
            if all(request.query.get(name, value) == value for name, value in params):
                more, now = self.beside.document or "{}", {"sent_ms": self.market.clock.ms()}
                beside = filled(more, now, [{}]).encode()
                return _json(with_missing(self._listed(listing, request.query), beside))
        return _json(document(here[0], [])) if here else None  # of other words: there is nothing

    def _listed(self, listing: Listing, query: Mapping[str, str]) -> bytes:
        rows = [
            self.as_listed(symbol, {})
            for symbol in self.market.instruments
            if self.listing.listing_of(symbol) is listing
        ]
        for name in self.beside.picks:
            if (wanted := query.get(name)) is not None:
                rows = [row for row in rows if row.get(name) == wanted]
        if (several := json_list(query.get(self.beside.several))) is not None:
            rows = [row for row in rows if row.get(listing.symbol) in several]
        shown = bad_list.as_ordered(self.faults, rows, (listing.symbol,))
        pages = listing.pages
        if pages is None:
            return document(listing, shown, named=self.beside.named)
        size, odd = pages.size or _PAGE, shown[len(rows) :]
        shown = [*shown[:size], *odd, *shown[size : len(rows)]]  # the odd ones on the first page
        text = query.get(pages.parameter, "0")
        begin = int(text) if text.isdigit() else 0
        end = begin + size + (0 if begin else len(odd))
        more = end < len(shown)
        return document(listing, shown[begin:end], str(end) if more else "", more=more)

    def as_listed(self, symbol: str, row: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """A row of the list as the venue shows it now."""
        instrument = self.market.instruments[symbol]
        found = self.listing.row(instrument, self.listing.listing_of(symbol), self.terms(symbol))
        return self.beside.listed(found, self.facts(instrument))

    # -- books -------------------------------------------------------------------------------

    def _book(self, request: web.Request, path: str, body: str) -> web.Response | None:  # noqa: ARG002
        whole = urlsplit(self.declared.rest_url)
        url = f"{whole.scheme}://{whole.netloc}{request.rel_url}"
        symbol = self.declared.snapshot_symbol(url, body)
        if symbol is None or self.declared.book is None:
            return None
        if symbol not in self.market.instruments:
            return self.unknown(symbol)
        live, book = self.market.live(symbol), self.declared.book
        fine = orjson.dumps(fine_document(book.fine))
        levels = book.levels or self.declared.snapshot_levels(url, body)
        return _json(with_missing(self.book_answer(live, levels), fine))

    def _best(self, request: web.Request, path: str) -> web.Response | None:
        its, symbol = self.declared.best, request.query.get("symbol", "")
        if its is None or path != self._base + its.path:
            return None
        if symbol not in self.market.instruments:
            return self.unknown(symbol)
        live = self.market.live(symbol)
        values: dict[str, object] = {"symbol": symbol}
        for name, side in (("bid", BID), ("ask", ASK)):
            price, size = next(iter(live.book.levels(side, 1)), (0, 0))
            values[name] = self.texts(live).prices[price] if size else "0"
            values[f"{name}_size"] = self.texts(live).sizes[size]
        return _json(say(its.sample, values, [values]))


def _same(sample: str, body: str) -> bool:
    try:
        return bool(orjson.loads(sample) == orjson.loads(body))
    except orjson.JSONDecodeError:
        return False


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


def _wrong(request: web.Request, headers: Mapping[str, str]) -> web.Response | None:
    """The answer to a request without one of these headers."""
    for name, value in headers.items():
        if request.headers.get(name) != value:
            return _said(400, f"Header {name} is not {value}")
    return None


def _said(status: int, text: str) -> web.Response:
    body = orjson.dumps({"code": str(status), "message": text})
    return web.Response(body=body, status=status, content_type="application/json")
