"""What all of Binance's products share: stream names, how they are asked for, what answers say.

Rules: https://github.com/binance/binance-spot-api-docs (web-socket-streams.md) and
https://developers.binance.com/docs/derivatives (websocket market streams of each product). A
subscription key is the stream's name, such as `btcusdt@depth@100ms`. Answers to subscriptions carry
nothing but the request's id, and any stream with a name is acknowledged, whether it exists or not.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from feedhandler.adapter import book_answer, listing, refusals, request_ids
from feedhandler.adapter.request import Request
from feedhandler.adapter.row import Row, shown
from feedhandler.adapter.venue import (
    Base,
    BookAnswer,
    Control,
    ControlKind,
    ListedInstrument,
    Venue,
)

#: Undocumented: a message of more than 4,096 bytes on the wire is swallowed without a word
#: (binance-connector-rust#27).
MESSAGE_BYTES = 4000
MESSAGE_KEYS = 200
_MOST_DIGITS = 18
#: 403: the web application firewall
BANS: Mapping[int, float] = {429: 60.0, 418: 120.0, 403: 300.0}


class BinanceStreams(Venue):
    """A product of Binance; which streams and which REST paths are its own."""

    base = Base.REQUEST
    streams: Mapping[str, tuple[str, ...]]  #: of each channel of the configuration
    info_path: str
    #: of snapshots; the first is today's
    depth_paths: tuple[str, ...]
    best_path: str
    historic_info_paths: tuple[str, ...] = ()

    def keys(self, instrument: ListedInstrument, channels: Sequence[str]) -> list[str]:
        symbol = lower(instrument.symbol)
        names = (stream for channel in channels for stream in self.streams[channel])
        return list(dict.fromkeys(f"{symbol}@{stream}" for stream in names))

    def key_symbols(self, key: str) -> tuple[str, str]:
        symbol, _, stream = key.partition("@")
        channel = self.channel_of(stream.partition("@")[0])
        if channel is None or not symbol:
            raise ValueError(f"{self.name}: not a subscription of ours: {key!r}")
        return channel, upper(symbol)

    def topic(self, key: str) -> str:
        return key.partition("@")[2].partition("@")[0]

    @abstractmethod
    def channel_of(self, stream: str) -> str | None:
        """book, trades, ticker or quote: what a stream without its speed is; None: none of ours."""

    def subscribe(self, keys: Sequence[str], request_id: int) -> str:
        return _operation("SUBSCRIBE", keys, request_ids.message_id(request_id))

    def unsubscribe(self, keys: Sequence[str], request_id: int) -> str:
        return _operation("UNSUBSCRIBE", keys, request_ids.message_id(request_id, unsubscribe=True))

    def control(self, frame: bytes, asked: Mapping[int, Sequence[str]]) -> list[Control]:
        message = orjson.loads(frame)
        if not isinstance(message, dict):
            raise ValueError(f"{self.name}: not an object: {frame[:80]!r}")
        if _is_shutdown(message):
            return [Control(ControlKind.NOTICE, text="serverShutdown")]
        request_id, ended = request_ids.split_id(message.get("id"))
        keys, number = tuple(asked.get(request_id, ())), max(request_id, 0)
        error = message.get("error") or (message if "code" in message else None)
        if error is not None:
            text = f"{error.get('msg')} ({error.get('code')})" if isinstance(error, dict) else error
            return refusals.refused(() if ended else keys, str(text), 0 if ended else number)
        if "result" not in message:
            raise ValueError(f"{self.name}: neither data nor an answer: {frame[:80]!r}")
        if message["result"] is not None or request_id < 0:  # LIST_SUBSCRIPTIONS, or not ours
            return [Control(ControlKind.NOTHING, request_id=number)]
        kind = ControlKind.UNSUBSCRIBED if ended else ControlKind.ACK
        return [Control(kind, keys, request_id=number)]

    def symbols(self, body: bytes) -> list[Any]:
        """The entries of exchangeInfo. Raises ValueError."""
        answer = listing.document(self.name, body)
        if "code" in answer:
            raise ValueError(
                f"{self.name}: instruments refused: {answer.get('msg')} ({answer['code']})"
            )
        symbols = answer.get("symbols")
        if not isinstance(symbols, list):
            raise ValueError(f"{self.name}: the list of instruments has no list `symbols`")
        return symbols

    def depth_request(self, symbol: str, levels: int, weight: int) -> Request:
        """A request for a book."""
        params = {"symbol": symbol, "limit": str(levels)}
        return Request(self.depth_paths[0], params, weight=weight, levels=levels)

    def best_request(self, symbol: str) -> Request | None:
        """Of the ticker, which names its symbol (weight 2 for one)."""
        return Request(self.best_path, {"symbol": symbol}, weight=2)

    def parse_best(self, body: bytes, symbol: str) -> list[tuple[Decimal, Decimal]]:
        answer = listing.document(self.name, body, "best bid and offer")
        if answer.get("symbol") != symbol:
            raise ValueError(f"{self.name}: the best of {answer.get('symbol')!r}, not of {symbol}")
        found = []
        for price, size in (("bidPrice", "bidQty"), ("askPrice", "askQty")):
            try:
                level = Decimal(answer[price]), Decimal(answer[size])
            except (KeyError, TypeError, ArithmeticError) as error:
                raise ValueError(f"{self.name}: no {price}, {size}: {answer}") from error
            if level[1]:
                found.append(level)
        return found

    def parse_book(self, body: bytes) -> BookAnswer:
        answer = listing.document(self.name, body, "book")
        sequence = answer.get("lastUpdateId")
        return book_answer.answer(self.name, sequence, answer.get("bids"), answer.get("asks"))

    def snapshot_symbol(self, url: str, body: str = "") -> str | None:  # noqa: ARG002
        parts = urlsplit(url)
        if parts.path not in self.depth_paths:
            return None
        return parse_qs(parts.query).get("symbol", [None])[0]

    def lists_instruments(self, url: str, body: str = "") -> bool:  # noqa: ARG002
        return urlsplit(url).path in (self.info_path, *self.historic_info_paths)


def _operation(method: str, keys: Sequence[str], message: int) -> str:
    return orjson.dumps({"method": method, "params": list(keys), "id": message}).decode()


def _is_shutdown(message: Mapping[str, Any]) -> bool:
    data = message.get("data")
    inner = data.get("e") if isinstance(data, dict) else None
    return "serverShutdown" in (message.get("e"), inner) or message.get("stream") == (
        "!serverShutdown"
    )


def weight_of(weights: Sequence[tuple[int, int]], levels: int) -> int:
    """By a table of (levels up to, request weight)."""
    return next((weight for most, weight in weights if levels <= most), weights[-1][1])


# Only ASCII changes case: some symbols are words of other scripts.
_TO_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_TO_UPPER = {lower: upper for upper, lower in _TO_LOWER.items()}


def lower(symbol: str) -> str:
    """As streams write a symbol."""
    return symbol.translate(_TO_LOWER)


def upper(symbol: str) -> str:
    """As everything else writes it."""
    return symbol.translate(_TO_UPPER)


def step(row: Row, name: str, key: str, digits: str) -> Decimal:
    """The step of a filter of exchangeInfo; without one (or with 0, which is none) the asset's last
    digit."""
    for each in row.rows("filters"):
        if each.fields.get("filterType") == name and (value := each.number(key)) > 0:
            return value
    precision = row.number(digits, Decimal(0))
    if precision != int(precision) or precision > _MOST_DIGITS:
        raise ValueError(f"{digits}: {shown(row.fields.get(digits))}, not a number of digits")
    return Decimal(1).scaleb(-int(precision)) if row.has(digits) else Decimal(0)
