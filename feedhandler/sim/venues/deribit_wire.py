"""What Deribit sends, key for key: its channels, and rows of its list.

Of tickers what moved is said ten times a second, all of it once. Grouped books are in so many
ticks. Trades come also by kind and currency.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from feedhandler.adapter.declared import Topic
from feedhandler.shape.frame import VERBS, Frame
from feedhandler.sim.venues.declared.beside import Beside, Sent
from feedhandler.sim.venues.deribit_listing import DEFAULT_COUNT, catalogue
from shm import InstrumentKind

INTERVALS: Final = ("100ms", "agg2")
GROUPS: Final = ("none", "1", "2", "5", "10", "25", "50", "100", "250", "500", "1000", "2500")
_DEPTHS: Final = (1, 10, 20)
_TICKER_S, _QUIET_S = 0.1, 1.0
_FUTURES: Final = (InstrumentKind.PERPETUAL, InstrumentKind.FUTURE)
_KINDS: Final = {
    "option": (InstrumentKind.OPTION,),
    "future": _FUTURES,
    "any": (*_FUTURES, InstrumentKind.OPTION),
}
_SIDES: Final = '"change_id":$final,"instrument_name":"$symbol","bids":$bids,"asks":$asks'
_GROUPED: Final = (
    '{"timestamp":$time_ms,"instrument_name":"$symbol","change_id":$final,"bids":$bids,'
    '"asks":$asks}'
)
_QUOTE: Final = (
    '{"timestamp":$time_ms,"instrument_name":"$symbol","best_ask_price":$ask,'
    '"best_bid_price":$bid,"best_ask_amount":$ask_size,"best_bid_amount":$bid_size}'
)
TRADE: Final = (
    '{"timestamp":$time_ms,"iv?":$mark_iv_percent,"price":$price,"amount":$size,'
    '"direction":"$taker","index_price":$index,"instrument_name":"$symbol","trade_seq":$id,'
    '"mark_price":$mark,"tick_direction":$direction,"contracts":$contracts,"trade_id":"$id"}'
)
_HEAD: Final = '{"timestamp":$time_ms,"state":"$status","stats":{"high":$high,"low":$low,'
_HEAD_OF_FUTURE: Final = (
    f'{_HEAD}"price_change":$change_percent,"volume":$volume_base,"volume_usd":$volume_quote,'
    '"volume_notional":$volume_quote},"index_price":$index,"instrument_name":"$symbol",'
    '"last_price":$last,"settlement_price":$open,"min_price":$low,"max_price":$high,'
    '"open_interest":$open_interest,"mark_price":$mark,'
)
_TOP: Final = (
    '"best_ask_price":$ask,"best_bid_price":$bid,"estimated_delivery_price":$index,'
    '"best_ask_amount":$ask_size,"best_bid_amount":$bid_size'
)
TICKERS: Final = {
    "option": (
        f'{_HEAD}"price_change":$change_percent,"volume":$volume_base,"volume_usd":$volume_quote}},'
        '"greeks":{"delta":$delta,"gamma":$gamma,"vega":$vega,"theta":$theta,"rho":$rho},'
        '"index_price":$index,"instrument_name":"$symbol","last_price":$last,'
        '"settlement_price":$open,"min_price":$low,"max_price":$high,'
        '"open_interest":$open_interest,"mark_price":$mark,"interest_rate":0.0,'
        '"estimated_delivery_price":$index,"best_ask_price":$ask,"best_bid_price":$bid,'
        '"mark_iv":$mark_iv_percent,"bid_iv":$bid_iv_percent,"ask_iv":$ask_iv_percent,'
        '"underlying_price":$underlying,"underlying_index":"$series",'
        '"best_ask_amount":$ask_size,"best_bid_amount":$bid_size}'
    ),
    "future": f"{_HEAD_OF_FUTURE}{_TOP}}}",
    "perpetual": (
        f'{_HEAD_OF_FUTURE}"interest_value":$premium,{_TOP},"current_funding":$funding,'
        '"funding_8h":$funding}'
    ),
}
"""By the kind of an instrument."""


def pushed(channel: str, data: str) -> str:
    """A message of a channel."""
    told = f'{{"channel":"{channel}","data":{data}}}'
    return f'{{"jsonrpc":"2.0","method":"subscription","params":{told}}}'


def _frame(kind: str, data: str, level: str = "") -> Frame:
    return Frame(kind, pushed("$key", data), level=level)


def _books(interval: str) -> Iterator[Sent]:
    begun = '{"timestamp":$time_ms,"type":'
    whole, change = f'{begun}"snapshot",{_SIDES}}}', f'{begun}"change",{_SIDES},'
    frames = (
        _frame("book", f'{change}"prev_change_id":$previous}}', VERBS),
        _frame("snapshot", whole, VERBS),
    )
    yield Sent(Topic(f"book.$symbol.{interval}", word=_word("book", interval)), frames)
    for group in GROUPS:
        key = f"book.$symbol.{group}.$depth.{interval}"
        topic = Topic(key, word=f"book.{group}.{interval}", depths=_DEPTHS)
        yield Sent(topic, (_frame("full", _GROUPED, "[$price,$size]"),), _TICKER_S)


def _word(name: str, interval: str) -> str:
    """The declared channels have their names alone."""
    return name if interval == INTERVALS[0] else f"{name}.{interval}"


def _sent() -> Iterator[Sent]:
    trades = (_frame("trade", f"[{TRADE}]"),)
    for interval in INTERVALS:
        yield from _books(interval)
        yield Sent(Topic(f"trades.$symbol.{interval}", word=_word("trades", interval)), trades)
        for kind, kinds in _KINDS.items():
            for of in ("$family", "any"):
                word = f"trades.{kind}.{of.removeprefix('$')}.{interval}"
                yield Sent(Topic(f"trades.{kind}.{of}.{interval}", word=word, kinds=kinds), trades)
        yield Sent(
            Topic(f"ticker.$symbol.{interval}", word=_word("ticker", interval)),
            (_frame("ticker", TICKERS["future"]),),
            _TICKER_S,
            again=_QUIET_S,
            of_kind={kind: (_frame("ticker", its),) for kind, its in TICKERS.items()},
        )
    yield Sent("quote.$symbol", (_frame("quote", _QUOTE),))
    index = '{"timestamp":$time_ms,"price":$index,"index_name":"$index_name"}'
    topic = "deribit_price_index.$index_name"
    yield Sent(topic, (_frame("ticker", index),), _QUIET_S, always=True)


_ROW: Final = (
    '{"price_index":"$index_name","kind":"future","instrument_name":"","maker_commission":0.0,'
    '"taker_commission":0.0005,"instrument_type":"reversed",'
    '"expiration_timestamp":32503708800000,"creation_timestamp":$listed_ms,"is_active":true,'
    '"state":"open","tick_size":"","contract_size":"","instrument_id":$number,'
    '"min_trade_amount":"","max_liquidation_commission":0.0075,"block_trade_commission":0.00025,'
    '"block_trade_min_trade_amount":200000,"block_trade_tick_size":0.01,'
    '"settlement_currency":"$base","settlement_period":"month","base_currency":"$base",'
    '"counter_currency":"USD","quote_currency":"$quote"}'
)
_OPTION: Final = (
    '{"maker_commission":0.0003,"taker_commission":0.0003,"block_trade_commission":0.0003,'
    '"block_trade_min_trade_amount":25,"block_trade_tick_size":0.0001,"quote_currency":"$base"}'
)

_FUTURE: Final = '{"future_type":"reversed","max_leverage":50}'


def number(value: float, decimals: int) -> str:
    """A float as Deribit prints it: ``0.5``, ``12.0``, and ``2.8e-4`` where that is shorter."""
    rounded = round(value, decimals)
    if rounded == 0:
        return "0.0"
    text = f"{rounded:.{decimals}f}".rstrip("0")
    text = text + "0" if text.endswith(".") else text
    if abs(rounded) < 1e-3:
        mantissa, exponent = f"{rounded:e}".split("e")
        mantissa = mantissa.rstrip("0")
        short = f"{mantissa}{'0' if mantissa.endswith('.') else ''}e{int(exponent)}"
        return short if len(short) < len(text) else text
    return text


def _statistic(value: float, decimals: int) -> str:
    """Prices of coins and volatilities have two decimals, prices of options and greeks more."""
    return number(value, 2 if abs(value) >= 10 else 6 if abs(value) >= 0.01 else decimals)


DERIBIT: Final = Beside(
    sent=tuple(_sent()),
    rows={".": _ROW, ".+-[CP]$": _OPTION, "[^-]+-[^-]+$": _FUTURE},
    catalogue=catalogue,
    count=DEFAULT_COUNT,
    decimal=_statistic,
)
