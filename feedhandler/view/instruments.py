"""The instruments of a venue, one array of quotes: sorted and filtered whole, worded by the row."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from feedhandler import number_text
from feedhandler.view.believable import believable, word
from feedhandler.view.instrument_fields import FIELDS
from shm import NONE, Status
from shm.inspect import Memory

_SCALED: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "bid": ("bid_price", "price_exponent"),
        "bid_size": ("bid_size", "size_exponent"),
        "ask": ("ask_price", "price_exponent"),
        "ask_size": ("ask_size", "size_exponent"),
        "last": ("last_price", "price_exponent"),
    }
)
_PRICES: Final = ("bid", "ask", "last")
_SIZES: Final = ("bid_size", "ask_size")
_NUMBERS: Final = ("mark", "volume")


class Instruments:
    """Of one venue, over its epochs. Rows are known by their symbol."""

    def __init__(self) -> None:
        self._epoch = -1
        self._names: list[tuple[str, str]] = []
        self._at: dict[str, int] = {}
        self._quotes: npt.NDArray[np.void] = np.zeros(0, np.dtype([]))
        self._memory: Memory | None = None
        self._steps: dict[int, tuple[float, float]] = {}  # by row: tick and lot

    def look(self, memory: Memory) -> None:
        """Read all quotes anew."""
        if memory.epoch != self._epoch:
            self._epoch, self._names, self._at, self._steps = memory.epoch, [], {}, {}
        for name in memory.segment.names(len(self._names)):
            self._at[name[0]] = len(self._names)
            self._names.append(name)
        self._quotes = memory.quotes()
        self._memory = memory

    def symbols(
        self, pattern: str = "", by: str | None = None, descending: bool = False
    ) -> list[str]:
        """Those that a filter leaves (part of a name, or a pattern), in the order of a field."""
        order = list(range(min(len(self._names), len(self._quotes))))
        if pattern:
            order = [row for row in order if self._fits(row, pattern.lower())]
        if by is not None and order:
            keys = self._keys(by)[np.array(order)]
            sequence = np.argsort(keys, kind="stable")
            if descending:
                sequence = sequence[::-1]
            if keys.dtype.kind == "f":  # what has no value comes last either way
                missing = np.isnan(keys)[sequence]
                sequence = np.concatenate([sequence[~missing], sequence[missing]])
            order = np.array(order)[sequence].tolist()
        return [self._names[row][0] for row in order]

    def _fits(self, row: int, pattern: str) -> bool:
        texts = [text.lower() for text in self._names[row]]
        if any(c in pattern for c in "*?["):
            return any(fnmatchcase(text, pattern) for text in texts)
        return any(pattern in text for text in texts)

    def _keys(self, by: str) -> npt.NDArray[np.generic]:
        quotes = self._quotes
        if by in _SCALED:
            field, exponent = _SCALED[by]
            values = quotes[field]
            scaled = values * 10.0 ** quotes[exponent].astype(float)
            return np.where((values == NONE) | (values == 0), np.nan, scaled)
        if by in _NUMBERS:
            return np.asarray(quotes[by])
        if by == "age":
            return -quotes["data_ns"].astype(float)
        if by == "symbol":
            return np.array([symbol for symbol, _ in self._names])
        return np.asarray(quotes[by])

    def row(self, symbol: str) -> dict[str, str]:
        """Its FIELDS in words; "" for what is not there. A status or reason of every day is "".
        Its prices have one number of places, and its sizes."""
        quote = self._quotes[self._at[symbol]]
        assert self._memory is not None
        found = dict.fromkeys(FIELDS, "") | {"symbol": symbol, "state": "NONE"}
        if not quote["stamp"]:
            return found
        state, reason = believable(self._memory, int(quote["state"]), int(quote["reason"]))
        status = word(Status, int(quote["status"]))
        for name, (field, exponent) in _SCALED.items():
            value = int(quote[field])
            if value != NONE and (name != "last" or quote["last_ns"]):
                found[name] = number_text.decimal(value, int(quote[exponent]))
        for names, step in zip((_PRICES, _SIZES), self._steps_of(symbol), strict=True):
            there = [name for name in names if found[name]]
            found |= zip(there, number_text.stepped([found[n] for n in there], step), strict=True)
        for name in _NUMBERS:
            number = float(quote[name])
            found[name] = "" if np.isnan(number) else f"{number:.10g}"
        if quote["data_ns"]:
            age = abs(self._memory.segment.now_ns - int(quote["data_ns"]))
            found["age"] = number_text.duration(age)
        return found | {
            "state": state,
            "reason": "" if reason == "NONE" else reason,
            "status": "" if status == "ACTIVE" else status,
        }

    def _steps_of(self, symbol: str) -> tuple[float, float]:
        row = self._at[symbol]
        if row not in self._steps:
            assert self._memory is not None
            its = self._memory.segment.instrument(row)
            self._steps[row] = its.tick, its.lot
        return self._steps[row]
