"""What Binance's spot and USD-M send, key for key, but for what goes by windows of time; and rows
of their lists. Depth is gathered over an interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from feedhandler.adapter.declared import Topic
from feedhandler.shape.frame import Frame
from feedhandler.sim.venues import binance_asked
from feedhandler.sim.venues import binance_listing as of_spot
from feedhandler.sim.venues import binance_usdm_listing as of_usdm
from feedhandler.sim.venues.declared.beside import Beside, Sent
from feedhandler.venues.binance import stream

_LEVEL: Final = '["$price","$size"]'
_MAKER: Final = ("false", "true")
_SPOT_SPEEDS: Final = {"@100ms": 0.1, "": 1.0, "@1000ms": 1.0}
_USDM_SPEEDS: Final = {"@100ms": 0.1, "": 0.25, "@250ms": 0.25, "@500ms": 0.5}
_OF: Final = '"E":$sent_ms,"s":"$symbol"'
_DEPTH: Final = f'{{"e":"depthUpdate",{_OF},"U":$first,"u":$final,"b":$bids,"a":$asks}}'
_PARTIAL: Final = '{"lastUpdateId":$final,"bids":$bids,"asks":$asks}'
_CHAIN: Final = (
    '{"e":"depthUpdate","E":$sent_ms,"T":$time_ms,"s":"$symbol","U":$first,"u":$final,'
    '"pu":$previous,"b":$bids,"a":$asks}'
)
_TOP: Final = '"u":$final,"s":"$symbol","b":"$bid","B":"$bid_size","a":"$ask","A":"$ask_size"'
_SPOT_TRADE: Final = (
    f'{{"e":"trade",{_OF},"t":$id,"p":"$price","q":"$size","T":$time_ms,"m":$taker,"M":true}}'
)
_SPOT_AGGREGATE: Final = (
    f'{{"e":"aggTrade",{_OF},"a":$id,"p":"$price","q":"$size","f":$id,"l":$id,"T":$time_ms,'
    '"m":$taker,"M":true}'
)
_TRADE: Final = (
    '{"e":"trade","E":$sent_ms,"T":$time_ms,"s":"$symbol","t":$id,"p":"$price","q":"$size",'
    '"X":"MARKET","m":$taker}'
)
_AGGREGATE: Final = (
    '{"e":"aggTrade","E":$sent_ms,"a":$id,"s":"$symbol","p":"$price","q":"$size","nq":"$size",'
    '"f":$id,"l":$id,"T":$time_ms,"m":$taker,"st":1}'
)
_FORCED: Final = (
    '{"e":"forceOrder","E":$sent_ms,"o":{"s":"$symbol","S":"$taker","o":"LIMIT","f":"IOC",'
    '"q":"$size","p":"$price","ap":"$traded","X":"FILLED","l":"$size","z":"$size","T":$sent_ms,'
    '"ps":"$symbol","st":1}}'
)
MARK: Final = (
    f'{{"e":"markPriceUpdate",{_OF},"p":"$mark","ap":"$mark","P":"$index","i":"$index",'
    '"r":"$funding","T":$next_funding_ms,"st":1}'
)


def _depth(speeds: Mapping[str, float], change: str, whole: str) -> Iterator[Sent]:
    """The streams of changes, and those of the best levels."""
    for speed, every in speeds.items():
        word = "depth" if speed == "@100ms" else f"depth {speed}"
        topic = Topic(f"$symbol@depth{speed}", word=word, lower=True)
        yield Sent(topic, (Frame("book", change, level=_LEVEL),), every)
        topic = Topic(
            f"$symbol@depth$depth{speed}", word=f"levels {speed}", depths=(5, 10, 20), lower=True
        )
        yield Sent(topic, (Frame("full", whole, level=_LEVEL),), every)


def _prints(name: str, sample: str) -> Sent:
    return Sent(stream(name), (Frame("trade", sample, taker=_MAKER),))


_ROW: Final = (
    '{"symbol":"","status":"","baseAsset":"","baseAssetPrecision":8,"quoteAsset":"",'
    '"quotePrecision":8,"quoteAssetPrecision":8,"baseCommissionPrecision":8,'
    '"quoteCommissionPrecision":8,"orderTypes":["LIMIT","LIMIT_MAKER","MARKET","STOP_LOSS",'
    '"STOP_LOSS_LIMIT","TAKE_PROFIT","TAKE_PROFIT_LIMIT"],"icebergAllowed":true,'
    '"ocoAllowed":true,"otoAllowed":true,"opoAllowed":true,"quoteOrderQtyMarketAllowed":true,'
    '"allowTrailingStop":true,"cancelReplaceAllowed":true,"amendAllowed":true,'
    '"pegInstructionsAllowed":true,"isSpotTradingAllowed":true,"isMarginTradingAllowed":true,'
    '"filters":[{"filterType":"PRICE_FILTER","minPrice":"$tick","maxPrice":"2000000.00000000",'
    '"tickSize":""},{"filterType":"LOT_SIZE","minQty":"$lot","maxQty":"9000000.00000000",'
    '"stepSize":""},{"filterType":"ICEBERG_PARTS","limit":10},{"filterType":"NOTIONAL",'
    '"minNotional":"5.00000000","applyMinToMarket":true,"maxNotional":"9000000.00000000",'
    '"applyMaxToMarket":false,"avgPriceMins":5},{"filterType":"MAX_NUM_ORDERS",'
    '"maxNumOrders":200}],"defaultSelfTradePreventionMode":"EXPIRE_MAKER",'
    '"allowedSelfTradePreventionModes":["EXPIRE_TAKER","EXPIRE_MAKER","EXPIRE_BOTH"]}'
)
_USDM_ROW: Final = (
    '{"symbol":"","pair":"$family","contractType":"PERPETUAL","deliveryDate":4133404800000,'
    '"onboardDate":$listed_ms,"status":"","maintMarginPercent":"2.5000",'
    '"requiredMarginPercent":"5.0000","baseAsset":"","quoteAsset":"","marginAsset":"",'
    '"pricePrecision":$price_places,"quantityPrecision":$size_places,"baseAssetPrecision":8,'
    '"quotePrecision":8,"underlyingType":"COIN","triggerProtect":"0.0500",'
    '"liquidationFee":"0.012500","marketTakeBound":"0.05","maxMoveOrderLimit":10000,'
    '"filters":[{"filterType":"PRICE_FILTER","minPrice":"$tick","maxPrice":"2000000",'
    '"tickSize":""},{"filterType":"LOT_SIZE","minQty":"$lot","maxQty":"1000000","stepSize":""},'
    '{"filterType":"MARKET_LOT_SIZE","minQty":"$lot","maxQty":"12000","stepSize":"$lot"},'
    '{"filterType":"MAX_NUM_ORDERS","limit":200},{"filterType":"MIN_NOTIONAL","notional":"5"},'
    '{"filterType":"PERCENT_PRICE","multiplierUp":"1.0500","multiplierDown":"0.9500",'
    '"multiplierDecimal":"4"}],"orderTypes":["LIMIT","MARKET","STOP","STOP_MARKET",'
    '"TAKE_PROFIT"],"timeInForce":["GTC","IOC","FOK","GTX","GTD"]}'
)
SPOT: Final = Beside(
    sent=(
        *_depth(_SPOT_SPEEDS, _DEPTH, _PARTIAL),
        Sent(stream("bookTicker"), (Frame("quote", f"{{{_TOP}}}"),)),
        _prints("trade", _SPOT_TRADE),
        _prints("aggTrade", _SPOT_AGGREGATE),
    ),
    frames={"answer": '{"E":$never,"T":$never}'},  # spot says no times
    rows={".": _ROW},
    asked=binance_asked.SPOT,
    document=binance_asked.SPOT_LIST,
    picks=("symbol",),
    several="symbols",
    catalogue=of_spot.catalogue,
    count=of_spot.DEFAULT_COUNT,
)
USDM: Final = Beside(
    sent=(
        *_depth(_USDM_SPEEDS, _CHAIN, _CHAIN),
        Sent(
            stream("bookTicker"),
            (Frame("quote", f'{{"e":"bookTicker",{_TOP},"T":$time_ms,"E":$sent_ms}}'),),
        ),
        _prints("trade", _TRADE),
        _prints("aggTrade", _AGGREGATE),
        Sent(stream("forceOrder"), (Frame("liquidation", _FORCED, taker=("BUY", "SELL")),)),
    ),
    rows={".": _USDM_ROW, ".+_[0-9]+$": '{"contractType":"CURRENT_QUARTER"}'},
    asked=binance_asked.USDM,
    document=binance_asked.USDM_LIST,
    catalogue=of_usdm.catalogue,
    count=of_usdm.DEFAULT_COUNT,
)
