"""Bybit v5's frames, as its documentation prints them.

`u` counts by one within a topic; 1 is a whole book whatever its type says. `seq` is of all topics
of a symbol together. `cts` is the matching engine's time, `ts` that of the push. Futures name a
trade by a UUID: it is numbered by its place. Of a ticker that is a change, what is absent is as it
was.
"""

from feedhandler.shape import Frame

_PAIR = '["$price","$size"]'


def _book(kind: str, topic: str, said: str, place: str) -> Frame:
    return Frame(
        kind,
        f'{{"topic":"{topic}.$symbol","type":"{said}","ts":$sent_ms,"data":{{"s":"$symbol",'
        f'"b":$bids,"a":$asks,"u":$final,{place}}},"cts?":$time_ms}}',
        level=_PAIR,
        anew=True,
    )


def _prints(kind: str, topic: str, more: str, taker: tuple[str, str]) -> Frame:
    return Frame(
        kind,
        f'{{"topic":"{topic}","ts":$sent_ms,"data":[{{"T":$time_ms,"s":"$symbol","S":"$taker",'
        f'"v":"$size","p":"$price"{more}}}]}}',
        taker=taker,
    )


def _books(place: str) -> tuple[Frame, ...]:
    kinds = (("snapshot", "snapshot"), ("book", "delta"))
    return tuple(_book(kind, "orderbook.$window", said, place) for kind, said in kinds)


_ANSWER_FRAMES = (
    Frame(
        "answer",
        '{"result":{"s":"$symbol","b":$bids,"a":$asks,"ts":$sent_ms,"u":$final,"seq":$place,'
        '"cts?":$time_ms}}',
        level=_PAIR,
    ),
    Frame("other", '{"topic":"$_"}'),
)
FRAMES = (
    *_books('"seq":$place'),
    _book("quote", "orderbook.1", "snapshot", '"seq":$place'),
    Frame("none", '{"topic":"orderbook.1.$symbol","type":"delta"}'),  # as it was once
    Frame("none", '{"topic":"orderbook.rpi.$symbol"}'),  # with orders that not everybody meets
    _prints("trade", "publicTrade.$symbol", ',"i":"$id_or_place","seq?":$place', ("Buy", "Sell")),
    # The side is that of the position: a long one is sold.
    _prints("liquidation", "allLiquidation.$symbol", "", ("Sell", "Buy")),
    Frame(
        "ticker",
        '{"topic":"tickers.$symbol","ts":$sent_ms,"data":{"bid1Price?":"$bid","bid1Size?":"$bid_size",'
        '"ask1Price?":"$ask","ask1Size?":"$ask_size","markPrice?":"$mark","indexPrice?":"$index",'
        '"fundingRate?":"$funding","nextFundingTime?":"$next_funding_ms",'
        '"openInterest?":"$open_interest","volume24h?":"$volume"}}',
    ),
    *_ANSWER_FRAMES,
)
OPTION_FRAMES = (
    *_books('"seq?":$place'),  # not in those of 2023
    _prints("trade", "publicTrade.$_", ',"i":"$id_name"', ("Buy", "Sell")),
    Frame(
        "ticker",
        '{"topic":"tickers.$symbol","ts":$sent_ms,"data":{"bidPrice?":"$bid","bidSize?":"$bid_size",'
        '"bidIv?":"$bid_iv","askPrice?":"$ask","askSize?":"$ask_size","askIv?":"$ask_iv",'
        '"markPrice?":"$mark","markPriceIv?":"$mark_iv","indexPrice?":"$index",'
        '"underlyingPrice?":"$underlying","openInterest?":"$open_interest","volume24h?":"$volume",'
        '"delta?":"$delta","gamma?":"$gamma","vega?":"$vega","theta?":"$theta"}}',
    ),
    *_ANSWER_FRAMES,
)
