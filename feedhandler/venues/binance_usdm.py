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
* `ticker` is mark, index and funding with its time once a second, and the volume of 24 hours when
  it has changed. Open interest is not streamed.
* Sizes are in the base asset.
"""

from feedhandler.adapter import promise
from feedhandler.adapter.declared import By, DeclaredVenue, Listing
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.venue import Base, Continuity, Heartbeat, Limits, Speaker
from feedhandler.venues import binance as shared
from feedhandler.venues.binance_frames import FUTURES_FRAMES
from shm import ContractType, InstrumentKind, Status


class BinanceUsdm(DeclaredVenue):
    name = "binance-usdm"
    frames = FUTURES_FRAMES
    usual = True
    rule, base = Continuity.PREVIOUS, Base.REQUEST
    proof = Proof((Sign.CHAIN,))
    ws_urls = {
        "public": "wss://fstream.binance.com/public/stream",
        "market": "wss://fstream.binance.com/market/stream",
    }
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
        rest_used=shared.USED,
        bans=shared.BANS,
        lifetime_s=86_400.0,
    )
    topics = {
        "book": shared.stream("depth@100ms"),
        "trades": (shared.stream("aggTrade", "market"), shared.stream("forceOrder", "market")),
        "ticker": (
            shared.stream("markPrice@1s", "market"),
            shared.stream("miniTicker", "market", "24hrMiniTicker"),
        ),
        "quote": shared.stream("bookTicker"),
    }
    # Nothing comes but what changes, except the mark price.
    promises = {
        "depth": Promise("book", moves=True),
        "bookTicker": Promise("quote", moves=True),
        "markPrice": Promise("ticker", first_s=5.0, every_s=3.0),
        "24hrMiniTicker": Promise("volume", rhythm=False),
        "aggTrade": promise.TRADES,
        "forceOrder": promise.LIQUIDATIONS,
    }
    words = shared.WORDS
    #: `status` of exchangeInfo ("Public Endpoints Info", contract status)
    statuses = {
        "TRADING": Status.ACTIVE,
        "PENDING_TRADING": Status.PRE_OPEN,
        "PRE_SETTLE": Status.SETTLING,
        "SETTLING": Status.SETTLING,
        "PRE_DELIVERING": Status.SETTLING,
        "DELIVERING": Status.SETTLING,
        "DELIVERED": Status.EXPIRED,
        "CLOSE": Status.EXPIRED,
    }
    listing = Listing(
        "/fapi/v1/exchangeInfo",
        rows="symbols",
        having="symbols",
        symbol="symbol",
        # `contractType` has other words: TRADIFI_PERPETUAL, "... DELIVERING", "" before the listing
        parts={"symbol": "[^_]+(?:_(?P<dated>.+))?"},
        kind=By("$dated", {"": InstrumentKind.PERPETUAL}, other=InstrumentKind.FUTURE),
        base="baseAsset",
        quote="quoteAsset",
        settle="marginAsset",
        contract=ContractType.LINEAR,
        # a perpetual's is far away, or when it ends
        expiry="deliveryDate",
        tick=shared.step("PRICE_FILTER", "tickSize", "pricePrecision"),
        lot=shared.step("LOT_SIZE", "stepSize", "quantityPrecision"),
        status="status",
    )
    book = shared.book_path(
        "/fapi/v1/depth",
        ((50, 2), (100, 5), (500, 10), (1000, 20)),
        seen=500,  # half of the weight
    )
    best = shared.best_path("/fapi/v1/ticker/bookTicker")
    default_instruments = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT")
