"""Binance spot.

Rules: https://github.com/binance/binance-spot-api-docs (web-socket-streams.md, "How to manage a
local order book correctly"; rest-api.md; CHANGELOG.md). Answers to subscriptions carry nothing but
the request's id. Spot has no mark price and no statistics of its own worth a stream: the channel
`ticker` is the same as `quote` here, the best bid and offer in real time.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from feedhandler.venues import books, ids, listing, normal
from feedhandler.venues.base import (
    Base,
    BookAnswer,
    Control,
    ControlKind,
    Heartbeat,
    InstrumentSpec,
    Limits,
    Request,
    Rule,
    Speaker,
    Venue,
)
from feedhandler.venues.pattern import Pattern
from shm import InstrumentKind

_STREAMS = {
    "book": "depth@100ms",
    "trades": "trade",
    "ticker": "bookTicker",
    "quote": "bookTicker",
}
_OURS = {"depth": "book", "trade": "trades", "aggTrade": "trades", "bookTicker": "quote"}

_INFO = "/api/v3/exchangeInfo"
_INFO_WEIGHT = 20
_DEPTH = "/api/v3/depth"
_DEPTH_LEVELS = 5000
_SEEN_LEVELS = 1000  # to compare or to poll: a fifth of the weight
_DEPTH_WEIGHTS = ((100, 5), (500, 25), (1000, 50), (5000, 250))  # levels up to: weight
_HISTORIC_DEPTHS = (_DEPTH, "/api/v1/depth")
_NAMED_SYMBOLS = 100  # more than this in one URL, and the whole list is the smaller evil
_UNLISTED = (-1100, -1121)  # illegal characters in a name; a name that is not listed


class BinanceSpot(Venue):
    name = "binance"
    decoder = "binance"
    rule = Rule.RANGE
    base = Base.REQUEST
    ws_urls: Mapping[str, str] = {"public": "wss://stream.binance.com:9443/stream"}
    rest_url = "https://api.binance.com"
    hosts = ("data-stream.binance.vision", "data-api.binance.vision", "api1.binance.com",
             "api2.binance.com", "api3.binance.com", "api4.binance.com", "api-gcp.binance.com",
             "www.binance.com")  # fmt: skip
    heartbeat = Heartbeat(Speaker.SERVER_FRAME, 20.0, 60.0)
    limits = Limits(
        keys_per_message=200,
        # Undocumented: a message of more than 4,096 bytes on the wire is swallowed without a word
        # (binance-connector-rust#27).
        bytes_per_message=4000,
        keys_per_connection=1024,
        messages_per_second=4.0,  # of 5, pongs included
        connects_per_window=(300, 300.0),
        rest_per_second=80.0,  # of 6,000 a minute,
        rest_burst=1200.0,  # with what is spent at once
        bans={429: 60.0, 418: 120.0, 403: 300.0},  # 403: the web application firewall
        lifetime_s=86_400.0,
    )
    channels = ("book", "trades", "ticker", "quote")
    default_instruments = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT")

    def keys(self, instrument: InstrumentSpec, channels: Sequence[str]) -> list[str]:
        symbol = _lower(instrument.symbol)
        return list(dict.fromkeys(f"{symbol}@{_STREAMS[channel]}" for channel in channels))

    def key_symbols(self, key: str) -> tuple[str, str]:
        symbol, _, stream = key.partition("@")
        channel = stream.partition("@")[0]
        if channel not in _OURS or not symbol:
            raise ValueError(f"binance: not a subscription of ours: {key!r}")
        return _OURS[channel], _upper(symbol)

    def subscribe(self, keys: Sequence[str], request_id: int) -> str:
        return _operation("SUBSCRIBE", keys, ids.message_id(request_id))

    def unsubscribe(self, keys: Sequence[str], request_id: int) -> str:
        return _operation("UNSUBSCRIBE", keys, ids.message_id(request_id, unsubscribe=True))

    def control(self, frame: bytes, asked: Mapping[int, Sequence[str]]) -> list[Control]:
        message = orjson.loads(frame)
        if not isinstance(message, dict):
            raise ValueError(f"binance: not an object: {frame[:80]!r}")
        if _is_shutdown(message):
            return [Control(ControlKind.NOTICE, text="serverShutdown")]
        request_id, ended = ids.split_id(message.get("id"))
        keys, number = tuple(asked.get(request_id, ())), max(request_id, 0)
        error = message.get("error") or (message if "code" in message else None)
        if error is not None:
            text = f"{error.get('msg')} ({error.get('code')})" if isinstance(error, dict) else error
            kind = ControlKind.REJECTED if keys and not ended else ControlKind.ERROR
            return [Control(kind, keys, str(text), request_id=number)]
        if "result" not in message:
            raise ValueError(f"binance: neither data nor an answer: {frame[:80]!r}")
        if message["result"] is not None or request_id < 0:  # LIST_SUBSCRIPTIONS, or not ours
            return [Control(ControlKind.NOTHING, request_id=number)]
        kind = ControlKind.UNSUBSCRIBED if ended else ControlKind.ACK
        return [Control(kind, keys, request_id=number)]

    def instrument_requests(self, patterns: Sequence[str]) -> list[Request]:
        parsed = [Pattern.parse(text) for text in patterns]
        parsed = [pattern for pattern in parsed if pattern.kind in (None, InstrumentKind.SPOT)]
        if not parsed:
            return []
        names = dict.fromkeys(pattern.glob.replace("-", "") for pattern in parsed)
        if len(names) > _NAMED_SYMBOLS or not all(pattern.exact for pattern in parsed):
            return [_everything()]
        params = {"symbols": orjson.dumps(list(names)).decode()}
        return [Request(_INFO, params, weight=_INFO_WEIGHT)]

    def follow_up(
        self,
        patterns: Sequence[str],  # noqa: ARG002
        request: Request,
        body: bytes,
    ) -> list[Request]:
        # One wrong name and the venue refuses the whole list: ask for all, to say what is near.
        named = request.path == _INFO and "symbols" in request.params
        return [_everything()] if named and _names_unlisted(body) else []

    def parse_instruments(self, body: bytes) -> list[InstrumentSpec]:
        answer = listing.document(self.name, body)
        if _names_unlisted(body):
            return []  # see `follow_up`
        if "code" in answer:
            raise ValueError(
                f"binance: instruments refused: {answer.get('msg')} ({answer['code']})"
            )
        symbols = answer.get("symbols")
        if not isinstance(symbols, list):
            raise ValueError("binance: the list of instruments has no list `symbols`")
        return listing.parse_each(self.name, symbols, "symbol", _spec)

    def snapshot_request(self, symbol: str) -> Request | None:
        return _depth(symbol, _DEPTH_LEVELS)

    def book_request(self, symbol: str) -> Request | None:
        return _depth(symbol, _SEEN_LEVELS)

    def parse_book(self, body: bytes) -> BookAnswer:
        answer = listing.document(self.name, body, "book")
        sequence = answer.get("lastUpdateId")
        return books.answer(self.name, sequence, answer.get("bids"), answer.get("asks"))

    def snapshot_symbol(self, url: str) -> str | None:
        parts = urlsplit(url)
        if parts.path not in _HISTORIC_DEPTHS:
            return None
        return parse_qs(parts.query).get("symbol", [None])[0]

    def lists_instruments(self, url: str) -> bool:
        return urlsplit(url).path in (_INFO, "/api/v1/exchangeInfo")


def _depth(symbol: str, levels: int) -> Request:
    params = {"symbol": symbol, "limit": str(levels)}
    return Request(_DEPTH, params, weight=depth_weight(levels), levels=levels)


def depth_weight(levels: int) -> int:
    """The request weight of a depth snapshot (rest-api.md, "Order book")."""
    return next((weight for most, weight in _DEPTH_WEIGHTS if levels <= most), 250)


def _everything() -> Request:
    # Without the permission sets the answer is a small fraction of itself.
    return Request(_INFO, {"showPermissionSets": "false"}, weight=_INFO_WEIGHT)


def _operation(method: str, keys: Sequence[str], message: int) -> str:
    return orjson.dumps({"method": method, "params": list(keys), "id": message}).decode()


def _is_shutdown(message: Mapping[str, Any]) -> bool:
    data = message.get("data")
    inner = data.get("e") if isinstance(data, dict) else None
    return "serverShutdown" in (message.get("e"), inner) or message.get("stream") == (
        "!serverShutdown"
    )


def _names_unlisted(body: bytes) -> bool:
    if len(body) > 1000:  # a list
        return False
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(answer, dict) and answer.get("code") in _UNLISTED


# Only ASCII changes case: some symbols are words of other scripts.
_TO_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_TO_UPPER = {lower: upper for upper, lower in _TO_LOWER.items()}


def _lower(symbol: str) -> str:
    return symbol.translate(_TO_LOWER)


def _upper(symbol: str) -> str:
    return symbol.translate(_TO_UPPER)


def _spec(entry: Mapping[str, Any]) -> InstrumentSpec:
    base, quote = entry["baseAsset"], entry["quoteAsset"]
    filters = {each.get("filterType"): each for each in entry.get("filters") or ()}
    return InstrumentSpec(
        symbol=entry["symbol"],
        name=f"{base}-{quote}",
        kind=InstrumentKind.SPOT,
        base=base,
        quote=quote,
        settle=quote,
        tick=_step(filters, "PRICE_FILTER", "tickSize", entry.get("quotePrecision")),
        lot=_step(filters, "LOT_SIZE", "stepSize", entry.get("baseAssetPrecision")),
        active=entry.get("status", "TRADING") == "TRADING",
    )


def _step(filters: Mapping[str, Any], name: str, key: str, precision: object) -> Decimal:
    """The filter's step; without one (or with 0, which is none) the asset's last digit."""
    step = normal.decimal(filters.get(name, {}).get(key))
    if step > 0:
        return step
    return Decimal(1).scaleb(-precision) if isinstance(precision, int) else Decimal(0)
