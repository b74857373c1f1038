"""Bitget: spot, and perpetuals and dated contracts in USDT, USDC and coins, by its v3 (UTA) API.

Rules: https://www.bitget.com/docs/uta/ (quick start: limits and heartbeat; websocket/public:
depth, new trades, tickers), https://www.bitget.com/docs/catalog/market/market-data (instruments).
What is subscribed to is an object, `{"instType","topic","symbol"}`, and the answers to it say it
back; a subscription key is ours, `books:usdt-futures:BTCUSDT`.

* A message of a book names the number of the one before, `pseq`; of the first one behind a snapshot
  it may be lower. 0 in a change: the venue counts anew. Checksums are gone since 2026-05-19.
* `books` has the best `maxdepth` levels, which the documentation writes `maxDepth`: 1,000 a side.
  That what enters them is always sent is documented nowhere. Size 0 removes a level.
* `books1` is the best level of each side, whenever it changes; it counts as the books do.
* The first `publicTrade` of a subscription is the past; of a message the newest trade comes first.
* A product of another `instType` is acknowledged, and stays silent: the list says which it is.
* More than 20 objects in a message end the connection without a word; 10 never did.
* Sizes are of the base, those of contracts in coins (`BTCUSD_CM`) of the quote.
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

_WHOLE, _CHANGE = '"action":"snapshot"', '"action":"update"'
_PAIR = '["$price","$size"]'
_FINE = {"code": "00000"}
_BOOK = '"data":[{"a":$asks,"b":$bids,"seq":$final,"pseq":$previous,"ts":"$time_ms",'
_WINDOW = '"maxdepth?":"$window"}],"ts":$sent_ms'


def _push(action: str, topic: str, data: str) -> str:
    return f'{{{action},"arg":{{"topic":"{topic}","symbol":"$symbol"}},{data}}}'


def words(family: str) -> Words:
    """`family`: the `instType`, or the hole where it stands."""
    arg = f'{{"instType":"{family}","topic":"$channel","symbol":"$symbol"}}'
    refused = (
        f'{{\\"instType\\":\\"{family}\\",\\"symbol\\":\\"$symbol\\",\\"topic\\":\\"$channel\\"}}'
    )
    return Words(
        subscribe=f'{{"op":"subscribe","args":[{arg}]}}',
        unsubscribe=f'{{"op":"unsubscribe","args":[{arg}]}}',
        answers=(
            Answer(ControlKind.PONG, '"pong"'),
            Answer(ControlKind.ACK, f'{{"event":"subscribe","arg":{arg}}}'),
            Answer(ControlKind.UNSUBSCRIBED, f'{{"event":"unsubscribe","arg":{arg}}}'),
            Answer(
                ControlKind.REJECTED,
                f'{{"event":"error","arg":{arg},"code":$code,"msg":"$text"}}',
            ),
            Answer(
                ControlKind.REJECTED,
                f'{{"event":"error","code":$code,"msg":"{refused} doesn\'t exist"}}',
                text="doesn't exist",
            ),
            Answer(ControlKind.NOTICE, '{"event":"error","code":30033,"msg":"$text"}'),
            Answer(ControlKind.NOTICE, '{"event":"error","code":"30033","msg":"$text"}'),
            Answer(ControlKind.ERROR, '{"event":"error","code":$code,"msg":"$text"}'),
        ),
        passing=("30006", "30007"),  # too many requests
    )


FRAMES = (
    Frame("snapshot", _push(_WHOLE, "books", _BOOK + _WINDOW), level=_PAIR, window=1_000),
    Frame("book", _push(_CHANGE, "books", _BOOK + _WINDOW), level=_PAIR, window=1_000),
    Frame(
        "quote",
        _push(
            _WHOLE,
            "books1",
            '"data":[{"a":$asks,"b":$bids,"seq":$final,"ts":"$time_ms"}],"ts":$sent_ms',
        ),
        level=_PAIR,
    ),
    Frame("none", '{"action":"snapshot","arg":{"topic":"publicTrade"}}'),
    Frame(
        "trade",
        _push(
            _CHANGE,
            "publicTrade",
            '"data":[{"i":"$id","p":"$price","v":"$size","S":"$taker","T":"$time_ms"}],'
            '"ts":$sent_ms',
        ),
    ),
)


def _volume(family: str) -> Frame:
    data = '"data":[{"volume24h":"$volume"}],"ts":$time_ms'
    arg = f'"arg":{{"instType":"{family}","topic":"ticker","symbol":"$symbol"}}'
    return Frame("ticker", f'{{"event":$never,{arg},{data}}}')


class Unified(DeclaredVenue):
    """What spot and futures have alike."""

    rule, base = Continuity.PREVIOUS, Base.STREAM
    proof = Proof((Sign.CHAIN,), note="its checksum is gone since 2026-05-19")
    names_trades = True  # of one message the newest comes first
    answers_each = True
    ws_urls = {"public": "wss://ws.bitget.com/v3/ws/public"}
    rest_url = "https://api.bitget.com"
    heartbeat = Heartbeat(Speaker.CLIENT_TEXT, 25.0, 35.0, ping="ping", pong="pong")
    limits = Limits(
        keys_per_message=10,
        bytes_per_message=4_096,
        keys_per_connection=48,  # of 1,000; "fewer than 50"
        messages_per_second=5.0,  # of 10, pings included
        subscribes_per_hour=240,
        connects_per_window=(250, 300.0),  # of 300
        connections=100,
        rest_per_second=15.0,  # of 20
        lifetime_s=86_400.0,
    )
    statuses = {
        "listed": Status.PRE_OPEN,
        "online": Status.ACTIVE,
        "limit_open": Status.CANCEL_ONLY,  # positions may be closed
        "limit_close": Status.HALTED,
        "offline": Status.EXPIRED,
        "restrictedAPI": Status.HALTED,  # to programs
    }


class BitgetSpot(Unified):
    name = "bitget-spot"
    promises = {
        "books": Promise("book", first_s=5.0),
        "publicTrade": promise.TRADES,
        "books1": Promise("quote", first_s=5.0, moves=True),
        "ticker": Promise("ticker", first_s=10.0),
    }
    topics = {
        "book": "books:$symbol",
        "trades": "publicTrade:$symbol",
        "quote": "books1:$symbol",
        "ticker": ("books1:$symbol", "ticker:$symbol"),
    }
    words = words("spot")
    listing = Listing(
        "/api/v3/market/instruments",
        params={"category": "SPOT"},
        rows="data",
        fine=_FINE,
        text="msg",
        symbol="symbol",
        base="baseCoin",
        quote="quoteCoin",
        tick=Decimals("pricePrecision"),
        lot=Decimals("quantityPrecision"),
        expiry="offTime",
        status="status",
    )
    frames = (*FRAMES, _volume("spot"))
    default_instruments = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


_FAMILIES = {
    "USDT-FUTURES": "usdt-futures",
    "USDC-FUTURES": "usdc-futures",
    "COIN-FUTURES": "coin-futures",
}


def _ticker(family: str, more: str) -> str:
    return (
        f'{{"event":$never,"arg":{{"instType":"{family}","topic":"ticker","symbol":"$symbol"}},'
        '"data":[{"markPrice?":"$mark","indexPrice?":"$index","fundingRate?":"$funding",'
        '"nextFundingTime?":"$next_funding_ms",'
        f'"openInterest?":"$open_interest"{more}}}],"ts":$time_ms}}'
    )


def _contracts(category: str) -> Listing:
    return Listing(
        "/api/v3/market/instruments",
        params={"category": category},
        rows="data",
        fine=_FINE,
        text="msg",
        symbol="symbol",
        base="baseCoin",
        quote="quoteCoin",
        kind=By("type", {"perpetual": InstrumentKind.PERPETUAL, "delivery": InstrumentKind.FUTURE}),
        contract=By(
            "category",
            {
                one: ContractType.INVERSE if one == "COIN-FUTURES" else ContractType.LINEAR
                for one in _FAMILIES
            },
        ),
        family=By("category", _FAMILIES),
        tick="priceMultiplier",
        lot="quantityMultiplier",
        expiry=Time("deliveryTime"),
        status="status",
    )


class BitgetFutures(Unified):
    name = "bitget-futures"
    promises = BitgetSpot.promises
    topics = {
        "book": "books:$family:$symbol",
        "trades": "publicTrade:$family:$symbol",
        "quote": "books1:$family:$symbol",
        "ticker": Topic("ticker:$family:$symbol"),
    }
    words = words("$family")
    listing = tuple(map(_contracts, _FAMILIES))
    frames = (
        *FRAMES,
        Frame("ticker", _ticker("usdt-futures", ',"volume24h?":"$volume"')),
        Frame("ticker", _ticker("usdc-futures", ',"volume24h?":"$volume"')),
        Frame("ticker", _ticker("coin-futures", "")),  # whose volume is not of their sizes
    )
    default_instruments = ("BTCUSDT", "ETHUSDT", "BTCPERP", "BTCUSD_CM")
