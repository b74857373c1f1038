"""Deribit: perpetuals, futures, options and spot over JSON-RPC 2.0.

Rules: https://docs.deribit.com (articles on notifications, connection management, rate limits;
book.{instrument}.{interval}; public/get_instruments; public/set_heartbeat). Amounts are in US
dollars for inverse perpetuals and futures, and in base currency for everything else, so that a
size of 1 is worth 1 of either.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from feedhandler.adapter import book_answer, listing, names, promise, refusals, request_ids
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
from feedhandler.venues import _decoders
from feedhandler.venues.deribit_frames import FRAMES
from shm import ContractType, InstrumentKind, OptionType, Status

_CHANNELS = ("book", "trades", "ticker")  # the venue's names are ours
#: notices of what is created, opened, settled and over; of price indices that are locked
_STATE, _PLATFORM = "instrument.state", "platform_state"
_INTERVAL = "100ms"  # `raw` needs a login, agg2 is no faster for most instruments
_HEARTBEAT_S = 10  # the shortest that the venue grants

#: Errors that pass: too_many_requests, retry, settlement_in_progress, matching_engine_queue_full,
#: temporarily_unavailable, timed_out, system_maintenance, internal_server_error.
_TRANSIENT = {10028, 10040, 10041, 10047, 11051, 11094, 13028, 13888}

#: `state` of get_instruments and of tickers, and the notices of instrument.state. `locked`: orders
#: may be cancelled, and no more; `settlement` returns to open, or goes on to delivered.
_STATUSES: Mapping[str, Status] = {
    "open": Status.ACTIVE,
    "started": Status.ACTIVE,
    "created": Status.PRE_OPEN,
    "settlement": Status.SETTLING,
    "settled": Status.SETTLING,
    "locked": Status.CANCEL_ONLY,
    "halted": Status.HALTED,
    "inactive": Status.HALTED,
    "deactivated": Status.HALTED,
    "delivered": Status.EXPIRED,
    "closed": Status.EXPIRED,
    "terminated": Status.EXPIRED,
    "archivized": Status.EXPIRED,
}

_BOOK = "/public/get_order_book"
_BOOK_LEVELS = 1000  # of 1, 5, 10, 20, 50, 100, 1000, 10000

_KINDS = ("future", "option", "spot")
_COMBOS = ("future_combo", "option_combo")
_KIND_OF = {
    InstrumentKind.SPOT: ("spot",),
    InstrumentKind.PERPETUAL: ("future",),
    InstrumentKind.FUTURE: ("future",),
    InstrumentKind.OPTION: ("option",),
    InstrumentKind.COMBO: _COMBOS,
}
_OPTION_NAME = re.compile(r".+-.+-[0-9.d*?]+-[CP]")
_FUTURE_NAME = re.compile(r"\w+-PERPETUAL|\w+-\w+-PERP|\w+-\d{1,2}[A-Z]{3}\d{2}|\w+-\w+-\d{8}")


class Deribit(Venue):
    name = "deribit"
    decoder = _decoders.find("deribit", FRAMES)
    rule = Continuity.PREVIOUS
    proof = Proof((Sign.CHAIN,))
    base = Base.STREAM
    socket_requests = True
    ws_urls: Mapping[str, str] = {"public": "wss://www.deribit.com/ws/api/v2"}
    ws_alternatives: Mapping[str, tuple[str, ...]] = {
        "public": ("wss://streams.deribit.com/ws/api/v2",)
    }
    rest_url = "https://www.deribit.com/api/v2"
    hosts = ("deribit.com", "streams.deribit.com", "test.deribit.com", "history.deribit.com")
    # A heartbeat, and with it a test request, comes every interval; two missed ones are death.
    heartbeat = Heartbeat(Speaker.SERVER_JSON, _HEARTBEAT_S, 2.5 * _HEARTBEAT_S)
    limits = Limits(
        keys_per_message=500,
        # A subscription costs 3,000 credits; an address earns 10,000 a second and holds 30,000.
        messages_per_second=3.3,
        host_messages_per_second=3.3,
        host_messages_burst=10.0,
        connections=32,  # per address, HTTP counted
        rest_per_second=1.0,  # public/get_instruments
    )
    statuses = _STATUSES
    # A book and a ticker begin with the present state, then tell of changes.
    promises: Mapping[str, Promise] = {
        "book": Promise("book", first_s=5.0),
        "ticker": Promise("ticker", first_s=5.0),
        "trades": promise.TRADES,
    }
    default_instruments = (
        "BTC-PERPETUAL",
        "ETH-PERPETUAL",
        "future:BTC-USD:*",
        "option:BTC-USD:*",
    )

    def on_connect(self) -> Sequence[str]:
        return (_call(request_ids.ON_CONNECT, "public/set_heartbeat", {"interval": _HEARTBEAT_S}),)

    def keys(self, instrument: ListedInstrument, channels: Sequence[str]) -> list[str]:
        keys = [f"{channel}.{instrument.symbol}.{_INTERVAL}" for channel in channels]
        kinds = _KIND_OF[instrument.kind]
        kind = kinds[0] if len(kinds) == 1 else "any"  # which combo, its kind does not tell
        return [*keys, f"{_STATE}.{kind}.any", _PLATFORM]

    def key_symbols(self, key: str) -> tuple[str, str]:
        if key == _PLATFORM or key.startswith(f"{_STATE}."):
            return "status", key.removeprefix(f"{_STATE}.")
        channel, _, rest = key.partition(".")
        symbol, _, _ = rest.partition(".")
        if channel not in _CHANNELS or not symbol:
            raise ValueError(f"deribit: not a subscription of ours: {key!r}")
        return channel, symbol

    def subscribe(self, keys: Sequence[str], request_id: int) -> str:
        return _call(
            request_ids.message_id(request_id), "public/subscribe", {"channels": list(keys)}
        )

    def unsubscribe(self, keys: Sequence[str], request_id: int) -> str:
        message = request_ids.message_id(request_id, unsubscribe=True)
        return _call(message, "public/unsubscribe", {"channels": list(keys)})

    def control(self, frame: bytes, asked: Mapping[int, Sequence[str]]) -> list[Control]:
        message = orjson.loads(frame)
        if not isinstance(message, dict):
            raise ValueError(f"deribit: not a JSON-RPC message: {frame[:80]!r}")
        if message.get("method") == "heartbeat":
            params = message.get("params")
            if isinstance(params, dict) and params.get("type") == "test_request":
                return [
                    Control(
                        ControlKind.ASKED, reply=_call(request_ids.HEARTBEAT, "public/test", {})
                    )
                ]
            return [Control(ControlKind.NOTHING)]
        if message.get("method") == "subscription":
            return [_told(message)]
        number = request_ids.socket_number(message.get("id"))
        if number is not None:
            text = _words(message["error"]) if "error" in message else ""
            return [Control(ControlKind.ANSWER, text=text, request_id=number)]
        if "error" in message:
            return _refused(message, asked)
        if "result" not in message:
            raise ValueError(f"deribit: neither result nor error nor heartbeat: {frame[:80]!r}")
        return _answered(message, asked)

    def instrument_requests(self, patterns: Sequence[str]) -> list[Request]:
        wanted = {kind for text in patterns for kind in _kinds(Pattern.parse(text))}
        return [
            Request(
                "/public/get_instruments",
                {"currency": "any", "kind": kind, "expired": "false"},
            )
            for kind in (*_KINDS, *_COMBOS)
            if kind in wanted
        ]

    def parse_instruments(self, body: bytes) -> list[ListedInstrument]:
        answer = listing.document(self.name, body)
        if "error" in answer:
            raise ValueError(f"deribit: instruments refused: {_words(answer['error'])}")
        entries = answer.get("result")
        if isinstance(entries, dict):  # public/get_instrument answers with one
            entries = [entries]
        if not isinstance(entries, list):
            raise ValueError("deribit: the list of instruments has no list `result`")
        return listing.parse_each(self.name, entries, "instrument_name", _spec)

    def book_request(self, symbol: str) -> Request | None:
        params = {"instrument_name": symbol, "depth": str(_BOOK_LEVELS)}
        return Request(_BOOK, params, levels=_BOOK_LEVELS)

    def parse_book(self, body: bytes) -> BookAnswer:
        answer = listing.document(self.name, body, "book")
        book = answer.get("result")
        if not isinstance(book, dict):
            raise ValueError(f"deribit: no book: {_words(answer.get('error'))}")
        return book_answer.answer(
            self.name, book.get("change_id"), book.get("bids"), book.get("asks")
        )

    def socket_request(self, request: Request, number: int) -> str:
        return _call(
            request_ids.socket_id(number), request.path.lstrip("/"), _typed(request.params)
        )

    def snapshot_symbol(self, url: str, body: str = "") -> str | None:  # noqa: ARG002
        parts = urlsplit(url)
        if not parts.path.endswith(_BOOK):
            return None
        return parse_qs(parts.query).get("instrument_name", [None])[0]

    def lists_instruments(self, url: str, body: str = "") -> bool:  # noqa: ARG002
        return urlsplit(url).path.endswith(("/public/get_instruments", "/public/get_instrument"))


def _call(message: int, method: str, params: Mapping[str, object]) -> str:
    return orjson.dumps(
        {"jsonrpc": "2.0", "id": message, "method": method, "params": params}
    ).decode()


def _typed(params: Mapping[str, str]) -> dict[str, object]:
    """What in a URL is text, in JSON has its type."""
    words: dict[str, object] = {"true": True, "false": False}
    return {
        key: int(value) if value.isdigit() else words.get(value, value)
        for key, value in params.items()
    }


def _told(message: Mapping[str, Any]) -> Control:
    """A notice about instruments, or about the whole platform."""
    params = message.get("params")
    channel = params.get("channel") if isinstance(params, dict) else None
    data = params.get("data") if isinstance(params, dict) else None
    if not isinstance(channel, str) or not isinstance(data, dict):
        raise ValueError("deribit: a notification without channel or data")
    if channel == _PLATFORM:  # locked, or in maintenance: the list says which instruments are
        said = ", ".join(f"{key} {value}" for key, value in list(data.items())[:4])
        return Control(ControlKind.RELIST, text=f"platform_state: {said}"[:200])
    symbol, word = data.get("instrument_name"), data.get("state")
    if not isinstance(symbol, str) or not isinstance(word, str):
        raise ValueError(f"deribit: {channel[:40]}: neither an instrument nor a state")
    return Control(
        ControlKind.STATED, stated=(Stated(symbol, names.status(_STATUSES, word), word),)
    )


def _words(error: object) -> str:
    if not isinstance(error, dict):
        return str(error)
    detail = error.get("data")
    return f"{error.get('message')} ({error.get('code')})" + (f": {detail}" if detail else "")


def _refused(message: Mapping[str, Any], asked: Mapping[int, Sequence[str]]) -> list[Control]:
    request_id, ended = request_ids.split_id(message.get("id"))
    keys = () if ended else tuple(asked.get(request_id, ()))
    error = message["error"]
    code = error.get("code") if isinstance(error, dict) else None
    text, passes = _words(error), isinstance(code, int) and code in _TRANSIENT
    return refusals.refused(keys, text, 0 if ended else max(request_id, 0), passes=passes)


def _answered(message: Mapping[str, Any], asked: Mapping[int, Sequence[str]]) -> list[Control]:
    if message.get("id") == request_ids.HEARTBEAT:
        return [Control(ControlKind.PONG)]
    result = message["result"]
    if not isinstance(result, list) or not all(isinstance(key, str) for key in result):
        return [Control(ControlKind.NOTHING)]
    request_id, ended = request_ids.split_id(message.get("id"))
    number = max(request_id, 0)
    if ended:
        return [Control(ControlKind.UNSUBSCRIBED, tuple(result), request_id=number)]
    answers = [Control(ControlKind.ACK, tuple(result), request_id=number)] if result else []
    accepted = set(result)
    # The venue leaves out what it does not know and says no more about it.
    missing = tuple(key for key in asked.get(request_id, ()) if key not in accepted)
    if missing:
        text = "not among the channels that the venue accepted"
        answers.append(Control(ControlKind.REJECTED, missing, text, request_id=number))
    return answers or [Control(ControlKind.NOTHING, request_id=number)]


def _kinds(pattern: Pattern) -> tuple[str, ...]:
    """The venue's kinds that a pattern may name; all but combos when its shape does not tell."""
    if pattern.kind is not None:
        return _KIND_OF[pattern.kind]
    if _OPTION_NAME.fullmatch(pattern.glob):
        return ("option",)
    if _FUTURE_NAME.fullmatch(pattern.glob):
        return ("future",)
    if is_glob(pattern.glob):
        return _KINDS
    # One name of another shape: spot (BTC_USDC, BTC-USDC), a combo's own name, or a mistake.
    return ("option", *_COMBOS) if pattern.glob.count("-") > 1 else ("spot", "future")


def _spec(row: Row) -> ListedInstrument | None:
    symbol, kind, base = row.text("instrument_name"), row.text("kind"), row.text("base_currency")
    if kind not in (*_KINDS, *_COMBOS):
        return None  # a kind of a later day
    # Before 2022 there were neither counter nor settlement currencies, nor linear contracts.
    quote = row.text("counter_currency", "") or row.text("quote_currency")
    if quote == base:
        quote = "USD"
    settle = row.text("settlement_currency", quote if kind == "spot" else base)
    steps = row.rows("tick_size_steps")
    lots = [row.number(key, Decimal(0)) for key in ("min_trade_amount", "contract_size")]
    underlying = f"{base}-{quote}"
    ours, name = InstrumentKind.COMBO, symbol
    strike, option = Decimal(0), OptionType.NONE
    dated = kind in ("future", "option") and row.text("settlement_period", "") != "perpetual"
    expiry = (row.expiry_ns if dated else row.end_ns)("expiration_timestamp")
    if kind == "spot":
        ours, name = InstrumentKind.SPOT, underlying
    elif kind == "future" and not dated:
        ours, name = InstrumentKind.PERPETUAL, names.perpetual(underlying)
    elif kind in ("future", "option"):
        if kind == "future":
            ours, name = InstrumentKind.FUTURE, names.future(underlying, expiry)
        else:
            option = row.one_of("option_type", {"call": OptionType.CALL, "put": OptionType.PUT})
            strike = row.number("strike")
            ours = InstrumentKind.OPTION
            name = names.option(underlying, expiry, strike, option)
    return ListedInstrument(
        symbol=symbol,
        name=name,
        kind=ours,
        base=base,
        quote=quote,
        settle=settle,
        tick=row.number("tick_size"),
        tick_bands=tuple(sorted((s.number("above_price"), s.number("tick_size")) for s in steps)),
        lot=min((lot for lot in lots if lot > 0), default=Decimal(0)),
        contract_type=_contract(row, ours, settle == base),
        strike=strike,
        expiry_ns=expiry,
        option=option,
        status=_status(row),
        stated=row.word("state"),
    )


def _status(row: Row) -> Status:
    """Once there was `is_active` alone; since there is `state`, the more careful one of both."""
    active = row.flag("is_active", default=True)
    status = row.status("state", _STATUSES) if row.has("state") else Status.ACTIVE
    return Status.HALTED if status is Status.ACTIVE and not active else status


def _contract(row: Row, kind: InstrumentKind, inverse: bool) -> ContractType:
    if kind is InstrumentKind.SPOT:
        return ContractType.NONE
    stated = {"linear": ContractType.LINEAR, "reversed": ContractType.INVERSE}
    fallback = ContractType.INVERSE if inverse else ContractType.LINEAR
    return stated.get(row.text("instrument_type", ""), fallback)
