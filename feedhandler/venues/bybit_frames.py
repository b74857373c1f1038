"""Bybit's frames as its documentation prints them: see `bybit_decoder.h` for what they mean."""

from feedhandler.shape import Frame, compiled

FRAMES = compiled(
    (
        Frame(
            "book",
            '{"topic":"orderbook.$word.$symbol","type":"$word","ts":$sent_ms,"data":{"s":"$symbol",'
            '"b":$bids,"a":$asks,"u":$final,"seq":$place},"cts":$time_ms}',
            level='["$price","$size"]',
        ),
        Frame(
            "trade",
            '{"topic":"publicTrade.$symbol","ts":$sent_ms,"data":[{"T":$time_ms,"s":"$symbol",'
            '"S":"$taker","v":"$size","p":"$price","i":"$id_or_place","seq":$place}]}',
            taker=("Buy", "Sell"),
        ),
        Frame(  # the side is that of the position: a long one is sold
            "liquidation",
            '{"topic":"allLiquidation.$symbol","ts":$sent_ms,"data":[{"T":$time_ms,"s":"$symbol",'
            '"S":"$taker","v":"$size","p":"$price"}]}',
            taker=("Sell", "Buy"),
        ),
    )
)
