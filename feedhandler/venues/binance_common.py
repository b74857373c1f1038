"""What all of Binance's products share: stream names, how they are asked for, what answers say.

Rules: https://github.com/binance/binance-spot-api-docs (web-socket-streams.md) and
https://developers.binance.com/docs/derivatives (websocket market streams of each product). A
subscription key is the stream's name, such as `btcusdt@depth@100ms`. Answers to subscriptions carry
nothing but the request's id, and any stream with a name is acknowledged, whether it exists or not.
"""

from collections.abc import Mapping

from feedhandler.adapter.declared import Answer, BestPath, BookPath, Decimals, First, Topic, Words
from feedhandler.adapter.venue import ControlKind

#: Undocumented: a message of more than 4,096 bytes on the wire is swallowed without a word
#: (binance-connector-rust#27).
MESSAGE_BYTES = 4000
MESSAGE_KEYS = 200
#: 403: the web application firewall
BANS: Mapping[int, float] = {429: 60.0, 418: 120.0, 403: 300.0}

_REFUSAL = '"code":$code,"msg":"$text"'
WORDS = Words(
    subscribe='{"method":"SUBSCRIBE","params":$keys,"id":$id}',
    unsubscribe='{"method":"UNSUBSCRIBE","params":$keys,"id":$id}',
    answers=(
        Answer(ControlKind.ACK, '{"result":null,"id":$id}'),
        Answer(ControlKind.NOTHING, '{"result":$_,"id":$id}'),  # LIST_SUBSCRIPTIONS
        Answer(ControlKind.REJECTED, f'{{"error":{{{_REFUSAL}}},"id?":$id}}'),
        Answer(ControlKind.REJECTED, '{"error":"$text","id?":$id}'),
        Answer(ControlKind.REJECTED, f'{{{_REFUSAL},"id?":$id}}'),
        *(
            Answer(ControlKind.NOTICE, sample, text="serverShutdown")
            for sample in (
                '{"e":"serverShutdown"}',
                '{"data":{"e":"serverShutdown"}}',
                '{"stream":"!serverShutdown"}',
            )
        ),
    ),
)


def stream(name: str, endpoint: str = "public") -> Topic:
    """Of one symbol; `name`: what stands behind it, with its speed."""
    return Topic(f"$symbol@{name}", name.partition("@")[0], endpoint=endpoint, lower=True)


def step(name: str, key: str, digits: str) -> First:
    """The step of a filter of exchangeInfo; without one (or with 0, which is none) the asset's last
    digit."""
    return First((f"filters.filterType={name}.{key}", Decimals(digits)))


def book(
    path: str, weights: tuple[tuple[int, int], ...], *, seen: int, others: tuple[str, ...] = ()
) -> BookPath:
    """`weights`: (levels up to, request weight); a base is the most that is sold."""
    params = {"symbol": "$symbol", "limit": "$levels"}
    most, _ = weights[-1]
    return BookPath(path, params, levels=most, seen=seen, least=5, weight=weights, others=others)


_BEST = (
    '{"symbol":"$symbol","bidPrice":"$bid","bidQty":"$bid_size","askPrice":"$ask",'
    '"askQty":"$ask_size"}'
)


def best(path: str, *, listed: bool = False) -> BestPath:
    """Of the ticker, which names its symbol; `listed`: in a list of one."""
    sample = f"[{_BEST}]" if listed else _BEST
    return BestPath(path, {"symbol": "$symbol"}, sample, weight=2)
