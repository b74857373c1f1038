"""HTX (Huobi) spot.

Rules: https://www.htx.com/en-us/opend/newApiPages/ and https://huobiapi.github.io/docs/spot/v1/en/
(websocket market data: introduction, market by price incremental, trade detail, best bid offer;
reference data: market symbols setting). A subscription key is the topic, such as
`market.btcusdt.mbp.150`; a message asks for one.

* Every message is gzip, pings and answers too. The venue asks every five seconds, and closes after
  two of its questions that were not answered.
* `mbp` has the changes of the best so many levels, on an address of its own; each names the number
  before it, and a side that did not change is not there. It has no base: `req` on the connection
  that streams it asks for one, which is right for the deltas of this connection alone. More than
  some ten of these a second are refused.
* Numbers are as Java writes them, `9.121E-7`. The `id` of a trade has 27 digits; `tradeId` counts.
* A refusal carries the id of the request, and the symbol in its text.
"""

from dataclasses import replace

from feedhandler.adapter import promise
from feedhandler.adapter.declared import Answer, BookPath, Decimals, DeclaredVenue, Listing, Topic
from feedhandler.adapter.declared.words import Words
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

PAIR = "[$price,$size]"
HEARTBEAT = Heartbeat(Speaker.SERVER_JSON, 5.0, 15.0)
TAKEN = (
    Answer(ControlKind.ASKED, '{"ping":$n}', reply='{"pong":$n}'),
    Answer(ControlKind.ACK, '{"id":"$id","status":"ok","subbed":"$key"}'),
    Answer(ControlKind.UNSUBSCRIBED, '{"id":"$id","status":"ok","unsubbed":"$key"}'),
)
REFUSED = (
    Answer(
        ControlKind.REJECTED, '{"id":"$id","status":"error","err-code":"$code","err-msg":"$text"}'
    ),
    Answer(ControlKind.ERROR, '{"status":"error","err-code":"$code","err-msg":"$text"}'),
)
PASSING = ("too many request", "trade not open now")

_FRAMES = (
    Frame(
        "book",
        '{"ch":"market.$symbol.mbp.$window","ts":$sent_ms,"tick":{"seqNum":$final,'
        '"prevSeqNum":$previous,"bids?":$bids,"asks?":$asks}}',
        level=PAIR,
    ),
    Frame(
        "answer",
        '{"rep":"market.$symbol.mbp.$window","data":{"seqNum":$final,"bids":$bids,"asks":$asks}}',
        level=PAIR,
    ),
    Frame(
        "trade",
        '{"ch":"market.$symbol.trade.detail","ts":$sent_ms,"tick":{"data":[{"ts":$time_ms,'
        '"tradeId":$id,"amount":$size,"price":$price,"direction":"$taker"}]}}',
    ),
    Frame(
        "quote",
        '{"ch":"market.$symbol.bbo","ts":$sent_ms,"tick":{"seqId?":$final,"ask":$ask,'
        '"askSize":$ask_size,"bid":$bid,"bidSize":$bid_size,"quoteTime":$time_ms}}',
    ),
    Frame(
        "ticker",
        '{"ch":"market.$symbol.detail","ts":$time_ms,"tick":{"data":$never,"amount":$volume}}',
    ),
)


class Htx(DeclaredVenue):
    name = "htx"
    frames = _FRAMES
    rule = Continuity.PREVIOUS
    base = Base.REQUEST
    socket_books = True
    answers_each = True
    encoding = "gzip"
    proof = Proof((Sign.CHAIN,), note="a base is asked for on the connection that streams the book")
    ws_urls = {"public": "wss://api.huobi.pro/ws", "feed": "wss://api.huobi.pro/feed"}
    ws_alternatives = {
        "public": ("wss://api-aws.huobi.pro/ws",),
        "feed": ("wss://api-aws.huobi.pro/feed",),
    }
    hosts = ("api-aws.huobi.pro", "api.htx.com")
    rest_url = "https://api.huobi.pro"
    heartbeat = HEARTBEAT
    limits = Limits(
        keys_per_connection=100,  # nothing is said
        messages_per_second=10.0,  # as other programs do; nothing is said
        connects_per_second=2.0,  # nothing is said
        rest_per_second=8.0,  # of 10; bases over the socket are refused beyond some 10, too
        rest_burst=8.0,
    )
    promises = {
        "mbp": Promise("book", moves=True),
        "trade.detail": promise.TRADES,
        "bbo": Promise("quote", moves=True),
        "detail": Promise("ticker", rhythm=False),
    }
    topics = {
        "book": Topic(
            "market.$symbol.mbp.$depth", word="mbp", depths=(5, 20, 150, 400), endpoint="feed"
        ),
        "trades": Topic("market.$symbol.trade.detail", word="trade.detail"),
        "quote": Topic("market.$symbol.bbo", word="bbo"),
        "ticker": (
            Topic("market.$symbol.bbo", word="bbo"),
            Topic("market.$symbol.detail", word="detail"),
        ),
    }
    words = Words(
        subscribe='{"sub":"$key","id":"$id"}',
        unsubscribe='{"unsub":"$key","id":"$id"}',
        answers=(
            *TAKEN,
            Answer(
                ControlKind.ANSWER, '{"id":"$id","status":"ok","rep":"market.$symbol.mbp.$depth"}'
            ),
            Answer(
                ControlKind.ANSWER,
                '{"id":"$id","status":"error","err-code":"$code","err-msg":"$text"}',
            ),
            *REFUSED,
        ),
        passing=PASSING,
    )
    statuses = {
        "online": Status.ACTIVE,
        "pre-online": Status.PRE_OPEN,
        "not-online": Status.PRE_OPEN,
        "suspend": Status.HALTED,
        "fuse": Status.HALTED,
        "transfer-board": Status.HALTED,
        "offline": Status.EXPIRED,
    }
    listing = Listing(
        "/v1/settings/common/market-symbols",
        rows="data",
        fine={"status": "ok"},
        text="err-msg",
        symbol="symbol",
        base="bc",
        quote="qc",
        capitals=True,
        tick=Decimals("pp"),
        lot=Decimals("ap"),
        status="state",
    )
    book = BookPath("", socket='{"req":"market.$symbol.mbp.$depth","id":"$id"}')
    default_instruments = ("btcusdt", "ethusdt", "solusdt", "xrpusdt", "dogeusdt", "ltcusdt")

    def instrument(self, row: Row, its: Listing) -> ListedInstrument | None:
        """`castate` is there in a call auction, and only then."""
        found = super().instrument(row, its)
        stage = row.fields.get("castate")
        if found is None or not stage or found.status is not Status.ACTIVE:
            return found
        return replace(found, status=Status.AUCTION, stated=str(stage))
