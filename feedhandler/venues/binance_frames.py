"""Binance's frames as its documentation prints them: see `binance_decoder.h` for what they mean."""

from feedhandler.shape import Frame, compiled, wrapped

_TAKER = ("false", "true")  # whether the buyer is the maker

_EVENTS = (
    Frame(
        "book",
        '{"e":"depthUpdate","E":$sent_ms,"T":$time_ms,"s":"$symbol","U":$first,"u":$final,'
        '"pu":$previous,"b":$bids,"a":$asks,"data":$never}',
        level='["$price","$size"]',
    ),
    Frame(
        "trade",
        '{"e":"trade","E":$sent_ms,"T":$time_ms,"s":"$symbol","t":$id,"p":"$price","q":"$size",'
        '"X":"$word","m":$taker,"data":$never}',
        taker=_TAKER,
    ),
    Frame(
        "trade",
        '{"e":"aggTrade","E":$sent_ms,"T":$time_ms,"s":"$symbol","a":$id,"p":"$price","q":"$size",'
        '"X":"$word","m":$taker,"data":$never}',
        taker=_TAKER,
    ),
    Frame(
        "quote",
        '{"e":"bookTicker","u":$final,"s":"$symbol","b":"$bid","B":"$bid_size","a":"$ask",'
        '"A":"$ask_size","T":$time_ms,"E":$sent_ms,"data":$never}',
    ),
    Frame(
        "quote",
        '{"u":$final,"s":"$symbol","b":"$bid","B":"$bid_size","a":"$ask","A":"$ask_size",'
        '"e":$never,"T":$never,"E":$never,"data":$never}',
    ),
)

FRAMES = compiled(
    (*_EVENTS, *(wrapped(event, '{"stream":"$_","data":$frame}') for event in _EVENTS))
)
