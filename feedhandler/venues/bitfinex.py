"""Bitfinex: pairs, and perpetuals that settle in USDT or BTC.

Rules: https://docs.bitfinex.com/docs/ws-general (configuration, codes, limits), ws-public and its
channels, ws-websocket-checksum, https://docs.bitfinex.com/reference/rest-public-tickers. A
subscription key is ours, `book.100.tBTCUSD`; a message asks for one channel.

* Data are arrays that begin with the number of their channel, which the acknowledgement names.
  Arrays may grow at their end.
* With the flag SEQ_ALL each array ends with a number that counts those of the connection, of
  heartbeats too: one that is missing costs all books of the connection.
* With OB_CHECKSUM a book is followed by the CRC-32 of its 25 best levels, written as JavaScript
  does; sizes of asks are below 0.
* A level is price, number of orders and size, below 0 for an ask; no orders: it is gone. Prices of
  P0 have five significant figures. The venue cuts those of orders to so many; what is finer all the
  same is added up with its neighbours. Only books of single orders would show it.
* Nothing that is said of a book has the venue's time.
* A trade comes as `te` at once and again as `tu`; what follows the acknowledgement is older.
* After maintenance (20061) and before a restart (20051) everything is to be subscribed to anew.
"""

from decimal import Decimal

from feedhandler.adapter import promise
from feedhandler.adapter.checksum import Checksum, Number, Order
from feedhandler.adapter.declared import Answer, By, DeclaredVenue, Figures, Listing, Topic, Words
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Scope, Sign
from feedhandler.adapter.request_ids import HEARTBEAT
from feedhandler.adapter.row import Row
from feedhandler.adapter.venue import (
    Base,
    Continuity,
    ControlKind,
    Heartbeat,
    Limits,
    ListedInstrument,
    Speaker,
)
from feedhandler.shape import Frame
from shm import InstrumentKind

_SEQ_ALL, _OB_CHECKSUM = 65_536, 131_072

_FRAMES = (
    Frame("number", '["...",$conn]'),
    Frame("none", '[$channel,"hb","..."]'),
    Frame("snapshot", '[$channel,$levels,"..."]', level="[$price,$count,$amount]", channel="book"),
    Frame("book", '[$channel,[$price,$count,$amount,"..."],"..."]', channel="book"),
    Frame("checksum", '[$channel,"cs",$checksum,"..."]', channel="book"),
    Frame("none", '[$channel,[[$_,"..."]],"..."]', channel="trades"),
    Frame("trade", '[$channel,"te",[$id,$time_ms,$amount,$price,"..."],"..."]', channel="trades"),
    Frame("none", '[$channel,"tu","..."]'),
    Frame(
        "quote",
        '[$channel,[$bid,$bid_size,$ask,$ask_size,$_,$_,$_,$volume,"..."],"..."]',
        channel="ticker",
    ),
    Frame(
        "ticker",
        "[$channel,[$time_ms,$_,$_,$index,$_,$_,$_,$next_funding_ms,$predicted_funding,$_,$_,"
        "$funding,$_,$_,$mark,$_,$_,"
        '$open_interest,"..."],"..."]',
        channel="status",
    ),
)


class Bitfinex(DeclaredVenue):
    name = "bitfinex"
    frames = _FRAMES
    rule = Continuity.NONE
    base = Base.STREAM
    checksum = Checksum(25, Order.PAIRS, Number.SCRIPT, separator=":", signed_asks=True)
    proof = Proof(
        (Sign.COUNTER, Sign.CHECKSUM),
        sized=True,
        scope=Scope.CONNECTION,
        note="prices have five significant figures: what is finer is added up by the venue",
    )
    answers_each = True
    ws_urls = {"public": "wss://api-pub.bitfinex.com/ws/2"}
    hosts = ("api.bitfinex.com",)
    rest_url = "https://api-pub.bitfinex.com/v2"
    heartbeat = Heartbeat(
        Speaker.CLIENT_JSON, 15.0, 15.0, ping=f'{{"event":"ping","cid":{HEARTBEAT}}}'
    )
    limits = Limits(
        keys_per_connection=25,
        connects_per_window=(20, 60.0),
        rest_per_second=0.5,  # of 30 in a minute
        rest_burst=5.0,
        bans={429: 60.0},
    )
    promises = {
        "book": Promise("book", moves=True),
        "trades": promise.TRADES,
        "ticker": Promise("quote", first_s=5.0),
        "status": Promise("ticker", first_s=5.0),
    }
    topics = {
        "book": Topic(
            "book.$depth.$symbol",
            depths=(25, 100, 250),
            subscribe='{"event":"subscribe","channel":"book","symbol":"$symbol","prec":"P0",'
            '"freq":"F0","len":"$depth"}',
        ),
        "trades": "trades.$symbol",
        "quote": "ticker.$symbol",
        "ticker": (
            "ticker.$symbol",
            Topic(
                "deriv:$symbol",
                word="status",
                kinds=(InstrumentKind.PERPETUAL,),
                subscribe='{"event":"subscribe","channel":"status","key":"$key"}',
            ),
        ),
    }
    words = Words(
        on_connect=(f'{{"event":"conf","flags":{_SEQ_ALL + _OB_CHECKSUM}}}',),
        subscribe='{"event":"subscribe","channel":"$channel","symbol":"$symbol"}',
        unsubscribe='{"event":"unsubscribe","chanId":$number}',
        answers=(
            Answer(
                ControlKind.ACK,
                '{"event":"subscribed","channel":"$channel","chanId":$number,"symbol":"$symbol",'
                '"len?":"$depth"}',
            ),
            Answer(ControlKind.ACK, '{"event":"subscribed","chanId":$number,"key":"$key"}'),
            Answer(ControlKind.UNSUBSCRIBED, '{"event":"unsubscribed","chanId":$number}'),
            Answer(
                ControlKind.REJECTED,
                '{"event":"error","msg":"$text","code":$code,"channel":"$channel",'
                '"symbol":"$symbol","len?":"$depth"}',
            ),
            Answer(
                ControlKind.REJECTED,
                '{"event":"error","msg":"$text","code":$code,"channel":"status","key":"$key"}',
            ),
            Answer(ControlKind.ERROR, '{"event":"error","msg":"$text","code?":$code}'),
            Answer(ControlKind.NOTICE, '{"event":"info","code":20051,"msg":"$text"}'),
            Answer(ControlKind.NOTICE, '{"event":"info","code":20061,"msg":"$text"}'),
            Answer(ControlKind.ERROR, '{"event":"info","code":20060,"msg":"$text"}'),
            Answer(ControlKind.NOTHING, '{"event":"info"}'),
            Answer(ControlKind.NOTHING, '{"event":"conf","status":"OK"}'),
            Answer(ControlKind.ERROR, '{"event":"conf","status":"$text"}'),
            Answer(ControlKind.PONG, '{"event":"pong"}'),
            Answer(ControlKind.NOTHING, '[$_,"..."]'),  # of a channel that is not known any more
        ),
        passing=("10305", "11000"),  # too many channels; not ready
    )
    listing = Listing(
        "/tickers",
        params={"symbols": "ALL"},
        columns=("symbol", "bid"),  # and more
        symbol="symbol",
        parts={
            "symbol": r"f.+|t(?P<base>\w{3}(?=\w{3}$)|\w+?(?=F0:|:))(?P<perpetual>F0)?:?"
            r"(?P<quote>\w+?)(?:F0)?"
        },
        kind=By("$perpetual", {"": InstrumentKind.SPOT, "F0": InstrumentKind.PERPETUAL}),
        base="$base",
        quote="$quote",
        currencies={
            "ALG": "ALGO",
            "ATO": "ATOM",
            "BAB": "BCH",
            "DAT": "DATA",
            "DSH": "DASH",
            "EUT": "EURT",
            "IOT": "IOTA",
            "MNA": "MANA",
            "QTM": "QTUM",
            "STJ": "STORJ",
            "TSD": "TUSD",
            "UDC": "USDC",
            "UST": "USDT",
            "WBT": "WBTC",
        },
        tick=Decimal("0.00000001"),
        bands=Figures(5),
        lot=Decimal("0.00000001"),
    )
    default_instruments = ("tBTCUSD", "tETHUSD", "tBTCUST", "tXRPUSD", "tBTCF0:USTF0")

    def instrument(self, row: Row, its: Listing) -> ListedInstrument | None:
        """Those of funding are not meant."""
        symbol = row.fields.get("symbol")
        if isinstance(symbol, str) and symbol.startswith("f"):
            return None
        return super().instrument(row, its)
