"""A book that was asked for, read by the `answer` shapes in plain Python.

An opinion independent of the engine's: numbers stay the text that the venue wrote.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from feedhandler.adapter import names
from feedhandler.adapter.declared import rows, words
from feedhandler.adapter.declared.listing import BestPath, BookPath
from feedhandler.adapter.listing import MOST_ELEMENTS
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import BookAnswer
from feedhandler.shape import Frame, tree

#: by which a book is placed among the deltas, the first that is there; times are in ns
_NUMBERS = {
    "place": 1,
    "final": 1,
    "time_ns": 1,
    "time_us": 10**3,
    "time_ms": 10**6,
    "time_s": 10**9,
}
Levels = list[tuple[str, str]]


class _Written(str):
    """A number as it was written."""

    __slots__ = ()


def request(path: BookPath, symbol: str, depth: int, *, socket: bool, levels: int = 0) -> Request:
    """The request for a symbol's book; `socket`: it goes over the socket; `levels`: a side, 0: as
    many as a base has."""
    levels = levels or path.levels or depth
    levels = min(levels, path.most) if path.most else levels
    values = {"symbol": symbol, "depth": depth, "levels": levels}
    return Request(
        _filled(path.path, {**values, "symbol": quote(symbol, safe="")}),
        {name: _filled(value, values) for name, value in path.params.items()},
        weight=path.costs(levels),
        levels=levels,
        method="POST" if path.body else "GET",
        body=words.filled(path.body, values) if path.body else "",
        symbol=symbol if socket else "",
    )


def _filled(text: str, values: Mapping[str, object]) -> str:
    for name, value in values.items():
        text = text.replace(f"${name}", str(value))
    return text


def symbol_of(path: BookPath, url: str, body: str, base: str) -> str | None:
    """The symbol whose book this URL asks for, by a POST of `body` if there is one; None: it asks
    for none. `base`: the REST URL."""
    parts = urlsplit(url)
    before = urlsplit(base).path.rstrip("/")
    theirs = (_in(f"{before}{one}".rstrip("/"), parts.path.rstrip("/")) for one in path.every)
    found = next((one for one in theirs if one is not None), None)
    if found is None or bool(body) != bool(path.body):
        return None
    query = parse_qs(parts.query)
    for name, value in path.params.items():
        there = _in(value, query.get(name, [""])[0])
        if there is None:
            return None
        found = found | there
    if path.body:
        posted = words.read(path.body, words.decoded(body.encode()))
        if posted is None:
            return None
        found = {**found, **posted}
    symbol = found.get("symbol")
    return unquote(symbol) if isinstance(symbol, str) else None


def _in(template: str, text: str) -> dict[str, Any] | None:
    """What stands in the holes of a path or a parameter; None: it is another."""
    pattern = re.escape(template).replace(re.escape("$symbol"), "(?P<symbol>.+)")
    pattern = pattern.replace(re.escape("$levels"), "[0-9]*")  # it need not be said
    found = re.fullmatch(pattern.replace(re.escape("$depth"), "[0-9]+"), text)
    return found.groupdict() if found else None


def document(venue: str, body: bytes, fine: Mapping[str, str], text: str, what: str) -> Any:
    """The body, numbers as they are written. Raises ValueError: no JSON, or an error of theirs."""
    if body.count(b",") > MOST_ELEMENTS:
        raise ValueError(f"{venue}: the {what} has more than {MOST_ELEMENTS} elements")
    try:
        value = json.loads(body, parse_float=_Written)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{venue}: the {what} is not JSON: {error}: {body[:80]!r}") from None
    refused(venue, value, fine, text, what)
    return value


def refused(venue: str, value: Any, fine: Mapping[str, str], text: str, what: str) -> None:
    """Raises ValueError where the answer says that it is none."""
    for path, good in fine.items():
        said = rows.at(value, path)
        if said is None or _scalar(said) != good:
            told = rows.at(value, text) if text else None
            raise ValueError(f"{venue}: the {what} was refused: {path} {said!r}: {told!r}"[:300])
    if text and not fine and (told := rows.at(value, text)) is not None:
        raise ValueError(f"{venue}: the {what} was refused: {told!r}"[:300])


def _scalar(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool | list | dict) else str(value)


def answer(venue: str, frames: Iterable[Frame], value: Any) -> BookAnswer:
    """The book of a decoded answer. Raises ValueError for one that is none, or has no sequence."""
    for frame in (each for each in frames if each.kind == "answer"):
        found = words.read(frame.sample, value)
        if found is not None and isinstance(row := found.get("rows"), list) and row:
            found = {**found, **row[0]}  # as the engine takes it
        if found is not None:
            return BookAnswer(_sequence(venue, found), *_sides(venue, frame, found))
    raise ValueError(f"{venue}: a book of no form that is known: {str(value)[:80]!r}")


def best_request(path: BestPath, symbol: str) -> Request:
    """The request for a symbol's best bid and offer."""
    params = {name: _filled(value, {"symbol": symbol}) for name, value in path.params.items()}
    return Request(
        _filled(path.path, {"symbol": quote(symbol, safe="")}), params, weight=path.weight
    )


def best(venue: str, path: BestPath, symbol: str, value: Any) -> list[tuple[Decimal, Decimal]]:
    """(price, size) of the bid and the ask of a decoded answer, of those there are. Raises
    ValueError for one that is none, or another instrument's."""
    found = words.read(path.sample, value)
    if found is not None and isinstance(one := found.get("rows"), list) and len(one) == 1:
        found = {**found, **one[0]}
    if found is None or found.get("symbol") != symbol:
        raise ValueError(f"{venue}: no best bid and offer of {symbol}: {str(value)[:80]!r}")
    sides = []
    for side in ("bid", "ask"):
        price, size = (_number(venue, found.get(name)) for name in (side, f"{side}_size"))
        if size:
            sides.append((price, size))
    return sides


def _sequence(venue: str, found: Mapping[str, Any]) -> int:
    for name, unit in _NUMBERS.items():
        if name in found:
            return _whole(venue, name, found[name], unit)
    raise ValueError(f"{venue}: a book without a sequence")


def _whole(venue: str, name: str, value: Any, unit: int) -> int:
    if isinstance(value, str) and re.fullmatch("[0-9]{1,19}", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value * unit < 1 << 63:
        said = str(value)[:40]
        raise ValueError(f"{venue}: a book without a sequence ({name}: {said!r})")
    return value * unit


def _sides(venue: str, frame: Frame, found: Mapping[str, Any]) -> tuple[Levels, Levels]:
    if "levels" not in found:
        bids = [_level(venue, frame, "bids", each)[1] for each in _listed(venue, "bids", found)]
        asks = [_level(venue, frame, "asks", each)[1] for each in _listed(venue, "asks", found)]
        return bids, asks
    sides: dict[str, Levels] = {"bids": [], "asks": []}
    for each in _listed(venue, "levels", found):
        side, level = _level(venue, frame, "levels", each)
        sides[side].append(level)
    return sides["bids"], sides["asks"]


def _listed(venue: str, name: str, found: Mapping[str, Any]) -> Sequence[Any]:
    value = found.get(name)
    if not isinstance(value, list):
        raise ValueError(f"{venue}: a book without {name}")
    return value


def _level(venue: str, frame: Frame, name: str, value: Any) -> tuple[str, tuple[str, str]]:
    found = tree.matched(_longer(frame.level), value)
    if found is None:
        raise ValueError(f"{venue}: a book whose {name} are not levels: {str(value)[:60]}")
    price, size = _text(venue, found.get("price")), found.get("size", found.get("amount"))
    amount = _text(venue, size)
    if "amount" in found:  # signed: what is below 0 is asked for
        return ("asks" if amount.startswith("-") else "bids"), (price, amount.lstrip("-"))
    if name != "levels":
        return name, (price, amount)
    words = dict(zip(_words(frame), ("bids", "asks"), strict=True))
    if found.get("side") not in words:
        raise ValueError(f"{venue}: a level of neither side: {str(value)[:60]}")
    return words[found["side"]], (price, amount)


def _words(frame: Frame) -> tuple[str, str]:
    sides: tuple[str, str] = getattr(frame, "sides", ("bid", "ask"))
    return sides


@lru_cache(maxsize=256)
def _longer(level: str) -> tree.Node:
    """A level as it is declared, and whatever else is in it."""
    node = tree.parsed(level)
    return tree.Listed(node.front, node.behind, gap=True) if isinstance(node, tree.Listed) else node


def _number(venue: str, value: Any) -> Decimal:
    try:
        return names.decimal(_text(venue, value))
    except ValueError:
        raise ValueError(f"{venue}: a best level with {str(value)[:40]!r}, no number") from None


def _text(venue: str, value: Any) -> str:
    if isinstance(value, str) and value:
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"{venue}: a level with {value!r}, which is no number")
