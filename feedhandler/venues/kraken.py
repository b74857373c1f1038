"""Kraken: spot, by WebSocket v2.

Rules: https://docs.kraken.com/api/docs/websocket-v2/ (book, trade, ticker, instrument, status,
heartbeat), https://docs.kraken.com/api/docs/guides/spot-ws-book-v2 (checksum) and
https://docs.kraken.com/api/docs/rest-api/get-tradable-asset-pairs. A subscription key is of one
symbol, with the depth where it is a book's: `book.100.BTC/USD`. A message asks for symbols of one
channel; each is answered by itself.

* No message of a book has a number. Each has a CRC-32 of the best ten levels instead, of prices and
  sizes as they are written: with all decimals of the pair, whether they are sent or not.
* A book is of 10, 25, 100, 500 or 1000 levels a side. No message says that a level fell out: it is
  cut to its depth after each message, and before the checksum.
* The list names pairs as the first WebSocket did, XBT/USD; this one says BTC/USD.
* `ticker` comes with each change of the best prices if that is asked for, else with each trade.
* What the venue does with orders on a pair is in the list and in `instrument`, of which only what
  changes is asked for; `status` is of the whole exchange.
"""

from dataclasses import replace

from feedhandler.adapter import promise
from feedhandler.adapter.checksum import Checksum, Number, Order
from feedhandler.adapter.declared import Answer, Decimals, DeclaredVenue, Listing, Topic, Words
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
from shm import Status

_FRAMES = (
    *(
        Frame(
            kind,
            f'{{"channel":"book","type":"{word}","data":[{{"symbol":"$symbol","bids":$bids,'
            '"asks":$asks,"checksum":$checksum,"timestamp?":"$time_iso"}]}',
            level='{"price":$price,"qty":$size}',
        )
        for kind, word in (("snapshot", "snapshot"), ("book", "update"))
    ),
    Frame(
        "trade",
        '{"channel":"trade","type":"update","data":[{"symbol":"$symbol","side":"$taker",'
        '"price":$price,"qty":$size,"trade_id":$id,"timestamp":"$time_iso"}]}',
    ),
    Frame("none", '{"channel":"trade","type":"snapshot"}'),  # of before the subscription
    Frame(
        "quote",
        '{"channel":"ticker","data":[{"symbol":"$symbol","bid":$bid,"bid_qty":$bid_size,'
        '"ask":$ask,"ask_qty":$ask_size,"volume?":$volume,"timestamp?":"$time_iso"}]}',
    ),
)


def _asks(what: str, more: str) -> str:
    return f'{{"method":"{what}","params":{{"channel":"$channel",{more}}},"req_id":$id}}'


_TICKER = Topic(
    "ticker.$symbol",
    subscribe=_asks("subscribe", '"symbol":$symbols,"event_trigger":"bbo"'),
    unsubscribe=_asks("unsubscribe", '"symbol":$symbols,"event_trigger":"bbo"'),
)


class Kraken(DeclaredVenue):
    name = "kraken"
    frames = _FRAMES
    rule = Continuity.NONE
    base = Base.STREAM
    checksum = Checksum(10, Order.ASKS, Number.DIGITS, signed=False)
    proof = Proof((Sign.CHECKSUM,), note="of the best 10 levels: what lies deeper is not proven")
    cut = True
    answers_each = True
    ws_urls = {"public": "wss://ws.kraken.com/v2"}
    rest_url = "https://api.kraken.com/0"
    heartbeat = Heartbeat(Speaker.SERVER_JSON, 1.0, 15.0)
    limits = Limits(
        keys_per_message=50,  # nothing is said
        keys_per_connection=250,  # nothing is said of these channels; `level3` allows 200
        messages_per_second=4.0,  # "dynamic"
        connects_per_window=(100, 600.0),  # of about 150, at Cloudflare
        rest_per_second=1.0,
        rest_burst=4.0,
        bans={429: 60.0, 403: 600.0},  # 403: Cloudflare's
    )
    promises = {
        "book": Promise("book", moves=True),
        "trade": promise.TRADES,
        "ticker": Promise("quote", first_s=10.0, moves=True),
    }
    topics = {
        "book": Topic(
            "book.$depth.$symbol",
            depths=(10, 25, 100, 500, 1000),
            subscribe=_asks("subscribe", '"symbol":$symbols,"depth":$depth'),
            unsubscribe=_asks("unsubscribe", '"symbol":$symbols,"depth":$depth'),
        ),
        "trades": "trade.$symbol",
        "quote": _TICKER,
        "ticker": _TICKER,
        "status": Topic(
            "instrument",
            subscribe='{"method":"subscribe","params":{"channel":"instrument","snapshot":false},'
            '"req_id":$id}',
            unsubscribe='{"method":"unsubscribe","params":{"channel":"instrument"},"req_id":$id}',
        ),
    }
    words = Words(
        subscribe=_asks("subscribe", '"symbol":$symbols,"snapshot":false'),
        unsubscribe=_asks("unsubscribe", '"symbol":$symbols'),
        answers=(
            Answer(ControlKind.NOTHING, '{"channel":"heartbeat"}'),
            Answer(ControlKind.NOTHING, '{"channel":"status","data":[{"system":"online"}]}'),
            Answer(ControlKind.RELIST, '{"channel":"status","data":[{"system":"$text"}]}'),
            Answer(
                ControlKind.STATED,
                '{"channel":"instrument","data":{"pairs":[{"symbol":"$symbol",'
                '"status":"$status"}]}}',
            ),
            Answer(ControlKind.NOTHING, '{"channel":"instrument"}'),  # of currencies
            Answer(ControlKind.PONG, '{"method":"pong"}'),
            Answer(
                ControlKind.ACK,
                '{"method":"subscribe","success":true,"result":{"channel":"instrument"},'
                '"req_id":$id}',
                word="instrument",
            ),
            Answer(
                ControlKind.UNSUBSCRIBED,
                '{"method":"unsubscribe","success":true,"result":{"channel":"instrument"},'
                '"req_id":$id}',
                word="instrument",
            ),
            Answer(
                ControlKind.ACK,
                '{"method":"subscribe","success":true,"result":{"channel":"$channel",'
                '"symbol":"$symbol","depth?":$depth},"req_id?":$id}',
            ),
            Answer(
                ControlKind.UNSUBSCRIBED,
                '{"method":"unsubscribe","success":true,"result":{"channel":"$channel",'
                '"symbol":"$symbol","depth?":$depth},"req_id?":$id}',
            ),
            Answer(
                ControlKind.REJECTED,
                '{"method":"subscribe","success":false,"error":"$text","symbol?":"$symbol",'
                '"req_id?":$id}',
            ),
            Answer(ControlKind.ERROR, '{"success":false,"error":"$text","req_id?":$id}'),
            Answer(ControlKind.ERROR, '{"Error":"$text"}'),  # "Exceeded msg rate"
        ),
        passing=("msg rate", "ate limit"),
    )
    statuses = {
        "online": Status.ACTIVE,
        "post_only": Status.POST_ONLY,
        "limit_only": Status.ACTIVE,
        "reduce_only": Status.CANCEL_ONLY,
        "cancel_only": Status.CANCEL_ONLY,
        "maintenance": Status.HALTED,
        "work_in_progress": Status.HALTED,
        "delisted": Status.EXPIRED,
    }
    listing = Listing(
        "/public/AssetPairs",
        rows="result",
        fine={"error": "[]"},
        text="error",
        symbol="wsname",
        parts={"wsname": "(?P<base>[^/]+)/(?P<quote>[^/]+)"},
        base="$base",
        quote="$quote",
        currencies={"XBT": "BTC", "XDG": "DOGE"},
        tick="tick_size",
        lot=Decimals("lot_decimals"),
        written=("pair_decimals", "lot_decimals"),
        status="status",
    )
    default_instruments = ("BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD", "BTC/EUR", "ETH/EUR")

    def instrument(self, row: Row, its: Listing) -> ListedInstrument | None:
        """By the name that the stream has for it."""
        found = super().instrument(row, its)
        return found and replace(found, symbol=f"{found.base}/{found.quote}")
