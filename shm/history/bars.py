"""Bars of trades."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shm.history.columns import Rows, used
from shm.history.missing import Missing
from shm.history.times import ALWAYS, NEVER

BAR = np.dtype(
    [
        ("start_ns", "<i8"),
        ("instrument", "<u4"),
        *((name, "<f8") for name in ("open", "high", "low", "close", "volume", "buy_volume")),
        ("count", "<u8"),
        ("vwap", "<f8"),
        ("whole", "?"),
    ],
    align=True,
)


def bars(trades: Rows, interval_ns: int, by: str) -> Rows:
    """Bars of TRADE rows by the time in field `by` (where that says none, by when they were
    received), sorted by time and instrument. Trades of one bar count in the order they came in.
    """
    when = np.where(trades[by] == 0, trades["receive_ns"], trades[by])
    start = when // interval_ns * interval_ns
    order = np.lexsort((trades["instrument"], start))  # it is stable
    trades, start = trades[order], start[order]
    if not len(trades):
        return np.empty(0, BAR)
    new = np.ones(len(trades), np.bool_)
    new[1:] = (start[1:] != start[:-1]) | (trades["instrument"][1:] != trades["instrument"][:-1])
    first = np.flatnonzero(new)
    price, size = np.ascontiguousarray(trades["price"]), np.ascontiguousarray(trades["size"])
    made = np.zeros(len(first), BAR)
    made["start_ns"] = start[first]
    made["instrument"] = trades["instrument"][first]
    made["open"] = price[first]
    made["close"] = price[np.append(first[1:], len(price)) - 1]
    made["high"] = np.maximum.reduceat(price, first)
    made["low"] = np.minimum.reduceat(price, first)
    made["volume"] = np.add.reduceat(size, first)
    made["buy_volume"] = np.add.reduceat(np.where(trades["side"] == 0, size, 0.0), first)
    made["count"] = np.diff(np.append(first, len(price)))
    with np.errstate(invalid="ignore", divide="ignore"):
        made["vwap"] = np.add.reduceat(price * size, first) / made["volume"]
    return made


def with_empty(made: Rows, interval_ns: int, from_ns: int, to_ns: int, ids: Sequence[int]) -> Rows:
    """The same with a bar for each of the instruments and times; those without trades have a count
    of 0 and no prices."""
    first = from_ns // interval_ns * interval_ns
    times = np.arange(first, to_ns, interval_ns, dtype=np.int64)
    ids = sorted({*ids, *used(made["instrument"])})
    whole = np.zeros((len(times), len(ids)), BAR)
    whole["start_ns"] = times[:, None]
    whole["instrument"] = np.array(ids, np.uint32)[None, :]
    for name in ("open", "high", "low", "close", "vwap"):
        whole[name] = np.nan
    row = (made["start_ns"] - first) // interval_ns
    inside = (row >= 0) & (row < len(times))
    whole[row[inside], np.searchsorted(ids, made["instrument"][inside])] = made[inside]
    return whole.reshape(-1)


def judge(made: Rows, interval_ns: int, now_ns: int, missing: Sequence[Missing]) -> None:
    """Which bars are whole: over, and in no window of what is missing."""
    begin, end = made["start_ns"], made["start_ns"] + interval_ns
    whole = end <= now_ns
    for each in missing:
        from_ns = ALWAYS if each.from_ns is None else each.from_ns
        to_ns = NEVER if each.to_ns is None else each.to_ns
        whole &= (end <= from_ns) | (begin > to_ns)
    made["whole"] = whole
