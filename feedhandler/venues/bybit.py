"""Bybit v5: linear perpetuals and futures, and spot.

Rules: https://bybit-exchange.github.io/docs/v5 (websocket: connect, public orderbook, trade,
ticker, all-liquidation; market: instruments-info, orderbook; rate-limit). A subscription key is the
topic, such as `orderbook.50.BTCUSDT`.

* Of the books that the venue offers (50 levels every 20 ms, 200 every 100 ms, 1,000 every 200 ms)
  the least is taken that has the levels that readers want. What leaves its window is removed by the
  venue. `u` counts within a topic; `seq` compares topics, and with REST, and is what readers see.
* A snapshot comes with the subscription; one with `u` 1 when their service has started again.
* One topic that the venue does not have, or that is subscribed already, spoils the whole request;
  the answer names it. Some products' answers name those that were taken, and the others.
* Liquidations are announced at the bankruptcy price, by the position's side.
* Spot has neither mark nor statistics worth a topic: there `ticker` is the same as `quote`.
"""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from feedhandler.adapter import promise
from feedhandler.adapter.declared import (
    Answer,
    BookPath,
    By,
    DeclaredVenue,
    Listing,
    Pages,
    Topic,
    Words,
)
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.venue import Base, Continuity, ControlKind, Heartbeat, Limits, Speaker
from feedhandler.venues.bybit_frames import FRAMES
from shm import ContractType, InstrumentKind, Status

_INFO = "/v5/market/instruments-info"
_LIMITS = Limits(
    # Spot takes no more; of the others one bad topic spoils fewer.
    keys_per_message=10,
    bytes_per_connection=18_000,  # 21,000 characters of arguments, quotes and commas among them
    messages_per_second=20.0,  # nothing is said
    connects_per_window=(500, 300.0),  # by host, of all products
    connections=1000,
    rest_per_second=50.0,  # of 600 in 5 s, of all products
    rest_burst=100.0,
    bans={403: 600.0, 429: 10.0},  # 403: access too frequent
)
_BOOK = Topic("orderbook.$depth.$symbol", depths=(50, 200, 1000))
_BEST = Topic("orderbook.1.$symbol")
_CONTRACTS: Mapping[str, str | Topic | tuple[str, ...]] = {
    "book": _BOOK,
    "trades": ("publicTrade.$symbol", "allLiquidation.$symbol"),
    "ticker": "tickers.$symbol",
    "quote": _BEST,
}
# Books and tickers begin with a snapshot; the best level comes again after 3 quiet seconds.
_PROMISES = {"orderbook": Promise("book", first_s=5.0), "publicTrade": promise.TRADES}
_OF_BEST = {"orderbook.1": Promise("quote", first_s=5.0, every_s=3.0)}
_OF_TICKERS = {"tickers": Promise("ticker", first_s=5.0)}
_OF_CONTRACTS = _PROMISES | _OF_BEST | _OF_TICKERS | {"allLiquidation": promise.LIQUIDATIONS}


def _listing(category: str, kind: InstrumentKind | By, lot: str, settle: str = "") -> Listing:
    return Listing(
        _INFO,
        rows="result.list",
        params={"category": category, "limit": "1000"},  # the most; spot has no pages
        pages=Pages("cursor", cursor="result.nextPageCursor"),
        fine={"retCode": "0"},
        text="retMsg",
        symbol="symbol",
        base="baseCoin",
        quote="quoteCoin",
        settle=settle,
        tick="priceFilter.tickSize",
        lot=f"lotSizeFilter.{lot}",
        kind=kind,
        expiry="deliveryTime",  # of a perpetual "0", until it is to be taken off the list
        status="status",
    )


def _contracts(category: str, contract: ContractType) -> Listing:
    dated = {"LinearFutures": InstrumentKind.FUTURE, "InverseFutures": InstrumentKind.FUTURE}
    kind = By("contractType", dated, other=InstrumentKind.PERPETUAL)
    return replace(_listing(category, kind, "qtyStep", "settleCoin"), contract=contract)


def _book(category: str, most: int) -> BookPath:
    """By REST nothing joins the stream: its `u` is that of the deepest topic."""
    return BookPath(
        "/v5/market/orderbook",
        {"category": category, "symbol": "$symbol", "limit": "$levels"},
        most=most,
        fine={"retCode": "0"},
        text="retMsg",
    )


class Bybit(DeclaredVenue):
    """What the products share. `category`: as paths and requests name the product."""

    category: str
    frames = FRAMES
    usual = True
    rule, base = Continuity.NEXT, Base.STREAM
    keeps_window = True
    proof = Proof((Sign.COUNTER,), sized=True)
    rest_url = "https://api.bybit.com"
    hosts = (
        "stream.bybit.tr",
        "stream.bybit.id",
        "stream.bybit.kz",
        "stream.bybitgeorgia.ge",
        "stream-testnet.bybit.com",
        "api-testnet.bybit.com",
        "api.bytick.com",
    )
    heartbeat = Heartbeat(Speaker.CLIENT_JSON, 20.0, 30.0, ping='{"op":"ping"}')
    limits = _LIMITS
    words = Words(
        subscribe='{"req_id":"$id","op":"subscribe","args":$keys}',
        unsubscribe='{"req_id":"$id","op":"unsubscribe","args":$keys}',
        answers=(
            Answer(ControlKind.PONG, '{"success":true,"ret_msg":"pong"}'),
            Answer(ControlKind.PONG, '{"op":"pong"}'),
            Answer(
                ControlKind.ACK,
                '{"type":"COMMAND_RESP","req_id?":"$id","ret_msg?":"$text",'
                '"data":{"successTopics":$keys,"failTopics":$failed}}',
            ),
            Answer(ControlKind.ACK, '{"success":true,"op":"subscribe","req_id?":"$id"}'),
            Answer(ControlKind.UNSUBSCRIBED, '{"success":true,"op":"unsubscribe","req_id?":"$id"}'),
            Answer(
                ControlKind.REJECTED,
                '{"success":false,"op":"subscribe","ret_msg":"$text","req_id?":"$id"}',
            ),
            Answer(ControlKind.ERROR, '{"success":false,"ret_msg":"$text"}'),
            Answer(ControlKind.NOTHING, '{"success":true,"op":"$_"}'),
        ),
    )
    #: `status` of instruments-info (enum: status); nothing streams it
    statuses = {
        "Trading": Status.ACTIVE,
        "PreLaunch": Status.PRE_OPEN,
        "Delivering": Status.SETTLING,
        "Settling": Status.SETTLING,
        "Closed": Status.EXPIRED,
    }

    def recognises(self, url: str) -> bool:
        """The products share their hosts: the path of a stream, the query of a request tell."""
        parts = urlsplit(url)
        if not super().recognises(url):
            return False
        if parts.scheme in ("ws", "wss"):
            return parts.path.endswith(f"/{self.category}")
        return parse_qs(parts.query).get("category") == [self.category]

    def lists_instruments(self, url: str, body: str = "") -> bool:
        said = parse_qs(urlsplit(url).query).get("category")
        return said == [self.category] and super().lists_instruments(url, body)


class BybitLinear(Bybit):
    name = "bybit-linear"
    category = "linear"
    ws_urls = {"public": "wss://stream.bybit.com/v5/public/linear"}
    topics = _CONTRACTS
    promises = _OF_CONTRACTS
    listing = _contracts("linear", ContractType.LINEAR)
    book = _book("linear", 200)
    default_instruments = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT")


class BybitSpot(Bybit):
    name = "bybit-spot"
    category = "spot"
    ws_urls = {"public": "wss://stream.bybit.com/v5/public/spot"}
    topics = {"book": _BOOK, "trades": "publicTrade.$symbol", "ticker": _BEST, "quote": _BEST}
    promises = _PROMISES | _OF_BEST
    listing = _listing("spot", InstrumentKind.SPOT, "basePrecision")
    book = _book("spot", 200)
    default_instruments = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT")
