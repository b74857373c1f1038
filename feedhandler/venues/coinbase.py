"""Coinbase Advanced Trade: spot, without a key.

Rules: https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/ (overview,
channels, rate limits). `sequence_num` counts all messages of a connection, whatever their channel,
and so proves all of its books at once; a book's messages have no number of their own. A request is
about one channel. The first one must come within 5 s, and channels in which nothing happens are
closed after 60 to 90 s, unless `heartbeats`, a message a second, is subscribed to. Pairs in USDC
are shown as those in USD, whose books they share: they are listed under one name. What
`subscriptions` lists is all that is subscribed by now.
"""

from feedhandler.adapter import promise
from feedhandler.adapter.declared import Answer, DeclaredVenue, Listing, Words
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Scope, Sign
from feedhandler.adapter.venue import Base, Continuity, ControlKind, Heartbeat, Limits, Speaker
from feedhandler.shape import Frame
from shm import Status


def _book(kind: str, word: str) -> Frame:
    return Frame(
        kind,
        f'{{"channel":"l2_data","timestamp":"$sent_iso","events":[{{"type":"{word}",'
        '"product_id":"$symbol","updates":$levels}]}',
        level='{"side":"$side","event_time":"$time_iso","price_level":"$price",'
        '"new_quantity":"$size"}',
        sides=("bid", "offer"),
    )


class Coinbase(DeclaredVenue):
    name = "coinbase"
    rule, base = Continuity.NONE, Base.STREAM
    proof = Proof((Sign.COUNTER,), sized=True, scope=Scope.CONNECTION)
    ws_urls = {"public": "wss://advanced-trade-ws.coinbase.com"}
    rest_url = "https://api.coinbase.com"
    heartbeat = Heartbeat(Speaker.SERVER_JSON, 1.0, 10.0)
    limits = Limits(
        # A number that is missing costs all books of a connection, and each begins with megabytes.
        keys_per_connection=30,
        connects_per_second=8.0,
        messages_per_second=8.0,
        host_messages_per_second=6.0,  # 8 of an address, `heartbeats` of new sessions among them
        rest_per_second=10.0,
    )
    promises = {
        "level2": Promise("book", first_s=10.0),
        "market_trades": promise.TRADES,
        "ticker": Promise("quote", first_s=10.0),
    }
    default_instruments = ("BTC-USD", "ETH-USD", "SOL-USD")
    statuses = {"online": Status.ACTIVE, "offline": Status.HALTED, "delisted": Status.EXPIRED}
    topics = {
        "book": "level2:$symbol",
        "trades": "market_trades:$symbol",
        "quote": "ticker:$symbol",  # the best bid and offer at each match
        "ticker": "ticker:$symbol",
    }
    words = Words(
        on_connect=('{"type":"subscribe","channel":"heartbeats"}',),
        subscribe='{"type":"subscribe","product_ids":$symbols,"channel":"$channel"}',
        unsubscribe='{"type":"unsubscribe","product_ids":$symbols,"channel":"$channel"}',
        answers=(
            Answer(
                ControlKind.ACK,
                '{"channel":"subscriptions","events":[{"subscriptions":$by_channel}]}',
            ),
            Answer(ControlKind.NOTHING, '{"channel":"heartbeats"}'),
            Answer(ControlKind.ERROR, '{"type":"error","message":"$text"}'),
        ),
    )
    listing = Listing(
        "/api/v3/brokerage/market/products",
        params={"product_type": "SPOT"},
        rows="products",
        only={"product_type": ("SPOT",), "alias": ("",)},  # of BTC-USDC it is BTC-USD
        symbol="product_id",
        base="base_currency_id",
        quote="quote_currency_id",
        tick="price_increment",
        lot="base_increment",
        status="status",
        flags={
            "is_disabled": Status.HALTED,
            "trading_disabled": Status.HALTED,
            "cancel_only": Status.CANCEL_ONLY,
            "post_only": Status.POST_ONLY,
            "auction_mode": Status.AUCTION,
        },
    )
    frames = (
        Frame("number", '{"sequence_num":$conn}'),
        _book("snapshot", "snapshot"),
        _book("book", "update"),
        Frame(
            "trade",
            '{"channel":"market_trades","events":[{"type":"update","trades":[{'
            '"product_id":"$symbol","trade_id":"$id","price":"$price","size":"$size",'
            '"time":"$time_iso","side":"$taker"}]}]}',
            taker=("SELL", "BUY"),  # what it says is the maker's side
        ),
        Frame("none", '{"channel":"market_trades","events":[{"type":"snapshot"}]}'),  # old ones
        Frame(
            "quote",
            '{"channel":"ticker","timestamp":"$time_iso","events":[{"tickers":[{'
            '"product_id":"$symbol","best_bid?":"$bid","best_bid_quantity?":"$bid_size",'
            '"best_ask?":"$ask","best_ask_quantity?":"$ask_size",'
            '"volume_24_h?":"$volume"}]}]}',
        ),
    )
