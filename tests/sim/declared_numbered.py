"""Declared venues whose books are numbered, or timed: by range, chain, steps, times."""

from __future__ import annotations

from typing import ClassVar

from feedhandler.adapter.connect import Token, Welcome
from feedhandler.adapter.declared import (
    Answer,
    BookPath,
    By,
    Decimals,
    Listing,
    Pages,
    Time,
    Topic,
    Words,
)
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Base, Continuity, ControlKind, Heartbeat, Speaker
from feedhandler.shape import Frame
from shm import InstrumentKind, Status
from tests.shape.ten_venues import FRAMES
from tests.sim.declared_made_up import ACK, ENDED, PONG, REJECTED, MadeUp


class Ranged(MadeUp):
    """RANGE, the base over REST; symbols joined in a topic; a token, and a welcome."""

    name = "made-ranged"
    rule, base = Continuity.RANGE, Base.REQUEST
    proof = Proof((Sign.RANGE,), sized=True)
    ws_urls = {"public": "wss://made-up.invalid/endpoint"}
    frames = (
        *(frame for frame in FRAMES["kucoin"] if frame.kind != "trade"),
        Frame(
            "trade",
            '{"type":"message","topic":"/market/match:$symbol","data":{"symbol":"$symbol",'
            '"tradeId":"$id","side":"$taker","size":"$size","price":"$price","time":"$time_ns"}}',
        ),
    )
    topics = {
        "book": "/market/level2:$symbol",
        "trades": "/market/match:$symbol",
        "quote": "/market/ticker:$symbol",
    }
    words = Words(
        subscribe='{"id":$id,"type":"subscribe","topic":"$channel:$joined","response":true}',
        unsubscribe='{"id":$id,"type":"unsubscribe","topic":"$channel:$joined","response":true}',
        answers=(
            Answer(ControlKind.PONG, '{"type":"pong"}'),
            Answer(ACK, '{"id":"$id","type":"ack"}'),
            Answer(REJECTED, '{"id":"$id","type":"error","code":$code,"data":"$text"}'),
        ),
    )
    heartbeat = Heartbeat(
        Speaker.CLIENT_JSON, 10.0, 30.0, '{"id":"1","type":"ping"}', '{"id":"1","type":"pong"}'
    )
    book = BookPath(
        "/orderbook/level2_100", {"symbol": "$symbol"}, levels=100, fine={"code": "200000"}
    )
    token = Token(
        Request("/token", method="POST"),
        '{"code":"200000","data":{"token":"$token","servers":[{"endpoint":"$endpoint",'
        '"pingInterval":$period_ms,"pingTimeout":$cut_ms},"..."]}}',
    )
    welcome = Welcome('{"id":"$_","type":"welcome"}')


class Asked(MadeUp):
    """PREVIOUS, the base over the socket; a window of the key; gzip; the server asks."""

    name = "made-asked"
    rule, base = Continuity.PREVIOUS, Base.REQUEST
    proof = Proof((Sign.CHAIN,))
    encoding = "gzip"
    heartbeat = Heartbeat(Speaker.SERVER_JSON, 5.0, 15.0)
    default_instruments = ("btcusdt", "ethusdt")
    socket_books = True
    frames = FRAMES["htx"]
    topics = {
        "book": Topic("market.$symbol.mbp.$depth", word="mbp", depths=(20, 150)),
        "trades": Topic("market.$symbol.trade.detail", word="trade"),
        "quote": Topic("market.$symbol.bbo", word="bbo"),
    }
    book: ClassVar[BookPath | None] = BookPath(
        "/mbp", socket='{"id":"$id","req":"market.$symbol.mbp.$depth"}'
    )
    words = Words(
        subscribe='{"id":"$id","sub":"$key"}',
        unsubscribe='{"id":"$id","unsub":"$key"}',
        answers=(
            Answer(ControlKind.ASKED, '{"ping":$n}', reply='{"pong":$n}'),
            Answer(ACK, '{"id":"$id","status":"ok","subbed":"$key"}'),
            Answer(ENDED, '{"id":"$id","status":"ok","unsubbed":"$key"}'),
            Answer(ControlKind.ANSWER, '{"id":"$id","status":"ok","rep":"$key"}'),
            Answer(REJECTED, '{"id":"$id","status":"error","err-code":"$code","err-msg":"$text"}'),
        ),
    )
    answers_each = True


class Chained(Asked):
    """PREVIOUS, the base in the stream."""

    name = "made-chained"
    base = Base.STREAM
    encoding = "text"
    socket_books = False
    book = None
    frames = (
        *(frame for frame in FRAMES["htx"] if frame.kind not in ("book", "answer")),
        Frame(
            "snapshot",
            '{"ch":"market.$symbol.mbp.$window","ts":$sent_ms,"full":true,"tick":{'
            '"seqNum":$final,"bids":$bids,"asks":$asks}}',
            level="[$price,$size]",
        ),
        Frame(
            "book",
            '{"ch":"market.$symbol.mbp.$window","ts":$sent_ms,"full":$never,"tick":{'
            '"prevSeqNum":$previous,"seqNum":$final,"bids?":$bids,"asks?":$asks}}',
            level="[$price,$size]",
        ),
    )


class Stepped(MadeUp):
    """NEXT, a level a message; perpetuals and futures; symbols of one feed in a message."""

    name = "made-stepped"
    rule, base = Continuity.NEXT, Base.STREAM
    proof = Proof((Sign.COUNTER,), sized=True)
    frames = FRAMES["kraken-futures"]
    default_instruments = ("PF_XBTUSD", "PF_ETHUSD")
    topics = {
        "book": Topic("book:$symbol", word="book"),
        "trades": Topic("trade:$symbol", word="trade"),
        "ticker": Topic("ticker:$symbol", word="ticker"),
    }
    words = Words(
        subscribe='{"event":"subscribe","feed":"$channel","product_ids":$symbols}',
        unsubscribe='{"event":"unsubscribe","feed":"$channel","product_ids":$symbols}',
        answers=(
            PONG,
            Answer(ACK, '{"event":"subscribed","feed":"$channel","product_ids":$symbols}'),
            Answer(ENDED, '{"event":"unsubscribed","feed":"$channel","product_ids":$symbols}'),
            Answer(
                REJECTED,
                '{"event":"subscribed_failed","feed":"$channel","product_ids":["$symbol"],'
                '"message":"$text"}',
            ),
        ),
    )
    answers_each = True
    listing = Listing(
        "/instruments",
        rows="instruments",
        symbol="symbol",
        base="base",
        quote="quote",
        currencies={"XBT": "BTC"},
        kind=By("type", {"flexible": InstrumentKind.PERPETUAL, "dated": InstrumentKind.FUTURE}),
        tick="tickSize",
        lot=Decimals("contractValueTradePrecision"),
        expiry=Time("lastTradingTime", "iso"),
        status="tradeable",
        pages=Pages("cursor", cursor="next", more="more"),
    )
    statuses = {"true": Status.ACTIVE, "false": Status.HALTED}


class Timed(MadeUp):
    """TIME, the base over REST; a message a channel."""

    name = "made-timed"
    rule, base = Continuity.TIME, Base.REQUEST
    proof = Proof((Sign.CLOCK,))
    frames = FRAMES["bitstamp"]
    default_instruments = ("btcusd", "ethusd")
    topics = {"book": "diff_order_book_$symbol", "trades": "live_trades_$symbol"}
    words = Words(
        subscribe='{"event":"bts:subscribe","data":{"channel":"$key"}}',
        unsubscribe='{"event":"bts:unsubscribe","data":{"channel":"$key"}}',
        answers=(
            PONG,
            Answer(ACK, '{"event":"bts:subscription_succeeded","channel":"$key"}'),
            Answer(ENDED, '{"event":"bts:unsubscription_succeeded","channel":"$key"}'),
            Answer(
                ControlKind.ERROR,
                '{"event":"bts:error","channel":"$key","data":{"code":$code,"message":"$text"}}',
            ),
        ),
    )
    answers_each = True
    book = BookPath("/order_book/$symbol/")


class Whole(MadeUp):
    """Every message is a whole book; the list by POST, of rows by name alone."""

    name = "made-whole"
    rule, base = Continuity.TIME, Base.EVERY
    proof = Proof((Sign.CLOCK, Sign.WHOLE))
    frames = FRAMES["hyperliquid"]
    default_instruments = ("BTC", "ETH")
    topics = {
        "book": Topic("l2Book:$symbol", word="l2Book"),
        "trades": Topic("trades:$symbol", word="trades"),
        "quote": Topic("bbo:$symbol", word="bbo"),
        "ticker": Topic("activeAssetCtx:$symbol", word="activeAssetCtx"),
    }
    words = Words(
        subscribe='{"method":"subscribe","subscription":{"type":"$channel","coin":"$symbol"}}',
        unsubscribe='{"method":"unsubscribe","subscription":{"type":"$channel","coin":"$symbol"}}',
        answers=(
            PONG,
            Answer(
                ACK,
                '{"channel":"subscriptionResponse","data":{"method":"subscribe",'
                '"subscription":{"type":"$channel","coin":"$symbol"}}}',
            ),
            Answer(
                ENDED,
                '{"channel":"subscriptionResponse","data":{"method":"unsubscribe",'
                '"subscription":{"type":"$channel","coin":"$symbol"}}}',
            ),
            Answer(ControlKind.ERROR, '{"channel":"error","data":"$text"}'),
        ),
    )
    answers_each = True
    listing = Listing(
        "/info",
        body='{"type":"meta"}',
        rows="universe",
        symbol="name",
        base="name",
        quote=By("quote", {}, other="USD"),
        kind=InstrumentKind.PERPETUAL,
        tick="tick",
        lot=Decimals("szDecimals"),
    )


class Windowed(MadeUp):
    """RANGE, the base in the stream; a window that the frames name."""

    name = "made-windowed"
    rule, base = Continuity.RANGE, Base.STREAM
    proof = Proof((Sign.RANGE,), sized=True)
    frames = FRAMES["gate"]
    default_instruments = ("BTC_USDT", "ETH_USDT")
    topics = {
        "book": Topic("ob.$symbol.$depth", depths=(50, 400)),
        "trades": Topic("trades.$symbol", word="spot.trades"),
        "quote": Topic("ticker.$symbol", word="spot.book_ticker"),
    }
    words = Words(
        subscribe='{"time":$time_s,"id":$id,"event":"subscribe","payload":$keys}',
        unsubscribe='{"time":$time_s,"id":$id,"event":"unsubscribe","payload":$keys}',
        answers=(
            PONG,
            Answer(
                ACK, '{"id":$id,"channel":"","event":"subscribe","result":{"status":"success"}}'
            ),
            Answer(
                ENDED, '{"id":$id,"channel":"","event":"unsubscribe","result":{"status":"success"}}'
            ),
            Answer(
                REJECTED,
                '{"id":$id,"channel":"","event":"subscribe","error":{"code":$code,'
                '"message":"$text"}}',
            ),
        ),
    )
