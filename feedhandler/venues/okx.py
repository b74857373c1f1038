"""OKX v5: spot, swaps, futures and options.

Rules: https://www.okx.com/docs-v5/en/ (WebSocket, order book channel, get instruments) and its
change log, from which it follows that the checksum of books is 0 since 2026-06-23 and that the
snapshot in the stream may go: then books are joined from REST. Sizes of derivatives are contracts.
A subscription key is `channel:instrument`, or `opt-summary:family`.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from feedhandler.adapter import book_answer, listing, names, promise, request_ids
from feedhandler.adapter.checksum import Checksum, Number, Order
from feedhandler.adapter.pattern import Pattern, is_glob
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.request import Request
from feedhandler.adapter.row import Row
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
    Stated,
    Venue,
)
from feedhandler.engine._engine import shape_decoder
from feedhandler.shape import Frame, compiled
from feedhandler.venues.okx_frames import FRAMES
from feedhandler.venues.okx_patterns import families_of, kinds_of
from feedhandler.venues.okx_refusals import key_of, refused
from shm import ContractType, InstrumentKind, OptionType, Status

_BY_FAMILY = "opt-summary"  # IVs and greeks of all options of a family in one channel
_BY_TYPE = "instruments"  # all terms of all instruments of a type, and each change of them
_SUBJECT = {_BY_FAMILY: "instFamily", _BY_TYPE: "instType"}
_OURS = {
    "books": "book",
    "trades": "trades",
    "tickers": "ticker",
    "mark-price": "ticker",
    "funding-rate": "ticker",
    "open-interest": "ticker",
    _BY_FAMILY: "ticker",
    _BY_TYPE: "status",
}
_TICKER = {  # what elsewhere is one channel
    InstrumentKind.SPOT: ("tickers",),
    InstrumentKind.PERPETUAL: ("tickers", "mark-price", "funding-rate", "open-interest"),
    InstrumentKind.FUTURE: ("tickers", "mark-price", "open-interest"),
    InstrumentKind.OPTION: ("tickers", "mark-price", _BY_FAMILY),
}

_UPGRADE = "64008"  # "the connection will soon be closed for a service upgrade", 30-60 s before

#: `state` of an instrument, over REST and in the channel `instruments`
_STATUSES: Mapping[str, Status] = {
    "live": Status.ACTIVE,
    "suspend": Status.HALTED,
    "rebase": Status.HALTED,
    "preopen": Status.PRE_OPEN,
    "test": Status.PRE_OPEN,
    "post_only": Status.POST_ONLY,
    "settling": Status.SETTLING,
    "expired": Status.EXPIRED,
}

_INSTRUMENTS = "/api/v5/public/instruments"
_UNDERLYING = "/api/v5/public/underlying"
_BOOKS = "/api/v5/market/books"
_BOOK_LEVELS = 400  # the most, and as many as the stream's snapshot has

_TYPES = {
    InstrumentKind.SPOT: "SPOT",
    InstrumentKind.PERPETUAL: "SWAP",
    InstrumentKind.FUTURE: "FUTURES",
    InstrumentKind.OPTION: "OPTION",
}
_KINDS = {kind: ours for ours, kind in _TYPES.items()}


class Okx(Venue):
    name = "okx"
    decoder = shape_decoder(compiled((*FRAMES, Frame("control", '"pong"'))), usual=True)
    rule = Continuity.PREVIOUS
    proof = Proof((Sign.CHAIN,), note="its checksum is 0 since 2026-06-23")
    base = Base.STREAM
    rest_join = True
    checksum = Checksum(25, Order.PAIRS, Number.PLAIN, separator=":")
    answers_each = True
    hosts = (
        "okx.com",
        "ws.okx.com",
        "wseea.okx.com",
        "wsus.okx.com",
        "wspap.okx.com",
        "aws.okx.com",
        "www.okex.com",
        "ws.okex.com",
    )
    # Port 8443 is said to go in favour of 443; `ws_url` in the configuration overrides it.
    ws_urls: Mapping[str, str] = {"public": "wss://ws.okx.com:8443/ws/v5/public"}
    ws_alternatives: Mapping[str, tuple[str, ...]] = {"public": ("wss://ws.okx.com/ws/v5/public",)}
    rest_url = "https://www.okx.com"
    heartbeat = Heartbeat(Speaker.CLIENT_TEXT, 20.0, 30.0, ping="ping", pong="pong")
    limits = Limits(
        keys_per_message=60,  # one that spoils a request costs the hour's budget of so few more
        bytes_per_message=63 * 1024,  # 64 KiB of arguments
        # Half of the hourly subscriptions stay free for healing single books.
        keys_per_connection=240,
        subscribes_per_hour=480,
        connects_per_second=3.0,
        rest_per_second=10.0,  # 20 in 2 s for instruments, 40 in 2 s for books
    )
    statuses = _STATUSES
    # Each begins with the present state. A mark price comes every 200 ms while it changes and else
    # every 10 s, a funding rate every 30 to 90 s, open interest every 3 s while it changes.
    promises: Mapping[str, Promise] = {
        "books": Promise("book", first_s=5.0),
        "trades": promise.TRADES,
        "tickers": Promise("ticker", first_s=10.0),
        "mark-price": Promise("mark", first_s=12.0, every_s=10.0),
        "funding-rate": Promise("funding", first_s=95.0, every_s=90.0),
        "open-interest": Promise("interest", first_s=15.0),
        _BY_FAMILY: Promise("greeks", first_s=15.0),
    }
    default_instruments = (
        "BTC-USDT",
        "ETH-USDT",
        "BTC-USDT-SWAP",
        "ETH-USDT-SWAP",
        "BTC-USD-SWAP",
    )

    def keys(self, instrument: ListedInstrument, channels: Sequence[str]) -> list[str]:
        keys: list[str] = []
        for channel in channels:
            match channel:
                case "book":
                    keys.append(f"books:{instrument.symbol}")
                case "trades":
                    keys.append(f"trades:{instrument.symbol}")
                case "ticker":
                    for part in _TICKER[instrument.kind]:
                        subject = instrument.family if part == _BY_FAMILY else instrument.symbol
                        keys.append(f"{part}:{subject}")
        return [*keys, f"{_BY_TYPE}:{_TYPES[instrument.kind]}"]

    def key_symbols(self, key: str) -> tuple[str, str]:
        channel, _, symbol = key.partition(":")
        if channel not in _OURS or not symbol:
            raise ValueError(f"okx: not a subscription of ours: {key!r}")
        return _OURS[channel], symbol

    def topic(self, key: str) -> str:
        return key.partition(":")[0]

    def subscribe(self, keys: Sequence[str], request_id: int) -> str:
        return _operation("subscribe", keys, request_id)

    def unsubscribe(self, keys: Sequence[str], request_id: int) -> str:
        return _operation("unsubscribe", keys, request_ids.message_id(request_id, unsubscribe=True))

    def control(self, frame: bytes, asked: Mapping[int, Sequence[str]]) -> list[Control]:
        if frame.strip() == b"pong":
            return [Control(ControlKind.PONG)]
        message = orjson.loads(frame)
        if isinstance(message, dict) and "event" not in message and "data" in message:
            return [_told(message)]
        if not isinstance(message, dict) or "event" not in message:
            raise ValueError(f"okx: neither an event nor data: {frame[:80]!r}")
        event = message["event"]
        number, ended = request_ids.split_id(message.get("id"))
        number = max(number, 0)
        text = f"{message.get('msg') or ''} ({message.get('code')})"
        match event:
            case "subscribe":
                keys = key_of(message) or (() if ended else tuple(asked.get(number, ())))
                return [Control(ControlKind.ACK, keys, request_id=number)]
            case "unsubscribe":
                return [Control(ControlKind.UNSUBSCRIBED, key_of(message), request_id=number)]
            case "error":
                if ended:
                    return [Control(ControlKind.ERROR, text=text)]
                return refused(message, text, asked.get(number, ()), number)
            case "notice" if str(message.get("code")) == _UPGRADE:
                return [Control(ControlKind.NOTICE, text=text)]
            case "channel-conn-count-error":
                return [Control(ControlKind.ERROR, text=f"{event}: {message.get('channel')}")]
            case _:
                return [Control(ControlKind.NOTHING, text=text if event == "notice" else "")]

    def instrument_requests(self, patterns: Sequence[str]) -> list[Request]:
        kinds = {kind for text in patterns for kind in kinds_of(Pattern.parse(text))}
        requests = [
            Request(_INSTRUMENTS, {"instType": _TYPES[kind]})
            for kind in _TYPES
            if kind in kinds and kind is not InstrumentKind.OPTION
        ]
        # Options are listed by family only; which families there are is a question of its own.
        families = families_of(patterns)
        if any(is_glob(family) for family in families):
            return [*requests, Request(_UNDERLYING, {"instType": "OPTION"})]
        return [*requests, *(_options(family) for family in families)]

    def follow_up(self, patterns: Sequence[str], request: Request, body: bytes) -> list[Request]:
        if request.path != _UNDERLYING:
            return []
        try:
            rows = _data(self.name, body)
        except ValueError:
            return []  # refused: nothing to go on with
        asked = families_of(patterns)
        listed = {
            family
            for row in rows
            for family in (row if isinstance(row, list) else [row])
            if isinstance(family, str) and any(fnmatchcase(family, glob) for glob in asked)
        }
        # A family named in full is asked for even if the venue does not name it among them.
        listed.update(glob for glob in asked if not is_glob(glob))
        return [_options(family) for family in sorted(listed)]

    def parse_instruments(self, body: bytes) -> list[ListedInstrument]:
        entries = _data(self.name, body)
        if entries and all(isinstance(entry, list | str) for entry in entries):
            return []  # families, see `follow_up`
        return listing.parse_each(self.name, entries, "instId", _spec)

    def snapshot_request(self, symbol: str) -> Request | None:
        params = {"instId": symbol, "sz": str(_BOOK_LEVELS)}
        return Request(_BOOKS, params, levels=_BOOK_LEVELS)

    def parse_book(self, body: bytes) -> BookAnswer:
        data = _data(self.name, body, "book")
        book = data[0] if data and isinstance(data[0], dict) else {}
        return book_answer.answer(self.name, book.get("seqId"), book.get("bids"), book.get("asks"))

    def snapshot_symbol(self, url: str, body: str = "") -> str | None:  # noqa: ARG002
        parts = urlsplit(url)
        if parts.path != _BOOKS:
            return None
        return parse_qs(parts.query).get("instId", [None])[0]

    def lists_instruments(self, url: str, body: str = "") -> bool:  # noqa: ARG002
        return urlsplit(url).path == _INSTRUMENTS


def _operation(operation: str, keys: Iterable[str], request_id: int) -> str:
    args = []
    for key in keys:
        channel, _, symbol = key.partition(":")
        args.append({"channel": channel, _SUBJECT.get(channel, "instId"): symbol})
    return orjson.dumps({"id": str(request_id), "op": operation, "args": args}).decode()


def _told(message: Mapping[str, Any]) -> Control:
    """A push of the channel `instruments`: rows as those of the list, all or those that changed."""
    arg, rows = message.get("arg"), message.get("data")
    channel = arg.get("channel") if isinstance(arg, dict) else None
    if channel != _BY_TYPE or not isinstance(rows, list):
        raise ValueError(f"okx: not a push of ours: {str(arg)[:80]}")
    return Control(ControlKind.STATED, stated=map(_stated, filter(_is_row, rows)))


def _is_row(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("instId"), str)


def _stated(row: dict[str, Any]) -> Stated:
    word = row.get("state")
    status = names.status(_STATUSES, word)
    return Stated(
        row["instId"], status, word if isinstance(word, str) else "", partial(_spec, Row(row))
    )


def _options(family: str) -> Request:
    return Request(_INSTRUMENTS, {"instType": "OPTION", "instFamily": family})


def _data(venue: str, body: bytes, what: str = "list of instruments") -> list[Any]:
    answer = listing.document(venue, body, what)
    if str(answer.get("code", "0")) != "0":
        raise ValueError(
            f"{venue}: the {what} was refused: {answer.get('msg')} ({answer.get('code')})"
        )
    data = answer.get("data")
    if not isinstance(data, list):
        raise ValueError(f"{venue}: the {what} has no list `data`")
    return data


def _spec(row: Row) -> ListedInstrument | None:
    symbol, kind = row.text("instId"), _KINDS.get(row.text("instType"))
    if kind is None:
        return None  # MARGIN shares its names with SPOT; a type of a later day
    # The family is the underlying, marked where the settlement differs (BTC-USD_UM).
    family = row.text("instFamily", "") or row.text("uly", "")
    base, quote = row.text("baseCcy", ""), row.text("quoteCcy", "")
    name, strike, option = symbol, Decimal(0), OptionType.NONE
    dated = kind in (InstrumentKind.FUTURE, InstrumentKind.OPTION)
    # Of a swap or a pair: when it is taken off the list.
    expiry = (row.expiry_ns if dated else row.end_ns)("expTime")
    if kind is not InstrumentKind.SPOT:
        family = family or "-".join(symbol.split("-")[:2])
        base, _, quote = family.partition("-")
        quote = quote.partition("_")[0]
    if kind is InstrumentKind.PERPETUAL:
        name = names.perpetual(family)
    elif dated:
        name = names.future(family, expiry)
    if kind is InstrumentKind.OPTION:
        option = row.one_of("optType", {"C": OptionType.CALL, "P": OptionType.PUT})
        strike = row.number("stk")
        name = names.option(family, expiry, strike, option)
    if not base or not quote:
        raise ValueError("neither currencies nor an underlying of two")
    settle = row.text("settleCcy", quote)
    one = Decimal(1)
    sizeless = one if kind is InstrumentKind.SPOT else None
    return ListedInstrument(
        symbol=symbol,
        name=name,
        kind=kind,
        base=base,
        quote=quote,
        settle=settle,
        tick=row.number("tickSz", Decimal(0)),
        lot=row.number("lotSz", Decimal(0)),
        contract_size=row.number("ctVal", sizeless) * row.number("ctMult", one),
        contract_type=_contract(row, kind, settle == base),
        strike=strike,
        expiry_ns=expiry,
        option=option,
        status=row.status("state", _STATUSES),
        stated=row.word("state"),
        family=family,
    )


def _contract(row: Row, kind: InstrumentKind, inverse: bool) -> ContractType:
    if kind is InstrumentKind.SPOT:
        return ContractType.NONE
    stated = {"linear": ContractType.LINEAR, "inverse": ContractType.INVERSE}
    fallback = ContractType.INVERSE if inverse else ContractType.LINEAR
    return stated.get(row.text("ctType", ""), fallback)
