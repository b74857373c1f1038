"""OKX v5: spot, swaps, futures and options.

Rules: https://www.okx.com/docs-v5/en/ (WebSocket, order book channel, get instruments) and its
change log, from which it follows that the checksum of books is 0 since 2026-06-23 and that the
snapshot in the stream may go: then books are joined from REST. Sizes of derivatives are contracts.
A subscription key is `channel:instrument`, `opt-summary:family`, or `instruments:type`.

* Options are listed by their family, and which families there are is a question of its own. So is
  how their ticks grow with the price: `tickSz` is the least of them.
* `opt-summary` has the volatilities, greeks and forward prices of all options of a family; best
  bid and offer, marks and open interest are channels of each option.
* `instruments` tells of all terms of all instruments of a type, and of each change of them.
* `uly` and `instFamily` may be empty: the family stands in the name, marked where the settlement
  differs (BTC-USD_UM).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from feedhandler.adapter import promise
from feedhandler.adapter.checksum import Checksum, Number, Order
from feedhandler.adapter.declared import (
    CALLS,
    Answer,
    BookPath,
    By,
    DeclaredVenue,
    First,
    Listing,
    Product,
    Topic,
    Words,
)
from feedhandler.adapter.declared.words import decoded
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
from feedhandler.venues.okx_families import asked_for, kinds_of, named_in, wanted
from feedhandler.venues.okx_frames import FRAMES, LIQUIDATED, OF_FAMILY, OF_INDEX, SUBJECTS, TICKS
from shm import InstrumentKind, Status

_SPOT, _SWAP = InstrumentKind.SPOT, InstrumentKind.PERPETUAL
_FUTURE, _OPTION = InstrumentKind.FUTURE, InstrumentKind.OPTION
_TYPES = {_SPOT: "SPOT", _SWAP: "SWAP", _FUTURE: "FUTURES", _OPTION: "OPTION"}
_INSTRUMENTS, _UNDERLYING = "/api/v5/public/instruments", "/api/v5/public/underlying"
_FINE = {"code": "0"}


def _asks(what: str, arg: str) -> str:
    return f'{{"id":"$id","op":"{what}","args":[{{{arg}}}]}}'


def _topic(key: str, arg: str, *kinds: InstrumentKind) -> Topic:
    """One whose requests have another arg than most."""
    asks, leaves = _asks("subscribe", arg), _asks("unsubscribe", arg)
    return Topic(key, subscribe=asks, unsubscribe=leaves, kinds=kinds)


def _of_types(channel: str, *kinds: InstrumentKind) -> Iterator[Topic]:
    """Of each type of instruments one."""
    for kind in kinds:
        word = _TYPES[kind]
        yield _topic(f"{channel}:{word}", f'"channel":"{channel}","instType":"{word}"', kind)


def _answers() -> Iterator[Answer]:
    yield Answer(ControlKind.PONG, '"pong"')
    for word, arg in SUBJECTS.items():
        said = f'"arg":{{{arg}}},"id?":"$id"'
        yield Answer(ControlKind.ACK, f'{{"event":"subscribe",{said}}}', word=word)
        yield Answer(ControlKind.UNSUBSCRIBED, f'{{"event":"unsubscribe",{said}}}', word=word)
        refused = f'{{"event":"error",{said},"code":"$code","msg":"$text"}}'
        yield Answer(ControlKind.REJECTED, refused, word=word, spoils=True)
    named = "${_}channel:$channel,inst${_}:$symbol doesn't exist$_"
    yield Answer(
        ControlKind.REJECTED,
        f'{{"event":"error","code":"$code","msg":"{named}","id?":"$id"}}',
        text="Wrong URL, or it doesn't exist",
        spoils=True,
    )
    yield Answer(ControlKind.REJECTED, '{"event":"error","code":"$code","msg":"$text","id?":"$id"}')
    # "the connection will soon be closed for a service upgrade", 30-60 s before
    yield Answer(ControlKind.NOTICE, '{"event":"notice","code":"64008","msg":"$text"}')
    yield Answer(ControlKind.NOTHING, '{"event":"notice","code":"$code","msg":"$text"}')
    yield Answer(ControlKind.ERROR, '{"event":"channel-conn-count-error","channel":"$text"}')
    yield Answer(ControlKind.STATED, '{"arg":{"channel":"instruments"},"data":[$row]}')
    yield Answer(ControlKind.NOTHING, '{"event":"$_"}')


def _contracts(kind: InstrumentKind) -> Listing:
    """`expTime` of a swap: when it is taken off the list."""
    return Listing(
        _INSTRUMENTS,
        params={"instType": _TYPES[kind]},
        rows="data",
        fine=_FINE,
        text="msg",
        symbol="instId",
        kind=By("instType", {_TYPES[kind]: kind}),
        parts={"instId": "(?P<family>(?P<pair>(?P<base>[^-]+)-(?P<quote>[^-_]+))(?:_[^-]+)?)-.+"},
        base="$base",
        quote="$quote",
        settle="settleCcy",
        family="$family",
        index_name="$pair",
        tick=First(("tickSz",)),  # what is not open yet may have none
        lot=First(("lotSz",)),
        contract_size=Product(("ctVal", "ctMult")),
        expiry="expTime",
        strike="stk",
        option=By("optType", CALLS),
        status="state",
    )


_PAIRS = replace(
    _contracts(_SPOT),
    parts={},
    base="baseCcy",
    quote="quoteCcy",
    settle="",
    family="",
    index_name="",
    contract_size=First(("ctVal", Decimal(1))),  # which is empty
    strike="",
    option=None,
)
_LISTS = {kind: _PAIRS if kind is _SPOT else _contracts(kind) for kind in _TYPES}


class Okx(DeclaredVenue):
    name = "okx"
    frames = FRAMES
    usual = True
    rule, base = Continuity.PREVIOUS, Base.STREAM
    proof = Proof((Sign.CHAIN,), note="its checksum is 0 since 2026-06-23")
    rest_join = True
    checksum = Checksum(25, Order.PAIRS, Number.PLAIN, separator=":")
    answers_each = True
    hosts = (
        *("okx.com", "ws.okx.com", "wseea.okx.com", "wsus.okx.com", "wspap.okx.com", "aws.okx.com"),
        *("www.okex.com", "ws.okex.com"),
    )
    # Port 8443 is said to go in favour of 443; `ws_url` in the configuration overrides it.
    ws_urls = {"public": "wss://ws.okx.com:8443/ws/v5/public"}
    ws_alternatives = {"public": ("wss://ws.okx.com/ws/v5/public",)}
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
    #: `state` of an instrument, over REST and in the channel `instruments`
    statuses = {
        "live": Status.ACTIVE,
        **dict.fromkeys(("suspend", "rebase"), Status.HALTED),
        **dict.fromkeys(("preopen", "test"), Status.PRE_OPEN),
        "post_only": Status.POST_ONLY,
        "settling": Status.SETTLING,
        "expired": Status.EXPIRED,
    }
    # Each begins with the present state. A mark price comes every 200 ms while it changes and else
    # every 10 s, a funding rate every 30 to 90 s, open interest every 3 s while it changes.
    promises = {
        "books": Promise("book", first_s=5.0),
        "trades": promise.TRADES,
        **dict.fromkeys(LIQUIDATED, promise.LIQUIDATIONS),
        "tickers": Promise("ticker", first_s=10.0),
        "mark-price": Promise("mark", first_s=12.0, every_s=10.0),
        "funding-rate": Promise("funding", first_s=95.0, every_s=90.0),
        "open-interest": Promise("interest", first_s=15.0),
        "opt-summary": Promise("greeks", first_s=15.0),
        "index-tickers": Promise("index", first_s=65.0),
    }
    topics = {
        "book": "books:$symbol",
        "trades": ("trades:$symbol", *_of_types("liquidation-orders", _SWAP, _FUTURE)),
        "ticker": (
            "tickers:$symbol",
            Topic("mark-price:$symbol", kinds=(_SWAP, _FUTURE, _OPTION)),
            Topic("funding-rate:$symbol", kinds=(_SWAP,)),
            Topic("open-interest:$symbol", kinds=(_SWAP, _FUTURE, _OPTION)),
            _topic("index-tickers:$index_name", OF_INDEX, _SWAP, _FUTURE, _OPTION),
            _topic("opt-summary:$family", OF_FAMILY.replace("$symbol", "$family"), _OPTION),
        ),
        "status": tuple(_of_types("instruments", *_TYPES)),
    }
    words = Words(
        subscribe=_asks("subscribe", '"channel":"$channel","instId":"$symbol"'),
        unsubscribe=_asks("unsubscribe", '"channel":"$channel","instId":"$symbol"'),
        answers=tuple(_answers()),
        # requests too frequent, the venue's own failures
        passing=("50001", "50011", "50013", "60014", "64007"),
    )
    listing = tuple(_LISTS.values())
    ticks = TICKS
    book = BookPath(
        "/api/v5/market/books",
        {"instId": "$symbol", "sz": "400"},
        levels=400,  # the most, and as many as the stream's snapshot has
        fine=_FINE,
        text="msg",
    )
    default_instruments = ("BTC-USDT", "ETH-USDT", "BTC-USDT-SWAP", "ETH-USDT-SWAP", "BTC-USD-SWAP")

    def instrument(self, row: Row, its: Listing) -> ListedInstrument | None:  # noqa: ARG002
        """None: MARGIN, which shares its names with SPOT; a type of a later day."""
        word = row.text("instType")
        kind = next((kind for kind, ours in _TYPES.items() if ours == word), None)
        found = super().instrument(row, _LISTS[kind]) if kind is not None else None
        if found is None or not found.family:
            return found
        name = found.name.replace(f"{found.base}-{found.quote}", found.family, 1)
        return replace(found, name=name)

    def instrument_requests(self, patterns: Sequence[str]) -> list[Request]:
        kinds = {kind for text in patterns for kind in kinds_of(Pattern.parse(text))} - {_OPTION}
        requests = [
            Request(_INSTRUMENTS, {"instType": word})
            for kind, word in _TYPES.items()
            if kind in kinds
        ]
        asked = asked_for(patterns)
        if asked:
            requests.append(Request(TICKS.path, TICKS.params))
        if any(map(is_glob, asked)):
            return [*requests, Request(_UNDERLYING, {"instType": "OPTION"})]
        return [*requests, *map(_options, asked)]

    def follow_up(self, patterns: Sequence[str], request: Request, body: bytes) -> list[Request]:
        listed = named_in(decoded(body)) if request.path == _UNDERLYING else []
        return [_options(one) for one in wanted(patterns, listed)] if listed else []

    def parse_instruments(self, body: bytes) -> list[ListedInstrument]:
        return [] if named_in(decoded(body)) else super().parse_instruments(body)


def _options(family: str) -> Request:
    return Request(_INSTRUMENTS, {"instType": "OPTION", "instFamily": family})
