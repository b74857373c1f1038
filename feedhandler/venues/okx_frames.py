"""OKX's frames as its documentation prints them: see `okx_decoder.h` for what they mean."""

from feedhandler.shape import Frame, compiled

_ARG = '"arg":{"channel":"$word","instId":"$symbol"},"event":$never,"table":$never'

FRAMES = compiled(
    (
        Frame(
            "book",
            f'{{{_ARG},"action":"$word","data":[{{"asks":$asks,"bids":$bids,"ts":"$time_ms",'
            '"checksum":$checksum,"prevSeqId":$previous_signed,"seqId":$final}]}',
            level='["$price","$size","0","$_"]',
        ),
        Frame(
            "trade",
            f'{{{_ARG},"data":[{{"instId":"$symbol","tradeId":"$id","px":"$price","sz":"$size",'
            '"side":"$taker","ts":"$time_ms"}]}',
        ),
    )
)
