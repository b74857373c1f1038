"""Gate's recorded spot.order_book_update as it would have come on spot.obu: each base by
REST as a whole book, and after it the deltas that follow. All else is as it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.venues.reference.book import parsed, written


def as_subscribed(lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    waiting: dict[str, list[dict[str, Any]]] = {}
    last: dict[str, int] = {}
    conn: dict[str, Any] = {}
    for line in lines:
        text, url = line["data"] or "", line["url"] or ""
        if line["kind"] == "rest" and "/spot/order_book" in url:
            body, symbol = parsed(text), parse_qs(urlsplit(url).query)["currency_pair"][0]
            whole = {"t": line["t"] // 10**6, "full": True, "s": f"ob.{symbol}.400"}
            whole |= {"u": body["id"], "b": body["bids"], "a": body["asks"]}
            last[symbol] = body["id"]
            yield {**line, **conn, "data": _framed(whole)}
            for each in waiting.pop(symbol, []):
                yield from _delta(each, symbol, last)
            continue
        if line["dir"] == "in" and '"spot.order_book_update"' in text and '"update",' in text:
            conn = {key: line[key] for key in ("kind", "url", "conn")}
            symbol = parsed(text)["result"]["s"]
            if symbol in last:
                yield from _delta(line, symbol, last)
            else:
                waiting.setdefault(symbol, []).append(line)
        elif "order_book_update" not in text:
            yield line


def _delta(line: dict[str, Any], symbol: str, last: dict[str, int]) -> Iterator[dict[str, Any]]:
    result = parsed(line["data"])["result"]
    if result["u"] <= last[symbol]:
        return
    assert result["U"] <= last[symbol] + 1
    told = {"t": result["t"], "s": f"ob.{symbol}.400", "U": last[symbol] + 1, "u": result["u"]}
    last[symbol] = result["u"]
    yield {**line, "data": _framed(told | {"b": result["b"], "a": result["a"]})}


def _framed(result: dict[str, Any]) -> str:
    frame = {"channel": "spot.obu", "result": result, "time_ms": result["t"], "event": "update"}
    return written(frame)
