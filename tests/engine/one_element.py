"""What one frame of each venue says, read in plain Python, and every way to spoil an element of it.

The readings go by the venues' documentation, with Decimal and the types of JSON as it is written
there: a reading that is None is a frame, or an answer, that means nothing.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

REMOVED = object()
OTHERS: tuple[Any, ...] = (
    REMOVED, None, "", 0, -1, "0", "-1", 10**30, 2**63, str(10**30), True, False, "x", [], {}, [[]],
)  # fmt: skip

Levels = dict[Decimal, Decimal]


class Book(NamedTuple):
    """A message or an answer about a book; `follows` None: it is a whole one."""

    symbol: str
    follows: tuple[int, int] | None
    final: int
    sides: tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]


class Quote(NamedTuple):
    """The best of each side; None: nobody is there."""

    symbol: str
    bid: tuple[Decimal, Decimal] | None
    ask: tuple[Decimal, Decimal] | None


class WrongError(Exception):
    """It means nothing."""


def need(ok: bool) -> None:
    if not ok:
        raise WrongError


def text(value: Any) -> Decimal:
    """A number that the venue writes as a string."""
    need(isinstance(value, str))
    try:
        number = Decimal(value)
    except ArithmeticError:
        raise WrongError from None
    need(number.is_finite())
    return number


def either(value: Any) -> Decimal:
    return text(value) if isinstance(value, str) else bare(value)


def bare(value: Any) -> Decimal:
    """A number that the venue writes as one."""
    need(isinstance(value, int | float) and not isinstance(value, bool))
    return Decimal(repr(value))


def number(value: Any, least: int = 0) -> int:
    """A message's."""
    need(isinstance(value, int | str) and not isinstance(value, bool))
    need(least <= int(value) <= 2**62)
    return int(value)


def time(value: Any, least: int = 1) -> None:
    need(isinstance(value, int | str) and not isinstance(value, bool))
    need(str(value).isdigit() and least <= int(value) < 10**13)


def one_of(value: Any, *words: str) -> str:
    need(isinstance(value, str) and value in words)
    return str(value)


def at(value: Any, *path: Any) -> Any:
    for key in path:
        need(isinstance(value, dict | list))
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            raise WrongError from None
    return value


def levels(
    value: Any, read: Callable[[Any], Decimal], counts: tuple[int, ...], verb: bool = False
) -> list[tuple[Decimal, Decimal]]:
    need(isinstance(value, list))
    found = []
    for one in value:
        need(isinstance(one, list) and len(one) in counts)
        gone = verb and one_of(one[0], "new", "change", "delete") == "delete"
        price, size = read(one[verb]), read(one[verb + 1])
        need(price > 0 and size >= 0)
        found.append((price, Decimal(0) if gone else size))
    return found


def best(price: Any, size: Any, read: Callable[[Any], Decimal]) -> tuple[Decimal, Decimal] | None:
    pair = [Decimal(0) if value is None or value == "" else read(value) for value in (price, size)]
    need((pair[0] > 0) == (pair[1] > 0) and min(pair) >= 0)
    return (pair[0], pair[1]) if pair[0] else None


# ---- the venues ---------------------------------------------------------------------------------


def deribit(frame: Any) -> Book | Quote:
    need(at(frame, "method") == "subscription")
    kind, symbol = str(at(frame, "params", "channel")).split(".")[:2]
    data = at(frame, "params", "data")
    time(at(data, "timestamp"), 0)
    if kind == "quote":
        keys = ("best_bid_price", "best_bid_amount", "best_ask_price", "best_ask_amount")
        four = [at(data, key) for key in keys]
        return Quote(symbol, best(four[0], four[1], either), best(four[2], four[3], either))
    whole = "type" not in data and "prev_change_id" not in data
    whole |= "type" in data and one_of(data["type"], "snapshot", "change") == "snapshot"
    follows = None if whole else (number(at(data, "prev_change_id"), 1),) * 2
    return _deribit_book(data, symbol, follows, verb=True)


def deribit_answer(answer: Any) -> Book:
    result = at(answer, "result")
    return _deribit_book(result, at(result, "instrument_name"), None, verb=False)


def _deribit_book(data: Any, symbol: str, follows: Any, verb: bool) -> Book:
    time(at(data, "timestamp"), 0)
    need(at(data, "instrument_name") == symbol)
    bids, asks = (levels(at(data, k), either, (2 + verb,), verb) for k in ("bids", "asks"))
    return Book(symbol, follows, number(at(data, "change_id")), (bids, asks))


def okx(frame: Any) -> Book | Quote:
    channel = at(frame, "arg", "channel")
    row = at(frame, "data", 0)
    time(at(row, "ts"), 0)
    if channel == "tickers":
        four = [at(row, key) for key in ("bidPx", "bidSz", "askPx", "askSz")]
        symbol = row.get("instId") or at(frame, "arg").get("instId")
        return Quote(symbol, best(four[0], four[1], either), best(four[2], four[3], either))
    update = one_of(at(frame, "action"), "snapshot", "update") == "update"
    follows = (number(at(row, "prevSeqId")),) * 2 if update else None
    return _okx_book(row, at(frame, "arg", "instId"), follows)


def okx_answer(answer: Any) -> Book:
    need(at(answer, "code") == "0")
    time(at(answer, "data", 0, "ts"), 0)
    return _okx_book(at(answer, "data", 0), "", None)


def _okx_book(row: Any, symbol: str, follows: Any) -> Book:
    bids, asks = (levels(at(row, k), either, (4, 5), False) for k in ("bids", "asks"))
    return Book(symbol, follows, number(at(row, "seqId")), (bids, asks))


def binance(frame: Any) -> Book | Quote:
    data = at(frame, "data")
    if "B" in data or "A" in data:
        number(at(data, "u"))
        if "e" in data or "T" in data or "E" in data:
            need(data.get("e") == "bookTicker")
            time(at(data, "T"), 0)
            time(at(data, "E"), 0)
        four = [at(data, key) for key in "bBaA"]
        return Quote(at(data, "s"), best(four[0], four[1], either), best(four[2], four[3], either))
    need(at(data, "e") == "depthUpdate")
    time(at(data, "E"), 0)
    first = number(at(data, "U"))
    follows = (0, first - 1)  # whatever is not behind it
    if "T" in data:
        time(data["T"], 0)
        follows = (number(at(data, "pu"), -1),) * 2
    bids, asks = (levels(at(data, k), either, (2,), False) for k in "ba")
    return Book(at(data, "s"), follows, number(at(data, "u"), first), (bids, asks))


def binance_answer(answer: Any) -> Book:
    bids, asks = (levels(at(answer, k), either, (2,), False) for k in ("bids", "asks"))
    for key in "ET":
        if answer.get(key) not in (None, ""):
            time(answer[key], 0)
    return Book("", None, number(at(answer, "lastUpdateId")), (bids, asks))


def bybit(frame: Any) -> Book | Quote:
    topic, depth, symbol = str(at(frame, "topic")).split(".")
    data = at(frame, "data")
    need(topic == "orderbook" and at(data, "s") == symbol)
    time(at(frame, "ts"), 0)
    time(frame.get("cts") or 0, 0)
    whole = one_of(at(frame, "type"), "snapshot", "delta") == "snapshot"
    bids, asks = (levels(at(data, k), either, (2,), False) for k in "ba")
    final, place = number(at(data, "u"), 0 if whole else 1), number(at(data, "seq"), 1)
    whole |= final == 1
    if depth == "1":
        need(whole)
        return Quote(symbol, *(s[0] if s and s[0][1] else None for s in (bids, asks)))
    return Book(symbol, None if whole else (final - 1, final - 1), place, (bids, asks))


def bybit_answer(answer: Any) -> Book:
    data = at(answer, "result")
    bids, asks = (levels(at(data, k), either, (2,), False) for k in "ba")
    number(at(data, "u"))
    time(at(data, "ts"), 0)
    time(data.get("cts") or 0, 0)
    return Book(at(data, "s"), None, number(at(data, "seq"), 1), (bids, asks))


@dataclass(frozen=True)
class Dialect:
    """Documents of one venue. `{other}` symbols are of the same shape."""

    read: Callable[[Any], Book | Quote]
    read_answer: Callable[[Any], Book]
    snapshot: Any  #: None: the base is the answer
    deltas: tuple[Any, Any]
    answer: Any
    quote: Any
    trade: Any
    before: Any = None  #: a delta that the answer holds already: it shows where the stream is


def _levels(*pairs: tuple[str, str]) -> list[list[str]]:
    return [[price, size] for price, size in pairs]


def _okx(*pairs: tuple[str, str]) -> list[list[str]]:
    return [[price, size, "0", "3"] for price, size in pairs]


def _deribit(verb: str, *pairs: tuple[float, float]) -> list[list[Any]]:
    return [[verb, price, size] for price, size in pairs]


MS = 1_786_171_884_000
A, B = "AAA-USDT", "BBB-USDT"


def _push(channel: str, data: Any) -> Any:
    params = {"channel": channel, "data": data}
    return {"jsonrpc": "2.0", "method": "subscription", "params": params}


def _deribit_data(final: int, previous: int | None, bids: Any, asks: Any) -> Any:
    chain = {} if previous is None else {"prev_change_id": previous}
    kind = "snapshot" if previous is None else "change"
    return {
        "type": kind, "timestamp": MS, **chain, "instrument_name": A, "change_id": final,
        "bids": bids, "asks": asks,
    }  # fmt: skip


def _okx_push(final: int, previous: int, action: str, bids: Any, asks: Any) -> Any:
    row = {"asks": asks, "bids": bids, "ts": str(MS), "checksum": 0}
    return {
        "arg": {"channel": "books", "instId": A}, "action": action,
        "data": [row | {"prevSeqId": previous, "seqId": final}],
    }  # fmt: skip


def _binance(usdm: bool, first: int, final: int, bids: Any, asks: Any) -> Any:
    event: dict[str, Any] = {"e": "depthUpdate", "E": MS}
    event |= {"T": MS - 4} if usdm else {}
    event |= {"s": A, "U": first, "u": final} | ({"pu": first - 1} if usdm else {})
    return {"stream": "aaa@depth", "data": event | {"b": bids, "a": asks}}


def _bybit(final: int, kind: str, bids: Any, asks: Any, depth: int = 50) -> Any:
    data = {"s": A, "b": bids, "a": asks, "u": final, "seq": 1000 + final}
    topic = f"orderbook.{depth}.{A}"
    return {"topic": topic, "type": kind, "ts": MS, "data": data, "cts": MS - 3}


def _binance_dialect(usdm: bool) -> Dialect:
    times = {"T": MS - 4, "E": MS} if usdm else {}
    named = {"e": "bookTicker"} if usdm else {}
    return Dialect(
        binance, binance_answer, None,
        (
            _binance(usdm, 11, 12, _levels(("99", "0"), ("98.5", "2")), _levels(("101", "4"))),
            _binance(usdm, 13, 14, _levels(("98", "7")), []),
        ),
        {"lastUpdateId": 10, **times, "bids": _levels(("99", "1"), ("97", "3")),
         "asks": _levels(("101", "1"))},
        {"stream": "aaa@bookTicker", "data": {
            **named, "u": 20, "s": A, "b": "99.5", "B": "2", "a": "100", "A": "3", **times}},
        {"stream": "aaa@trade", "data": {
            "e": "trade", "E": MS, "s": A, "t": 77, "p": "99.5", "q": "2", "T": MS, "m": True}},
        _binance(usdm, 9, 10, [], []),
    )  # fmt: skip


_BYBIT = Dialect(
    bybit, bybit_answer,
    _bybit(10, "snapshot", _levels(("99", "1"), ("97", "3")), _levels(("101", "1"))),
    (
        _bybit(11, "delta", _levels(("99", "0"), ("98.5", "2")), _levels(("101", "4"))),
        _bybit(12, "delta", _levels(("98", "7")), []),
    ),
    {"retCode": 0, "retMsg": "OK", "result": {
        "s": A, "b": _levels(("99", "1"), ("97", "3")), "a": _levels(("101", "1")), "ts": MS,
        "u": 10, "seq": 1010, "cts": MS}},
    _bybit(20, "snapshot", _levels(("99.5", "2")), _levels(("100", "3")), depth=1),
    {"topic": f"publicTrade.{A}", "type": "snapshot", "ts": MS, "data": [{
        "T": MS, "s": A, "S": "Buy", "v": "2", "p": "99.5", "L": "PlusTick",
        "i": "a9188a0a-82bc-50de-be60-03eedbe3cdd7", "BT": False, "RPI": False, "seq": 7538}]},
)  # fmt: skip

DIALECTS: dict[str, Dialect] = {
    "binance": _binance_dialect(usdm=False),
    "binance-usdm": _binance_dialect(usdm=True),
    "bybit-linear": _BYBIT,
    "bybit-spot": _BYBIT,
    "deribit": Dialect(
        deribit, deribit_answer,
        _push(f"book.{A}.100ms", _deribit_data(
            10, None, _deribit("new", (99.0, 1.0), (97.0, 3.0)), _deribit("new", (101.0, 1.0)))),
        (
            _push(f"book.{A}.100ms", _deribit_data(
                12, 10, [*_deribit("delete", (99.0, 0.0)), *_deribit("new", (98.5, 2.0))],
                _deribit("change", (101.0, 4.0)))),
            _push(f"book.{A}.100ms", _deribit_data(14, 12, _deribit("new", (98.0, 7.0)), [])),
        ),
        {"jsonrpc": "2.0", "result": {
            "timestamp": MS, "instrument_name": A, "change_id": 10,
            "bids": [[99.0, 1.0], [97.0, 3.0]], "asks": [[101.0, 1.0]]}},
        _push(f"quote.{A}", {
            "timestamp": MS, "instrument_name": A, "best_bid_price": 99.5, "best_bid_amount": 2.0,
            "best_ask_price": 100.0, "best_ask_amount": 3.0}),
        _push(f"trades.{A}.100ms", [{
            "trade_seq": 30, "trade_id": "48079289", "timestamp": MS, "tick_direction": 2,
            "price": 99.5, "instrument_name": A, "direction": "sell", "amount": 2.0}]),
    ),
    "okx": Dialect(
        okx, okx_answer,
        _okx_push(10, -1, "snapshot", _okx(("99", "1"), ("97", "3")), _okx(("101", "1"))),
        (
            _okx_push(12, 10, "update", _okx(("99", "0"), ("98.5", "2")), _okx(("101", "4"))),
            _okx_push(14, 12, "update", _okx(("98", "7")), []),
        ),
        {"code": "0", "msg": "", "data": [{
            "asks": _okx(("101", "1")), "bids": _okx(("99", "1"), ("97", "3")), "ts": str(MS),
            "seqId": 10}]},
        {"arg": {"channel": "tickers", "instId": A}, "data": [{
            "instId": A, "last": "99.5", "askPx": "100", "askSz": "3", "bidPx": "99.5",
            "bidSz": "2", "ts": str(MS)}]},
        {"arg": {"channel": "trades", "instId": A}, "data": [{
            "instId": A, "tradeId": "77", "px": "99.5", "sz": "2", "side": "buy", "ts": str(MS)}]},
    ),
}  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every element."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*path, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, key))


def spoilt(document: Any) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    """(path, what stands there now, the document)."""
    for path in places(document):
        for other in OTHERS:
            changed = copy.deepcopy(document)
            holder = at(changed, *path[:-1])
            if other is REMOVED:
                del holder[path[-1]]
            else:
                holder[path[-1]] = other
            yield path, other, changed


def compact(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def reordered(document: Any) -> Any:
    """The same with its keys the other way round: live orders differ, and no reader may care."""
    if isinstance(document, dict):
        return {key: reordered(document[key]) for key in reversed(document)}
    return [reordered(one) for one in document] if isinstance(document, list) else document
