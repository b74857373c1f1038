"""Pieces of real venues, declared as their documentation prints them: what the tests read."""

from feedhandler.adapter.declared import (
    Answer,
    BookPath,
    By,
    Decimals,
    DeclaredVenue,
    Join,
    Listing,
    Pages,
    Topic,
    Words,
)
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.venue import Base, Continuity, ControlKind, Heartbeat, Limits, Speaker
from feedhandler.shape import Frame
from shm import InstrumentKind, Status

ACK, REJECTED, ERROR = ControlKind.ACK, ControlKind.REJECTED, ControlKind.ERROR


class Piece(DeclaredVenue):
    """What none of these tests looks at."""

    rule, base = Continuity.NONE, Base.STREAM
    heartbeat = Heartbeat(Speaker.CLIENT_TEXT, 5.0, 10.0, "ping", "pong")
    limits = Limits()
    default_instruments = ()


class Joined(Piece):
    """KuCoin: symbols joined in the topic, answers that carry the id alone."""

    name = "joined"
    base = Base.REQUEST
    ws_urls = {"public": "wss://ws-api-spot.kucoin.com/"}
    rest_url = "https://api.kucoin.com"
    statuses = {"true": Status.ACTIVE, "false": Status.HALTED}
    topics = {
        "book": "/market/level2:$symbol",
        "trades": "/market/match:$symbol",
        "quote": "/spotMarket/level1:$symbol",
    }
    words = Words(
        subscribe='{"id":$id,"type":"subscribe","topic":"$channel:$joined","response":true}',
        unsubscribe='{"id":$id,"type":"unsubscribe","topic":"$channel:$joined","response":true}',
        answers=(
            Answer(ControlKind.NOTHING, '{"type":"welcome"}'),
            Answer(ControlKind.PONG, '{"type":"pong"}'),
            Answer(ACK, '{"id":"$id","type":"ack"}'),
            Answer(REJECTED, '{"id":"$id","type":"error","code":$code,"data":$text}'),
        ),
        passing=("509",),
    )
    listing = Listing(
        "/api/v2/symbols",
        rows="data",
        fine={"code": "200000"},
        text="msg",
        symbol="symbol",
        base="baseCurrency",
        quote="quoteCurrency",
        tick="priceIncrement",
        lot="baseIncrement",
        status="enableTrading",
    )
    book = BookPath(
        "/api/v1/market/orderbook/level2_100",
        {"symbol": "$symbol"},
        levels=100,
        fine={"code": "200000"},
        text="msg",
    )
    rule, proof = Continuity.RANGE, Proof((Sign.RANGE,), sized=True)
    frames = (
        Frame(
            "answer",
            '{"data":{"sequence":"$final","bids":$bids,"asks":$asks}}',
            level='["$price","$size"]',
        ),
    )


class Each(Piece):
    """Kraken: a request for symbols of one channel, an answer for each of them."""

    name = "each"
    answers_each = True
    cut = True
    ws_urls = {"public": "wss://ws.kraken.com/v2"}
    rest_url = "https://api.kraken.com/0"
    statuses = {"online": Status.ACTIVE, "cancel_only": Status.CANCEL_ONLY}
    topics = {
        "book": Topic("book.$depth.$symbol", depths=(10, 25, 100, 500, 1000)),
        "trades": Topic(
            "trade.$symbol",
            subscribe='{"method":"subscribe","params":{"channel":"trade","symbol":$symbols},'
            '"req_id":$id}',
        ),
    }
    words = Words(
        subscribe='{"method":"subscribe","params":{"channel":"$channel","symbol":$symbols,'
        '"depth":$depth},"req_id":$id}',
        unsubscribe='{"method":"unsubscribe","params":{"channel":"$channel","symbol":$symbols,'
        '"depth":$depth},"req_id":$id}',
        answers=(
            Answer(ControlKind.NOTHING, '{"channel":"heartbeat"}'),
            Answer(ControlKind.NOTHING, '{"channel":"status"}'),
            Answer(
                ACK,
                '{"method":"subscribe","success":true,"result":{"channel":"$channel",'
                '"symbol":"$symbol","depth?":$depth},"req_id?":$id}',
            ),
            Answer(
                ControlKind.UNSUBSCRIBED,
                '{"method":"unsubscribe","success":true,"result":{"channel":"$channel",'
                '"symbol":"$symbol"},"req_id?":$id}',
            ),
            Answer(
                REJECTED,
                '{"method":"subscribe","success":false,"error":"$text","symbol?":"$symbol",'
                '"req_id?":$id}',
            ),
        ),
    )
    listing = Listing(
        "/public/AssetPairs",
        rows="result",
        fine={"error": "[]"},
        symbol="wsname",
        base="$base",
        quote="$quote",
        parts={"wsname": "(?P<base>[^/]+)/(?P<quote>[^/]+)"},
        currencies={"XBT": "BTC", "XDG": "DOGE"},
        tick="tick_size",
        lot=Decimals("lot_decimals"),
        written=("pair_decimals", "lot_decimals"),
        status="status",
    )


class Listed(Piece):
    """BitMEX: keys as they are in a list, an answer for each, refusals that name the request."""

    name = "listed"
    answers_each = True
    ws_urls = {"public": "wss://ws.bitmex.com/realtime"}
    rest_url = "https://www.bitmex.com/api/v1"
    statuses = {"Open": Status.ACTIVE, "Closed": Status.HALTED, "Settled": Status.EXPIRED}
    topics = {"book": "orderBookL2:$symbol", "trades": "trade:$symbol", "quote": "quote:$symbol"}
    words = Words(
        subscribe='{"op":"subscribe","args":$keys}',
        unsubscribe='{"op":"unsubscribe","args":$keys}',
        answers=(
            Answer(ControlKind.NOTHING, '{"info":"$text","version":"$_"}'),
            Answer(ACK, '{"success":true,"subscribe":"$key"}'),
            Answer(ControlKind.UNSUBSCRIBED, '{"success":true,"unsubscribe":"$key"}'),
            Answer(
                REJECTED,
                '{"status":$code,"error":"$text","request":{"op":"subscribe","args":$keys}}',
            ),
            Answer(ERROR, '{"status":$code,"error":"$text"}'),
        ),
    )
    listing = Listing(
        "/instrument/active",
        symbol="symbol",
        base="underlying",
        quote="quoteCurrency",
        settle="settlCurrency",
        currencies={"XBT": "BTC", "XBt": "BTC", "USDt": "USDT"},
        tick="tickSize",
        lot="lotSize",
        kind=By("typ", {"FFWCSX": InstrumentKind.PERPETUAL, "FFCCSX": InstrumentKind.FUTURE}),
        status="state",
        pages=Pages("start", size=2),
    )


class Single(Piece):
    """Bitstamp: a message a channel, which the answer names."""

    name = "single"
    answers_each = True
    ws_urls = {"public": "wss://ws.bitstamp.net/"}
    rest_url = "https://www.bitstamp.net/api/v2"
    statuses = {"Enabled": Status.ACTIVE, "Disabled": Status.HALTED}
    topics = {"book": "diff_order_book_$symbol", "trades": "live_trades_$symbol"}
    words = Words(
        subscribe='{"event":"bts:subscribe","data":{"channel":"$key"}}',
        unsubscribe='{"event":"bts:unsubscribe","data":{"channel":"$key"}}',
        answers=(
            Answer(ACK, '{"event":"bts:subscription_succeeded","channel":"$key"}'),
            Answer(ControlKind.UNSUBSCRIBED, '{"event":"bts:unsubscription_succeeded"}'),
            Answer(ControlKind.NOTICE, '{"event":"bts:request_reconnect"}', text="reconnect"),
            Answer(
                ERROR,
                '{"event":"bts:error","channel":"$key","data":{"code":$code,"message":"$text"}}',
            ),
        ),
    )
    listing = Listing(
        "/markets/",
        symbol="market_symbol",
        base="base_currency",
        quote="counter_currency",
        tick=Decimals("counter_decimals"),
        lot=Decimals("base_decimals"),
        status="trading",
        but={"market_type": ("PERPETUAL",)},
    )
    book = BookPath("/order_book/$symbol/", {"group": "1"})
    frames = (
        Frame(
            "answer",
            '{"microtimestamp":"$time_us","bids":$bids,"asks":$asks}',
            level='["$price","$size"]',
        ),
    )


class Taught(Piece):
    """Bitfinex: a number for each channel, by which it is left."""

    name = "taught"
    answers_each = True
    ws_urls = {"public": "wss://api-pub.bitfinex.com/ws/2"}
    rest_url = "https://api-pub.bitfinex.com/v2"
    topics = {
        "book": Topic(
            "book.$depth.$symbol",
            depths=(25, 100, 250),
            subscribe='{"event":"subscribe","channel":"book","symbol":"$symbol","prec":"P0",'
            '"freq":"F0","len":"$depth"}',
        ),
        "trades": "trades.$symbol",
    }
    words = Words(
        on_connect=('{"event":"conf","flags":229376}',),
        subscribe='{"event":"subscribe","channel":"$channel","symbol":"$symbol"}',
        unsubscribe='{"event":"unsubscribe","chanId":$number}',
        answers=(
            Answer(
                ACK,
                '{"event":"subscribed","channel":"$channel","chanId":$number,"symbol":"$symbol"}',
            ),
            Answer(ControlKind.UNSUBSCRIBED, '{"event":"unsubscribed","chanId":$number}'),
            Answer(
                REJECTED,
                '{"event":"error","msg":"$text","code":$code,"channel":"$channel","symbol":"$symbol"}',
            ),
            Answer(ControlKind.NOTICE, '{"event":"info","code":20051}', text="restart"),
            Answer(ControlKind.NOTHING, '{"event":"info"}'),
            Answer(ControlKind.NOTHING, '{"event":"conf"}'),
        ),
    )
    listing = Listing(
        "/conf/pub:info:pair",
        rows="0",
        columns=("pair", "info"),
        parts={"pair": "(?P<base>[A-Z0-9]+):?(?P<quote>USD|UST|BTC)"},
        symbol="pair",
        base="$base",
        quote="$quote",
        tick=Decimals("info.0"),
        lot=Decimals("info.1"),
    )


class Coins(Piece):
    """Hyperliquid: perpetuals in groups, pairs of tokens by their numbers; HTX: small letters."""

    name = "coins"
    ws_urls = {"public": "wss://coins.example"}
    rest_url = "https://coins.example"
    topics = {"book": "book:$symbol"}
    words = Single.words
    listing = (
        Listing(
            "/info",
            body='{"type":"pairs"}',
            having="tokens",
            rows="universe",
            joins={
                "$base": Join("tokens.0", "tokens", "index"),
                "$quote": Join("tokens.1", "tokens", "index"),
            },
            symbol="name",
            base="$base.name",
            quote="$quote.name",
            capitals=True,
            tick=Decimals("$base.decimals", less=8),
            lot=Decimals("$base.decimals"),
        ),
        Listing(
            "/info",
            body='{"type":"all"}',
            rows="*.universe",
            kind=InstrumentKind.PERPETUAL,
            symbol="name",
            base="name",
            quote=By("$outer.token", {"0": "USDC", "360": "USDH"}),
            tick=Decimals("decimals", less=6),
            lot=Decimals("decimals"),
            flags={"gone": Status.EXPIRED},
        ),
    )
