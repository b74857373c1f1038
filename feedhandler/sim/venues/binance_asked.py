"""What Binance's products answer over HTTP that we never ask for: times, prices, statistics and
trades, by samples; and what stands in the answer with the list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from feedhandler.sim.venues.declared.beside import Asked

_MAKER: Final = ("false", "true")  # whether the buyer made it
_DAY: Final = (
    '{"symbol":"$symbol",%s"priceChange":"$moved","priceChangePercent":"$moved_percent",'
    '"weightedAvgPrice":"$average","lastPrice":"$last","lastQty":"$last_size",'
    '"openPrice":"$open","highPrice":"$high","lowPrice":"$low","volume":"$volume",'
    '"quoteVolume":"$turned","openTime":$day_ago_ms,"closeTime":$sent_ms,"firstId":$first_trade,'
    '"lastId":$last_trade,"count":$trades}'
)
_BEST: Final = (
    '"symbol":"$symbol","bidPrice":"$bid","bidQty":"$bid_size","askPrice":"$ask",'
    '"askQty":"$ask_size"'
)
_TRADE: Final = (
    '{"id":$id,"price":"$price","qty":"$size","quoteQty":"$cost","time":$time_ms,'
    '"isBuyerMaker":$taker%s}'
)
_AGGREGATE: Final = '{"a":$id,"p":"$price","q":"$size","f":$id,"l":$id,"T":$time_ms,"m":$taker%s}'
_PREMIUM: Final = (
    '{"symbol":"$symbol","markPrice":"$mark","indexPrice":"$index",'
    '"estimatedSettlePrice":"$index","lastFundingRate":"$funding","interestRate":"0.00010000",'
    '"nextFundingTime":$next_funding_ms,"time":$sent_ms}'
)


def _of(path: str, row: str, weight: int, *, needs: bool = False) -> Asked:
    """Of one symbol an object, of `symbols` or of all a list."""
    by = {"symbol": "symbol"}
    return Asked(path, "[$rows]", row, by, needs, alone="$rows", several="symbols", weight=weight)


def _prints(path: str, row: str, weight: int) -> Asked:
    return Asked(
        path,
        "[$rows]",
        row,
        {"symbol": "symbol"},
        needs=True,
        trades=500,
        capped=True,
        oldest=True,
        weight=weight,
        taker=_MAKER,
    )


def _both(prefix: str, *, whole: bool) -> Iterator[Asked]:
    """`whole`: as of spot, where tickers have the best bid and offer and trades say one thing more;
    else prices have times."""
    now = "" if whole else ',"time":$sent_ms'
    top = f'"prevClosePrice":"$open",{_BEST.partition(",")[2]},' if whole else ""
    yield Asked(f"{prefix}ping", "{}")
    yield Asked(f"{prefix}time", '{"serverTime":$sent_ms}')
    yield _of(f"{prefix}ticker/24hr", _DAY % top, 2)
    yield _of(f"{prefix}ticker/price", f'{{"symbol":"$symbol","price":"$last"{now}}}', 2)
    numbered = "" if whole else f'{now},"lastUpdateId":$final'
    yield _of(f"{prefix}ticker/bookTicker", f"{{{_BEST}{numbered}}}", 2)
    yield _prints(f"{prefix}trades", _TRADE % (',"isBestMatch":true' if whole else ""), 25)
    yield _prints(f"{prefix}aggTrades", _AGGREGATE % (',"M":true' if whole else ""), 4)


SPOT: Final = (
    *_both("/api/v3/", whole=True),
    Asked(
        "/api/v3/avgPrice",
        "$rows",
        '{"mins":5,"price":"$five_minutes","closeTime":$last_trade_ms}',
        {"symbol": "symbol"},
        needs=True,
        weight=2,
    ),
)
USDM: Final = (
    *_both("/fapi/v1/", whole=False),
    _of("/fapi/v1/premiumIndex", _PREMIUM, 1),
    _of(
        "/fapi/v1/openInterest",
        '{"symbol":"$symbol","openInterest":"$open_interest","time":$sent_ms}',
        1,
        needs=True,
    ),
)
_LIMIT: Final = '{"rateLimitType":"%s","interval":"MINUTE","intervalNum":%d,"limit":%d}'
SPOT_LIST: Final = (
    '{"timezone":"UTC","serverTime":$sent_ms,"rateLimits":['
    f"{_LIMIT % ('REQUEST_WEIGHT', 1, 6_000)},{_LIMIT % ('RAW_REQUESTS', 5, 61_000)}"
    '],"exchangeFilters":[]}'
)
USDM_LIST: Final = (
    '{"timezone":"UTC","serverTime":$sent_ms,"futuresType":"U_MARGINED","rateLimits":['
    f"{_LIMIT % ('REQUEST_WEIGHT', 1, 2_400)}"
    '],"exchangeFilters":[],"assets":[{"asset":"USDT","marginAvailable":true,'
    '"autoAssetExchange":"-10000"}]}'
)
