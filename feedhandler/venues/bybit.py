"""Bybit v5: linear perpetuals and futures, and spot.

Rules: https://bybit-exchange.github.io/docs/v5 (websocket: connect, public orderbook, trade,
ticker, all-liquidation; market: instruments-info, orderbook; rate-limit). A subscription key is the
topic, such as `orderbook.50.BTCUSDT`.

* Of the books that the venue offers (50 levels every 20 ms, 200 every 100 ms, 1,000 every 200 ms)
  the least is taken that has the levels that readers want. What leaves its window is removed by the
  venue. `u` counts within a topic; `seq` compares topics, and with REST, and is what readers see.
* A snapshot comes with the subscription; one with `u` 1 when their service has started again.
* One topic that the venue does not have, or that is subscribed already, spoils the whole request;
  the answer names it.
* Liquidations are announced at the bankruptcy price, by the position's side.
* Spot has neither mark nor statistics worth a topic: there `ticker` is the same as `quote`.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from feedhandler.adapter import book_answer, listing, names, promise, refusals
from feedhandler.adapter.pattern import Pattern
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.request import Request
from feedhandler.adapter.row import Row, shown
from feedhandler.adapter.venue import (
    Base,
    BookAnswer,
    Continuity,
    Control,
    ControlKind,
    Heartbeat,
    Limits,
    ListedInstrument,
    Speaker,
    Venue,
)
from feedhandler.engine._engine import shape_decoder
from feedhandler.shape import compiled
from feedhandler.venues.bybit_frames import FRAMES
from shm import ContractType, InstrumentKind, Status

_LEVELS = (50, 200, 1000)
_OURS = {
    "orderbook": "book",
    "publicTrade": "trades",
    "allLiquidation": "trades",
    "tickers": "ticker",
}
_NOT_FOUND = "error:handler not found,topic:"
_SUBSCRIBED = "error:already subscribed,topic:"

#: `status` of instruments-info (enum: status); nothing streams it
_STATUSES: Mapping[str, Status] = {
    "Trading": Status.ACTIVE,
    "PreLaunch": Status.PRE_OPEN,
    "Delivering": Status.SETTLING,
    "Settling": Status.SETTLING,
    "Closed": Status.EXPIRED,
}

_INFO = "/v5/market/instruments-info"
_BOOK = "/v5/market/orderbook"
_PAGE = 1000  # the most
_SEEN_LEVELS = 200  # the most of spot

_LIMITS = Limits(
    # Spot takes no more; of the others one bad topic spoils fewer.
    keys_per_message=10,
    bytes_per_connection=18_000,  # 21,000 characters of arguments, quotes and commas among them
    messages_per_second=20.0,  # nothing is said
    connects_per_window=(500, 300.0),  # by host, of all products
    connections=1000,
    rest_per_second=50.0,  # of 600 in 5 s, of all products
    rest_burst=100.0,
    bans={403: 600.0, 429: 10.0},  # 403: access too frequent
)


class Bybit(Venue):
    """What the products share. `category`: as paths and requests name the product."""

    decoder = shape_decoder(compiled(FRAMES), keeps_window=True, usual=True)
    rule = Continuity.NEXT
    proof = Proof((Sign.COUNTER,), sized=True)
    base = Base.STREAM
    category: str
    rest_url = "https://api.bybit.com"
    hosts = (
        "stream.bybit.tr",
        "stream.bybit.id",
        "stream.bybit.kz",
        "stream.bybitgeorgia.ge",
        "stream-testnet.bybit.com",
        "api-testnet.bybit.com",
        "api.bytick.com",
    )
    heartbeat = Heartbeat(Speaker.CLIENT_JSON, 20.0, 30.0, ping='{"op":"ping"}')
    limits = _LIMITS
    channels = ("book", "trades", "ticker", "quote")
    # Books and tickers begin with a snapshot; the best level comes again after 3 quiet seconds.
    promises: Mapping[str, Promise] = {
        "orderbook": Promise("book", first_s=5.0),
        "orderbook.1": Promise("quote", first_s=5.0, every_s=3.0),
        "tickers": Promise("ticker", first_s=5.0),
        "publicTrade": promise.TRADES,
        "allLiquidation": promise.LIQUIDATIONS,
    }
    statuses = _STATUSES
    topics: Mapping[str, tuple[str, ...]]  #: of the channels beside the book
    kinds: tuple[InstrumentKind, ...]

    def keys(self, instrument: ListedInstrument, channels: Sequence[str]) -> list[str]:
        levels = next((each for each in _LEVELS if each >= self.depth), _LEVELS[-1])
        topics = {"book": (f"orderbook.{levels}",), **self.topics}
        names = (topic for channel in channels for topic in topics[channel])
        return list(dict.fromkeys(f"{topic}.{instrument.symbol}" for topic in names))

    def key_symbols(self, key: str) -> tuple[str, str]:
        topic, _, symbol = key.partition(".")
        if topic == "orderbook":
            levels, _, symbol = symbol.partition(".")
            topic = "" if not levels.isdigit() else topic
            if levels == "1":
                return "quote", symbol
        if topic not in _OURS or not symbol:
            raise ValueError(f"{self.name}: not a subscription of ours: {key!r}")
        return _OURS[topic], symbol

    def topic(self, key: str) -> str:
        topic, _, rest = key.partition(".")
        return f"{topic}.1" if topic == "orderbook" and rest.startswith("1.") else topic

    def subscribe(self, keys: Sequence[str], request_id: int) -> str:
        return _operation("subscribe", keys, request_id)

    def unsubscribe(self, keys: Sequence[str], request_id: int) -> str:
        return _operation("unsubscribe", keys, request_id)

    def control(self, frame: bytes, asked: Mapping[int, Sequence[str]]) -> list[Control]:
        message = orjson.loads(frame)
        if not isinstance(message, dict) or "success" not in message:
            raise ValueError(f"{self.name}: neither data nor an answer: {frame[:80]!r}")
        operation, text = message.get("op"), str(message.get("ret_msg") or "")
        number = _request_id(message)
        keys = tuple(asked.get(number, ()))
        if message.get("type") == "COMMAND_RESP":  # which of the topics were taken
            return _parted(message.get("data"), text)
        if message["success"] is not True:
            return _refusal(operation, text, keys, number)
        if text == "pong" or operation in ("ping", "pong"):
            return [Control(ControlKind.PONG)]
        if operation == "subscribe":
            return [Control(ControlKind.ACK, keys, request_id=number)]
        if operation == "unsubscribe":
            return [Control(ControlKind.UNSUBSCRIBED, keys, request_id=number)]
        return [Control(ControlKind.NOTHING, request_id=number)]

    def instrument_requests(self, patterns: Sequence[str]) -> list[Request]:
        kinds = {Pattern.parse(text).kind for text in patterns}
        if not any(kind in kinds for kind in (None, *self.kinds)):
            return []
        return [Request(_INFO, {"category": self.category, "limit": str(_PAGE)})]

    def follow_up(
        self,
        patterns: Sequence[str],  # noqa: ARG002
        request: Request,
        body: bytes,
    ) -> list[Request]:
        try:
            result = self._result(body)
        except ValueError:
            return []
        cursor = result.get("nextPageCursor")
        if not cursor or not result.get("list"):  # spot has no pages
            return []
        if not isinstance(cursor, str):
            raise ValueError(f"{self.name}: nextPageCursor: {shown(cursor)}, not a text")
        # It comes as it is to stand in a URL.
        return [Request(_INFO, {**request.params, "cursor": unquote(cursor)})]

    def parse_instruments(self, body: bytes) -> list[ListedInstrument]:
        entries = self._result(body).get("list")
        if not isinstance(entries, list):
            raise ValueError(f"{self.name}: the list of instruments has no `list`")
        return listing.parse_each(self.name, entries, "symbol", self.spec)

    @abstractmethod
    def spec(self, row: Row) -> ListedInstrument | None:
        """One row of the list."""

    def book_request(self, symbol: str) -> Request | None:
        """By REST nothing joins the stream: its `u` is that of the deepest topic."""
        levels = min(_SEEN_LEVELS, next((n for n in _LEVELS if n >= self.depth), _SEEN_LEVELS))
        params = {"category": self.category, "symbol": symbol, "limit": str(levels)}
        return Request(_BOOK, params, levels=levels)

    def parse_book(self, body: bytes) -> BookAnswer:
        result = self._result(body, "book")
        return book_answer.answer(self.name, result.get("seq"), result.get("b"), result.get("a"))

    def recognises(self, url: str) -> bool:
        """The products share their hosts: the path of a stream, the query of a request tell."""
        parts = urlsplit(url)
        if not super().recognises(url):
            return False
        if parts.scheme in ("ws", "wss"):
            return parts.path.endswith(f"/{self.category}")
        return parse_qs(parts.query).get("category") == [self.category]

    def lists_instruments(self, url: str, body: str = "") -> bool:  # noqa: ARG002
        parts = urlsplit(url)
        return parts.path == _INFO and parse_qs(parts.query).get("category") == [self.category]

    def _result(self, body: bytes, what: str = "list of instruments") -> Mapping[str, Any]:
        answer = listing.document(self.name, body, what)
        if answer.get("retCode") != 0:
            raise ValueError(
                f"{self.name}: the {what} was refused: {answer.get('retMsg')} "
                f"({answer.get('retCode')})"
            )
        result = answer.get("result")
        if not isinstance(result, dict):
            raise ValueError(f"{self.name}: the {what} has no `result`")
        return result


class BybitLinear(Bybit):
    name = "bybit-linear"
    category = "linear"
    ws_urls: Mapping[str, str] = {"public": "wss://stream.bybit.com/v5/public/linear"}
    topics: Mapping[str, tuple[str, ...]] = {
        "trades": ("publicTrade", "allLiquidation"),
        "ticker": ("tickers",),
        "quote": ("orderbook.1",),
    }
    kinds = (InstrumentKind.PERPETUAL, InstrumentKind.FUTURE)
    default_instruments = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT")

    def spec(self, row: Row) -> ListedInstrument:
        base, quote = row.text("baseCoin"), row.text("quoteCoin")
        dated = row.text("contractType") == "LinearFutures"
        # Of a perpetual it is "0", until it is to be taken off the list.
        expiry = (row.expiry_ns if dated else row.end_ns)("deliveryTime")
        pair = f"{base}-{quote}"
        return ListedInstrument(
            symbol=row.text("symbol"),
            name=names.future(pair, expiry) if dated else names.perpetual(pair),
            kind=InstrumentKind.FUTURE if dated else InstrumentKind.PERPETUAL,
            base=base,
            quote=quote,
            settle=row.text("settleCoin", quote),
            tick=_step(row, "priceFilter", "tickSize"),
            lot=_step(row, "lotSizeFilter", "qtyStep"),
            contract_type=ContractType.LINEAR,
            expiry_ns=expiry,
            status=row.status("status", _STATUSES),
            stated=row.word("status"),
        )


class BybitSpot(Bybit):
    name = "bybit-spot"
    category = "spot"
    ws_urls: Mapping[str, str] = {"public": "wss://stream.bybit.com/v5/public/spot"}
    topics: Mapping[str, tuple[str, ...]] = {
        "trades": ("publicTrade",),
        "ticker": ("orderbook.1",),
        "quote": ("orderbook.1",),
    }
    kinds = (InstrumentKind.SPOT,)
    default_instruments = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT")

    def spec(self, row: Row) -> ListedInstrument:
        base, quote = row.text("baseCoin"), row.text("quoteCoin")
        return ListedInstrument(
            symbol=row.text("symbol"),
            name=f"{base}-{quote}",
            kind=InstrumentKind.SPOT,
            base=base,
            quote=quote,
            settle=quote,
            tick=_step(row, "priceFilter", "tickSize"),
            lot=_step(row, "lotSizeFilter", "basePrecision"),
            status=row.status("status", _STATUSES),
            stated=row.word("status"),
        )


def _operation(operation: str, keys: Sequence[str], request_id: int) -> str:
    message = {"req_id": str(request_id), "op": operation, "args": list(keys)}
    return orjson.dumps(message).decode()


def _request_id(message: Mapping[str, Any]) -> int:
    text = message.get("req_id")
    known = isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 19
    return int(text) if known and isinstance(text, str) else 0


def _parted(data: object, text: str) -> list[Control]:
    """The shape of some products' answers: topics by what became of them."""
    found = []
    for name, kind in (("successTopics", ControlKind.ACK), ("failTopics", ControlKind.REJECTED)):
        topics = data.get(name) if isinstance(data, dict) else None
        keys = tuple(t for t in topics if isinstance(t, str)) if isinstance(topics, list) else ()
        if keys:
            found.append(Control(kind, keys, text or "refused"))
    return found or [Control(ControlKind.NOTHING)]


def _refusal(operation: object, text: str, keys: tuple[str, ...], number: int) -> list[Control]:
    """A request is refused as a whole, mostly for one of its topics, which the answer names."""
    if operation != "subscribe":
        return [Control(ControlKind.ERROR, text=text or "refused", request_id=0)]
    for prefix, kind in ((_NOT_FOUND, ControlKind.REJECTED), (_SUBSCRIBED, ControlKind.ACK)):
        if text.startswith(prefix) and not keys:  # the answer to a request that is forgotten
            return [Control(kind, (text.removeprefix(prefix),), text, request_id=number)]
    return refusals.refused(keys, text or "refused", number)


def _step(row: Row, name: str, key: str) -> Decimal:
    return row.row(name).number(key, Decimal(0))
