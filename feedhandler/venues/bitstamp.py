"""Bitstamp: spot, and perpetuals that settle in USD.

Rules: https://www.bitstamp.net/websocket/v2/ and https://www.bitstamp.net/api/ (markets, order
book). A subscription key is the channel, such as `diff_order_book_btcusd`; a message asks for one.

* `diff_order_book` has every change of the whole book and no number: its `microtimestamp` only
  grows. A message that is lost is not noticed, and so no book is proven. It joins a book by REST
  that is no older than the first message that waits for it: what lies between would be missing.
  That book is up to two seconds behind the stream, and its time is that of the last change.
* `order_book` tells the best 100 levels anew with each message and would need no proof, but five
  times a second instead of with every change, and nothing until something changes.
* Nothing has the best bid and offer by itself. `funding_rate` of perpetuals has mark, index and
  the rate, as a fraction for eight hours, once a second.
* A channel of an unknown market is acknowledged and stays silent; an error names no channel.
* The answer to our heartbeat is the only sign of life that a quiet market gives.
"""

from feedhandler.adapter import promise
from feedhandler.adapter.declared import (
    Answer,
    BookPath,
    By,
    Decimals,
    DeclaredVenue,
    Listing,
    Topic,
    Words,
)
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.venue import Base, Continuity, ControlKind, Heartbeat, Limits, Speaker
from feedhandler.shape import Frame
from shm import InstrumentKind, Status

PAIR = '["$price","$size"]'

_FRAMES = (
    Frame(
        "book",
        '{"event":"data","channel":"diff_order_book_$symbol","data":{"microtimestamp":"$time_us",'
        '"bids":$bids,"asks":$asks}}',
        level=PAIR,
    ),
    Frame(
        "trade",
        '{"event":"trade","channel":"live_trades_$symbol","data":{"id":$id,"amount_str":"$size",'
        '"price_str":"$price","type":$taker,"microtimestamp":"$time_us"}}',
        taker=("0", "1"),
    ),
    Frame(
        "ticker",
        '{"event":"funding_rate_saved","channel":"funding_rate_$symbol","data":{'
        '"mark_price?":"$mark","index_price?":"$index","funding_rate?":"$funding",'
        '"next_funding_time?":"$next_funding_s",'
        '"timestamp":"$time_s"}}',
    ),
    Frame("answer", '{"microtimestamp":"$time_us","bids":$bids,"asks":$asks}', level=PAIR),
)


class Bitstamp(DeclaredVenue):
    name = "bitstamp"
    frames = _FRAMES
    rule = Continuity.TIME
    base = Base.REQUEST
    proof = Proof((Sign.CLOCK,), note="an audit compares its books with REST now and then")
    answers_each = True
    ws_urls = {"public": "wss://ws.bitstamp.net"}
    rest_url = "https://www.bitstamp.net/api/v2"
    heartbeat = Heartbeat(Speaker.CLIENT_JSON, 20.0, 60.0, ping='{"event":"bts:heartbeat"}')
    limits = Limits(
        keys_per_connection=1000,  # with the 1,025th channel the connection is closed silently
        messages_per_second=20.0,  # nothing is said
        connects_per_second=2.0,  # nothing is said
        rest_per_second=15.0,  # of 10,000 in 10 minutes,
        rest_burst=100.0,  # of 400 in a second
        bans={429: 60.0, 403: 600.0},  # 403: the web application firewall
        lifetime_s=7_776_000.0,  # 90 days
    )
    promises = {
        "diff_order_book": Promise("book", moves=True),
        "live_trades": promise.TRADES,
        "funding_rate": Promise("ticker", first_s=5.0, every_s=5.0),
    }
    topics = {
        "book": "diff_order_book_$symbol",
        "trades": "live_trades_$symbol",
        "ticker": Topic("funding_rate_$symbol", kinds=(InstrumentKind.PERPETUAL,)),
    }
    words = Words(
        subscribe='{"event":"bts:subscribe","data":{"channel":"$key"}}',
        unsubscribe='{"event":"bts:unsubscribe","data":{"channel":"$key"}}',
        answers=(
            Answer(ControlKind.ACK, '{"event":"bts:subscription_succeeded","channel":"$key"}'),
            Answer(
                ControlKind.UNSUBSCRIBED,
                '{"event":"bts:unsubscription_succeeded","channel":"$key"}',
            ),
            Answer(ControlKind.PONG, '{"event":"bts:heartbeat"}'),
            Answer(
                ControlKind.NOTICE,
                '{"event":"bts:request_reconnect"}',
                text="bts:request_reconnect",
            ),
            Answer(
                ControlKind.ERROR, '{"event":"bts:error","data":{"code?":$code,"message":"$text"}}'
            ),
        ),
    )
    statuses = {"Enabled": Status.ACTIVE, "Disabled": Status.HALTED}
    listing = Listing(
        "/markets/",
        symbol="market_symbol",
        kind=By(
            "market_type", {"SPOT": InstrumentKind.SPOT, "PERPETUAL": InstrumentKind.PERPETUAL}
        ),
        base="base_currency",
        quote="counter_currency",
        tick=Decimals("counter_decimals"),
        lot=Decimals("base_decimals"),
        written=("counter_decimals", "base_decimals"),
        status="trading",
    )
    book = BookPath("/order_book/$symbol/")  # the whole one; with `group` 0 and 2 order by order
    default_instruments = ("btcusd", "ethusd", "xrpusd", "solusd", "btcusd-perp", "ethusd-perp")
