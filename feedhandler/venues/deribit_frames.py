"""Deribit's frames as its documentation prints them: see `deribit_decoder.h` for what they mean."""

from feedhandler.shape import Frame, compiled


def _pushed(channel: str, data: str) -> str:
    return f'{{"method":"$word","params":{{"channel":"{channel}","data":{data}}}}}'


_BOOK = (
    '{"type":"$word","timestamp":$time_ms,"prev_change_id":$previous,"change_id":$final,'
    '"instrument_name":"$symbol","bids":$bids,"asks":$asks}'
)

FRAMES = compiled(
    (
        Frame("book", _pushed("book.$symbol.$word", _BOOK), level='["$verb",$price,$size]'),
        Frame(
            "book",
            _pushed("book.$symbol.$word.$word.$word", _BOOK),
            level="[$price,$size]",
        ),
        Frame(
            "trade",
            _pushed(
                "trades.$_",
                '[{"trade_id":"$id_tail","timestamp":$time_ms,"price":$price,"amount":$size,'
                '"direction":"$taker","instrument_name":"$symbol","liquidation":"$word"}]',
            ),
        ),
        Frame(
            "quote",
            _pushed(
                "quote.$symbol",
                '{"timestamp":$time_ms,"best_bid_price":$bid,"best_bid_amount":$bid_size,'
                '"best_ask_price":$ask,"best_ask_amount":$ask_size}',
            ),
        ),
    )
)
