"""OKX's frames as its documentation prints them.

    {"arg":{"channel":"books","instId":"BTC-USDT"},["action":"snapshot"|"update",]"data":[ROW, ...]}

Frames of before 2022-08 have no seqId: their books are guarded by the checksum alone. Since
2026-06-23 the checksum is always 0: then by the seqId alone. A frame with neither is refused. Of
the greeks, those of Black and Scholes are taken: the others are adjusted for being paid in coin.
"""

from feedhandler.adapter.declared import Steps, TickPath
from feedhandler.shape import Frame
from shm import InstrumentKind

_LEVEL = '["$price","$size","$_","$_"]'  # and what is of no meaning any more, and how many orders
_DEPTHS = (("books", 400), ("books-l2-tbt", 400), ("books50-l2-tbt", 50))
_ROW = '{"asks":$asks,"bids":$bids,"ts":"$time_ms",%s}'
_NUMBERS = '"checksum?":$checksum,"seqId?":$final,"prevSeqId?":'


def _pushed(channel: str, row: str, arg: str = '"instId":"$symbol"', action: str = "") -> str:
    """`table`: a push of the interface before this one."""
    verb = f'"action":"{action}",' if action else ""
    return (
        f'{{"arg":{{"channel":"{channel}",{arg}}},"event":$never,"table":$never,{verb}'
        f'"data":[{row}]}}'
    )


def _books(kind: str, action: str, previous: str) -> tuple[Frame, ...]:
    row = _ROW % (_NUMBERS + previous)
    return tuple(
        Frame(kind, _pushed(channel, row, action=action), level=_LEVEL, window=levels)
        for channel, levels in _DEPTHS
    )


def _statistics(kind: str, channel: str, more: str) -> Frame:
    row = f'{{"instId?":"$symbol",{more}}}'
    return Frame(kind, _pushed(channel, row))


_TRADE = (
    '{"instId?":"$symbol","tradeId":"$id","px":"$price","sz":"$size","side":"$taker",'
    '"ts":"$time_ms"}'
)
_GREEKS = (  # some examples have "deltaBs"
    *(("deltaBS", "delta"), ("gammaBS", "gamma"), ("vegaBS", "vega"), ("thetaBS", "theta")),
    *(("deltaBs", "delta"), ("gammaBs", "gamma"), ("vegaBs", "vega"), ("thetaBs", "theta")),
    *(("bidVol", "bid_iv"), ("askVol", "ask_iv"), ("markVol", "mark_iv"), ("fwdPx", "underlying")),
)

TYPES = ("SPOT", "SWAP", "FUTURES", "OPTION")
OF_FAMILY = '"channel":"opt-summary","instFamily":"$symbol"'
OF_INDEX = '"channel":"index-tickers","instId":"$index_name"'
LIQUIDATED = ("liquidation-orders:SWAP", "liquidation-orders:FUTURES")
SUBJECTS = {  # by the word of a topic, its arg; "": of all others
    "opt-summary": OF_FAMILY,
    **{
        key: '"channel":"{}","instType":"{}"'.format(*key.split(":"))
        for key in (*(f"instruments:{word}" for word in TYPES), *LIQUIDATED)
    },
    "": '"channel":"$channel","instId":"$symbol"',
}

#: how ticks of options grow with the price, which their list does not say
TICKS = TickPath(
    "/api/v5/public/instrument-tick-bands",
    rows="data",
    family="instFamily",
    steps=Steps("tickBand", "minPx", "tickSz"),
    kind=InstrumentKind.OPTION,
    params={"instType": "OPTION"},
)

FRAMES = (
    *_books("book", "update", "$previous"),
    *_books("snapshot", "snapshot", "$previous_signed"),
    *(
        Frame("full", _pushed(channel, _ROW % f"{_NUMBERS}$previous_signed"), level=_LEVEL)
        for channel in ("books5", "bbo-tbt")
    ),
    *(Frame("trade", _pushed(channel, _TRADE)) for channel in ("trades", "trades-all")),
    # The largest in each second; the price is that at which nothing is left of the margin.
    Frame(
        "liquidation",
        _pushed(
            "liquidation-orders",
            '{"instId":"$symbol","details":[{"side":"$taker","sz":"$size","bkPx":"$price",'
            '"ts":"$time_ms"}]}',
            arg='"instType":"$_"',
        ),
    ),
    _statistics(
        "ticker",
        "tickers",
        '"bidPx":"$bid","bidSz":"$bid_size","askPx":"$ask","askSz":"$ask_size","vol24h?":"$volume",'
        '"ts":"$time_ms"',
    ),
    _statistics("mark", "mark-price", '"markPx":"$mark","ts":"$time_ms"'),
    _statistics(
        "funding",
        "funding-rate",
        '"fundingRate?":"$funding","fundingTime?":"$next_funding_ms",'
        '"nextFundingRate?":"$predicted_funding","ts?":"$time_ms"',
    ),
    _statistics("interest", "open-interest", '"oi":"$open_interest","ts":"$time_ms"'),
    Frame(
        "index",
        _pushed(
            "index-tickers",
            '{"instId":"$index_name","idxPx":"$index","ts":"$time_ms"}',
            '"instId":"$_"',
        ),
    ),
    Frame(
        "greeks",
        _pushed(
            "opt-summary",
            '{"instId":"$symbol",'
            + "".join(f'"{key}?":"${hole}",' for key, hole in _GREEKS)
            + '"ts":"$time_ms"}',
            arg='"instFamily?":"$_"',
        ),
    ),
    Frame(
        "answer",
        '{"code":"0","data":[{"asks":$asks,"bids":$bids,"ts":"$time_ms","seqId":$final}]}',
        level=_LEVEL,
    ),
    *(
        Frame("control", f'{{"arg":{{"channel":"{channel}"}},"data":$_}}')
        for channel in ("instruments", "status")
    ),
    Frame("other", '{"arg":$_,"data":$_,"event":$never,"table":$never}'),
)
