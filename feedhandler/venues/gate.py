"""Gate v4: spot.

Rules: https://www.gate.com/docs/developers/apiv4/ws/en/ (client request, application ping pong,
public trades, order book V2), and /apiv4/en/ for the list of pairs. A request names the second in
which it was made, and its `payload` is of the channel: names of streams for books, pairs for the
rest. A book of `spot.obu` begins with a message with `full`, which may come again at any time; from
there on `U` is the last `u` and one more. A stream that is there already is refused by its name.
`upgrade` asks for another connection (the venue's own client, gatews). Its compression is not to be
relied upon (the same).
"""

from feedhandler.adapter import promise
from feedhandler.adapter.declared import Answer, Decimals, DeclaredVenue, Listing, Topic, Words
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.venue import Base, Continuity, ControlKind, Heartbeat, Limits, Speaker
from feedhandler.shape import Frame
from shm import Status

_PAIR = '["$price","$size"]'
_BOOK = '"t":$time_ms,"s":"ob.$symbol.$window","u":$final,"b?":$bids,"a?":$asks'


def request(event: str, payload: str) -> str:
    """What is asked on any channel."""
    return f'{{"time":$time_s,"id":$id,"channel":"$channel","event":"{event}","payload":{payload}}}'


def ping(product: str) -> Heartbeat:
    """Of spot or of futures."""
    text = f'{{"time":$time_s,"channel":"{product}.ping"}}'
    return Heartbeat(Speaker.CLIENT_JSON, 5.0, 15.0, ping=text)


def book_topic(product: str) -> Topic:
    """The streams of books, by their names."""
    return Topic(
        "ob.$symbol.$depth",
        word=f"{product}.obu",
        depths=(400,),  # of 50 soon too few are known, where what enters them is not sent
        subscribe=request("subscribe", "$keys"),
        unsubscribe=request("unsubscribe", "$keys"),
    )


def words(product: str) -> Words:
    """What is said of all other channels, and the answers of every one."""
    return Words(
        subscribe=request("subscribe", "$symbols"),
        unsubscribe=request("unsubscribe", "$symbols"),
        answers=(
            Answer(
                ControlKind.ACK,
                '{"id?":$id,"event":"subscribe","result":{"status":"success"}}',
            ),
            Answer(
                ControlKind.UNSUBSCRIBED,
                '{"id?":$id,"event":"unsubscribe","result":{"status":"success"}}',
            ),
            Answer(
                ControlKind.ACK,
                '{"id?":$id,"event":"subscribe","error":{"message":"Alert sub $key"}}',
            ),
            Answer(
                ControlKind.REJECTED,
                '{"id?":$id,"event":"subscribe","error":{"code":$code,"message":"$text"}}',
            ),
            Answer(ControlKind.PONG, f'{{"channel":"{product}.pong"}}'),
            Answer(ControlKind.NOTICE, '{"event":"upgrade"}', text="upgrade"),
            Answer(ControlKind.ERROR, '{"id?":$id,"error":{"code":$code,"message":"$text"}}'),
        ),
    )


def book_frames(product: str) -> tuple[Frame, Frame]:
    """A whole book, and what changes of it."""
    whole, change = (
        f'{{"channel":"{product}.obu","result":{{{kind},{_BOOK}}}}}'
        for kind in ('"full":true', '"full":$never,"U":$first')
    )
    return Frame("snapshot", whole, level=_PAIR), Frame("book", change, level=_PAIR)


def quote_frame(product: str) -> Frame:
    """The best bid and offer; of a side that is empty the text is."""
    return Frame(
        "quote",
        f'{{"channel":"{product}.book_ticker","event":"update","result":{{"t":$time_ms,'
        '"u":$final,"s":"$symbol","b?":"$bid","B?":"$bid_size","a?":"$ask","A?":"$ask_size"}}',
    )


class Gate(DeclaredVenue):
    name = "gate"
    rule, base = Continuity.RANGE, Base.STREAM
    proof = Proof((Sign.RANGE,), sized=True)
    ws_urls = {"public": "wss://api.gateio.ws/ws/v4/"}
    rest_url = "https://api.gateio.ws/api/v4"
    heartbeat = ping("spot")
    limits = Limits(keys_per_message=20, rest_per_second=20.0)
    promises = {
        "spot.obu": Promise("book", first_s=5.0),
        "spot.trades": promise.TRADES,
        "spot.book_ticker": Promise("quote", moves=True),
        "spot.tickers": Promise("ticker", rhythm=False),
    }
    default_instruments = ("BTC_USDT", "ETH_USDT", "SOL_USDT")
    # Of "buyable" and "sellable" one side is open: that is none of our words, and so not open.
    statuses = {"tradable": Status.ACTIVE, "untradable": Status.HALTED}
    topics = {
        "book": book_topic("spot"),
        "trades": "spot.trades:$symbol",
        "quote": "spot.book_ticker:$symbol",
        "ticker": ("spot.book_ticker:$symbol", "spot.tickers:$symbol"),
    }
    words = words("spot")
    listing = Listing(
        "/spot/currency_pairs",
        symbol="id",
        base="base",
        quote="quote",
        tick=Decimals("precision"),
        lot=Decimals("amount_precision"),
        status="trade_status",
    )
    frames = (
        *book_frames("spot"),
        Frame(
            "trade",
            '{"channel":"spot.trades","event":"update","result":{"id":$id,'
            '"create_time_ms":"$time_ms","side":"$taker","currency_pair":"$symbol",'
            '"amount":"$size","price":"$price"}}',
        ),
        quote_frame("spot"),
        Frame(
            "ticker",
            '{"channel":"spot.tickers","event":"update","time_ms?":$time_ms,"result":{'
            '"currency_pair":"$symbol","base_volume":"$volume"}}',
        ),
    )
