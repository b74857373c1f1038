"""Deribit: perpetuals, futures, options and spot over JSON-RPC 2.0.

Rules: https://docs.deribit.com (articles on notifications, connections, rate limits; subscriptions;
public/get_instruments). Amounts are US dollars of inverse perpetuals and futures, and in base
currency of everything else, so that a size of 1 is worth 1 of either.

The answer to a subscription lists the channels that were accepted; of others the venue says no
more. A login is needed for the interval `raw`; `agg2` is no faster for most instruments.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from feedhandler.adapter import promise, request_ids
from feedhandler.adapter.declared import (
    Answer,
    BookPath,
    By,
    DeclaredVenue,
    Least,
    Listing,
    Steps,
    Topic,
    Words,
)
from feedhandler.adapter.pattern import Pattern, is_glob
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.request import Request
from feedhandler.adapter.row import Row
from feedhandler.adapter.venue import (
    Base,
    Continuity,
    ControlKind,
    Heartbeat,
    Limits,
    ListedInstrument,
    Speaker,
)
from feedhandler.venues.deribit_frames import FRAMES
from shm import InstrumentKind, OptionType, Status

_HEARTBEAT_S = 10  # the shortest that the venue grants
_LISTED = ("future", "option", "spot")
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


def _call(method: str, params: str, number: object = "$id") -> str:
    return f'{{"jsonrpc":"2.0","id":{number},"method":"public/{method}","params":{params}}}'


def _told(channel: str, data: str) -> str:
    return f'{{"method":"subscription","params":{{"channel":"{channel}","data":{data}}}}}'


_ERROR = '{"id":$id,"error":{"message":"$text","code":$code,"data?":$detail}}'


def _states(kind: str, *kinds: InstrumentKind) -> Topic:
    """Notices of what is created, opened, settled and over."""
    return Topic(f"instrument.state.{kind}.any", kinds=kinds)


class Deribit(DeclaredVenue):
    name = "deribit"
    frames = FRAMES
    usual = True
    spreads = True  # prices of combos may be below 0
    rule, base = Continuity.PREVIOUS, Base.STREAM
    proof = Proof((Sign.CHAIN,))
    socket_requests = True
    ws_urls = {"public": "wss://www.deribit.com/ws/api/v2"}
    ws_alternatives: Mapping[str, tuple[str, ...]] = {
        "public": ("wss://streams.deribit.com/ws/api/v2",)
    }
    rest_url = "https://www.deribit.com/api/v2"
    hosts: tuple[str, ...] = (
        "deribit.com",
        "streams.deribit.com",
        "test.deribit.com",
        "history.deribit.com",
    )
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
    # A book and a ticker begin with the present state, then tell of changes.
    promises = {
        "book": Promise("book", first_s=5.0),
        "ticker": Promise("ticker", first_s=5.0),
        "trades": promise.TRADES,
    }
    topics = {
        "book": "book.$symbol.100ms",
        "trades": "trades.$symbol.100ms",
        "ticker": "ticker.$symbol.100ms",
        "status": (
            _states("future", InstrumentKind.PERPETUAL, InstrumentKind.FUTURE),
            _states("option", InstrumentKind.OPTION),
            _states("spot", InstrumentKind.SPOT),
            _states("any", InstrumentKind.COMBO),  # which combo, its kind does not tell
            Topic("platform_state"),  # of price indices that are locked
        ),
    }
    words = Words(
        subscribe=_call("subscribe", '{"channels":$keys}'),
        unsubscribe=_call("unsubscribe", '{"channels":$keys}'),
        request='{"jsonrpc":"2.0","id":$id,"method":"$path","params":$params}',
        on_connect=(_call("set_heartbeat", f'{{"interval":{_HEARTBEAT_S}}}'),),
        answers=(
            Answer(
                ControlKind.ASKED,
                '{"method":"heartbeat","params":{"type":"test_request"}}',
                reply=_call("test", "{}", request_ids.HEARTBEAT),
            ),
            Answer(ControlKind.NOTHING, '{"method":"heartbeat"}'),
            Answer(
                ControlKind.STATED,
                _told("instrument.state.$_", '{"instrument_name":"$symbol","state":"$status"}'),
            ),
            # Two a second say of an index each that it is not locked. Else, and in maintenance,
            # the list says which instruments are.
            Answer(ControlKind.NOTHING, _told("platform_state", '{"locked":false}')),
            Answer(ControlKind.NOTHING, _told("platform_state", '{"maintenance":false}')),
            Answer(ControlKind.RELIST, _told("platform_state", "$text")),
            Answer(ControlKind.PONG, f'{{"id":{request_ids.HEARTBEAT},"result":$_}}'),
            Answer(ControlKind.ANSWER, _ERROR),
            Answer(ControlKind.ANSWER, '{"id":$id,"result":$_}'),
            Answer(ControlKind.REJECTED, _ERROR),
            Answer(ControlKind.ERROR, '{"error":$text}'),
            Answer(ControlKind.NOTHING, '{"result":"ok"}'),  # to set_heartbeat
            Answer(ControlKind.ACK, '{"id":$id,"result":$keys}', whole=True),
            Answer(ControlKind.NOTHING, '{"result":$_}'),
        ),
        # too_many_requests, retry, settlement_in_progress, matching_engine_queue_full,
        # temporarily_unavailable, timed_out, system_maintenance, internal_server_error
        passing=("10028", "10040", "10041", "10047", "11051", "11094", "13028", "13888"),
    )
    #: `state` of get_instruments and of tickers, and the notices of instrument.state. `locked`:
    #: orders may be cancelled, and no more; `settlement` returns to open, or goes on to delivered
    statuses = {
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
    listing = Listing(
        "/public/get_instruments",
        params={"currency": "any", "expired": "false"},
        others=("/public/get_instrument",),
        rows="result",
        empty=True,  # one of each kind is asked for
        text="error.message",
        symbol="instrument_name",
        kind=By(
            "kind",
            {
                "future": By(
                    "settlement_period",
                    {"perpetual": InstrumentKind.PERPETUAL},
                    other=InstrumentKind.FUTURE,
                ),
                "option": InstrumentKind.OPTION,
                "spot": InstrumentKind.SPOT,
                **dict.fromkeys(_COMBOS, InstrumentKind.COMBO),
            },
        ),
        base="base_currency",
        quote="counter_currency",
        settle="settlement_currency",
        expiry="expiration_timestamp",
        strike="strike",
        option=By("option_type", {"call": OptionType.CALL, "put": OptionType.PUT}),
        tick="tick_size",
        bands=Steps("tick_size_steps", "above_price", "tick_size"),
        lot=Least(("min_trade_amount", "contract_size")),
        status="state",
    )
    book = BookPath(
        "/public/get_order_book",
        {"instrument_name": "$symbol", "depth": "$levels"},
        levels=1000,  # of 1, 5, 10, 20, 50, 100, 1000, 10000
        text="error.message",
    )
    default_instruments: tuple[str, ...] = (
        *("BTC-PERPETUAL", "ETH-PERPETUAL", "future:BTC-USD:*", "option:BTC-USD:*"),
    )

    def key_symbols(self, key: str) -> tuple[str, str]:
        """Of any interval: recordings have others."""
        front, point, interval = key.rpartition(".")
        if front.startswith(("book.", "trades.", "ticker.")):
            key = f"{front}{point}100ms" if interval in ("raw", "agg2") else key
        return super().key_symbols(key)

    def instrument_requests(self, patterns: Sequence[str]) -> list[Request]:
        """One of each kind that is wanted: there are thousands of options."""
        wanted = {kind for text in patterns for kind in _kinds(Pattern.parse(text))}
        return [
            Request(self.listing.path, {**self.listing.params, "kind": kind})
            for kind in (*_LISTED, *_COMBOS)
            if kind in wanted
        ]

    def instrument(self, row: Row, its: Listing) -> ListedInstrument | None:
        found = super().instrument(_completed(row), its)
        if found is None:
            return None
        active = row.flag("is_active", default=True) or found.status is not Status.ACTIVE
        status = found.status if active else Status.HALTED  # once it said no more
        return replace(found, status=status)


class CoinbaseDerivatives(Deribit):
    """What was Coinbase International until 2026-09-09 (https://docs.cdp.coinbase.com/coinbase-app/
    advanced-trade-apis/guides/derivatives): Deribit's engine, at hosts of Coinbase. That of market
    data takes subscriptions only, and cuts off who says nothing for 30 s; pings do not count."""

    name = "coinbase-derivatives"
    socket_requests = False
    ws_urls = {"public": "wss://streams.drb.coinbase.com/ws/api/v2"}
    ws_alternatives = {}
    rest_url = "https://drb.coinbase.com/api/v2"
    hosts = ("drb.coinbase.com", "streams.drb.coinbase.com")
    default_instruments = ("BTC_USDC-PERPETUAL", "ETH_USDC-PERPETUAL", "SOL_USDC-PERPETUAL")


def _completed(row: Row) -> Row:
    """Before 2022 there were neither counter nor settlement currencies, nor states."""
    fields = {name: value for name, value in row.fields.items() if value not in (None, "")}
    fields |= {"state": row.fields["state"]} if row.has("state") else {"state": "open"}
    base, kind = row.text("base_currency"), row.text("kind")
    quote = fields.get("counter_currency") or fields.get("quote_currency")
    fields["counter_currency"] = "USD" if quote == base else quote
    fields.setdefault("settlement_currency", fields["counter_currency"] if kind == "spot" else base)
    return Row(fields)


def _kinds(pattern: Pattern) -> tuple[str, ...]:
    """The venue's kinds that a pattern may name; all but combos when its shape does not tell."""
    if pattern.kind is not None:
        return _KIND_OF[pattern.kind]
    if _OPTION_NAME.fullmatch(pattern.glob):
        return ("option",)
    if _FUTURE_NAME.fullmatch(pattern.glob):
        return ("future",)
    if is_glob(pattern.glob):
        return _LISTED
    # One name of another shape: spot (BTC_USDC, BTC-USDC), a combo's own name, or a mistake.
    return ("option", *_COMBOS) if pattern.glob.count("-") > 1 else ("spot", "future")
