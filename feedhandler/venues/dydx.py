"""dYdX v4, perpetuals, by its indexer.

Rules: https://docs.dydx.xyz/indexer-client/websockets and /interaction/data/watch-orderbook, the
guide "How to uncross the orderbook", and indexer/services/comlink of the venue's own program.

* A subscription is answered by the whole of what it is about: the first book, past trades.
* Messages have numbers, which count what a client sends as well, and an answer has that of its
  request: nothing proves a book.
* There is no one book: validators have their own, and the indexer's may be crossed until what is
  old is removed. Its guide says how to uncross it: of two levels that cross, the one that was said
  earlier goes; of two of one message the smaller size is taken off the larger one.
* A trade of the type LIQUIDATED is a liquidation; what is deleveraged is matched outside the book.
* `v4_markets` tells of all markets: first what is known of each, then what has changed. The price
  of the oracle, by which margin is reckoned, is the index; the funding rate is that which the hour
  comes to so far. Its volume is in dollars, and not read.
"""

from feedhandler.adapter import promise
from feedhandler.adapter.connect import Welcome
from feedhandler.adapter.declared import Answer, By, DeclaredVenue, Listing, Topic, Words
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof
from feedhandler.adapter.venue import Base, Continuity, ControlKind, Heartbeat, Limits, Speaker
from feedhandler.shape import Frame
from shm import ContractType, InstrumentKind, Status


def _trades(sort: str) -> Frame:
    return Frame(
        "trade",
        '{"type":"channel_data","channel":"v4_trades","id":"$symbol","contents":{"trades":[{'
        f'"type":"{sort}","id":"$id_name","side":"$taker","size":"$size","price":"$price",'
        '"createdAt":"$time_iso"}]}}',
        taker=("BUY", "SELL"),
        forced=sort == "LIQUIDATED",
    )


def _markets(kind: str, what: str, other: str, row: str) -> Frame:
    return Frame(
        "ticker",
        f'{{"type":"{kind}","channel":"v4_markets","contents":{{"{what}":{{"$symbol":{{{row}}}}}{other}}}}}',
    )


_TERMS = '"nextFundingRate?":"$funding","openInterest?":"$open_interest","status?":"$status"'
_FRAMES = (
    Frame(
        "snapshot",
        '{"type":"subscribed","channel":"v4_orderbook","id":"$symbol",'
        '"contents":{"bids":$bids,"asks":$asks}}',
        level='{"price":"$price","size":"$size"}',
    ),
    Frame(
        "book",
        '{"type":"channel_data","channel":"v4_orderbook","id":"$symbol",'
        '"contents":{"bids?":$bids,"asks?":$asks}}',
        level='["$price","$size"]',
    ),
    *map(_trades, ("LIMIT", "MARKET", "TWAP_SUBORDER", "LIQUIDATED")),
    Frame(
        "none",
        '{"type":"channel_data","channel":"v4_trades","contents":{"trades":[{"type":"DELEVERAGED"}]}}',
    ),
    Frame("none", '{"type":"subscribed","channel":"v4_trades"}'),
    _markets("subscribed", "markets", "", f'"oraclePrice?":"$index",{_TERMS}'),
    _markets("channel_data", "trading", ',"oraclePrices":$never', _TERMS),
    _markets(
        *("channel_data", "oraclePrices", ',"trading":$never'),
        '"oraclePrice":"$index","effectiveAt?":"$time_iso"',
    ),
)


class Dydx(DeclaredVenue):
    name = "dydx"
    frames = _FRAMES
    rule, base = Continuity.NONE, Base.STREAM
    uncrosses = True
    names_trades = True
    proof = Proof(note="a book that the venue has crossed is uncrossed as its guide says")
    ws_urls = {"public": "wss://indexer.dydx.trade/v4/ws"}
    rest_url = "https://indexer.dydx.trade/v4"
    welcome = Welcome('{"type":"connected"}')
    heartbeat = Heartbeat(Speaker.SERVER_FRAME, 30.0, 45.0)
    limits = Limits(
        keys_per_connection=32,  # of each channel
        messages_per_second=2.0,  # of the same key, by documentation
        connects_per_second=1.0,  # nothing is said
        rest_per_second=5.0,  # of 10
    )
    promises = {
        "v4_orderbook": Promise("book", first_s=10.0),
        "v4_trades": promise.TRADES,
        "v4_markets": Promise("ticker", first_s=10.0),
    }
    default_instruments = ("BTC-USD", "ETH-USD", "SOL-USD")
    statuses = {
        "ACTIVE": Status.ACTIVE,
        "PAUSED": Status.HALTED,
        "CANCEL_ONLY": Status.CANCEL_ONLY,
        "POST_ONLY": Status.POST_ONLY,
        "INITIALIZING": Status.PRE_OPEN,
        "FINAL_SETTLEMENT": Status.EXPIRED,
    }
    topics = {
        "book": "v4_orderbook:$symbol",
        "trades": "v4_trades:$symbol",
        "ticker": Topic(
            "v4_markets",
            subscribe='{"type":"subscribe","channel":"v4_markets"}',
            unsubscribe='{"type":"unsubscribe","channel":"v4_markets"}',
            kinds=(InstrumentKind.PERPETUAL,),
        ),
    }
    words = Words(
        subscribe='{"type":"subscribe","channel":"$channel","id":"$symbol"}',
        unsubscribe='{"type":"unsubscribe","channel":"$channel","id":"$symbol"}',
        answers=(
            Answer(
                ControlKind.ACK,
                '{"type":"subscribed","channel":"$channel","id":"$symbol"}',
                data=True,
            ),
            Answer(
                ControlKind.UNSUBSCRIBED,
                '{"type":"unsubscribed","channel":"$channel","id":"$symbol"}',
            ),
            Answer(ControlKind.ACK, '{"type":"subscribed","channel":"$key"}', data=True),
            Answer(ControlKind.UNSUBSCRIBED, '{"type":"unsubscribed","channel":"$key"}'),
            Answer(ControlKind.NOTHING, '{"type":"connected"}'),
            Answer(
                ControlKind.REJECTED,
                '{"type":"error","message":"Invalid subscription id for channel: '
                '($channel-$symbol)"}',
            ),
            Answer(ControlKind.ERROR, '{"type":"error","message":"$text"}'),
        ),
    )
    listing = Listing(
        "/perpetualMarkets",
        rows="markets",
        symbol="ticker",
        parts={"ticker": "(?P<base>.+)-(?P<quote>USD)"},
        base="$base",
        quote="$quote",
        settle=By("ticker", {}, other="USDC"),
        kind=InstrumentKind.PERPETUAL,
        contract=ContractType.LINEAR,
        tick="tickSize",
        lot="stepSize",
        status="status",
    )
