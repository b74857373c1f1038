"""Binance COIN-M futures: perpetuals and dated futures whose margin is the coin.

Rules: https://developers.binance.com/docs/derivatives/coin-margined-futures (websocket market
streams; "How to manage a local order book correctly"; exchange information; order book). They are
spoken with as USD-M is (`binance_usdm.py`), at one address for all streams.

* Sizes are contracts of `contractSize` USD each.
* `ticker` is mark, index and funding with its time once a second (a dated one has no funding), and
  the volume of 24 hours, in contracts, when it has changed. Open interest is not streamed.
"""

from feedhandler.adapter import promise
from feedhandler.adapter.declared import By, DeclaredVenue, Listing
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.venue import Base, Continuity, Heartbeat, Limits, Speaker
from feedhandler.venues import binance as shared
from feedhandler.venues.binance_frames import FUTURES_FRAMES
from shm import ContractType, InstrumentKind, Status


class BinanceCoinm(DeclaredVenue):
    name = "binance-coinm"
    frames = FUTURES_FRAMES
    usual = True
    rule, base = Continuity.PREVIOUS, Base.REQUEST
    proof = Proof((Sign.CHAIN,))
    ws_urls = {"public": "wss://dstream.binance.com/stream"}
    rest_url = "https://dapi.binance.com"
    heartbeat = Heartbeat(Speaker.SERVER_FRAME, 180.0, 600.0)
    limits = Limits(
        keys_per_message=shared.MESSAGE_KEYS,
        bytes_per_message=shared.MESSAGE_BYTES,
        keys_per_connection=200,
        messages_per_second=8.0,
        connects_per_window=(300, 300.0),
        rest_per_second=10.0,  # of 2,400 a minute, most of which are USD-M's,
        rest_burst=600.0,  # with what is spent at once
        rest_used=shared.USED,
        bans=shared.BANS,
        lifetime_s=86_400.0,
    )
    topics = {
        "book": shared.stream("depth@100ms"),
        "trades": (shared.stream("aggTrade"), shared.stream("forceOrder")),
        "ticker": (
            shared.stream("markPrice@1s"),
            shared.stream("miniTicker", word="24hrMiniTicker"),
        ),
        "quote": shared.stream("bookTicker"),
    }
    promises = {
        "depth": Promise("book", moves=True),
        "bookTicker": Promise("quote", moves=True),
        "markPrice": Promise("ticker", first_s=5.0, every_s=3.0),
        "24hrMiniTicker": Promise("volume", rhythm=False),
        "aggTrade": promise.TRADES,
        "forceOrder": promise.LIQUIDATIONS,
    }
    words = shared.WORDS
    #: `contractStatus` of exchangeInfo
    statuses = {
        "TRADING": Status.ACTIVE,
        "PENDING_TRADING": Status.PRE_OPEN,
        "PRE_DELIVERING": Status.SETTLING,
        "DELIVERING": Status.SETTLING,
        "DELIVERED": Status.EXPIRED,
        "PRE_SETTLE": Status.SETTLING,
        "SETTLING": Status.SETTLING,
        "CLOSE": Status.EXPIRED,
    }
    listing = Listing(
        "/dapi/v1/exchangeInfo",
        rows="symbols",
        having="symbols",
        symbol="symbol",
        parts={"symbol": "[^_]+_(?P<end>.+)"},
        kind=By("$end", {"PERP": InstrumentKind.PERPETUAL}, other=InstrumentKind.FUTURE),
        base="baseAsset",
        quote="quoteAsset",
        settle="marginAsset",
        contract=ContractType.INVERSE,
        contract_size="contractSize",
        expiry="deliveryDate",  # a perpetual's is far away
        tick=shared.step("PRICE_FILTER", "tickSize", "pricePrecision"),
        lot=shared.step("LOT_SIZE", "stepSize", "quantityPrecision"),
        status="contractStatus",
    )
    book = shared.book_path("/dapi/v1/depth", ((50, 2), (100, 5), (500, 10), (1000, 20)), seen=500)
    best = shared.best_path("/dapi/v1/ticker/bookTicker", listed=True)
    default_instruments = ("BTCUSD_PERP", "ETHUSD_PERP", "SOLUSD_PERP", "XRPUSD_PERP")
