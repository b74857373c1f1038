"""Binance spot, and how all of Binance's products are spoken with.

Rules: https://github.com/binance/binance-spot-api-docs (web-socket-streams.md, "How to manage a
local order book correctly"; rest-api.md; CHANGELOG.md). A subscription key is the stream's name,
such as `btcusdt@depth@100ms`. Answers to subscriptions carry nothing but the request's id, and any
stream with a name is acknowledged, whether it exists or not. Spot has no mark price and no
statistics of its own worth a stream: the channel `ticker` is the same as `quote` here, the best bid
and offer in real time.
"""

from collections.abc import Mapping, Sequence

import orjson

from feedhandler.adapter import promise
from feedhandler.adapter.declared import (
    Answer,
    BestPath,
    BookPath,
    Decimals,
    DeclaredVenue,
    First,
    Listing,
    Topic,
    Words,
)
from feedhandler.adapter.pattern import Pattern
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import (
    Base,
    Continuity,
    ControlKind,
    Heartbeat,
    Limits,
    ListedInstrument,
    Speaker,
)
from feedhandler.venues.binance_frames import SPOT_FRAMES
from shm import InstrumentKind, Status

#: Undocumented: a message of more than 4,096 bytes on the wire is swallowed without a word
#: (binance-connector-rust#27).
MESSAGE_BYTES = 4000
MESSAGE_KEYS = 200
#: 403: the web application firewall
BANS: Mapping[int, float] = {429: 60.0, 418: 120.0, 403: 300.0}

#: what futures and options have spent of 2,400 a minute, as each answer says
USED = ("X-MBX-USED-WEIGHT-1M", 2400.0, 60.0)

_REFUSAL = '"code":$code,"msg":"$text"'
WORDS = Words(
    subscribe='{"method":"SUBSCRIBE","params":$keys,"id":$id}',
    unsubscribe='{"method":"UNSUBSCRIBE","params":$keys,"id":$id}',
    answers=(
        Answer(ControlKind.ACK, '{"result":null,"id":$id}'),
        Answer(ControlKind.NOTHING, '{"result":$_,"id":$id}'),  # LIST_SUBSCRIPTIONS
        Answer(ControlKind.REJECTED, f'{{"error":{{{_REFUSAL}}},"id?":$id}}'),
        Answer(ControlKind.REJECTED, '{"error":"$text","id?":$id}'),
        Answer(ControlKind.REJECTED, f'{{{_REFUSAL},"id?":$id}}'),
        *(
            Answer(ControlKind.NOTICE, sample, text="serverShutdown")
            for sample in (
                '{"e":"serverShutdown"}',
                '{"data":{"e":"serverShutdown"}}',
                '{"stream":"!serverShutdown"}',
            )
        ),
    ),
)


def stream(name: str, endpoint: str = "public", word: str = "") -> Topic:
    """Of one symbol; `name`: what stands behind it, with its speed; `word`: what its events are
    called, where that is another one."""
    word = word or name.partition("@")[0]
    return Topic(f"$symbol@{name}", word, endpoint=endpoint, lower=True)


def family(name: str, word: str, endpoint: str) -> Topic:
    """Of all options of an underlying; `word`: what its events are called."""
    return Topic(f"$family@{name}", word, endpoint=endpoint, lower=True)


def step(name: str, key: str, digits: str) -> First:
    """The step of a filter of exchangeInfo; without one (or with 0, which is none) the asset's last
    digit."""
    return First((f"filters.filterType={name}.{key}", Decimals(digits)))


def book_path(
    path: str,
    weights: tuple[tuple[int, int], ...],
    *,
    seen: int,
    least: int = 5,
    levels: int = 0,
    others: tuple[str, ...] = (),
) -> BookPath:
    """`weights`: (levels up to, request weight); `levels`: of a base, 0: the most that is sold."""
    return BookPath(
        path,
        {"symbol": "$symbol", "limit": "$levels"},
        levels=levels or weights[-1][0],
        seen=seen,
        least=least,
        weight=weights,
        others=others,
    )


_BEST = (
    '{"symbol":"$symbol","bidPrice":"$bid","bidQty":"$bid_size","askPrice":"$ask",'
    '"askQty":"$ask_size"}'
)


def best_path(path: str, *, listed: bool = False) -> BestPath:
    """Of the ticker, which names its symbol; `listed`: in a list of one."""
    sample = f"[{_BEST}]" if listed else _BEST
    return BestPath(path, {"symbol": "$symbol"}, sample, weight=2)


_INFO = "/api/v3/exchangeInfo"
_INFO_WEIGHT = 20
_NAMED_SYMBOLS = 100  # more than this in one URL, and the whole list is the smaller evil
_UNLISTED = (-1100, -1121)  # illegal characters in a name; a name that is not listed
_TOP = stream("bookTicker")


class BinanceSpot(DeclaredVenue):
    name = "binance"
    frames = SPOT_FRAMES
    usual = True
    rule, base = Continuity.RANGE, Base.REQUEST
    proof = Proof((Sign.RANGE,), sized=True)
    ws_urls = {"public": "wss://stream.binance.com:9443/stream"}
    ws_alternatives = {
        "public": (
            "wss://stream.binance.com:443/stream",
            "wss://data-stream.binance.vision/stream",
        )
    }
    rest_url = "https://api.binance.com"
    hosts = (
        "data-stream.binance.vision",
        "data-api.binance.vision",
        "api1.binance.com",
        "api2.binance.com",
        "api3.binance.com",
        "api4.binance.com",
        "api-gcp.binance.com",
        "www.binance.com",
    )
    heartbeat = Heartbeat(Speaker.SERVER_FRAME, 20.0, 60.0)
    limits = Limits(
        keys_per_message=MESSAGE_KEYS,
        bytes_per_message=MESSAGE_BYTES,
        keys_per_connection=1024,
        messages_per_second=4.0,  # of 5, pongs included
        connects_per_window=(300, 300.0),
        rest_per_second=80.0,  # of 6,000 a minute,
        rest_burst=1200.0,  # with what is spent at once
        rest_used=("X-MBX-USED-WEIGHT-1M", 6000.0, 60.0),  # rest-api.md, "IP Limits"
        bans=BANS,
        lifetime_s=86_400.0,
    )
    topics = {
        "book": stream("depth@100ms"),
        "trades": stream("trade"),
        "quote": _TOP,
        "ticker": _TOP,
    }
    # Nothing comes but what changes: the book every 100 ms, the best bid and offer at once.
    promises = {
        "depth": Promise("book", moves=True),
        "bookTicker": Promise("quote", moves=True),
        "trade": promise.TRADES,
    }
    words = WORDS
    #: `status` of exchangeInfo (enums.md, "Symbol status", and CHANGELOG.md); nothing streams it
    statuses = {
        "TRADING": Status.ACTIVE,
        "PRE_TRADING": Status.PRE_OPEN,
        "PENDING_TRADING": Status.PRE_OPEN,
        "AUCTION_MATCH": Status.AUCTION,
        "CANCEL_ONLY": Status.CANCEL_ONLY,
        "POST_TRADING": Status.HALTED,
        "END_OF_DAY": Status.HALTED,
        "HALT": Status.HALTED,
        "BREAK": Status.HALTED,
    }
    listing = Listing(
        _INFO,
        rows="symbols",
        having="symbols",
        params={"showPermissionSets": "false"},  # without, the answer is many times as long
        weight=_INFO_WEIGHT,
        symbol="symbol",
        base="baseAsset",
        quote="quoteAsset",
        tick=step("PRICE_FILTER", "tickSize", "quotePrecision"),
        lot=step("LOT_SIZE", "stepSize", "baseAssetPrecision"),
        status="status",
        others=("/api/v1/exchangeInfo",),
    )
    book = book_path(
        "/api/v3/depth",
        ((100, 5), (500, 25), (1000, 50), (5000, 250)),
        seen=1000,  # a fifth of the weight
        others=("/api/v1/depth",),
    )
    best = best_path("/api/v3/ticker/bookTicker")
    default_instruments = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT")

    def instrument_requests(self, patterns: Sequence[str]) -> list[Request]:
        parsed = [Pattern.parse(text) for text in patterns]
        parsed = [pattern for pattern in parsed if pattern.kind in (None, InstrumentKind.SPOT)]
        names = dict.fromkeys(pattern.glob.replace("-", "") for pattern in parsed)
        if len(names) > _NAMED_SYMBOLS or not all(pattern.exact for pattern in parsed):
            return super().instrument_requests(patterns)
        params = {"symbols": orjson.dumps(list(names)).decode()}
        return [Request(_INFO, params, weight=_INFO_WEIGHT)] if names else []

    def follow_up(self, patterns: Sequence[str], request: Request, body: bytes) -> list[Request]:
        # One wrong name and the venue refuses the whole list: ask for all, to say what is near.
        named = request.path == _INFO and "symbols" in request.params
        return super().instrument_requests(patterns) if named and _names_unlisted(body) else []

    def parse_instruments(self, body: bytes) -> list[ListedInstrument]:
        return [] if _names_unlisted(body) else super().parse_instruments(body)  # see `follow_up`


def _names_unlisted(body: bytes) -> bool:
    if len(body) > 1000:  # a list
        return False
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(answer, dict) and answer.get("code") in _UNLISTED
