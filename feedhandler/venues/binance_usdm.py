"""Binance USD-M futures: perpetuals and dated futures with linear margin.

Rules: https://developers.binance.com/docs/derivatives/usds-margined-futures (websocket market
streams; "How to manage a local order book correctly": the `pu` of an event is the `u` of the one
before it; exchange information; order book), and its "Important WebSocket Change Notice": since
2026-04-23 the streams are split. `/public` has the books, the best bid and offer and single trades,
`/market` aggregated trades, prices and liquidations; on the wrong one a stream is acknowledged and
never speaks.

* `trades` are the aggregated ones (`aggTrade`: fills of one taker order at one price), since single
  ones are undocumented here, with the orders of liquidation beside them: of those the venue shows
  the largest in each second, at the order's price, not at its average one.
* `ticker` is mark, index and funding once a second. Open interest is not streamed.
* Sizes are in the base asset.
"""

from collections.abc import Mapping, Sequence

from feedhandler.adapter import listing, names, promise
from feedhandler.adapter.pattern import Pattern
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.request import Request
from feedhandler.adapter.row import Row
from feedhandler.adapter.venue import Continuity, Heartbeat, Limits, ListedInstrument, Speaker
from feedhandler.engine._engine import shape_decoder
from feedhandler.shape import compiled
from feedhandler.venues import binance_common as shared
from feedhandler.venues.binance_frames import USDM
from shm import ContractType, InstrumentKind, Status

_PUBLIC = ("depth", "bookTicker", "trade")
_OURS = {
    "depth": "book",
    "bookTicker": "quote",
    "aggTrade": "trades",
    "trade": "trades",
    "forceOrder": "trades",
    "markPrice": "ticker",
}
_KINDS = (None, InstrumentKind.PERPETUAL, InstrumentKind.FUTURE)

#: `status` of exchangeInfo ("Public Endpoints Info", contract status)
_STATUSES: Mapping[str, Status] = {
    "TRADING": Status.ACTIVE,
    "PENDING_TRADING": Status.PRE_OPEN,
    "PRE_SETTLE": Status.SETTLING,
    "SETTLING": Status.SETTLING,
    "PRE_DELIVERING": Status.SETTLING,
    "DELIVERING": Status.SETTLING,
    "DELIVERED": Status.EXPIRED,
    "CLOSE": Status.EXPIRED,
}

_INFO = "/fapi/v1/exchangeInfo"
_DEPTH_LEVELS = 1000  # the most
_SEEN_LEVELS = 500  # to compare or to poll: half of the weight
_DEPTH_WEIGHTS = ((50, 2), (100, 5), (500, 10), (1000, 20))  # levels up to: weight


class BinanceUsdm(shared.BinanceStreams):
    name = "binance-usdm"
    rule = Continuity.PREVIOUS
    proof = Proof((Sign.CHAIN,))
    ws_urls: Mapping[str, str] = {
        "public": "wss://fstream.binance.com/public/stream",
        "market": "wss://fstream.binance.com/market/stream",
    }
    decoder = shape_decoder(compiled(USDM), usual=True)
    rest_url = "https://fapi.binance.com"
    heartbeat = Heartbeat(Speaker.SERVER_FRAME, 180.0, 600.0)
    limits = Limits(
        keys_per_message=shared.MESSAGE_KEYS,
        bytes_per_message=shared.MESSAGE_BYTES,
        # 1,024 by the documents; clients that met another bound stop at 200, and a connection that
        # is lost takes fewer books along.
        keys_per_connection=200,
        messages_per_second=8.0,  # of 10, pings and pongs included
        connects_per_window=(300, 300.0),  # of spot; nothing is said here
        rest_per_second=28.0,  # of 2,400 a minute, which COIN-M shares,
        rest_burst=600.0,  # with what is spent at once
        bans=shared.BANS,
        lifetime_s=86_400.0,
    )
    channels = ("book", "trades", "ticker", "quote")
    streams: Mapping[str, tuple[str, ...]] = {
        "book": ("depth@100ms",),
        "trades": ("aggTrade", "forceOrder"),
        "ticker": ("markPrice@1s",),
        "quote": ("bookTicker",),
    }
    # Nothing comes but what changes, except the mark price.
    promises: Mapping[str, Promise] = {
        "depth": Promise("book", moves=True),
        "bookTicker": Promise("quote", moves=True),
        "markPrice": Promise("ticker", first_s=5.0, every_s=3.0),
        "aggTrade": promise.TRADES,
        "trade": promise.TRADES,
        "forceOrder": promise.LIQUIDATIONS,
    }
    info_path = _INFO
    best_path = "/fapi/v1/ticker/bookTicker"
    depth_paths = ("/fapi/v1/depth",)
    statuses = _STATUSES
    default_instruments = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT")

    def endpoint(self, key: str) -> str:
        stream = key.partition("@")[2].partition("@")[0]
        return "public" if stream in _PUBLIC else "market"

    def channel_of(self, stream: str) -> str | None:
        return _OURS.get(stream)

    def instrument_requests(self, patterns: Sequence[str]) -> list[Request]:
        kinds = {Pattern.parse(text).kind for text in patterns}
        return [Request(_INFO)] if any(kind in kinds for kind in _KINDS) else []

    def parse_instruments(self, body: bytes) -> list[ListedInstrument]:
        return listing.parse_each(self.name, self.symbols(body), "symbol", _spec)

    def snapshot_request(self, symbol: str) -> Request | None:
        return self.depth_request(symbol, _DEPTH_LEVELS, depth_weight(_DEPTH_LEVELS))

    def number_request(self, symbol: str) -> Request | None:
        return self.depth_request(symbol, 5, depth_weight(5))

    def book_request(self, symbol: str) -> Request | None:
        return self.depth_request(symbol, _SEEN_LEVELS, depth_weight(_SEEN_LEVELS))


def depth_weight(levels: int) -> int:
    """The request weight of a depth snapshot ("Order Book")."""
    return shared.weight_of(_DEPTH_WEIGHTS, levels)


def _spec(row: Row) -> ListedInstrument:
    symbol, base, quote = row.text("symbol"), row.text("baseAsset"), row.text("quoteAsset")
    # PERPETUAL, TRADIFI_PERPETUAL; CURRENT_QUARTER, NEXT_QUARTER; "... DELIVERING"; "" before the
    # listing. A perpetual's delivery date is far away, or when it ends.
    dated = "_" in symbol
    expiry = (row.expiry_ns if dated else row.end_ns)("deliveryDate")
    pair = f"{base}-{quote}"
    return ListedInstrument(
        symbol=symbol,
        name=names.future(pair, expiry) if dated else names.perpetual(pair),
        kind=InstrumentKind.FUTURE if dated else InstrumentKind.PERPETUAL,
        base=base,
        quote=quote,
        settle=row.text("marginAsset", quote),
        tick=shared.step(row, "PRICE_FILTER", "tickSize", "pricePrecision"),
        lot=shared.step(row, "LOT_SIZE", "stepSize", "quantityPrecision"),
        contract_type=ContractType.LINEAR,
        expiry_ns=expiry,
        status=row.status("status", _STATUSES),
        stated=row.word("status"),
    )
