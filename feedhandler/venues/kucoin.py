"""KuCoin spot, the classic API.

Rules: https://www.kucoin.com/docs-new (websocket: introduction, orderbook increment, trade, ticker;
market data: all symbols, part order book; error code; rate limit). A subscription key is the topic
of one symbol, `/market/level2:BTC-USDT`.

* A connection begins with a token, asked for by POST, with which comes where to connect to and how
  often to ping; nothing may be asked before `welcome`.
* A message of a book covers the numbers `sequenceStart` to `sequenceEnd`. A level with the price 0
  only moves the number. It joins a base by REST, of which 100 levels a side are public; the whole
  book needs a key.
* Answers carry the id of the request and nothing else; symbols are joined by commas, 100 at most,
  and a wrong one spoils the request.
* The ticker has the number of the book that it is the top of. `tradeId` was hexadecimal once.
"""

from feedhandler.adapter import promise, request_ids
from feedhandler.adapter.connect import Token, Welcome
from feedhandler.adapter.declared import Answer, BookPath, DeclaredVenue, Listing, Words
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Base, Continuity, ControlKind, Heartbeat, Limits, Speaker
from feedhandler.shape import Frame
from shm import Status

FINE = {"code": "200000"}


class Classic(DeclaredVenue):
    """How spot and futures are spoken with."""

    base = Base.REQUEST
    token = Token(
        Request("/api/v1/bullet-public", weight=10, method="POST"),
        '{"code":"200000","data":{"token":"$token","instanceServers":[{"endpoint":"$endpoint",'
        '"pingInterval":$period_ms,"pingTimeout":$cut_ms},"..."]}}',
    )
    welcome = Welcome('{"type":"welcome"}')
    heartbeat = Heartbeat(
        Speaker.CLIENT_JSON, 18.0, 10.0, ping=f'{{"id":"{request_ids.HEARTBEAT}","type":"ping"}}'
    )
    limits = Limits(
        keys_per_message=100,
        keys_per_connection=300,
        messages_per_second=8.0,  # of 100 in 10 s, pings included
        connects_per_window=(30, 60.0),
        connections=50,
        rest_per_second=60.0,  # of 2,000 in 30 s,
        rest_burst=400.0,  # with what is spent at once
        lifetime_s=86_400.0,  # of the token
        bans={429: 30.0},
    )
    words = Words(
        subscribe='{"id":"$id","type":"subscribe","topic":"$channel:$joined","response":true}',
        unsubscribe='{"id":"$id","type":"unsubscribe","topic":"$channel:$joined","response":true}',
        answers=(
            Answer(ControlKind.NOTHING, '{"type":"welcome"}'),
            Answer(ControlKind.PONG, '{"type":"pong"}'),
            Answer(ControlKind.ACK, '{"id":"$id","type":"ack"}'),
            Answer(ControlKind.REJECTED, '{"id":"$id","type":"error","code":$code,"data":"$text"}'),
            Answer(ControlKind.ERROR, '{"type":"error","code":$code,"data":"$text"}'),
        ),
        passing=("500", "509"),
    )


_FRAMES = (
    Frame(
        "book",
        '{"type":"message","topic":"/market/level2:$symbol","data":{"changes":{"asks":$asks,'
        '"bids":$bids},"sequenceEnd":$final,"sequenceStart":$first,"time?":$time_ms}}',
        level='["$price","$size","$_"]',
        blank=True,  # only the sequence moves
    ),
    Frame(
        "trade",
        '{"type":"message","topic":"/market/match:$symbol","data":{"side":"$taker",'
        '"size":"$size","price":"$price","time":"$time_ns","sequence":"$place",'
        '"tradeId":"$id_or_place"}}',
    ),
    Frame(
        "quote",
        '{"type":"message","topic":"/market/ticker:$symbol","data":{"bestAsk":"$ask",'
        '"bestAskSize":"$ask_size","bestBid":"$bid","bestBidSize":"$bid_size",'
        '"sequence":"$final","time?":$time_ms}}',
    ),
    Frame(
        "ticker",
        '{"type":"message","topic":"/market/snapshot:$symbol","data":{"data":{"vol":$volume,'
        '"datetime":$time_ms}}}',
    ),
    Frame(
        "answer",
        '{"code":"200000","data":{"time":$time_ms,"sequence":"$final","bids":$bids,"asks":$asks}}',
        level='["$price","$size"]',
    ),
)


class Kucoin(Classic):
    name = "kucoin"
    rule = Continuity.RANGE
    proof = Proof((Sign.RANGE,), sized=True, note="a base has 100 levels a side")
    ws_urls = {"public": "wss://ws-api-spot.kucoin.com/"}
    hosts = ("push-private.kucoin.com", "openapi-v2.kucoin.com")
    rest_url = "https://api.kucoin.com"
    promises = {
        "/market/level2": Promise("book", moves=True),
        "/market/match": promise.TRADES,
        "/market/ticker": Promise("quote", moves=True),
        "/market/snapshot": Promise("ticker", rhythm=False),
    }
    topics = {
        "book": "/market/level2:$symbol",
        "trades": "/market/match:$symbol",
        "quote": "/market/ticker:$symbol",
        "ticker": ("/market/ticker:$symbol", "/market/snapshot:$symbol"),
    }
    statuses = {"true": Status.ACTIVE, "false": Status.HALTED}
    listing = Listing(
        "/api/v2/symbols",
        rows="data",
        fine=FINE,
        text="msg",
        weight=4,
        symbol="symbol",
        parts={"symbol": "[^-]+-[^-]+"},  # what is no pair is none of theirs
        base="baseCurrency",
        quote="quoteCurrency",
        tick="priceIncrement",
        lot="baseIncrement",
        status="enableTrading",
        flags={"callauctionIsEnabled": Status.AUCTION},
    )
    book = BookPath(
        "/api/v1/market/orderbook/level2_100",
        {"symbol": "$symbol"},
        levels=100,
        weight=4,
        fine=FINE,
        text="msg",
        others=("/api/v3/market/orderbook/level2",),  # the whole one, with a key
    )
    frames = _FRAMES
    default_instruments = ("BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT", "DOGE-USDT")
