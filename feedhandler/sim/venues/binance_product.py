"""What the simulated spot and USD-M of Binance have beside their samples: streams that go by
windows of time, and questions over HTTP.

A kind of stream that the venue has and the simulator has not is refused as one that there is not:
nothing is acknowledged that could never come.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import orjson
from aiohttp import web

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.sim.config import SimOptions
from feedhandler.sim.market.instrument import Instrument, fixed, places
from feedhandler.sim.market.live import Live
from feedhandler.sim.server.client import Client
from feedhandler.sim.venues.binance_stats import INTERVALS, Fields, Stats
from feedhandler.sim.venues.binance_streams import StreamsServer
from feedhandler.sim.venues.binance_timed import Kind, Timed
from feedhandler.sim.venues.declared.beside import Beside, json_list
from feedhandler.sim.venues.declared.levels import Texts
from feedhandler.sim.venues.declared.opened import Open

NO_SYMBOL: Final[Fields] = {
    "code": -1102,
    "msg": "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.",
}
BAD_SYMBOL: Final[Fields] = {"code": -1121, "msg": "Invalid symbol."}
BAD_SYMBOLS: Final[Fields] = {"code": -1100, "msg": "Illegal characters in symbols."}
BAD_INTERVAL: Final[Fields] = {"code": -1120, "msg": "Invalid interval."}
BAD_LIMIT: Final[Fields] = {"code": -1130, "msg": "Data sent for 'limit' is not valid."}


class ProductServer(StreamsServer):
    """Streams by name; those by the clock are made here."""

    quote_places: ClassVar[int]
    """Decimals of a volume in the quote."""
    usual_levels: ClassVar[int]
    depths: ClassVar[tuple[int, ...]] = ()
    """Levels of a book that may be asked for; none: any."""
    no_depth: ClassVar[Fields] = {"code": -1130, "msg": "Data sent for 'limit' is not valid: %s."}

    def __init__(self, options: SimOptions, declared: DeclaredVenue, beside: Beside) -> None:
        super().__init__(options, declared, beside)
        self._figures: dict[str, Stats] = {}
        self._clocked, self._together = self.timed_kinds()
        self._timed: dict[str, Timed] = {}

    @abstractmethod
    def timed_kinds(self) -> tuple[Mapping[str, Kind], Mapping[str, Kind]]:
        """Streams that go by the clock: by what stands behind the symbol, and those of all symbols
        by their name."""

    def texts(self, live: Live) -> Texts:
        """All the decimals of tick and lot as they are listed."""
        one = live.instrument
        found = self._texts.get(one.symbol)
        if found is None:
            prices, sizes = fixed(places(one.tick)), fixed(places(one.lot))
            found = self._texts[one.symbol] = Texts(one.prices(prices), one.sizes(sizes))
        return found

    def figures(self, live: Live) -> Stats:
        """The instrument's statistics, as text."""
        one = live.instrument
        found = self._figures.get(one.symbol)
        if found is None:
            found = Stats(live, self.texts(live), places(one.tick), self.quote_places)
            self._figures[one.symbol] = found
        return found

    def figured(self, live: Live) -> dict[str, str]:
        """Statistics of a day."""
        return self.figures(live).texts_of_day()

    # -- HTTP --------------------------------------------------------------------------------

    def unknown(self, what: str) -> web.Response:
        """No such symbol, or none is named."""
        return _refused(BAD_SYMBOL if what else NO_SYMBOL)

    def wrong(self, param: str) -> web.Response:  # noqa: ARG002
        """Only limits can be."""
        return _refused(BAD_LIMIT)

    def _list(self, request: web.Request, path: str, body: str) -> web.Response | None:
        query, there = request.query, self.market.instruments
        if path.endswith("/exchangeInfo") and self.beside.several:
            listed = json_list(query.get(self.beside.several))
            if listed == []:
                return _refused(BAD_SYMBOLS)
            asked = [*(listed or ()), *query.getall("symbol", [])]
            if (named := next((one for one in asked if one not in there), None)) is not None:
                return self.unknown(str(named))
        return super()._list(request, path, body)

    def _book(self, request: web.Request, path: str, body: str) -> web.Response | None:
        if not path.endswith("/depth"):
            return super()._book(request, path, body)
        symbol, text = request.query.get("symbol", ""), self._limit(request)
        if symbol not in self.market.instruments:
            return self.unknown(symbol)
        if not text.isdigit() or int(text) < 1 or (self.depths and int(text) not in self.depths):
            return _refused(self.no_depth | {"msg": self.no_depth["msg"] % text})
        assert self.declared.book is not None
        levels = min(int(text), self.declared.book.levels)
        return _said(self.book_answer(self.market.live(symbol), levels))

    def _limit(self, request: web.Request) -> str:
        return request.query.get("limit", str(self.usual_levels))

    def _weight(self, request: web.Request) -> int:
        book, text = self.declared.book, self._limit(request)
        if request.path.endswith("/depth") and book is not None and text.isdigit():
            return book.costs(int(text))
        if request.path.endswith("/klines"):
            return 2
        return super()._weight(request)

    def further(self, request: web.Request, path: str) -> web.Response | None:
        """Also candles."""
        if not path.endswith("/klines"):
            return super().further(request, path)
        symbol, interval = request.query.get("symbol", ""), request.query.get("interval", "")
        if symbol not in self.market.instruments:
            return self.unknown(symbol)
        if interval not in INTERVALS:
            return _refused(BAD_INTERVAL)
        limit = request.query.get("limit", "500")
        if not limit.isdigit() or int(limit) < 1:
            return self.wrong("limit")
        stats = self.figures(self.market.live(symbol))
        return _said(orjson.dumps(stats.klines(interval, min(int(limit), 1000))))

    # -- names -------------------------------------------------------------------------------

    def _named(self, stream: str) -> tuple[str, str]:
        """The symbol of a stream, "" if there is none such, and what stands behind it."""
        base, at, kind = stream.partition("@")
        symbol = base.upper()
        return symbol if symbol in self.market.instruments else "", at + kind

    def serves(self, stream: str) -> bool:
        """Whether there are streams of this kind."""
        _, kind = self._named(stream)
        clocked = kind in self._clocked and not stream.startswith("@")
        return clocked or stream in self._together or self.channels.read(stream) is not None

    def knows_channel(self, channel: str) -> bool:
        """A stream's name; unlike a subscription, it must exist."""
        symbol, kind = self._named(channel)
        clocked = bool(symbol) and kind in self._clocked
        return clocked or channel in self._together or super().knows_channel(channel)

    def symbol_of(self, channel: str) -> str | None:
        """The instrument of a stream."""
        return super().symbol_of(channel) or self._named(channel)[0] or None

    # -- streams by the clock ----------------------------------------------------------------

    def made(self, client: Client, stream: str) -> bool:
        """Also of those."""
        symbol, kind = self._named(stream)
        its = self._clocked.get(kind) if symbol else self._together.get(stream)
        if its is None or not self.carries(client.memory["path"], stream):
            return super().made(client, stream)
        if stream not in self._timed:
            names = [symbol] if symbol else None

            def listed() -> list[Stats]:
                chosen = names or list(self.market.instruments)
                return [self.figures(self.market.live(one)) for one in chosen]

            self._timed[stream] = Timed(stream, symbol, its, listed)
        return True

    def close_unheard(self, keys: Sequence[str]) -> None:
        """Stop making them."""
        super().close_unheard(keys)
        for key in keys:
            if key in self._timed and not self.wants(key):
                del self._timed[key]

    def on_expired(self, instrument: Instrument) -> None:
        """Its streams fall silent."""
        super().on_expired(instrument)
        for stream in [key for key, one in self._timed.items() if one.symbol == instrument.symbol]:
            del self._timed[stream]

    def first_messages(self, client: Client, one: Open) -> None:
        """None: nothing comes but what changes."""

    def settle(self) -> None:
        """Send all that waits for its time."""
        super().settle()
        for timed in self._timed.values():
            self._send_timed(timed)

    def on_time(self, now: float) -> None:
        """Events whose interval is over."""
        super().on_time(now)
        for timed in self._timed.values():
            if now >= timed.due:
                timed.due = now + timed.interval
                self._send_timed(timed)

    def _send_timed(self, timed: Timed) -> None:
        for data in timed.events():
            self.push(timed.stream, timed.symbol, data.encode())


def _said(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")


def _refused(answer: Fields) -> web.Response:
    return _said(orjson.dumps(answer), 400)
