"""Option chains: which rows of a directory are the options on one underlying and expiry."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from shm._native import Instrument
from shm.errors import UnknownInstrument
from shm.names import InstrumentKind

Expiry: TypeAlias = "str | date | int"
"""ISO text or a date: whatever expires on that day, UTC; a datetime or unix ns: that instant."""

_DAY_NS = 86_400_000_000_000


class Underlying(NamedTuple):
    """What options are on: prices of different ones are in different units."""

    base: str
    quote: str
    settle: str

    def __str__(self) -> str:
        return f"{self.base}-{self.quote}:{self.settle}"

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called where that is clear."""
        pair = f"{self.base}-{self.quote}"
        return str(self), pair, self.base


class Chains:
    """The options among the first `rows` rows of a directory."""

    def __init__(self, instruments: Iterable[Instrument], rows: int) -> None:
        self.rows = rows
        self._by_expiry: dict[Underlying, dict[int, list[Instrument]]] = {}
        self._ids: dict[tuple[Underlying, tuple[int, ...]], npt.NDArray[np.uint32]] = {}
        for one in instruments:
            if one.kind is InstrumentKind.OPTION:
                expiries = self._by_expiry.setdefault(
                    Underlying(one.base, one.quote, one.settle), {}
                )
                expiries.setdefault(one.expiry_ns, []).append(one)
        for underlying, expiries in self._by_expiry.items():
            for found in expiries.values():
                found.sort(key=lambda option: (option.strike, option.option))
            self._by_expiry[underlying] = dict(sorted(expiries.items()))

    def underlying(self, name: str) -> Underlying:
        """By `BTC` or `BTC-USD` where only one is called so, or by `BTC-USD:BTC`, which says the
        currency of settlement, too. Raises UnknownInstrument."""
        found = [each for each in self._by_expiry if name in each.names]
        if len(found) == 1:
            return found[0]
        there = sorted(map(str, found or self._by_expiry))
        if found:
            several = " or ".join(there)
            raise UnknownInstrument(f"options on {name!r}: {several}? say which", there)
        raise UnknownInstrument(
            f"no options on {name!r}; there are options on {', '.join(there) or 'nothing'}", there
        )

    def expiries(self, name: str, now_ns: int | None = None) -> list[int]:
        """Expiries of an underlying that are not past, unix ns, sorted."""
        now = time.time_ns() if now_ns is None else now_ns
        return [at for at in self._by_expiry[self.underlying(name)] if at > now]

    def underlyings(self) -> list[str]:
        """All, in the form that is always clear: `BTC-USD:BTC`."""
        return sorted(map(str, self._by_expiry))

    def options(self, name: str, expiry: Expiry | None) -> list[Instrument]:
        """A chain by expiry, strike, call before put. None: every expiry to come.

        Raises UnknownInstrument for an underlying or an expiry that is not there, ValueError for
        an expiry that is none.
        """
        underlying, chosen = self._chosen(name, expiry)
        return [one for at in chosen for one in self._by_expiry[underlying][at]]

    def ids(self, name: str, expiry: Expiry | None) -> npt.NDArray[np.uint32]:
        """The rows of `options`."""
        key = self._chosen(name, expiry)
        ids = self._ids.get(key)
        if ids is None:
            underlying, chosen = key
            expiries = self._by_expiry[underlying]
            ids = np.array([one.id for at in chosen for one in expiries[at]], np.uint32)
            self._ids[key] = ids
        return ids

    def _chosen(self, name: str, expiry: Expiry | None) -> tuple[Underlying, tuple[int, ...]]:
        underlying = self.underlying(name)
        if expiry is None:
            return underlying, tuple(self.expiries(name))
        first, last = _window(expiry)
        expiries = self._by_expiry[underlying]
        chosen = tuple(at for at in expiries if first <= at <= last)
        if not chosen:
            there = ", ".join(_day(at) for at in expiries)
            raise UnknownInstrument(f"no options on {underlying} expire {expiry}; {there} do")
        return underlying, chosen


def _window(expiry: Expiry) -> tuple[int, int]:
    """First and last ns that an expiry means."""
    if isinstance(expiry, datetime):
        if expiry.tzinfo is None:
            raise ValueError(f"expiry {expiry}: it has no time zone: add one (datetime.UTC)")
        at = round((expiry - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 10**9
        return at, at
    if isinstance(expiry, str):
        try:
            expiry = date.fromisoformat(expiry)
        except ValueError:
            raise ValueError(f"expiry {expiry!r}: a day such as 2026-12-25 is wanted") from None
    if isinstance(expiry, date):
        first = (expiry - date(1970, 1, 1)).days * _DAY_NS
        return first, first + _DAY_NS - 1
    return int(expiry), int(expiry)


def _day(expiry_ns: int) -> str:
    return f"{datetime.fromtimestamp(expiry_ns // 10**9, UTC):%Y-%m-%d}"
