"""What OKX sends, key for key: its channels, its lists, and what clients that are not ours ask for.

The numbers of a level beside price and size: nothing any more, and how many orders there are.
"""

from __future__ import annotations

from typing import Final

from feedhandler.adapter.declared import Topic
from feedhandler.shape.frame import Frame
from feedhandler.sim.venues.declared.beside import Asked, Beside, Idle, Sent
from feedhandler.sim.venues.okx_listing import DEFAULT_COUNT, catalogue
from shm import InstrumentKind

_LEVEL: Final = '["$price","$size","0","$orders"]'
_SIDES: Final = '{"asks":$asks,"bids":$bids,'
_CHAIN: Final = '"ts":"$sent_ms","checksum":$checksum,"seqId":$final,"prevSeqId":'
_TRADE: Final = (
    '{"instId":"$symbol","tradeId":"$id","px":"$price","sz":"$size","side":"$taker",'
    '"ts":"$time_ms","count":"1","source":"0","seqId":$final}'
)
_TICKER: Final = (
    '{"instType":"$type","instId":"$symbol","last":"$last","lastSz":"$last_size","askPx":"$ask",'
    '"askSz":"$ask_size","bidPx":"$bid","bidSz":"$bid_size","open24h":"$open","high24h":"$high",'
    '"low24h":"$low","volCcy24h":"$turnover","vol24h":"$volume","sodUtc0":"$open",'
    '"sodUtc8":"$open","ts":"$sent_ms"}'
)
_MARK: Final = '{"instId":"$symbol","instType":"$type","markPx":"$mark","ts":"$sent_ms"}'
_FUNDING: Final = (
    '{"fundingRate":"$funding","fundingTime":"$next_funding_ms","instId":"$symbol","instType":"SWAP",'
    '"method":"next_period","nextFundingRate":"$predicted_funding","nextFundingTime":"$funding_after_ms",'
    '"premium":"$funding","settFundingRate":"$funding","settState":"settled","ts":"$sent_ms"}'
)
_INTEREST: Final = (
    '{"instId":"$symbol","instType":"$type","oi":"$open_interest",'
    '"oiCcy":"$open_interest_coins","ts":"$sent_ms"}'
)
_INDEX: Final = (
    '{"instId":"$index_name","idxPx":"$index","high24h":"$index_high","sodUtc0":"$index_open",'
    '"open24h":"$index_open","low24h":"$index_low","sodUtc8":"$index_open","ts":"$sent_ms"}'
)
_GREEKS: Final = (
    '{"instType":"OPTION","instId":"$symbol","uly":"$family","delta":"$delta_coin",'
    '"gamma":"$gamma_coin","vega":"$vega_coin","theta":"$theta_coin","lever":"$leverage",'
    '"markVol":"$mark_iv","bidVol":"$bid_iv","askVol":"$ask_iv","realVol":"","deltaBS":"$delta",'
    '"gammaBS":"$gamma","thetaBS":"$theta","vegaBS":"$vega","fwdPx":"$underlying",'
    '"volLv":"$mark_iv","ts":"$sent_ms"}'
)


_LIQUIDATION: Final = (
    '{"details":[{"bkLoss":"0","bkPx":"$price","ccy":"","posSide":"","side":"$taker",'
    '"sz":"$size","ts":"$time_ms"}],"instFamily":"$family","instId":"$symbol",'
    '"instType":"%s","uly":"$family"}'
)


def _pushed(channel: str, row: str, action: str = "", arg: str = '"instId":"$symbol"') -> str:
    verb = f'"action":"{action}",' if action else ""
    return f'{{"arg":{{"channel":"{channel}",{arg}}},{verb}"data":[{row}]}}'


def _sent(kind: str, channel: str, row: str, every: float = 0.0, *, always: bool = False) -> Sent:
    return Sent(f"{channel}:$symbol", (Frame(kind, _pushed(channel, row)),), every, always)


def _liquidations(word: str, kind: InstrumentKind) -> Sent:
    """Of a type of instruments."""
    row = _pushed("liquidation-orders", _LIQUIDATION % word, arg=f'"instType":"{word}"')
    topic = Topic(f"liquidation-orders:{word}", kinds=(kind,))
    return Sent(topic, (Frame("liquidation", row),))


_FIRST, _TOP = f"{_SIDES}{_CHAIN}-1}}", _SIDES + '"ts":"$sent_ms","seqId":$place}'
_CHANGE = f"{_SIDES}{_CHAIN}$previous}}"
_FIVE = _SIDES + '"instId":"$symbol","ts":"$sent_ms","seqId":$final}'
_SENT = (
    Sent(
        "books:$symbol",
        (
            Frame("book", _pushed("books", _CHANGE, "update"), level=_LEVEL),
            Frame("snapshot", _pushed("books", _FIRST, "snapshot"), level=_LEVEL),
        ),
    ),
    Sent("books5:$symbol", (Frame("full", _pushed("books5", _FIVE), level=_LEVEL, window=5),)),
    Sent("bbo-tbt:$symbol", (Frame("quote", _pushed("bbo-tbt", _TOP), level=_LEVEL),)),
    _sent("trade", "trades", _TRADE),
    Sent(
        Topic("trades-all:$symbol", endpoint="business"),
        (Frame("trade", _pushed("trades-all", _TRADE)),),
    ),
    _liquidations("SWAP", InstrumentKind.PERPETUAL),
    _liquidations("FUTURES", InstrumentKind.FUTURE),
    _sent("ticker", "tickers", _TICKER, 0.1),
    _sent("mark", "mark-price", _MARK, 0.2, always=True),
    _sent("funding", "funding-rate", _FUNDING, 30.0, always=True),
    _sent("interest", "open-interest", _INTEREST, 3.0, always=True),
    Sent(
        "index-tickers:$index_name",
        (Frame("index", _pushed("index-tickers", _INDEX, arg='"instId":"$index_name"')),),
        0.1,
        always=True,
    ),
    Sent(
        "opt-summary:$family",
        (Frame("greeks", _pushed("opt-summary", _GREEKS, arg='"instFamily":"$family"')),),
        1.0,
        always=True,
    ),
)
_ROW = (
    '{"alias":"","auctionEndTime":"","baseCcy":"","category":"1","contTdSwTime":"","ctMult":"1",'
    '"ctType":"linear","ctVal":"","ctValCcy":"$base","expTime":"","futureSettlement":false,'
    '"instFamily":"$family","instId":"$symbol","instIdCode":$number,"instType":"$type",'
    '"lever":"100","listTime":"$listed_ms","lotSz":"","maxIcebergSz":"1000000.0000000000000000",'
    '"maxLmtAmt":"20000000","maxLmtSz":"1000000","maxMktAmt":"","maxMktSz":"5000",'
    '"maxStopSz":"5000","maxTriggerSz":"1000000.0000000000000000",'
    '"maxTwapSz":"1000000.0000000000000000","minSz":"0","optType":"","quoteCcy":"",'
    '"ruleType":"normal","settleCcy":"","state":"live","stk":"","tickSz":"","uly":"$family"}'
)
_KINDS_OF_ROWS = {
    ".": _ROW,
    "[^-]+-[^-]+$": '{"ctMult":"","ctType":"","ctValCcy":"","lever":"10","maxMktAmt":"1000000"}',
    "[^-]+-USD-SWAP$": '{"ctType":"inverse","ctValCcy":"USD"}',
    "[^-]+-USD-[0-9]+$": '{"alias":"quarter","ctType":"inverse","ctValCcy":"USD"}',
    ".+-[CP]$": '{"ctMult":"0.01","ctType":"","lever":""}',
}


def _asked(path: str, row: str, *kinds: str, trades: int = 0) -> Asked:
    return Asked(
        f"/api/v5/{path}",
        '{"code":"0","msg":"","data":[$rows]}',
        row,
        by={"instId": "symbol"} if trades else {"instId": "symbol", "instType": "type"},
        needs=True,
        trades=trades,
        most=500,
        kinds=kinds,
    )


OKX: Final = Beside(
    levels={"answer": _LEVEL},
    frames={"answer": '{"msg":""}'},
    sent=_SENT,
    idle=Idle(30.0, code=4004, reason="No data received in 30s."),
    answered='{"connId":"$conn"}',
    rows=_KINDS_OF_ROWS,
    picks=("instId", "instFamily", "uly"),
    catalogue=catalogue,
    count=DEFAULT_COUNT,
    asked=(
        _asked("market/ticker", _TICKER),
        _asked("market/tickers", _TICKER),
        _asked("public/mark-price", _MARK),
        _asked("public/funding-rate", _FUNDING, "perpetual"),
        _asked("public/open-interest", _INTEREST, "perpetual", "future", "option"),
        _asked("market/trades", _TRADE, trades=100),
        Asked(
            "/api/v5/market/index-tickers",
            '{"code":"0","msg":"","data":[$rows]}',
            _INDEX,
            by={"instId": "index_name"},
            needs=True,
            once=True,
        ),
        Asked("/api/v5/public/time", '{"code":"0","msg":"","data":[{"ts":"$sent_ms"}]}'),
    ),
)
