"""Hyperliquid: perpetuals, also those of builders (`xyz:TSLA`), and spot (`PURR/USDC`, `@107`).

Rules: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api (websocket: subscriptions,
timeouts and heartbeats; info endpoint; rate limits and user limits; tick and lot size). A
subscription key is the channel and the coin, `l2Book:BTC`; a message asks for one. Coins may have
`:`, `/` and `@` in their names.

* Each `l2Book` is the whole book that is told, 20 levels a side, twice a second at most, without a
  number: one that is older than what is known comes too late.
* `tid` is a hash of the two orders: with the time and the coin it names a trade, and it counts
  nothing. The first `trades` of a subscription are of before it.
* Answers say the request back and have no id. An error is a text; some have the request in it.
* Limits are per address, over all connections. Of connections newer copies of the documentation
  allow 10, older ones 100: we make do with 10, of 100 subscriptions each, which are all of 1,000.
* Prices have five significant digits at most, and 6 (spot: 8) decimals less those of sizes.
* The list of all perpetuals is one answer, a group for each who deploys them; what a group settles
  in is the number of a token. `spotMeta` has pairs as numbers of tokens, and the tokens beside.
"""

from feedhandler.adapter import promise
from feedhandler.adapter.declared import (
    Answer,
    BookPath,
    By,
    Decimals,
    DeclaredVenue,
    Figures,
    Join,
    Listing,
    Topic,
    Words,
)
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.venue import Base, Continuity, ControlKind, Heartbeat, Limits, Speaker
from feedhandler.shape import Frame
from shm import ContractType, InstrumentKind, Status

_LEVEL = '{"px":"$price","sz":"$size"}'
_SAID = '"data":{"method":"%s","subscription":{"type":"$channel","coin":"$symbol"}}'
_REQUEST = r"{\"type\":\"$channel\",\"coin\":\"$symbol\"$_"

_FRAMES = (
    Frame(
        "full",
        '{"channel":"l2Book","data":{"coin":"$symbol","time":$time_ms,"levels":[$bids,$asks]}}',
        level=_LEVEL,
    ),
    Frame(
        "trade",
        '{"channel":"trades","data":[{"coin":"$symbol","side":"$taker","px":"$price",'
        '"sz":"$size","time":$time_ms,"tid":$id}]}',
        taker=("B", "A"),
    ),
    Frame(
        "quote",
        '{"channel":"bbo","data":{"coin":"$symbol","time":$time_ms,'
        '"bbo":[{"px":"$bid","sz":"$bid_size"},{"px":"$ask","sz":"$ask_size"}]}}',
    ),
    Frame(
        "ticker",
        '{"channel":"activeAssetCtx","data":{"coin":"$symbol","ctx":{"funding?":"$funding",'
        '"openInterest?":"$open_interest","oraclePx?":"$index","markPx?":"$mark",'
        '"dayBaseVlm?":"$volume"}}}',
    ),
    Frame(
        "ticker",
        '{"channel":"activeSpotAssetCtx","data":{"coin":"$symbol","ctx":{"markPx?":"$mark",'
        '"dayBaseVlm?":"$volume"}}}',
    ),
    Frame("answer", '{"coin":"$symbol","time":$time_ms,"levels":[$bids,$asks]}', level=_LEVEL),
)


class Hyperliquid(DeclaredVenue):
    name = "hyperliquid"
    frames = _FRAMES
    rule = Continuity.TIME
    base = Base.EVERY
    names_trades = True
    answers_each = True
    proof = Proof((Sign.WHOLE,), note="20 levels a side, twice a second at most")
    ws_urls = {"public": "wss://api.hyperliquid.xyz/ws"}
    rest_url = "https://api.hyperliquid.xyz"
    heartbeat = Heartbeat(Speaker.CLIENT_JSON, 30.0, 60.0, ping='{"method":"ping"}')
    limits = Limits(
        keys_per_connection=100,
        connections=10,
        connects_per_window=(30, 60.0),
        host_messages_per_second=30.0,  # of 2,000 a minute, pings included
        host_messages_burst=100.0,
        rest_per_second=20.0,  # of 1,200 a minute
        rest_burst=200.0,
    )
    promises = {
        "l2Book": Promise("book", first_s=10.0, moves=True),
        "trades": promise.TRADES,
        "bbo": Promise("quote", moves=True),
        "activeAssetCtx": Promise("ticker", first_s=10.0),
    }
    topics = {
        "book": "l2Book:$symbol",
        "trades": "trades:$symbol",
        "quote": "bbo:$symbol",
        "ticker": Topic("activeAssetCtx:$symbol"),
    }
    words = Words(
        subscribe='{"method":"subscribe","subscription":{"type":"$channel","coin":"$symbol"}}',
        unsubscribe='{"method":"unsubscribe","subscription":{"type":"$channel","coin":"$symbol"}}',
        answers=(
            Answer(ControlKind.ACK, f'{{"channel":"subscriptionResponse",{_SAID % "subscribe"}}}'),
            Answer(
                ControlKind.UNSUBSCRIBED,
                f'{{"channel":"subscriptionResponse",{_SAID % "unsubscribe"}}}',
            ),
            Answer(ControlKind.PONG, '{"channel":"pong"}'),
            Answer(
                ControlKind.REJECTED,
                f'{{"channel":"error","data":"Invalid subscription {_REQUEST}"}}',
            ),
            Answer(
                ControlKind.ACK, f'{{"channel":"error","data":"Already subscribed: {_REQUEST}"}}'
            ),
            Answer(
                ControlKind.UNSUBSCRIBED,
                f'{{"channel":"error","data":"Already unsubscribed: {_REQUEST}"}}',
            ),
            Answer(ControlKind.ERROR, '{"channel":"error","data":"$text"}'),
        ),
    )
    listing = (
        Listing(
            "/info",
            body='{"type":"allPerpMetas"}',
            weight=20,
            having="0.universe",
            rows="*.universe",
            kind=InstrumentKind.PERPETUAL,
            contract=ContractType.LINEAR,
            symbol="name",
            base="name",
            quote=By(
                "$outer.collateralToken",
                {"0": "USDC", "235": "USDE", "268": "USDT0", "360": "USDH"},
            ),
            tick=Decimals("szDecimals", less=6),
            bands=Figures(5, whole=True),
            lot=Decimals("szDecimals"),
            flags={"isDelisted": Status.HALTED},
        ),
        Listing(
            "/info",
            body='{"type":"spotMeta"}',
            weight=20,
            having="tokens",
            rows="universe",
            joins={
                "$base": Join("tokens.0", "tokens", "index"),
                "$quote": Join("tokens.1", "tokens", "index"),
            },
            symbol="name",
            base="$base.name",
            quote="$quote.name",
            tick=Decimals("$base.szDecimals", less=8),
            bands=Figures(5, whole=True),
            lot=Decimals("$base.szDecimals"),
        ),
    )
    book = BookPath("/info", body='{"type":"l2Book","coin":"$symbol"}', levels=20, weight=2)
    default_instruments = ("BTC", "ETH", "SOL", "XRP", "HYPE", "DOGE")
