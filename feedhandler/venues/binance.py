"""Binance spot.

Rules: https://github.com/binance/binance-spot-api-docs (web-socket-streams.md, "How to manage a
local order book correctly"; rest-api.md; CHANGELOG.md). Spot has no mark price and no statistics of
its own worth a stream: the channel `ticker` is the same as `quote` here, the best bid and offer in
real time.
"""

from collections.abc import Sequence

import orjson

from feedhandler.adapter import promise
from feedhandler.adapter.declared import DeclaredVenue, Listing
from feedhandler.adapter.pattern import Pattern
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import (
    Base,
    Continuity,
    Heartbeat,
    Limits,
    ListedInstrument,
    Speaker,
)
from feedhandler.venues import binance_common as shared
from feedhandler.venues.binance_frames import SPOT
from shm import InstrumentKind, Status

_INFO = "/api/v3/exchangeInfo"
_INFO_WEIGHT = 20
_NAMED_SYMBOLS = 100  # more than this in one URL, and the whole list is the smaller evil
_UNLISTED = (-1100, -1121)  # illegal characters in a name; a name that is not listed
_TOP = shared.stream("bookTicker")


class BinanceSpot(DeclaredVenue):
    name = "binance"
    frames = SPOT
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
        keys_per_message=shared.MESSAGE_KEYS,
        bytes_per_message=shared.MESSAGE_BYTES,
        keys_per_connection=1024,
        messages_per_second=4.0,  # of 5, pongs included
        connects_per_window=(300, 300.0),
        rest_per_second=80.0,  # of 6,000 a minute,
        rest_burst=1200.0,  # with what is spent at once
        rest_used=("X-MBX-USED-WEIGHT-1M", 6000.0, 60.0),  # rest-api.md, "IP Limits"
        bans=shared.BANS,
        lifetime_s=86_400.0,
    )
    topics = {
        "book": shared.stream("depth@100ms"),
        "trades": shared.stream("trade"),
        "quote": _TOP,
        "ticker": _TOP,
    }
    # Nothing comes but what changes: the book every 100 ms, the best bid and offer at once.
    promises = {
        "depth": Promise("book", moves=True),
        "bookTicker": Promise("quote", moves=True),
        "trade": promise.TRADES,
    }
    words = shared.WORDS
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
        tick=shared.step("PRICE_FILTER", "tickSize", "quotePrecision"),
        lot=shared.step("LOT_SIZE", "stepSize", "baseAssetPrecision"),
        status="status",
        others=("/api/v1/exchangeInfo",),
    )
    book = shared.book(
        "/api/v3/depth",
        ((100, 5), (500, 25), (1000, 50), (5000, 250)),
        seen=1000,  # a fifth of the weight
        others=("/api/v1/depth",),
    )
    best = shared.best("/api/v3/ticker/bookTicker")
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
