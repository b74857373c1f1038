"""The instruments of a venue, one array of quotes: sorted and filtered whole, drawn by the line."""

from __future__ import annotations

import time
from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt

from cli.inspect_.memory import believable, word
from cli.top.rows import state_cell
from cli.top.table import Cell
from feedhandler import number_text
from shm import NONE, Status
from shm.inspect import Memory

_FIELDS = ("", "state", "bid_price", "bid_size", "ask_price", "ask_size", "last_price")
_FLOATS = {7: "mark", 8: "volume"}
_SCALED = {2: "price", 3: "size", 4: "price", 5: "size", 6: "price"}
_AGE, _STATUS, _WHY = 9, 10, 11


class Instruments:
    """Of one venue, over its epochs. Rows are known by their symbol."""

    def __init__(self) -> None:
        self._epoch = -1
        self._names: list[tuple[str, str]] = []
        self._at: dict[str, int] = {}
        self._quotes: npt.NDArray[np.void] = np.zeros(0, np.dtype([]))
        self._memory: Memory | None = None

    def look(self, memory: Memory) -> None:
        """Read all quotes anew."""
        if memory.epoch != self._epoch:
            self._epoch, self._names, self._at = memory.epoch, [], {}
        for name in memory.segment.names(len(self._names)):
            self._at[name[0]] = len(self._names)
            self._names.append(name)
        self._quotes = memory.quotes()
        self._memory = memory

    def rows(self, pattern: str, by: int | None, descending: bool) -> list[str]:
        """The symbols that a filter leaves, in the order wanted."""
        order = list(range(min(len(self._names), len(self._quotes))))
        if pattern:
            order = [row for row in order if self._fits(row, pattern.lower())]
        if by is not None and order:
            keys = self._keys(by)
            chosen = np.array(order)
            missing = np.isnan(keys[chosen]) if keys.dtype.kind == "f" else None
            sequence = np.argsort(keys[chosen], kind="stable")
            if descending:
                sequence = sequence[::-1]
            if missing is not None:  # what has no value comes last either way
                sequence = np.concatenate(
                    [sequence[~missing[sequence]], sequence[missing[sequence]]]
                )
            order = chosen[sequence].tolist()
        return [self._names[row][0] for row in order]

    def _fits(self, row: int, pattern: str) -> bool:
        texts = [text.lower() for text in self._names[row]]
        if any(c in pattern for c in "*?["):
            return any(fnmatchcase(text, pattern) for text in texts)
        return any(pattern in text for text in texts)

    def _keys(self, by: int) -> npt.NDArray[np.generic]:
        quotes = self._quotes
        if by in _SCALED:
            values = quotes[_FIELDS[by]]
            scaled = values * 10.0 ** quotes[f"{_SCALED[by]}_exponent"]
            return np.where((values == NONE) | (values == 0), np.nan, scaled)
        if by in _FLOATS:
            return np.asarray(quotes[_FLOATS[by]])
        if by == _AGE:
            return -quotes["data_ns"].astype(float)
        if by == 0:
            return np.array([symbol for symbol, _ in self._names])
        field = {1: "state", _STATUS: "status", _WHY: "reason"}[by]
        return np.asarray(quotes[field])

    def cells(self, symbol: object) -> list[Cell]:
        """A row, in the order of `rows.INSTRUMENTS`."""
        quote = self._quotes[self._at[str(symbol)]]
        assert self._memory is not None
        state, reason = believable(self._memory, int(quote["state"]), int(quote["reason"]))
        status = word(Status, int(quote["status"]))
        if not quote["stamp"]:
            return [(str(symbol), ""), ("NONE", "dim"), *[("-", "dim")] * 8, ("", ""), ("", "")]
        age = time.time_ns() - int(quote["data_ns"])
        return [
            (str(symbol), ""),
            state_cell(state),
            *[self._amount(quote, column) for column in _SCALED],
            *[_number(float(quote[name])) for name in _FLOATS.values()],
            (number_text.duration(max(0, age)) if quote["data_ns"] else "-", ""),
            ("" if status == "ACTIVE" else status, "bad" if status != "EXPIRED" else "dim"),
            ("" if reason == "NONE" else reason, ""),
        ]

    def _amount(self, quote: np.void, column: int) -> Cell:
        value = int(quote[_FIELDS[column]])
        if value == NONE or (column == 6 and not quote["last_ns"]):
            return ("-", "dim")
        style = "bid" if column == 2 else "ask" if column == 4 else ""
        return (number_text.decimal(value, int(quote[f"{_SCALED[column]}_exponent"])), style)


def _number(value: float) -> Cell:
    return ("-", "dim") if np.isnan(value) else (f"{value:.10g}", "")
