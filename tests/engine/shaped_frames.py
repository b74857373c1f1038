"""Frames of the venues that have decoders of their own, as shapes: to hold both ways together."""

from __future__ import annotations

from feedhandler.shape import Frame


def _okx(channel: str, data: str, action: str = "$word") -> str:
    said = f'"action":"{action}",' if action != "$word" else ""
    return (
        f'{{"arg":{{"channel":"{channel}","instId":"$symbol"}},"event":$never,"table":$never,{said}'
        f'"data":[{data}]}}'
    )


def _okx_book(previous: str) -> str:
    numbers = f'"checksum?":$checksum,"prevSeqId?":{previous},"seqId?":$final'
    return f'{{"asks":$asks,"bids":$bids,"ts":"$time_ms",{numbers}}}'


_OKX_LEVEL = '["$price","$size","$_","$_"]'
OKX = (
    *(
        Frame(kind, _okx(channel, _okx_book(hole), word), level=_OKX_LEVEL, window=window)
        for channel, window in (("books", 400), ("books-l2-tbt", 400), ("books50-l2-tbt", 50))
        for kind, hole, word in (
            ("snapshot", "$previous_signed", "snapshot"),
            ("book", "$previous", "update"),
        )
    ),
    *(
        Frame("full", _okx(channel, _okx_book("$previous_signed")), level=_OKX_LEVEL)
        for channel in ("books5", "bbo-tbt")
    ),
    *(
        Frame(
            "trade",
            _okx(
                channel,
                '{"instId":"$symbol","tradeId":"$id","px":"$price","sz":"$size",'
                '"side":"$taker","ts":"$time_ms"}',
            ),
        )
        for channel in ("trades", "trades-all")
    ),
    Frame(
        "ticker",
        _okx(
            "tickers",
            '{"instId":"$symbol","bidPx":"$bid","bidSz":"$bid_size","askPx":"$ask",'
            '"askSz":"$ask_size","ts":"$time_ms"}',
        ),
    ),
    Frame("ticker", _okx("mark-price", '{"instId":"$symbol","markPx":"$mark","ts":"$time_ms"}')),
)


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
    "okx": OKX,
}
