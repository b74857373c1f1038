"""Boards and batches of events as tables: their codes as words, their instruments by symbol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from shm.history.columns import Rows, members, plain, words_of
from shm.history.table import Table
from shm.names import InstrumentKind, Kind, OptionType, Reason, Side, Source, Stat, State, Status

if TYPE_CHECKING:
    from shm._arrow import Column

_ABSENT = 255
_BOOK, _TAKER = (
    sum(1 << kind for kind in kinds)
    for kinds in ((Kind.LEVEL, Kind.QUOTE), (Kind.TRADE, Kind.LIQUIDATION))
)
_PRICED = _BOOK | _TAKER | 1 << Kind.STAT


class BoardTable(Table):
    """The rows of a board or a chain; fields as of :class:`shm.Board`."""

    _words: ClassVar[Mapping[str, Mapping[int, str]]] = {
        "kind": members(InstrumentKind),
        "option": members(OptionType),
        "state": members(State),
        "reason": members(Reason),
        "status": members(Status),
        "source": members(Source),
    }
    _first: ClassVar[Sequence[str]] = (
        *("symbol", "kind", "option", "strike", "expiry_time", "state", "status"),
        *("bid", "bid_size", "ask", "ask_size", "last", "last_size", "mark", "index", "underlying"),
    )


class EventTable(Table):
    """A batch of events; fields as of :class:`shm.Events`.

    To Arrow `side` is "bid" or "ask" of a level and a quote, "buy" or "sell" of a trade; `stat`,
    `state`, `reason` and `status` are what the records of these kinds say, whose `price` and `size`
    are null then, but for the value of a statistic.
    """

    _words: ClassVar[Mapping[str, Mapping[int, str]]] = {"kind": members(Kind)}
    _first: ClassVar[Sequence[str]] = (
        *("receive_time", "symbol", "kind", "side", "price", "size"),
        *("stat", "state", "reason", "status", "exchange_time"),
    )

    def _arrow(self) -> list[Column]:
        made = {column[0]: column for column in super()._arrow()}
        rows = self.array
        of = _kinds(rows)
        side = np.where(of(_BOOK), rows["side"], np.where(of(_TAKER), rows["side"] + 2, _ABSENT))
        made["side"] = _some("side", side, _SIDES)
        aux = np.where(of(1 << Kind.STAT), rows["aux"], _ABSENT)
        made["stat"] = _some("stat", aux, members(Stat))
        said = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
        told = of(1 << Kind.STATE | 1 << Kind.DEFINITION)
        for values, name in zip(said, ("price", "size"), strict=True):
            values[told] = rows[name][told].astype(np.int64)
        states, defined = of(1 << Kind.STATE), of(1 << Kind.DEFINITION)
        made["state"] = _some("state", np.where(states, said[0], _ABSENT), members(State))
        made["reason"] = _some("reason", np.where(states, said[1], _ABSENT), members(Reason))
        made["status"] = _some("status", np.where(defined, said[0], _ABSENT), members(Status))
        if rows["price"].dtype.kind == "f":
            priced = of(_PRICED)
            for name in ("price", "size"):
                made[name] = plain(name, np.where(priced, rows[name], np.nan))
        order = dict.fromkeys([*self._first, *made])
        return [made[name] for name in order if name in made]


_SIDES = {Side.BID.value: "bid", Side.ASK.value: "ask", 2: "buy", 3: "sell"}


def _kinds(rows: Rows) -> Callable[[int], npt.NDArray[np.bool_]]:
    """Of which rows the kind is among those of a mask."""
    bits = np.left_shift(np.uint64(1), np.minimum(rows["kind"], 63).astype(np.uint64))
    return lambda mask: (bits & np.uint64(mask)) != 0


def _some(name: str, values: npt.NDArray[Any], words: Mapping[int, str]) -> Column:
    """Codes of which not every row has one."""
    codes = np.clip(values, 0, _ABSENT).astype(np.uint8)
    column = words_of(name, codes[codes != _ABSENT], words)
    return name, codes, *column[2:]
