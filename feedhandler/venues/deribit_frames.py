"""Deribit's frames: JSON-RPC notifications of a channel.

    {"jsonrpc":"2.0","method":"subscription","params":{"channel":C,"data":D}}

Volatilities are in percent. Funding is that of eight hours.
"""

from feedhandler.shape import Frame
from feedhandler.shape.frame import VERBS


def _pushed(channel: str, data: str) -> str:
    return f'{{"method":"subscription","params":{{"channel":"{channel}","data":{data}}}}}'


_SIDES = '"timestamp":$time_ms,"change_id":$final,"instrument_name":"$symbol",'
_SIDES += '"bids":$bids,"asks":$asks'
_TOP = '"best_bid_price":$bid,"best_bid_amount":$bid_size,'
_TOP += '"best_ask_price":$ask,"best_ask_amount":$ask_size'


def _book(kind: str, said: str) -> Frame:
    """With a number that no message had, a change begins the book of what was just listed."""
    data = f"{{{said},{_SIDES}}}"
    return Frame(kind, _pushed("book.$symbol.$word", data), level=VERBS, begins=kind == "book")


def _grouped(group: str) -> Frame:
    """The best levels with every message, their prices taken together by so many ticks."""
    channel = f"book.$symbol.{group}.$digits.$word"
    rounded = group != "none"
    return Frame("full", _pushed(channel, f"{{{_SIDES}}}"), level="[$price,$size]", rounded=rounded)


def _ticker(said: str) -> Frame:
    return Frame(
        "ticker",
        _pushed(
            "ticker.$symbol.$word",
            f'{{"timestamp":$time_ms,"state?":"$status",{_TOP.replace("""":$""", """?":$""")},'
            '"mark_price?":$mark,"index_price?":$index,"underlying_price?":$underlying,'
            '"bid_iv?":$bid_iv_percent,"ask_iv?":$ask_iv_percent,"mark_iv?":$mark_iv_percent,'
            f'"funding_8h?":$funding,"open_interest?":$open_interest,{said}}}',
        ),
    )


FRAMES = (
    _book("snapshot", '"type":"snapshot"'),
    _book("book", '"type":"change","prev_change_id":$previous'),
    # Until 2021 there was no `type`.
    _book("snapshot", '"type":$never,"prev_change_id":$never'),
    _book("book", '"type":$never,"prev_change_id":$previous'),
    _grouped("none"),
    _grouped("$digits"),
    Frame(
        "trade",
        _pushed(
            "trades.$_",
            '[{"instrument_name":"$symbol","trade_id":"$id_tail","timestamp":$time_ms,'
            '"price":$price,"amount":$size,"direction":"$taker","liquidation?":$forced}]',
        ),
    ),
    Frame("quote", _pushed("quote.$symbol", f'{{"timestamp":$time_ms,{_TOP}}}')),
    # `volume` is of the base: sizes of options are, those of inverse contracts are dollars.
    _ticker(
        '"greeks":{"delta?":$delta,"gamma?":$gamma,"vega?":$vega,"theta?":$theta,"rho?":$rho},'
        '"stats?":{"volume?":$volume}'
    ),
    _ticker('"greeks":$never,"stats?":{"volume?":$volume_base,"volume_usd?":$volume_quote}'),
    Frame(
        "answer",
        f'{{"result":{{{_SIDES}}}}}',
        level="[$price,$size]",
    ),
    Frame("control", _pushed("instrument.$_", "$_")),
    Frame("control", _pushed("platform_state", "$_")),
    Frame("other", _pushed("$_", "$_")),
)
