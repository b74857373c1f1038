"""Frames of the venues that have decoders of their own, as shapes: to hold both ways together."""

from __future__ import annotations

from feedhandler.shape import Frame


def _deribit(channel: str, data: str) -> str:
    params = f'{{"channel":"{channel}","data":{data}}}'
    return f'{{"method":"subscription","params":{params}}}'


def _deribit_book(kind: str, numbers: str) -> str:
    said = f'"type":{kind},"timestamp":$time_ms,{numbers}"change_id":$final'
    return f'{{{said},"instrument_name":"$symbol","bids":$bids,"asks":$asks}}'


DERIBIT = (
    Frame(
        "snapshot",
        _deribit("book.$symbol.$word", _deribit_book('"snapshot"', "")),
        level='["$verb",$price,$size]',
    ),
    Frame(
        "book",
        _deribit("book.$symbol.$word", _deribit_book('"change"', '"prev_change_id":$previous,')),
        level='["$verb",$price,$size]',
    ),
    Frame(
        "full",
        _deribit("book.$symbol.none.$digits.$word", _deribit_book("$never", "")),
        level="[$price,$size]",
    ),
    Frame(
        "trade",
        _deribit(
            "trades.$_",
            '[{"trade_id":"$id_tail","timestamp":$time_ms,"price":$price,"amount":$size,'
            '"direction":"$taker","instrument_name":"$symbol","liquidation?":"$forced"}]',
        ),
    ),
    Frame(
        "quote",
        _deribit(
            "quote.$symbol",
            '{"timestamp":$time_ms,"best_bid_price":$bid,"best_bid_amount":$bid_size,'
            '"best_ask_price":$ask,"best_ask_amount":$ask_size}',
        ),
    ),
)

SHAPES = {
    "deribit": DERIBIT,
}
