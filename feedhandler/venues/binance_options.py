"""Binance options: European, on coins and metals, settled in USDT.

Rules: https://developers.binance.com/docs/derivatives/options-trading (websocket market streams;
exchange information; order book). Since December 2025 they are served where the futures are, books
and trades under `/public`, the rest under `/market`, and the old host is gone.

* One stream has all trades of an underlying, one its mark prices, volatilities, greeks, index and
  best levels once a second, one for each of its expiries the volume of 24 hours, one the open
  interest once a minute. That one has two names: the documents' own, and that of the venue's client
  libraries since July 2026. Whatever is none is acknowledged and stays silent, so both are asked
  for.
* Books are joined as those of the futures: no document of the venue says how. They are shallow: 100
  levels are all of one.
* Sizes are contracts of `unit` of the base each. Prices are of a contract, too: of those whose unit
  is not 1, a size is worth its price, and not that of so many coins.
"""

from feedhandler.adapter import promise
from feedhandler.adapter.declared import CALLS, By, DeclaredVenue, Listing
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.venue import Base, Continuity, Heartbeat, Limits, Speaker
from feedhandler.venues import binance as shared
from feedhandler.venues.binance_frames import OPTIONS_FRAMES
from shm import ContractType, InstrumentKind, Status


class BinanceOptions(DeclaredVenue):
    name = "binance-options"
    frames = OPTIONS_FRAMES
    rule, base = Continuity.PREVIOUS, Base.REQUEST
    proof = Proof((Sign.CHAIN,))
    ws_urls = {
        "public": "wss://fstream.binance.com/public/stream",
        "market": "wss://fstream.binance.com/market/stream",
    }
    rest_url = "https://eapi.binance.com"
    heartbeat = Heartbeat(Speaker.SERVER_FRAME, 300.0, 900.0)
    limits = Limits(
        keys_per_message=shared.MESSAGE_KEYS,
        bytes_per_message=shared.MESSAGE_BYTES,
        keys_per_connection=200,
        messages_per_second=8.0,  # of 10, pings and pongs included
        connects_per_window=(300, 300.0),  # of spot; nothing is said here
        rest_per_second=30.0,  # of 2,400 a minute,
        rest_burst=600.0,  # with what is spent at once
        rest_used=shared.USED,
        bans=shared.BANS,
        lifetime_s=86_400.0,
    )
    topics = {
        "book": shared.stream("depth@100ms"),
        "trades": shared.family("optionTrade", "trade", "public"),
        "quote": shared.stream("bookTicker"),
        "ticker": (
            shared.family("optionMarkPrice", "markPrice", "market"),
            shared.family("optionTicker@$expiry", "24hrTicker", "public"),
            shared.family("openInterest@$expiry", "openInterest", "market"),
            shared.family("optionOpenInterest@$expiry", "optionOpenInterest", "market"),
        ),
    }
    promises = {
        "depth": Promise("book", moves=True),
        "bookTicker": Promise("quote", moves=True),
        "markPrice": Promise("ticker", first_s=5.0, every_s=3.0),
        "trade": promise.TRADES,
        "24hrTicker": Promise("volume", rhythm=False),
        "openInterest": Promise("interest", rhythm=False),
        "optionOpenInterest": Promise("interest", rhythm=False),
    }
    words = shared.WORDS
    statuses = {
        "TRADING": Status.ACTIVE,
        "PENDING_TRADING": Status.PRE_OPEN,
        "BREAK": Status.HALTED,
        "HALT": Status.HALTED,
        "PRE_SETTLE": Status.SETTLING,
        "SETTLING": Status.SETTLING,
        "DELIVERING": Status.SETTLING,
        "DELIVERED": Status.EXPIRED,
        "EXPIRED": Status.EXPIRED,
        "CLOSE": Status.EXPIRED,
    }
    listing = Listing(
        "/eapi/v1/exchangeInfo",
        rows="optionSymbols",
        having="optionSymbols",
        symbol="symbol",
        parts={"symbol": "(?P<base>[^-]+)-.+"},
        kind=InstrumentKind.OPTION,
        base="$base",
        quote="quoteAsset",
        family="underlying",
        contract=By("unit", {"1": ContractType.LINEAR}, other=ContractType.QUANTO),
        expiry="expiryDate",
        strike="strikePrice",
        option=By("side", CALLS),
        tick=shared.step("PRICE_FILTER", "tickSize", "priceScale"),
        lot=shared.step("LOT_SIZE", "stepSize", "quantityScale"),
        status="status",
    )
    book = shared.book_path(
        "/eapi/v1/depth",
        ((50, 1), (100, 5), (500, 10), (1000, 20)),
        levels=100,
        seen=50,
        least=10,
    )
    default_instruments = ("option:BTC-USDT:*",)
