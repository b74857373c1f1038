"""Recordings of Crypto.com's v2 API, which is gone, in the words of v1: its whole books as a first
one and what has changed of its best 50 levels, the same numbers in strings. Tickers had no sizes,
and are left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tests.venues.reference.book import parsed, written

DEPTH = 50
_STEP = 16_384  # between two numbers of a book: they do not count by one


def as_subscribed(lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    before: dict[str, Any] = {}
    heard: set[str] = set()
    for line in lines:
        if line["kind"] == "rest" or line["data"] is None:
            yield line
            continue
        message = parsed(line["data"].replace(".150", f".{DEPTH}"))
        result = message.get("result")
        if line["dir"] == "out" or result is None:
            yield {**line, "data": written(message)}
        elif result["channel"] == "trade":
            number = -1 if result["subscription"] in heard else 1
            heard.add(result["subscription"])
            rows = [{key: _text(one) for key, one in row.items()} for row in result["data"]]
            yield {**line, "data": written(_of(message, number, data=rows))}
        elif result["channel"] == "book":
            told = _changes(before, result["instrument_name"], result["data"][0])
            yield {**line, "data": written(_of(message, -1, depth=DEPTH, **told))}


def _of(message: Any, number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, **message, "result": {**message["result"], **more}}


def _changes(before: dict[str, Any], symbol: str, whole: Any) -> dict[str, Any]:
    """A quiet book's number stays."""
    now = {side: [list(map(str, row)) for row in whole[side][:DEPTH]] for side in ("bids", "asks")}
    old = before.get(symbol)
    times = {"t": whole["t"], "tt": whole["t"]}
    if old is None:
        before[symbol] = now | {"u": _STEP}
        return {"channel": "book", "data": [{**now, **times, "u": _STEP, "cs": 0}]}
    update = {side: _difference(old[side], now[side]) for side in now}
    number = old["u"] + _STEP * (update != {"bids": [], "asks": []})
    before[symbol] = now | {"u": number}
    data = {"update": update, **times, "u": number, "pu": old["u"], "cs": 0}
    return {"channel": "book.update", "data": [data]}


def _difference(old: list[list[str]], new: list[list[str]]) -> list[list[str]]:
    now = {price for price, *_ in new}
    gone = [[price, "0", "0"] for price, *_ in old if price not in now]
    return [level for level in new if level not in old] + gone


def _text(value: Any) -> Any:
    """Times stay numbers."""
    return value if isinstance(value, int) and value < 1 << 50 else str(value)
