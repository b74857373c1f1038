"""A chain as it is drawn: calls left, strikes in the middle, puts right, as many columns as fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from feedhandler import number_text
from feedhandler.cli.output import bold, cells, dim, pad, state
from feedhandler.cli.terminal import utf8

Side = Mapping[str, Any]
"""Exact decimal texts of prices and sizes, statistics as numbers; None: there are none."""

_GAP = "  "


@dataclass(frozen=True, slots=True)
class Field:
    """A column of each half. `keep`: how wanted it is, the lowest first; those of the same number
    come and go together."""

    title: str
    key: str
    keep: int
    texts: Callable[[Sequence[Any]], list[str]]


def _exact(values: Sequence[Any]) -> list[str]:
    return ["" if text is None else text for text in values]


def _lined_up(options: Sequence[Side]) -> list[Side]:
    """All prices with the same number of places, and all sizes."""
    found = [dict(one) for one in options]
    for keys in (("bid", "ask", "last"), ("bid_size", "ask_size")):
        places = [(one, key) for one in found for key in keys if one[key] is not None]
        texts = number_text.stepped([one[key] for one, key in places])
        for (one, key), text in zip(places, texts, strict=True):
            one[key] = text
    return list(found)


def _volatility(values: Sequence[Any]) -> list[str]:
    return ["" if value is None else f"{100 * value:.1f}" for value in values]


def _two(values: Sequence[Any]) -> list[str]:
    return ["" if value is None else f"{value:.2f}" for value in values]


def _amount(values: Sequence[Any]) -> list[str]:
    whole = all(value == int(value) and abs(value) < 1e4 for value in values if value is not None)
    return ["" if value is None else _short(value, 0 if whole else 1) for value in values]


def _short(value: float, places: int) -> str:
    """12.3k, 1.2M: what many contracts are to people."""
    for unit, size in (("M", 1e6), ("k", 1e4)):
        if abs(value) >= size:
            return f"{value / (1e6 if unit == 'M' else 1e3):.1f}{unit}"
    return f"{value:,.{places}f}"


#: of the right half, from the strike outwards; the left one mirrors all but the market itself
_MARKET = (
    Field("SIZE", "bid_size", 4, _exact),
    Field("BID", "bid", 0, _exact),
    Field("ASK", "ask", 0, _exact),
    Field("SIZE", "ask_size", 4, _exact),
)
_STATISTICS = (
    Field("IV%", "mark_iv", 1, _volatility),
    Field("DELTA", "delta", 2, _two),
    Field("MARK", "mark", 3, partial(number_text.figures, count=4)),
    Field("BID IV", "bid_iv", 6, _volatility),
    Field("ASK IV", "ask_iv", 6, _volatility),
    Field("GAMMA", "gamma", 9, number_text.figures),
    Field("VEGA", "vega", 7, number_text.figures),
    Field("THETA", "theta", 8, number_text.figures),
    Field("RHO", "rho", 10, number_text.figures),
    Field("LAST", "last", 11, _exact),
    Field("VOLUME", "volume", 5, _amount),
    Field("OI", "open_interest", 5, _amount),
)
_HALF = (*_MARKET, *_STATISTICS)


def at_the_money(options: Sequence[Mapping[str, Any]]) -> float | None:
    """The strike next to what the options are on: their forward, else the index; without both,
    where a call's delta is next to a half."""
    for name in ("underlying", "index"):
        prices = sorted(one[name] for one in options if one[name])
        if prices:
            price = prices[len(prices) // 2]
            return float(min((one["strike"] for one in options), key=lambda k: abs(k - price)))
    calls = [one for one in options if one["side"] == "call" and one["delta"] is not None]
    if not calls:
        return None
    return float(min(calls, key=lambda one: abs(one["delta"] - 0.5))["strike"])


def board(
    options: Sequence[Mapping[str, Any]], width: int | None, most: int | None = None
) -> list[str]:
    """The lines. `width`: columns of the screen, None: there is no end; `most`: strikes, those
    around the money."""
    strikes: dict[float, dict[str, Side]] = {}
    for one in _lined_up(options):
        strikes.setdefault(one["strike"], {})[one["side"]] = one
    money = at_the_money(options)
    shown = _around(sorted(strikes), money, most)
    calls = [strikes[strike].get("call") for strike in shown]
    puts = [strikes[strike].get("put") for strike in shown]
    middle = _strikes(shown, money)
    columns = {field: (_column(field, calls), _column(field, puts)) for field in _HALF}
    fields = _fitting(columns, max(map(cells, middle), default=0), width)
    right = [field for field in _HALF if field in fields]
    statistics = [field for field in right if field not in _MARKET]
    left = [*reversed(statistics), *(field for field in right if field in _MARKET)]
    left_text, left_width = _text([columns[field][0] for field in left])
    right_text, right_width = _text([columns[field][1] for field in right])
    rows = zip(left_text, middle, right_text, strict=True)
    title = "CALLS".center(left_width), " " * cells(middle[0]), "PUTS".center(right_width)
    return [dim(_GAP.join(title).rstrip()), *(_GAP.join(row).rstrip() for row in rows)]


def _around(strikes: list[float], money: float | None, most: int | None) -> list[float]:
    """So many, with the money in their middle."""
    if most is None or most >= len(strikes):
        return strikes
    centre = strikes.index(money) if money in strikes else len(strikes) // 2
    first = min(max(0, centre - most // 2), len(strikes) - most)
    return strikes[first : first + most]


def _strikes(strikes: Sequence[float], money: float | None) -> list[str]:
    """The column in the middle, its title first."""
    left, right = ("▶", "◀") if utf8() else (">", "<")
    exact = number_text.stepped([f"{strike:.10g}" for strike in strikes])
    texts = [f"{Decimal(text):,f}" for text in exact]
    wide = max(map(len, [*texts, "STRIKE"]))
    found = [dim(f"  {'STRIKE':>{wide}}  ")]
    for strike, text in zip(strikes, texts, strict=True):
        text = text.rjust(wide)
        found.append(bold(f"{left} {text} {right}") if strike == money else f"  {text}  ")
    return found


def _column(field: Field, sides: Sequence[Side | None]) -> list[str]:
    """Its title, then the cells: blank where the venue says nothing. In the column of volatilities
    stands why an option's market is none to trust."""
    texts = field.texts([None if side is None else side[field.key] for side in sides])
    found = [dim(field.title)]
    for side, text in zip(sides, texts, strict=True):
        good = side is None or side["state"] == "LIVE"
        if good or side is None:
            found.append(text)
        else:
            found.append(state(side["state"]) if field.key == "mark_iv" else dim(text))
    return found


def _width(column: Sequence[str]) -> int:
    return max(map(cells, column))


def _fitting(
    columns: Mapping[Field, tuple[list[str], list[str]]], strike: int, width: int | None
) -> set[Field]:
    """The fields for which there is room, the most wanted first; what nobody says takes none."""
    room = math.inf if width is None else width - strike
    chosen: set[Field] = set()
    for keep in sorted({field.keep for field in columns}):
        fields = [field for field in columns if field.keep == keep]
        said = [field for field in fields if keep < 2 or any(map(_said, columns[field]))]
        need = sum(_width(half) + len(_GAP) for field in said for half in columns[field])
        if said and (need <= room or not keep):
            chosen.update(said)
            room -= need
    return chosen


def _said(column: Sequence[str]) -> bool:
    return any(map(cells, column[1:]))


def _text(columns: Sequence[list[str]]) -> tuple[list[str], int]:
    """Half a line for each row of these columns, and how wide it is."""
    widths = [_width(column) for column in columns]
    rows = zip(*columns, strict=True)
    lines = [
        _GAP.join(pad(cell, wide, right=True) for cell, wide in zip(row, widths, strict=True))
        for row in rows
    ]
    return lines, sum(widths) + len(_GAP) * (len(columns) - 1)


def _thousands(price: str) -> str:
    """With commas between them, and all its places."""
    whole, point, rest = price.partition(".")
    return f"{int(whole):,}{point}{rest}"


def summary(options: Sequence[Mapping[str, Any]], width: int) -> list[str]:
    """What is true of the whole expiry: the forward, the index, and how much there is of it."""
    parts, said = [], {}
    for title, name in (("forward", "underlying"), ("index", "index")):
        prices = sorted(one[name] for one in options if one[name])
        if prices:
            said[title] = f"{prices[len(prices) // 2]:.7g}"
    for title, price in zip(said, number_text.stepped(list(said.values())), strict=True):
        parts.append(f"{title} {_thousands(price)}")
    money = at_the_money(options)
    near = [one["mark_iv"] for one in options if one["strike"] == money and one["mark_iv"]]
    if near:
        parts.append(f"at the money {100 * sum(near) / len(near):.1f} %")
    for title, name in (("open interest", "open_interest"), ("volume", "volume")):
        halves = [
            [one[name] for one in options if one["side"] == side and one[name] is not None]
            for side in ("call", "put")
        ]
        if any(halves):
            calls, puts = _amount([sum(half) for half in halves])
            parts.append(f"{title} {calls} calls, {puts} puts")
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + 3 + len(part) <= width:
            lines[-1] += f"   {part}"
        else:
            lines.append(part)
    return lines
