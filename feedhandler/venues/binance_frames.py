"""Binance's frames: spot, and the futures and options that speak the same words.

An event comes bare, or in `{"stream":"btcusdt@depth","data":...}`, also as one of a list. Depth and
bookTicker count in one id space. Times are in milliseconds; connections that ask for it get
microseconds, which are told by their magnitude.
"""

from feedhandler.shape import Frame, wrapped

_TAKER = ("false", "true")  # whether the buyer is the maker
_LEVEL = '["$price","$size"]'


def _event(name: str, rest: str) -> str:
    return f'{{"e":"{name}","E":$sent_ms,"s":"$symbol",{rest},"data":$never}}'


def _trade(name: str, number: str) -> Frame:
    """Futures: what the insurance fund or the deleveraging took over is no trade of the market."""
    return Frame(
        "trade",
        _event(
            name, f'{number}:$id,"p":"$price","q":"$size","T?":$time_ms,"m":$taker,"X?":"$sort"'
        ),
        taker=_TAKER,
        passed=("INSURANCE_FUND", "ADL", "NA"),
    )


_TOP = '"u":$final,"s":"$symbol","b":"$bid","B":"$bid_size","a":"$ask","A":"$ask_size"'
_TRADES = (
    _trade("trade", '"t"'),
    _trade("aggTrade", '"a?"'),  # some copies have no "a"
)
_ANSWER = Frame(  # lastUpdateId -1: of a new listing, empty. Spot says no times.
    "answer",
    '{"lastUpdateId":$final,"E?":$sent_ms,"T?":$time_ms,"bids":$bids,"asks":$asks}',
    level=_LEVEL,
)
_OTHERS = (
    Frame("other", '{"stream":"$_@$_","data":$_}'),
    Frame("other", '{"e":$_,"E":$_,"s":$_}'),
)


def _all(*events: Frame) -> tuple[Frame, ...]:
    together = (wrapped(event, '{"stream?":"$_","data":$frame}') for event in events)
    listed = (wrapped(event, '{"stream?":"$_","data":[$frame]}') for event in events)
    return *events, *together, *listed, _ANSWER, *_OTHERS


SPOT_FRAMES = _all(
    Frame(
        "book",
        _event("depthUpdate", '"U":$first,"u":$final,"b":$bids,"a":$asks'),
        level=_LEVEL,
    ),
    *_TRADES,
    # It has neither a name nor a time; no other event has these keys.
    Frame("quote", f'{{{_TOP},"e":$never,"E":$never,"T":$never,"data":$never}}'),
)

_DEPTH = Frame(
    "book",
    _event(
        "depthUpdate",
        # -1: the first one ever
        '"T":$time_ms,"U":$first,"u":$final,"pu":$previous_signed,"b":$bids,"a":$asks',
    ),
    level=_LEVEL,
)
_BOOK_TICKER = Frame(
    "quote", f'{{"e":"bookTicker","E":$sent_ms,"T":$time_ms,{_TOP},"data":$never}}'
)

FUTURES_FRAMES = _all(
    _DEPTH,
    *reversed(_TRADES),  # the aggregated ones are what is asked for
    _BOOK_TICKER,
    # Of dated contracts there is no funding: "r" is "", "T" is 0.
    Frame(
        "ticker",
        _event(
            "markPriceUpdate",
            '"p?":"$mark","i?":"$index","r?":"$funding","T?":$next_funding_ms',
        ),
    ),
    Frame("volume", _event("24hrMiniTicker", '"v":"$volume"')),
    # The price is that of the order: its average is not on the tick.
    Frame(
        "liquidation",
        '{"e":"forceOrder","E":$sent_ms,"o":{"s":"$symbol","S":"$taker","q":"$size","p":"$price",'
        '"T?":$time_ms},"data":$never}',
        taker=("BUY", "SELL"),
    ),
)


def _told(name: str, rest: str) -> str:
    return f'{{"e":"{name}","E":$time_ms,"s":"$symbol",{rest},"data":$never}}'


OPTIONS_FRAMES = _all(
    _DEPTH,
    _TRADES[0],
    _BOOK_TICKER,
    # A volatility of -1 and a size of 0 say that there is none.
    Frame(
        "ticker",
        _told(
            "markPrice",
            '"mp":"$mark","i?":"$index","bo?":"$bid","ao?":"$ask","bq?":"$bid_size",'
            '"aq?":"$ask_size","b?":"$bid_iv","a?":"$ask_iv","vo?":"$mark_iv","d?":"$delta",'
            '"t?":"$theta","g?":"$gamma","v?":"$vega"',
        ),
    ),
    # Before December 2025 it had greeks, and "v" was the vega.
    Frame("volume", _told("24hrTicker", '"v":"$volume","mp":$never')),
    Frame("interest", _told("openInterest", '"o":"$open_interest"')),
)
