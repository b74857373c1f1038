"""Binance spot.

Rules: https://github.com/binance/binance-spot-api-docs (web-socket-streams.md, "How to manage a
local order book correctly"; rest-api.md; CHANGELOG.md). Spot has no mark price and no statistics of
its own worth a stream: the channel `ticker` is the same as `quote` here, the best bid and offer in
real time.
"""

from collections.abc import Mapping, Sequence

import orjson

from feedhandler.adapter import listing, promise
from feedhandler.adapter.pattern import Pattern
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.request import Request
from feedhandler.adapter.row import Row
from feedhandler.adapter.venue import Continuity, Heartbeat, Limits, ListedInstrument, Speaker
from feedhandler.engine._engine import shape_decoder
from feedhandler.shape import compiled
from feedhandler.venues import binance_common as shared
from feedhandler.venues.binance_frames import SPOT
from shm import InstrumentKind, Status

_OURS = {"depth": "book", "trade": "trades", "aggTrade": "trades", "bookTicker": "quote"}

#: `status` of exchangeInfo (enums.md, "Symbol status", and CHANGELOG.md); nothing streams it
_STATUSES: Mapping[str, Status] = {
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

_INFO = "/api/v3/exchangeInfo"
_INFO_WEIGHT = 20
_DEPTH_LEVELS = 5000
_SEEN_LEVELS = 1000  # to compare or to poll: a fifth of the weight
_DEPTH_WEIGHTS = ((100, 5), (500, 25), (1000, 50), (5000, 250))  # levels up to: weight
_NAMED_SYMBOLS = 100  # more than this in one URL, and the whole list is the smaller evil
_UNLISTED = (-1100, -1121)  # illegal characters in a name; a name that is not listed


class BinanceSpot(shared.BinanceStreams):
    name = "binance"
    rule = Continuity.RANGE
    proof = Proof((Sign.RANGE,), sized=True)
    ws_urls: Mapping[str, str] = {"public": "wss://stream.binance.com:9443/stream"}
    ws_alternatives: Mapping[str, tuple[str, ...]] = {
        "public": (
            "wss://stream.binance.com:443/stream",
            "wss://data-stream.binance.vision/stream",
        )
    }
    decoder = shape_decoder(compiled(SPOT), usual=True)
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
    channels = ("book", "trades", "ticker", "quote")
    streams: Mapping[str, tuple[str, ...]] = {
        "book": ("depth@100ms",),
        "trades": ("trade",),
        "ticker": ("bookTicker",),
        "quote": ("bookTicker",),
    }
    # Nothing comes but what changes: the book every 100 ms, the best bid and offer at once.
    promises: Mapping[str, Promise] = {
        "depth": Promise("book", moves=True),
        "bookTicker": Promise("quote", moves=True),
        "trade": promise.TRADES,
        "aggTrade": promise.TRADES,
    }
    info_path = _INFO
    historic_info_paths = ("/api/v1/exchangeInfo",)
    best_path = "/api/v3/ticker/bookTicker"
    depth_paths = ("/api/v3/depth", "/api/v1/depth")
    statuses = _STATUSES
    default_instruments = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT")

    def channel_of(self, stream: str) -> str | None:
        return _OURS.get(stream)

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

    def parse_instruments(self, body: bytes) -> list[ListedInstrument]:
        if _names_unlisted(body):
            return []  # see `follow_up`
        return listing.parse_each(self.name, self.symbols(body), "symbol", _spec)

    def snapshot_request(self, symbol: str) -> Request | None:
        return self.depth_request(symbol, _DEPTH_LEVELS, depth_weight(_DEPTH_LEVELS))

    def number_request(self, symbol: str) -> Request | None:
        return self.depth_request(symbol, 5, depth_weight(5))

    def book_request(self, symbol: str) -> Request | None:
        return self.depth_request(symbol, _SEEN_LEVELS, depth_weight(_SEEN_LEVELS))


def depth_weight(levels: int) -> int:
    """The request weight of a depth snapshot (rest-api.md, "Order book")."""
    return shared.weight_of(_DEPTH_WEIGHTS, levels)


def _everything() -> Request:
    # Without the permission sets the answer is a small fraction of itself.
    return Request(_INFO, {"showPermissionSets": "false"}, weight=_INFO_WEIGHT)


def _names_unlisted(body: bytes) -> bool:
    if len(body) > 1000:  # a list
        return False
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(answer, dict) and answer.get("code") in _UNLISTED


def _spec(row: Row) -> ListedInstrument:
    base, quote = row.text("baseAsset"), row.text("quoteAsset")
    return ListedInstrument(
        symbol=row.text("symbol"),
        name=f"{base}-{quote}",
        kind=InstrumentKind.SPOT,
        base=base,
        quote=quote,
        settle=quote,
        tick=shared.step(row, "PRICE_FILTER", "tickSize", "quotePrecision"),
        lot=shared.step(row, "LOT_SIZE", "stepSize", "baseAssetPrecision"),
        status=row.status("status", _STATUSES),
        stated=row.word("status"),
    )
