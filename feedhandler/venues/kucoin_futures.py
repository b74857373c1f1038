"""KuCoin futures, the classic API: perpetuals and dated contracts, linear and inverse.

Rules: https://www.kucoin.com/docs-new (futures websocket: orderbook increment, match, ticker V2,
instrument; futures market data: all symbols, full order book). It is spoken with as spot is
(`kucoin.py`); what is at another place has a subscription of its own, `/contract/instrument`.

* A message of a book is one level, `"5000.0,sell,83"`, and has the next number. It joins the whole
  book by REST.
* Sizes are contracts. `multiplier` is what one is worth: of the base; below 0, and of the quote,
  where the contract is inverse.
* `funding.rate` comes with two granularities: 60,000 is a prediction of the minute, any other the
  interval of the rate that will be paid.
* The volume of `/contractMarket/snapshot`, every 5 s, is of the base: it is not read of inverse
  contracts.
* Bitcoin is XBT.
"""

from dataclasses import replace

from feedhandler.adapter import promise
from feedhandler.adapter.declared import Absolute, Answer, BookPath, By, Listing
from feedhandler.adapter.promise import Promise
from feedhandler.adapter.proof import Proof, Sign
from feedhandler.adapter.venue import Continuity, ControlKind
from feedhandler.shape import Frame
from feedhandler.venues.kucoin import FINE, Classic
from shm import ContractType, InstrumentKind, Status

_HOUR_MS = 3_600_000


def _instrument(kind: str, subject: str, data: str) -> Frame:
    return Frame(
        kind,
        f'{{"topic":"/contract/instrument:$symbol","subject":"{subject}","data":{{{data}}}}}',
    )


_FRAMES = (
    Frame(
        "book",
        '{"type":"message","topic":"/contractMarket/level2:$symbol","data":{"sequence":$final,'
        '"change":"$price,$side,$size","timestamp":$time_ms}}',
        sides=("buy", "sell"),
    ),
    Frame(
        "trade",
        '{"type":"message","topic":"/contractMarket/execution:$symbol","data":{'
        '"sequence":$place,"side":"$taker","size":$size,"price":"$price",'
        '"tradeId":"$id_or_place","ts":$time_ns}}',
    ),
    Frame(
        "quote",
        '{"topic":"/contractMarket/tickerV2:$symbol","data":{"sequence?":$final,'
        '"bestBidSize":$bid_size,"bestBidPrice":"$bid","bestAskPrice":"$ask",'
        '"bestAskSize":$ask_size,"ts":$time_ns}}',
    ),
    _instrument(
        "ticker",
        "mark.index.price",
        '"markPrice":$mark,"indexPrice":$index,"timestamp":$time_ms',
    ),
    *(
        _instrument(
            "ticker",
            "funding.rate",
            f'"granularity":{hours * _HOUR_MS},"fundingRate":$funding,"timestamp":$time_ms',
        )
        for hours in (1, 2, 4, 8)
    ),
    _instrument(
        "ticker",
        "funding.rate",
        '"granularity":60000,"fundingRate":$predicted_funding,"timestamp":$time_ms',
    ),
    Frame(  # in the base, whatever a contract is worth
        "volume",
        '{"topic":"/contractMarket/snapshot:$symbol","data":{"volume":$volume_base,"ts":$time_ns}}',
    ),
    Frame(
        "answer",
        '{"code":"200000","data":{"symbol":"$symbol","sequence":$final,"bids":$bids,'
        '"asks":$asks,"ts":$time_ns}}',
        level='["$price",$size]',
    ),
)


class KucoinFutures(Classic):
    name = "kucoin-futures"
    rule = Continuity.NEXT
    proof = Proof((Sign.COUNTER,), sized=True)
    ws_urls = {"public": "wss://ws-api-futures.kucoin.com/"}
    rest_url = "https://api-futures.kucoin.com"
    words = replace(
        Classic.words,  # of an interval that we do not know
        answers=(*Classic.words.answers, Answer(ControlKind.NOTHING, '{"subject":"funding.rate"}')),
    )
    promises = {
        "/contractMarket/level2": Promise("book", moves=True),
        "/contractMarket/execution": promise.TRADES,
        "/contractMarket/tickerV2": Promise("quote", moves=True),
        "/contract/instrument": Promise("ticker", first_s=10.0),
        "/contractMarket/snapshot": Promise("volume", rhythm=False),
    }
    topics = {
        "book": "/contractMarket/level2:$symbol",
        "trades": "/contractMarket/execution:$symbol",
        "quote": "/contractMarket/tickerV2:$symbol",
        "ticker": ("/contract/instrument:$symbol", "/contractMarket/snapshot:$symbol"),
    }
    statuses = {
        "Init": Status.PRE_OPEN,
        "Open": Status.ACTIVE,
        "CancelOnly": Status.CANCEL_ONLY,
        "Paused": Status.HALTED,
        "BeingSettled": Status.HALTED,
        "Settled": Status.EXPIRED,
        "Closed": Status.EXPIRED,
    }
    listing = Listing(
        "/api/v1/contracts/active",
        rows="data",
        fine=FINE,
        text="msg",
        weight=3,
        symbol="symbol",
        kind=By("type", {"FFWCSX": InstrumentKind.PERPETUAL, "FFICSX": InstrumentKind.FUTURE}),
        contract=By("isInverse", {"true": ContractType.INVERSE, "false": ContractType.LINEAR}),
        base="baseCurrency",
        quote="quoteCurrency",
        settle="settleCurrency",
        currencies={"XBT": "BTC"},
        tick="tickSize",
        lot="lotSize",
        contract_size=Absolute("multiplier"),
        expiry="expireDate",
        status="status",
    )
    book = BookPath(
        "/api/v1/level2/snapshot",
        {"symbol": "$symbol"},
        weight=3,
        fine=FINE,
        text="msg",
        others=("/api/v1/level2/depth100", "/api/v1/level2/depth20"),
    )
    frames = _FRAMES
    default_instruments = ("XBTUSDTM", "ETHUSDTM", "SOLUSDTM", "XBTUSDM")
