"""Declared venues whose books have no numbers: levels by id, checksums, counted connections."""

from __future__ import annotations

from feedhandler.adapter.checksum import Checksum, Number, Order
from feedhandler.adapter.connect import Welcome
from feedhandler.adapter.declared import (
    CALLS,
    Answer,
    By,
    Decimals,
    Listing,
    Pages,
    Topic,
    Words,
)
from feedhandler.adapter.proof import Proof, Scope, Sign
from feedhandler.adapter.venue import Base, Continuity, ControlKind
from shm import InstrumentKind
from tests.shape.ten_venues import FRAMES
from tests.sim.declared_made_up import ACK, ENDED, PONG, REJECTED, MadeUp


class Keyed(MadeUp):
    """Levels by id, nothing numbered; options; rows of several instruments a page."""

    name = "made-keyed"
    rule, base = Continuity.NONE, Base.STREAM
    frames = FRAMES["bitmex"]
    default_instruments = ("XBTUSD", "ETHUSD")
    topics = {"book": "orderBookL2:$symbol", "trades": "trade:$symbol", "quote": "quote:$symbol"}
    words = Words(
        subscribe='{"op":"subscribe","args":$keys}',
        unsubscribe='{"op":"unsubscribe","args":$keys}',
        answers=(
            PONG,
            Answer(ACK, '{"success":true,"subscribe":"$key"}'),
            Answer(ENDED, '{"success":true,"unsubscribe":"$key"}'),
            Answer(
                REJECTED,
                '{"status":$code,"error":"$text","request":{"op":"subscribe","args":$keys}}',
            ),
        ),
    )
    answers_each = True
    listing = Listing(
        "/instrument/active",
        symbol="symbol",
        base="underlying",
        quote="quoteCurrency",
        currencies={"XBT": "BTC"},
        kind=By("typ", {"P": InstrumentKind.PERPETUAL, "O": InstrumentKind.OPTION}),
        tick="tickSize",
        lot="lotSize",
        expiry="expiry",
        strike="strike",
        option=By("side", CALLS),
        status="state",
        pages=Pages("start", size=5),
    )


class Taught(MadeUp):
    """Numbers of channels that answers teach; a number a message of the connection; a checksum by
    itself, of numbers as JavaScript writes them; amounts with signs."""

    name = "made-taught"
    rule, base = Continuity.NONE, Base.STREAM
    checksum = Checksum(25, Order.PAIRS, Number.SCRIPT, ":", signed_asks=True)
    proof = Proof((Sign.COUNTER, Sign.CHECKSUM), sized=True, scope=Scope.CONNECTION)
    frames = FRAMES["bitfinex"]
    default_instruments = ("tBTCUSD", "tETHUSD")
    topics = {
        "book": Topic(
            "book.$depth.$symbol",
            depths=(25, 100),
            subscribe='{"event":"subscribe","channel":"book","symbol":"$symbol","len":"$depth"}',
        ),
        "trades": "trades.$symbol",
    }
    words = Words(
        on_connect=('{"event":"conf","flags":229376}',),
        subscribe='{"event":"subscribe","channel":"$channel","symbol":"$symbol"}',
        unsubscribe='{"event":"unsubscribe","chanId":$number}',
        answers=(
            PONG,
            Answer(
                ACK,
                '{"event":"subscribed","channel":"$channel","chanId":$number,"symbol":"$symbol"}',
            ),
            Answer(ENDED, '{"event":"unsubscribed","chanId":$number}'),
            Answer(
                REJECTED,
                '{"event":"error","msg":"$text","code":$code,"channel":"$channel","symbol":"$symbol"}',
            ),
        ),
    )
    welcome = Welcome('{"event":"conf","status":"OK"}')
    answers_each = True
    listing = Listing(
        "/conf/pairs",
        rows="0",
        columns=("pair", "info"),
        parts={"pair": "t(?P<base>[A-Z0-9]+?)(?P<quote>USD|UST)"},
        symbol="pair",
        base="$base",
        quote="$quote",
        tick=Decimals("info.0"),
        lot=Decimals("info.1"),
    )


class Summed(MadeUp):
    """A checksum with each message, of numbers with all their decimals; books that the client cuts
    to what it asked for."""

    name = "made-summed"
    rule, base = Continuity.NONE, Base.STREAM
    checksum = Checksum(10, Order.ASKS, Number.DIGITS, signed=False)
    proof = Proof((Sign.CHECKSUM,))
    cut = True
    frames = FRAMES["kraken"]
    default_instruments = ("BTC/USD", "ETH/USD")
    topics = {
        "book": Topic("book.$depth.$symbol", depths=(10, 25)),
        "trades": "trade.$symbol",
        "quote": "ticker.$symbol",
    }
    depth = 10
    words = Words(
        subscribe='{"method":"subscribe","params":{"channel":"$channel","symbol":$symbols,'
        '"depth":$depth},"req_id":$id}',
        unsubscribe='{"method":"unsubscribe","params":{"channel":"$channel","symbol":$symbols,'
        '"depth":$depth},"req_id":$id}',
        answers=(
            PONG,
            Answer(
                ACK,
                '{"method":"subscribe","success":true,"result":{"channel":"$channel",'
                '"symbol":"$symbol","depth?":$depth},"req_id":$id}',
            ),
            Answer(
                ENDED,
                '{"method":"unsubscribe","success":true,"result":{"channel":"$channel",'
                '"symbol":"$symbol"},"req_id":$id}',
            ),
            Answer(
                REJECTED,
                '{"method":"subscribe","success":false,"error":"$text","symbol?":"$symbol",'
                '"req_id":$id}',
            ),
        ),
    )
    answers_each = True
    listing = Listing(
        "/pairs",
        rows="result",
        fine={"error": "[]"},
        symbol="wsname",
        base="$base",
        quote="$quote",
        parts={"wsname": "(?P<base>[^/]+)/(?P<quote>[^/]+)"},
        tick="tick_size",
        lot=Decimals("lot_decimals"),
        written=("pair_decimals", "lot_decimals"),
        status="status",
    )


class Counted(MadeUp):
    """A number a message of the connection, answers too; the side in each level; a channel a
    message."""

    name = "made-counted"
    rule, base = Continuity.NONE, Base.STREAM
    proof = Proof((Sign.COUNTER,), sized=True, scope=Scope.CONNECTION)
    frames = FRAMES["coinbase"]
    topics = {
        "book": Topic("level2:$symbol", word="level2"),
        "trades": Topic("market_trades:$symbol", word="market_trades"),
        "quote": Topic("ticker:$symbol", word="ticker"),
    }
    words = Words(
        subscribe='{"type":"subscribe","channel":"$channel","product_ids":$symbols}',
        unsubscribe='{"type":"unsubscribe","channel":"$channel","product_ids":$symbols}',
        answers=(
            PONG,
            Answer(ACK, '{"channel":"subscriptions","events":[{"subscriptions":$by_channel}]}'),
            Answer(ControlKind.ERROR, '{"type":"error","message":"$text"}'),
        ),
    )
    answers_each = True
