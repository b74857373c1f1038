"""Coinbase Exchange: spot, without a key.

Rules: https://docs.cdp.coinbase.com/exchange/websocket-feed/ (overview, channels, errors, rate
limits) and /exchange/reference/ for the list of products.

* Books come on `level2_batch`, every 50 ms; the other channels of books want a login. They have
  neither numbers nor checksums: nothing proves one. The acknowledgement calls it `level2_50`.
* A session without a subscription is closed after 5 s. `heartbeat` is of a product, one a second:
  that of one product shows that the connection lives.
* A trade has the side of the maker. `last_match` is one of before the subscription.
* `0001-01-01` is the time of what has none.
* `subscriptions` lists all that is subscribed by now. An error names a product, never a request,
  and nothing of that request was taken.
"""

from feedhandler.adapter import promise
from feedhandler.adapter.declared import Answer, DeclaredVenue, Listing, Topic, Words
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof
from feedhandler.adapter.venue import Base, Continuity, ControlKind, Heartbeat, Limits, Speaker
from feedhandler.shape import Frame
from shm import Status


def _request(verb: str) -> str:
    return f'{{"type":"{verb}","product_ids":$symbols,"channels":["$channel"]}}'


class CoinbaseExchange(DeclaredVenue):
    name = "coinbase-exchange"
    rule, base = Continuity.NONE, Base.STREAM
    proof = Proof(note="nothing proves a book; `coinbase` numbers the same ones")
    ws_urls = {"public": "wss://ws-feed.exchange.coinbase.com"}
    hosts = ("ws-feed.pro.coinbase.com", "api.pro.coinbase.com")
    rest_url = "https://api.exchange.coinbase.com"
    heartbeat = Heartbeat(Speaker.SERVER_JSON, 1.0, 10.0)
    limits = Limits(
        keys_per_connection=30,  # each book begins with megabytes
        connects_per_second=8.0,
        messages_per_second=8.0,  # of 100
        host_messages_per_second=8.0,
        rest_per_second=8.0,  # of 10
    )
    promises = {
        "level2_batch": Promise("book", first_s=10.0),
        "matches": promise.TRADES,
        "ticker": Promise("quote", first_s=10.0),
    }
    default_instruments = ("BTC-USD", "ETH-USD", "SOL-USD")
    statuses = {
        "online": Status.ACTIVE,
        "offline": Status.HALTED,
        "internal": Status.HALTED,
        "delisted": Status.EXPIRED,
    }
    topics = {
        "book": Topic("level2_batch:$symbol", answered="level2_50"),
        "trades": "matches:$symbol",
        "quote": "ticker:$symbol",  # the best bid and offer at each match
        "ticker": "ticker:$symbol",
    }
    words = Words(
        on_connect=('{"type":"subscribe","product_ids":["BTC-USD"],"channels":["heartbeat"]}',),
        subscribe=_request("subscribe"),
        unsubscribe=_request("unsubscribe"),
        answers=(
            Answer(
                ControlKind.ACK,
                '{"type":"subscriptions","channels":[{"name":"$channel","product_ids":$symbols}]}',
            ),
            Answer(ControlKind.NOTHING, '{"type":"heartbeat"}'),
            Answer(
                ControlKind.REJECTED,
                '{"type":"error","message":"$_","reason":"$symbol is not a valid product"}',
            ),
            Answer(
                ControlKind.REJECTED,
                '{"type":"error","message":"$_","reason":"$symbol is delisted"}',
            ),
            Answer(ControlKind.ERROR, '{"type":"error","message":"$code","reason?":"$text"}'),
        ),
    )
    listing = Listing(
        "/products",
        symbol="id",
        base="base_currency",
        quote="quote_currency",
        tick="quote_increment",
        lot="base_increment",
        status="status",
        flags={
            "trading_disabled": Status.HALTED,
            "cancel_only": Status.CANCEL_ONLY,
            "post_only": Status.POST_ONLY,
            "auction_mode": Status.AUCTION,
        },
    )
    frames = (
        Frame(
            "snapshot",
            '{"type":"snapshot","product_id":"$symbol","bids":$bids,"asks":$asks,'
            '"time?":"$time_iso"}',
            level='["$price","$size"]',
        ),
        Frame(
            "book",
            '{"type":"l2update","product_id":"$symbol","changes":$levels,"time":"$time_iso"}',
            level='["$side","$price","$size"]',
            sides=("buy", "sell"),
        ),
        Frame(
            "trade",
            '{"type":"match","trade_id":$id,"side":"$taker","size":"$size","price":"$price",'
            '"product_id":"$symbol","time":"$time_iso"}',
            taker=("sell", "buy"),  # what it says is the maker's side
        ),
        Frame("none", '{"type":"last_match"}'),
        Frame(
            "quote",
            '{"type":"ticker","product_id":"$symbol","best_bid":"$bid","best_bid_size":"$bid_size",'
            '"best_ask":"$ask","best_ask_size":"$ask_size","time":"$time_iso",'
            '"volume_24h?":"$volume"}',
        ),
    )
