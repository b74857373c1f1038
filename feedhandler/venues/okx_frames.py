"""OKX's frames as its documentation prints them: see `okx_decoder.h` for what they mean."""

from feedhandler.shape import Frame, compiled


def _pushed(channel: str, data: str) -> str:
    arg = f'"arg":{{"channel":"{channel}","instId":"$symbol"}}'
    return f'{{{arg},"event":$never,"table":$never,"action":"$word","data":[{data}]}}'


_BOOK = (
    '{"asks":$asks,"bids":$bids,"ts":"$time_ms","checksum":$checksum,'
    '"prevSeqId":$previous_signed,"seqId":$final}'
)
_TRADE = (
    '{"instId":"$symbol","tradeId":"$id","px":"$price","sz":"$size","side":"$taker",'
    '"ts":"$time_ms"}'
)
_BOOKS = ("books", "books-l2-tbt", "books50-l2-tbt", "books5", "bbo-tbt")

FRAMES = compiled(
    (
        *(
            Frame("book", _pushed(channel, _BOOK), level='["$price","$size","0","$_"]')
            for channel in _BOOKS
        ),
        Frame("trade", _pushed("trades", _TRADE)),
        Frame("trade", _pushed("trades-all", _TRADE)),
    )
)
