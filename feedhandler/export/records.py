"""The plain table: a row a ring record, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from feedhandler.export.columns import NONE, Column, Decimals, Integers, Names, Truths, Unsigned
from feedhandler.export.table import Chunk, Frame, Stateless
from shm import Flag, Kind, Reason, Stat, State, Status, sent_ns

_SIDED = (Kind.LEVEL, Kind.TRADE, Kind.LIQUIDATION, Kind.QUOTE)
_SIDES = ("bid", "ask", "buy", "sell")


def _names(members: Iterable[IntEnum]) -> list[str]:
    """Names by number, in lower case; "" where there is none."""
    named = {member.value: member.name.lower() for member in members}
    return [named.get(number, "") for number in range(max(named) + 1)]


_KINDS, _STATS, _STATES, _REASONS, _STATUSES = map(_names, (Kind, Stat, State, Reason, Status))
_WRITER = ["stops", "starts"]


class Records(Stateless):
    """`kinds`: of the records that are wanted."""

    def __init__(self, venue: str, kinds: Iterable[int] = tuple(Kind)) -> None:
        self.kinds = frozenset(kinds)
        self._venue = venue

    def rows(self, chunk: Chunk) -> Frame:
        rows, count = chunk.rows, len(chunk.rows)
        kind = rows["kind"]
        valued = np.isin(kind, _SIDED)
        stat = kind == Kind.STAT
        price = np.where(valued | stat, rows["price"], NONE)
        size = np.where(valued & (price != NONE), rows["size"], NONE)
        exponent = np.where(stat, rows["size"].astype(np.int8), rows["price_exponent"])
        traded = np.isin(kind, (Kind.TRADE, Kind.LIQUIDATION))
        nothing = np.full(count, -1)
        columns: dict[str, Column] = {
            "venue": Names([self._venue], np.zeros(count, np.int64)),
            "symbol": Names([one.symbol for one in chunk.terms], chunk.which),
            "epoch": Integers(np.full(count, chunk.epoch)),
            "sequence": Unsigned(rows["sequence"]),
            "kind": Names(_KINDS, kind),
            "side": Names(_SIDES, np.where(valued, rows["side"] + 2 * traded, nothing)),
            "price": Decimals(price, exponent),
            "size": Decimals(size, rows["size_exponent"]),
            "stat": Names(_STATS, np.where(stat, rows["aux"].astype(np.int64), nothing)),
            "state": self._states(chunk),
            "reason": Names(_REASONS, np.where(kind == Kind.STATE, rows["size"], nothing)),
            "snapshot": Truths(rows["flags"] & Flag.SNAPSHOT != 0),
            "last": Truths(rows["flags"] & (Flag.LAST | Flag.MORE) == Flag.LAST),
            "exchange_ns": Integers(np.where(rows["exchange_ns"], rows["exchange_ns"], NONE)),
            "sent_ns": Integers(np.where(sent := sent_ns(rows), sent, NONE)),
            "receive_ns": Integers(rows["receive_ns"]),
            "venue_sequence": Unsigned(rows["venue_sequence"]),
            "price_scaled": Integers(price),
            "price_exponent": Integers(exponent.astype(np.int64)),
            "size_scaled": Integers(size),
            "size_exponent": Integers(rows["size_exponent"].astype(np.int64)),
        }
        return Frame(columns, count)

    @staticmethod
    def _states(chunk: Chunk) -> Names:
        """Of STATE the book's, of DEFINITION what the venue does with orders."""
        kind, value = chunk.rows["kind"], chunk.rows["price"]
        which = np.full(len(kind), -1, np.int64)
        table: list[str] = []
        for one, names in (
            (Kind.STATE, _STATES),
            (Kind.DEFINITION, _STATUSES),
            (Kind.WRITER, _WRITER),
        ):
            its: npt.NDArray[np.bool_] = (kind == one) & (value >= 0) & (value < len(names))
            which[its] = value[its] + len(table)
            table += names
        return Names(table, which)
