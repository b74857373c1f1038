"""Crypto.com Exchange, spot and perpetuals: a venue from outside, written as a file of data.

    feedhandler start --sim --venue-file my_cryptocom.py

Rules: https://exchange-docs.crypto.com/exchange/v1/rest-ws/. All keys share a message. A book
begins with a frame of the channel `book`; what follows is of `book.update` and names the number
before it. The venue asks for a sign of life every 30 s and cuts who does not answer. What may be
sent in a second is counted from the socket's opening, so that nothing is asked in the first one.
The first message of trades, and of tickers, is the acknowledgement: it has the id of the request,
all others -1. Of trades these are past ones.

docs/adding-a-venue.md goes through this file.
"""

from feedhandler.adapter import promise
from feedhandler.adapter.declared import Answer, By, DeclaredVenue, Listing, Topic, Words
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.venue import Base, Continuity, ControlKind, Heartbeat, Limits, Speaker
from feedhandler.shape import Frame
from shm import InstrumentKind, Status


class CryptoCom(DeclaredVenue):
    name = "my-cryptocom"
    ws_urls = {"public": "wss://stream.crypto.com/exchange/v1/market"}
    rest_url = "https://api.crypto.com/exchange/v1"
    rule, base = Continuity.PREVIOUS, Base.STREAM
    keeps_window = True
    proof = Proof((Sign.CHAIN,))
    heartbeat = Heartbeat(Speaker.SERVER_JSON, 30.0, 45.0)
    limits = Limits(
        keys_per_message=100,
        keys_per_connection=400,
        messages_per_second=20.0,
        warmup_s=1.0,
        rest_per_second=10.0,
    )
    default_instruments = ("BTC_USD", "ETH_USD", "BTCUSD-PERP")
    statuses = {"true": Status.ACTIVE, "false": Status.HALTED}

    topics = {
        "book": Topic("book.$symbol.$depth", depths=(10, 50)),
        "trades": "trade.$symbol",
        "ticker": "ticker.$symbol",
    }
    promises = {
        "book": Promise("book", first_s=10.0),
        "trade": promise.TRADES,
        "ticker": Promise("ticker", first_s=30.0),
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
            Answer(ControlKind.ACK, '{"id":$id,"method":"subscribe","code":0,"channel":"$key"}'),
            Answer(
                ControlKind.ACK,
                '{"id":$id,"method":"subscribe","code":0,"result":{"subscription":"$key"}}',
            ),
            Answer(ControlKind.UNSUBSCRIBED, '{"id":$id,"method":"unsubscribe","code":0}'),
            Answer(
                ControlKind.REJECTED,
                '{"id":$id,"method":"subscribe","code":$code,"message?":"$text","channel?":"$key"}',
            ),
            Answer(ControlKind.ERROR, '{"code":$code,"message":"$text"}'),
        ),
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
            {"CCY_PAIR": InstrumentKind.SPOT, "PERPETUAL_SWAP": InstrumentKind.PERPETUAL},
        ),
        status="tradable",
    )

    frames = (
        Frame(
            "snapshot",
            '{"id":-1,"result":{"channel":"book","instrument_name":"$symbol","depth":$window,'
            '"data":[{"bids":$bids,"asks":$asks,"t":$time_ms,"u":$final}]}}',
            level='["$price","$size","$_"]',
        ),
        Frame(
            "book",
            '{"id":-1,"result":{"channel":"book.update","instrument_name":"$symbol",'
            '"depth":$window,"data":[{"update":{"bids":$bids,"asks":$asks},'
            '"t":$time_ms,"u":$final,"pu":$previous}]}}',
            level='["$price","$size","$_"]',
        ),
        Frame(
            "trade",
            '{"id":-1,"result":{"channel":"trade","instrument_name":"$symbol","data":[{"d":"$id",'
            '"s":"$taker","p":"$price","q":"$size","t":$time_ms}]}}',
            taker=("BUY", "SELL"),
        ),
        Frame(
            "ticker",
            '{"id":-1,"result":{"channel":"ticker","instrument_name":"$symbol","data":[{"b?":"$bid",'
            '"bs?":"$bid_size","k?":"$ask","ks?":"$ask_size","oi?":"$open_interest",'
            '"t":$time_ms}]}}',
        ),
    )
