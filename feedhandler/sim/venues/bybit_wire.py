"""What Bybit sends, key for key: its topics, its lists, and what clients that are not ours ask for.

Books are of 50 levels every 20 ms, of 200 every 100 ms, of 1,000 every 200 ms; the best level comes
again when it has stood still for three seconds. Each topic counts its messages by itself (`u`),
beside the number of all of the venue's books (`seq`). Spot's time stands before the type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from feedhandler.adapter.declared import Topic
from feedhandler.shape.frame import Frame
from feedhandler.sim.venues.bybit_listing import DEFAULT_COUNTS, linear, spot
from feedhandler.sim.venues.declared.beside import Asked, Beside, Idle, Sent

_FIRST_NUMBER: Final = 15_076_952
_DEPTHS: Final = (50, 200, 1000)
_PACES: Final = {50: 0.02, 200: 0.1, 1000: 0.2}
_BEST_S, _BEST_AGAIN_S, _TICKER_S = 0.01, 3.0, 0.1
_SIDES: Final = ("Buy", "Sell")
_LONG: Final = ("Sell", "Buy")  # the side is that of the position
_TRADE: Final = (
    '{"T":$time_ms,"s":"$symbol","S":"$taker","v":"$size","p":"$price","L":"$tick_word",'
    '"i":"$id_name","BT":false,"RPI":false,"seq":$final}'
)
_SPOT_TRADE: Final = (
    '{"i":"$id","T":$time_ms,"p":"$price","v":"$size","S":"$taker","seq":$final,"s":"$symbol",'
    '"BT":false,"RPI":false}'
)
_LIQUIDATION: Final = '{"T":$time_ms,"s":"$symbol","S":"$taker","v":"$size","p":"$price"}'
_TOP: Final = '"bid1Price":"$bid","bid1Size":"$bid_size","ask1Price":"$ask","ask1Size":"$ask_size"'
_TICKER: Final = (
    '{"symbol":"$symbol","tickDirection":"ZeroPlusTick","price24hPcnt":"$change",'
    '"lastPrice":"$last","prevPrice24h":"$open","highPrice24h":"$high","lowPrice24h":"$low",'
    '"prevPrice1h":"$open","markPrice":"$mark","indexPrice":"$index",'
    '"openInterest":"$open_interest","openInterestValue":"$open_interest_value",'
    '"turnover24h":"$turnover","volume24h":"$volume","basisRate?":"$basis",'
    '"deliveryTime":"$expiry_ms","nextFundingTime?":"$next_funding_ms","fundingRate":"$funding",'
    f'{_TOP},"preOpenPrice":"","preQty":"","curPreListingPhase":""}}'
)
_SPOT_STATISTICS: Final = (
    '"symbol":"$symbol","lastPrice":"$last","highPrice24h":"$high","lowPrice24h":"$low",'
    '"prevPrice24h":"$open","volume24h":"$volume","turnover24h":"$turnover",'
    '"price24hPcnt":"$change","usdIndexPrice":"$index"'
)
_CHANGES: Final = '{"type":"delta","data":{"symbol":""}}'


def _pushed(data: str) -> str:
    return f'{{"topic":"$key","type":"snapshot","ts":$sent_ms,"data":{data}}}'


_BOOKS: Final = (
    Sent(Topic("orderbook.$depth.$symbol", depths=_DEPTHS), paces=_PACES),
    Sent("orderbook.1.$symbol", every=_BEST_S, again=_BEST_AGAIN_S),
)
_CONTRACTS: Final = (
    *_BOOKS,
    Sent("publicTrade.$symbol", (Frame("trade", _pushed(f"[{_TRADE}]"), taker=_SIDES),)),
    Sent(
        "allLiquidation.$symbol",
        (Frame("liquidation", _pushed(f"[{_LIQUIDATION}]"), taker=_LONG),),
    ),
    Sent(
        "tickers.$symbol",
        (
            Frame(
                "ticker",
                f'{{"topic":"$key","type":"snapshot","data":{_TICKER},"cs":$place,"ts":$sent_ms}}',
            ),
        ),
        _TICKER_S,
        sparse=_CHANGES,
    ),
)
_SPOT: Final = (
    *_BOOKS,
    Sent("publicTrade.$symbol", (Frame("trade", _pushed(f"[{_SPOT_TRADE}]"), taker=_SIDES),)),
    Sent(
        "tickers.$symbol",
        (
            Frame(
                "ticker",
                '{"topic":"$key","ts":$sent_ms,"type":"snapshot","cs":$place,'
                f'"data":{{{_SPOT_STATISTICS}}}}}',
            ),
        ),
        _TICKER_S,
    ),
)
_ROW: Final = (
    '{"symbol":"","symbolId":$number,"status":"","baseCoin":"","quoteCoin":"","symbolType":"",'
    '"contractType":"LinearPerpetual","launchTime":"$listed_ms","deliveryTime":"0",'
    '"deliveryFeeRate":"","priceScale":"2","leverageFilter":{"minLeverage":"1",'
    '"maxLeverage":"100.00","leverageStep":"0.01"},"priceFilter":{"minPrice":"$tick",'
    '"maxPrice":"1999999.80","tickSize":""},"lotSizeFilter":{"maxOrderQty":"1500",'
    '"minOrderQty":"$lot","qtyStep":"","postOnlyMaxOrderQty":"1500","maxMktOrderQty":"150",'
    '"minNotionalValue":"5"},"unifiedMarginTrade":true,"fundingInterval":480,"settleCoin":"",'
    '"copyTrading":"both","upperFundingRate":"0.005","lowerFundingRate":"-0.005",'
    '"isPreListing":false,"preListingInfo":null,"riskParameters":{"priceLimitRatioX":"0.01",'
    '"priceLimitRatioY":"0.02"},"displayName":"","forbidUplWithdrawal":false}'
)
_DATED: Final = '{"deliveryFeeRate":"0","fundingInterval":0,"copyTrading":"none"}'
_SPOT_ROW: Final = (
    '{"symbol":"","symbolId":$number,"status":"","baseCoin":"","quoteCoin":"","symbolType":"",'
    '"innovation":"0","marginTrading":"utaOnly","stTag":"0","lotSizeFilter":{"basePrecision":"",'
    '"quotePrecision":"0.0000001","minOrderQty":"$lot","maxOrderQty":"230","minOrderAmt":"5",'
    '"maxOrderAmt":"8000000"},"priceFilter":{"tickSize":""},"riskParameters":{'
    '"priceLimitRatioX":"0.005","priceLimitRatioY":"0.01"},"xstockMultiplier":"1"}'
)
_RECENT: Final = (
    '{"execId":"%s","symbol":"$symbol","price":"$price","size":"$size","side":"$taker",'
    '"time":"$time_ms","isBlockTrade":false,"isRPITrade":false,"seq":"$final"}'
)


def _answer(result: str) -> str:
    head = '{"retCode":0,"retMsg":"OK","result":'
    return f'{head}{result},"retExtInfo":{{}},"time":$sent_ms}}'


def _asked(ticker: str, trade: str, trades: int) -> tuple[Asked, ...]:
    listed = _answer('{"category":"$category","list":[$rows]}')
    by: Mapping[str, str] = {"symbol": "symbol"}
    return (
        Asked("/v5/market/tickers", listed, ticker, by),
        Asked(
            "/v5/market/recent-trade",
            listed,
            _RECENT % trade,
            by,
            needs=True,
            trades=trades,
            taker=_SIDES,
        ),
        Asked("/v5/market/time", _answer('{"timeSecond":"$sent_s","timeNano":"$sent_ns"}')),
    )


_IDLE: Final = Idle(600.0, bare=60.0)
LINEAR: Final = Beside(
    sent=_CONTRACTS,
    idle=_IDLE,
    rows={".": _ROW, ".+-[0-9]{1,2}[A-Z]{3}[0-9]{2}$": _DATED},
    asked=_asked(_TICKER, "$id_name", 500),
    catalogue=linear,
    count=DEFAULT_COUNTS["linear"],
    counts=_FIRST_NUMBER,
)
SPOT: Final = Beside(
    sent=_SPOT,
    idle=_IDLE,
    rows={".": _SPOT_ROW},
    asked=_asked(f"{{{_SPOT_STATISTICS},{_TOP}}}", "$id", 60),
    catalogue=spot,
    count=DEFAULT_COUNTS["spot"],
    counts=_FIRST_NUMBER,
    begins=("topic", "ts", "type"),
)
INVERSE: Final = Beside(
    sent=_CONTRACTS,
    idle=_IDLE,
    rows={".": _ROW, "[A-Z0-9]+$": '{"contractType":"InversePerpetual"}'},
    asked=_asked(_TICKER, "$id_name", 500),
    counts=_FIRST_NUMBER,
)
_WHOLE: Final = dict.fromkeys(("trade", "ticker"), '{"type":"snapshot"}')
OPTION: Final = Beside(
    frames=_WHOLE,
    idle=_IDLE,
    option="{base}-{day:%-d%^b%y}-{strike}-{letter}-{quote}",
    family="{base}",
)
