"""Gate's recorded order_book_update, of spot or futures, as it would have come on obu: each base by
REST as a whole book, and after it the deltas that follow. All else is as it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.venues.reference.book import parsed, written


def as_subscribed(
    lines: Iterable[dict[str, Any]], product: str = "spot"
) -> Iterator[dict[str, Any]]:
    waiting: dict[str, list[dict[str, Any]]] = {}
    last: dict[str, int] = {}
    conn: dict[str, Any] = {}
    for line in lines:
        text, url = line["data"] or "", line["url"] or ""
        if line["kind"] == "rest" and "/order_book?" in url:
            body, query = parsed(text), parse_qs(urlsplit(url).query)
            symbol = (query.get("currency_pair") or query["contract"])[0]
            whole = {"t": line["t"] // 10**6, "full": True, "s": f"ob.{symbol}.400"}
            whole |= {"u": body["id"], "b": _pairs(body["bids"]), "a": _pairs(body["asks"])}
            last[symbol] = body["id"]
            yield {**line, **conn, "data": _framed(product, whole)}
            for each in waiting.pop(symbol, []):
                yield from _delta(product, each, symbol, last)
            continue
        if line["dir"] == "in" and f'"{product}.order_book_update"' in text and '"update",' in text:
            conn = {key: line[key] for key in ("kind", "url", "conn")}
            symbol = parsed(text)["result"]["s"]
            if symbol in last:
                yield from _delta(product, line, symbol, last)
            else:
                waiting.setdefault(symbol, []).append(line)
        elif "order_book_update" not in text:
            yield line


def as_futures_subscribed(lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The same of futures."""
    return as_subscribed(lines, "futures")


def _pairs(levels: list[Any]) -> list[Any]:
    """Levels as obu has them: texts."""
    each = ((one["p"], str(one["s"])) if isinstance(one, dict) else one for one in levels)
    return [*each]


def _delta(
    product: str, line: dict[str, Any], symbol: str, last: dict[str, int]
) -> Iterator[dict[str, Any]]:
    result = parsed(line["data"])["result"]
    if result["u"] <= last[symbol]:
        return
    assert result["U"] <= last[symbol] + 1
    told = {"t": result["t"], "s": f"ob.{symbol}.400", "U": last[symbol] + 1, "u": result["u"]}
    last[symbol] = result["u"]
    told |= {"b": _pairs(result["b"]), "a": _pairs(result["a"])}
    yield {**line, "data": _framed(product, told)}


def _framed(product: str, result: dict[str, Any]) -> str:
    frame = {"channel": f"{product}.obu", "result": result, "time_ms": result["t"]}
    return written(frame | {"event": "update"})
