"""Kraken Futures, by its WebSocket v1: inverse contracts (PI_, FI_), and linear ones (PF_, FF_).

Rules: https://docs.kraken.com/api/docs/futures-api/websocket/ (book, trade, ticker, heartbeat) and
https://docs.kraken.com/api/docs/futures-api/trading/get-instruments. A subscription key is the feed
and the product, `book:PI_XBTUSD`. A message asks for products of one feed, each answered by itself.

* A message of a book changes one level, and has the next number of its product. Trades have
  numbers of their own.
* The connection wants a WebSocket ping a minute at least: those that measure go out more often.
  `heartbeat`, asked for on each connection, tells a quiet market from a dead one.
* Errors name no product. What stays silent is asked for again.
* `ticker`, a second apart, has mark, index, open interest, and the funding rate of an hour: the one
  that is relative to the price. A rate of zero does not come.
* Sizes of inverse contracts are dollars, of linear ones the base currency. The lot of the latter is
  in `contractValueTradePrecision`, which is below 0 where it is ten or more.
* This protocol ends on 2027-03-01.
"""

from feedhandler.adapter import promise
from feedhandler.adapter.declared import (
    Answer,
    By,
    Decimals,
    DeclaredVenue,
    Listing,
    Time,
    Topic,
    Words,
)
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.venue import Base, Continuity, ControlKind, Heartbeat, Limits, Speaker
from feedhandler.shape import Frame
from shm import ContractType, InstrumentKind, Status

_FRAMES = (
    Frame(
        "snapshot",
        '{"feed":"book_snapshot","product_id":"$symbol","seq":$final,"timestamp":$time_ms,'
        '"bids":$bids,"asks":$asks}',
        level='{"price":$price,"qty":$size}',
    ),
    Frame(  # acknowledgements have a feed too
        "book",
        '{"event":$never,"feed":"book","product_id":"$symbol","side":"$side","seq":$final,'
        '"price":$price,"qty":$size,"timestamp?":$time_ms}',
        sides=("buy", "sell"),
    ),
    *(
        Frame(
            "trade",
            '{"event":$never,"feed":"trade","product_id":"$symbol","uid?":"$_","side":"$taker",'
            f'"type":"{word}","seq":$id,"time":$time_ms,"qty":$size,"price":$price}}',
            forced=word == "liquidation",
        )
        for word in ("fill", "assignment", "termination", "block", "liquidation")
    ),
    Frame("none", '{"feed":"trade_snapshot"}'),  # of before the subscription
    Frame(
        "ticker",
        '{"event":$never,"feed":"ticker","product_id":"$symbol","time":$time_ms,"bid?":$bid,'
        '"bid_size?":$bid_size,"ask?":$ask,"ask_size?":$ask_size,"markPrice?":$mark,'
        '"index?":$index,"relative_funding_rate?":$funding,'
        '"relative_funding_rate_prediction?":$predicted_funding,'
        '"next_funding_rate_time?":$next_funding_ms,"openInterest?":$open_interest,'
        '"volume?":$volume}',
    ),
)


class KrakenFutures(DeclaredVenue):
    name = "kraken-futures"
    frames = _FRAMES
    usual = True
    rule = Continuity.NEXT
    base = Base.STREAM
    proof = Proof((Sign.COUNTER,), sized=True)
    answers_each = True
    ws_urls = {"public": "wss://futures.kraken.com/ws/v1"}
    rest_url = "https://futures.kraken.com/derivatives/api/v3"
    heartbeat = Heartbeat(Speaker.SERVER_JSON, 10.0, 60.0)
    limits = Limits(
        keys_per_message=50,  # nothing is said
        keys_per_connection=300,  # nothing is said
        messages_per_second=50.0,  # of 100
        connections=100,
        connects_per_second=5.0,  # nothing is said
        rest_per_second=5.0,  # nothing is said of requests without a key
        bans={429: 60.0},
    )
    promises = {
        "book": Promise("book", moves=True),
        "trade": promise.TRADES,
        "ticker": Promise("ticker", first_s=10.0),
    }
    topics = {
        "book": Topic("book:$symbol"),
        "trades": Topic("trade:$symbol"),
        "ticker": Topic("ticker:$symbol"),
    }
    words = Words(
        on_connect=('{"event":"subscribe","feed":"heartbeat"}',),
        subscribe='{"event":"subscribe","feed":"$channel","product_ids":$symbols}',
        unsubscribe='{"event":"unsubscribe","feed":"$channel","product_ids":$symbols}',
        answers=(
            Answer(ControlKind.NOTHING, '{"feed":"heartbeat"}'),
            Answer(ControlKind.NOTHING, '{"event":"info"}'),
            Answer(
                ControlKind.ACK, '{"event":"subscribed","feed":"$channel","product_ids":$symbols}'
            ),
            Answer(
                ControlKind.UNSUBSCRIBED,
                '{"event":"unsubscribed","feed":"$channel","product_ids":$symbols}',
            ),
            Answer(
                ControlKind.REJECTED,
                '{"event":"subscribed_failed","feed":"$channel","product_ids":["$symbol"]}',
            ),
            Answer(ControlKind.ERROR, '{"event":"error","message":"$text"}'),
            Answer(ControlKind.ERROR, '{"event":"alert","message":"$text"}'),
        ),
    )
    statuses = {"true": Status.ACTIVE, "false": Status.HALTED}
    listing = Listing(
        "/instruments",
        rows="instruments",
        fine={"result": "success"},
        text="error",
        symbol="symbol",
        parts={"symbol": "(?P<product>[^_]+)_.+"},
        kind=By(
            "$product",
            {
                "PF": InstrumentKind.PERPETUAL,
                "PI": InstrumentKind.PERPETUAL,
                "FF": InstrumentKind.FUTURE,
                "FI": InstrumentKind.FUTURE,
            },
        ),
        contract=By(
            "type",
            {"futures_inverse": ContractType.INVERSE, "flexible_futures": ContractType.LINEAR},
        ),
        base="base",
        quote="quote",
        currencies={"XBT": "BTC", "XDG": "DOGE"},
        tick="tickSize",
        lot=Decimals("contractValueTradePrecision"),
        contract_size="contractSize",
        expiry=Time("lastTradingTime", "iso"),
        status="tradeable",
        flags={"postOnly": Status.POST_ONLY},
    )
    default_instruments = ("PF_XBTUSD", "PF_ETHUSD", "PF_SOLUSD", "PI_XBTUSD", "PI_ETHUSD")
