"""Crypto.com Exchange: spot, perpetuals and dated futures.

Rules: https://exchange-docs.crypto.com/exchange/v1/rest-ws/ and exchange-developer.crypto.com
(websocket: common reference, subscribe, heartbeat, book, trade, ticker, mark, funding; REST:
public/get-instruments). All keys share a message; one socket serves every product.

* A book begins with a frame of the channel `book`; what follows is of `book.update` and names the
  number before it. A book that is quiet says so every 5 s: nothing, after the number that it has.
* Books, and what is refused, are answered key by key. What comes first on any other channel is the
  answer as well: it has the number of the request, all that follows -1. Of trades it is the past.
* What may be sent in a second is counted from the socket's opening: nothing is asked in the first.
* `d` of a trade is unique; it counts no trades.
"""

from dataclasses import replace

from feedhandler.adapter import promise
from feedhandler.adapter.declared import Answer, By, DeclaredVenue, Listing, Time, Topic, Words
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
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
from shm import ContractType, InstrumentKind, Status

_LEVEL = '["$price","$size","$_"]'
_DERIVATIVES = (InstrumentKind.PERPETUAL, InstrumentKind.FUTURE)
_FRAMES = (
    Frame(
        "snapshot",
        '{"id":$word,"result":{"channel":"book","instrument_name":"$symbol","depth":$window,'
        '"data":[{"bids":$bids,"asks":$asks,"t":$sent_ms,"tt":$time_ms,"u":$final}]}}',
        level=_LEVEL,
    ),
    Frame(
        "book",
        '{"id":$word,"result":{"channel":"book.update","instrument_name":"$symbol",'
        '"depth":$window,"data":[{"update":{"bids":$bids,"asks":$asks},"t":$sent_ms,'
        '"tt":$time_ms,"u":$final,"pu":$previous}]}}',
        level=_LEVEL,
    ),
    Frame(
        "trade",
        '{"id":-1,"result":{"channel":"trade","instrument_name":"$symbol","data":[{"d":"$id",'
        '"s":"$taker","p":"$price","q":"$size","t":$time_ms}]}}',
        taker=("BUY", "SELL"),
    ),
    Frame("none", '{"id":$digits,"result":{"channel":"trade"}}'),
    Frame(
        "ticker",
        '{"id":$word,"result":{"channel":"ticker","instrument_name":"$symbol","data":[{"b?":"$bid",'
        '"bs?":"$bid_size","k?":"$ask","ks?":"$ask_size","oi?":"$open_interest","v?":"$volume",'
        '"t":$time_ms}]}}',
    ),
    *(
        Frame(
            kind,
            f'{{"id":$word,"result":{{"channel":"{channel}","instrument_name":"$symbol",'
            f'"data":[{{"v":"${hole}","t":$time_ms}}]}}}}',
        )
        for kind, channel, hole in (
            ("mark", "mark", "mark"),
            ("funding", "funding", "funding"),
            ("funding", "estimatedfunding", "predicted_funding"),
        )
    ),
    Frame(
        "index",
        '{"id":$word,"result":{"channel":"index","instrument_name":"$index_name",'
        '"data":[{"v":"$index","t":$time_ms}]}}',
    ),
)


class CryptoCom(DeclaredVenue):
    name = "cryptocom"
    frames = _FRAMES
    rule, base = Continuity.PREVIOUS, Base.STREAM
    keeps_window = True  # measured, not documented: see docs/venues.md
    names_trades = True
    answers_each = True
    proof = Proof((Sign.CHAIN,), note="50 levels a side")
    ws_urls = {"public": "wss://stream.crypto.com/exchange/v1/market"}
    rest_url = "https://api.crypto.com/exchange/v1"
    heartbeat = Heartbeat(Speaker.SERVER_JSON, 30.0, 45.0)
    limits = Limits(
        keys_per_message=100,
        keys_per_connection=400,
        messages_per_second=20.0,  # of 100
        connects_per_second=2.0,  # nothing is said
        warmup_s=1.0,
        rest_per_second=10.0,  # of 100
    )
    promises = {
        "book": Promise("book", first_s=10.0),
        "trade": promise.TRADES,
        "ticker": Promise("ticker", first_s=30.0),
        "mark": Promise("mark", first_s=5.0, every_s=5.0),
        "funding": Promise("funding", first_s=10.0, every_s=90.0),
        "estimatedfunding": Promise("funding", rhythm=False),
        "index": Promise("index", first_s=10.0),
    }
    default_instruments = ("BTC_USD", "ETH_USD", "SOL_USD", "BTCUSD-PERP", "ETHUSD-PERP")
    statuses = {"true": Status.ACTIVE, "false": Status.HALTED}
    topics = {
        "book": Topic("book.$symbol.$depth", depths=(10, 50)),
        "trades": "trade.$symbol",
        "ticker": (
            "ticker.$symbol",
            Topic("mark.$symbol", kinds=_DERIVATIVES),
            Topic("funding.$symbol", kinds=(InstrumentKind.PERPETUAL,)),
            Topic("estimatedfunding.$symbol", kinds=(InstrumentKind.PERPETUAL,)),
            Topic("index.$index_name", kinds=_DERIVATIVES),
        ),
    }
    words = Words(
        subscribe='{"id":$id,"method":"subscribe","params":{"channels":$keys,'
        '"book_subscription_type":"SNAPSHOT_AND_UPDATE","book_update_frequency":10}}',
        unsubscribe='{"id":$id,"method":"unsubscribe","params":{"channels":$keys}}',
        answers=(
            Answer(
                ControlKind.ASKED,
                '{"id":$id,"method":"public/heartbeat"}',
                reply='{"id":$id,"method":"public/respond-heartbeat"}',
            ),
            Answer(
                ControlKind.ACK,
                '{"id":$id,"method":"subscribe","code":0,"result":{"subscription":"$key"}}',
                data=True,
            ),
            Answer(ControlKind.ACK, '{"id":$id,"method":"subscribe","code":0,"channel?":"$key"}'),
            Answer(
                ControlKind.UNSUBSCRIBED,
                '{"id":$id,"method":"unsubscribe","code":0,"channel?":"$key"}',
            ),
            Answer(
                ControlKind.REJECTED,
                '{"id":$id,"method":"subscribe","code":$code,"message?":"$text","channel?":"$key"}',
            ),
            Answer(ControlKind.ERROR, '{"code":$code,"message":"$text"}'),
        ),
        passing=("42901", "40801", "50001"),
    )
    listing = Listing(
        "/public/get-instruments",
        rows="result.data",
        fine={"code": "0"},
        text="message",
        symbol="symbol",
        base="base_ccy",
        quote="quote_ccy",
        tick="price_tick_size",
        lot="qty_tick_size",
        kind=By(
            "inst_type",
            {
                "CCY_PAIR": InstrumentKind.SPOT,
                "PERPETUAL_SWAP": InstrumentKind.PERPETUAL,
                "FUTURE": InstrumentKind.FUTURE,
            },
        ),
        contract=ContractType.LINEAR,
        expiry=Time("expiry_timestamp_ms"),
        index_name="underlying_symbol",
        status="tradable",
    )

    def instrument(self, row: Row, its: Listing) -> ListedInstrument | None:
        """In the documentation a perpetual has an expiry, too, which means nothing."""
        found = super().instrument(row, its)
        if found is None or found.kind is not InstrumentKind.PERPETUAL:
            return found
        return replace(found, expiry_ns=0)
