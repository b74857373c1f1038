"""Bybit v5: spot, linear and inverse contracts, options.

Rules: https://bybit-exchange.github.io/docs/v5 (websocket: connect, public orderbook, trade,
ticker, all-liquidation; market: instruments-info, orderbook; rate-limit). A subscription key is the
topic, such as `orderbook.50.BTCUSDT`.

* Of the books that the venue offers (50 levels every 20 ms, 200 every 100 ms, 1,000 every 200 ms;
  of options 25 every 20 ms, 100 every 100 ms) the least is taken that has the levels that readers
  want. What leaves its window is removed by the venue. `u` counts within a topic; `seq` compares
  topics, and with REST, and is what readers see.
* A snapshot comes with the subscription; one with `u` 1 when their service has started again.
* One topic that the venue does not have, or that is subscribed already, spoils the whole request;
  the answer names it. Where options are, the answer names those that were taken and the others.
* Liquidations are announced at the bankruptcy price, by the position's side.
* Spot has neither mark nor statistics worth a topic: there `ticker` is the same as `quote`. Options
  have no book of one level: their tickers have the best bid and offer.
* Trades of options are subscribed to by the coin, and so is their list, which has one coin of
  those that there are.
* Sizes of inverse contracts are in US dollars.
"""

import fnmatch
from collections.abc import Mapping, Sequence
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
from feedhandler.adapter.pattern import Pattern, is_glob
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Base, Continuity, ControlKind, Heartbeat, Limits, Speaker
from feedhandler.venues.bybit_frames import FRAMES, OPTION_FRAMES
from shm import ContractType, InstrumentKind, OptionType, Status

_INFO = "/v5/market/instruments-info"
_COINS = ("BTC", "ETH", "SOL", "XRP", "DOGE", "MNT")  # that have options
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


_PARTED = Answer(
    ControlKind.ACK,
    '{"type":"COMMAND_RESP","req_id?":"$id","ret_msg?":"$text",'
    '"data":{"successTopics":$keys,"failTopics":$failed}}',
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
            Answer(ControlKind.ACK, '{"success":true,"op":"subscribe","req_id?":"$id"}'),
            Answer(ControlKind.UNSUBSCRIBED, '{"success":true,"op":"unsubscribe","req_id?":"$id"}'),
            Answer(
                ControlKind.REJECTED,
                '{"success":false,"op":"subscribe","ret_msg":"$text","req_id?":"$id"}',
            ),
            Answer(ControlKind.ERROR, '{"success":false,"ret_msg":"$text"}'),
            _PARTED,
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
    topics = {"book": _BOOK, "trades": "publicTrade.$symbol", "quote": _BEST}
    topics |= {"ticker": (_BEST, "tickers.$symbol")}
    promises = _PROMISES | _OF_BEST | _OF_TICKERS
    listing = _listing("spot", InstrumentKind.SPOT, "basePrecision")
    book = _book("spot", 200)
    default_instruments = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT")


class BybitInverse(Bybit):
    name = "bybit-inverse"
    category = "inverse"
    ws_urls = {"public": "wss://stream.bybit.com/v5/public/inverse"}
    topics = _CONTRACTS
    promises = _OF_CONTRACTS
    listing = _contracts("inverse", ContractType.INVERSE)
    book = _book("inverse", 200)
    default_instruments = ("BTCUSD", "ETHUSD", "SOLUSD", "XRPUSD")


class BybitOption(Bybit):
    name = "bybit-option"
    category = "option"
    frames = OPTION_FRAMES
    names_trades = True
    ws_urls = {"public": "wss://stream.bybit.com/v5/public/option"}
    limits = replace(_LIMITS, keys_per_connection=2000)
    words = replace(Bybit.words, answers=(_PARTED, *Bybit.words.answers))
    topics = {
        "book": Topic("orderbook.$depth.$symbol", depths=(25, 100)),
        "trades": "publicTrade.$family",
        "ticker": "tickers.$symbol",
    }
    promises = _PROMISES | _OF_TICKERS
    listing = replace(
        _listing("option", InstrumentKind.OPTION, "qtyStep", "settleCoin"),
        parts={"symbol": r"[^-]+-[^-]+-(?P<strike>[0-9.]+)-[CP](-[A-Z]+)?"},
        strike="$strike",
        option=By("optionsType", {"Call": OptionType.CALL, "Put": OptionType.PUT}),
        family="baseCoin",
    )
    book = _book("option", 25)
    default_instruments = ("option:BTC-*",)

    def instrument_requests(self, patterns: Sequence[str]) -> list[Request]:
        """A list for each coin that is meant."""
        coins: list[str] = []
        for pattern in map(Pattern.parse, patterns):
            if pattern.kind in (None, InstrumentKind.OPTION):
                coin = (pattern.underlying or pattern.glob).partition("-")[0]
                coins += fnmatch.filter(_COINS, coin) if is_glob(coin) else [coin]
        return [
            replace(one, params={**one.params, "baseCoin": coin})
            for one in super().instrument_requests(patterns)
            for coin in dict.fromkeys(coins)
        ]
