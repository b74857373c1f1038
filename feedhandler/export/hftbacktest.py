"""hftbacktest's events: depth, trades, snapshots of one instrument.

https://github.com/nkaz001/hftbacktest, py-hftbacktest/hftbacktest/types.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from feedhandler.export._mirror import Mirror, Records
from feedhandler.export.columns import doubles
from feedhandler.export.source import SourceError, Terms
from feedhandler.export.table import Chunk
from feedhandler.venues.tardis_ids import liquidations_are_trades
from shm import Kind, Side

DEPTH_EVENT, TRADE_EVENT, DEPTH_CLEAR_EVENT, DEPTH_SNAPSHOT_EVENT = 1, 2, 3, 4
EXCH_EVENT, LOCAL_EVENT, BUY_EVENT, SELL_EVENT = 1 << 31, 1 << 30, 1 << 29, 1 << 28

EVENT = np.dtype(
    [
        ("ev", "u8"), ("exch_ts", "i8"), ("local_ts", "i8"), ("px", "f8"), ("qty", "f8"),
        ("order_id", "u8"), ("ival", "i8"), ("fval", "f8"),
    ],
    align=True,
)  # fmt: skip


class Events:
    """hftbacktest's events of records: depth, trades, snapshots with what they clear."""

    books = True

    def __init__(self, venue: str) -> None:
        self.kinds: frozenset[int] = frozenset({Kind.LEVEL, Kind.CLEAR, Kind.TRADE})
        if liquidations_are_trades(venue):
            self.kinds |= {Kind.LIQUIDATION}
        self._mirror = Mirror()

    def events(self, chunk: Chunk) -> npt.NDArray[np.void]:
        """Of these records. Raises SourceError for a second instrument."""
        one_instrument(chunk.terms)
        levels = self._mirror.apply(Records(chunk.rows, chunk.which))
        depth = _depth(levels, chunk.rows["exchange_ns"], chunk.local_ns)
        traded = np.flatnonzero(~np.isin(chunk.rows["kind"], (Kind.LEVEL, Kind.CLEAR)))
        rows = chunk.rows[traded]
        trades = np.zeros(len(traded), EVENT)
        trades["ev"] = TRADE_EVENT | _sides(rows["side"])
        _times(trades, rows["exchange_ns"], chunk.local_ns[traded])
        trades["px"] = doubles(rows["price"], rows["price_exponent"])
        trades["qty"] = doubles(rows["size"], rows["size_exponent"])
        both = np.concatenate((depth[0], trades))
        return both[np.argsort(np.concatenate((depth[1], traded)), kind="stable")]

    def pass_over(self, chunk: Chunk) -> None:
        """Records from before the time that is wanted."""
        one_instrument(chunk.terms)
        self._mirror.apply(Records(chunk.rows, chunk.which))

    def begin(self, start_ns: int) -> npt.NDArray[np.void]:
        """The book as it was then."""
        levels = self._mirror.whole()
        levels["at"] = 0
        times = np.full(1, start_ns)
        return _depth(levels, times, times)[0]

    def broken(self) -> None:
        """Records are missing here."""
        self._mirror.broken()

    @property
    def dropped(self) -> int:
        """Records of a book that had no base."""
        return self._mirror.dropped


def one_instrument(terms: list[Terms] | Any) -> None:
    """Raises SourceError for a second one: hftbacktest's files have no column for its name."""
    if len(terms) > 1:
        found = ", ".join(one.symbol for one in terms[:5]) + (" ..." if len(terms) > 5 else "")
        raise SourceError(
            f"an npz file is of one instrument, and there are {found}: choose with --instruments"
        )


def _sides(side: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    return np.where(side == Side.BID, BUY_EVENT, SELL_EVENT)


def _times(
    events: npt.NDArray[np.void],
    exchange_ns: npt.NDArray[np.int64],
    local_ns: npt.NDArray[np.int64],
) -> None:
    events["local_ts"] = local_ns
    events["exch_ts"] = np.where(exchange_ns == 0, local_ns, exchange_ns)


def _depth(
    levels: npt.NDArray[np.void],
    exchange_ns: npt.NDArray[np.int64],
    local_ns: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.int64]]:
    """(events, the records that they came with). Before each side of a snapshot what is there is
    cleared, down to the worst level that it tells of."""
    at = levels["at"]
    events = np.zeros(len(levels), EVENT)
    snapshot = levels["flags"] != 0
    events["ev"] = np.where(snapshot, DEPTH_SNAPSHOT_EVENT, DEPTH_EVENT) | _sides(levels["side"])
    _times(events, exchange_ns[at], local_ns[at])
    events["px"] = doubles(levels["price"], levels["price_exponent"])
    events["qty"] = doubles(levels["size"], levels["size_exponent"])
    if not snapshot.any():
        return events, at
    runs = np.flatnonzero(np.diff(np.concatenate(([0], snapshot.view(np.int8), [0]))))
    parts, places, done = [], [], 0
    for first, last in runs.reshape(-1, 2).tolist():
        parts.append(events[done:first])
        places.append(at[done:first])
        for side, worst in ((Side.BID, np.min), (Side.ASK, np.max)):
            its = first + np.flatnonzero(levels["side"][first:last] == side)
            if not len(its):
                continue
            clear = events[its[:1]].copy()
            clear["ev"] = DEPTH_CLEAR_EVENT | _sides(np.array([side], np.uint8))
            clear["px"] = worst(events["px"][its])
            clear["qty"] = 0
            parts += [clear, events[its]]
            places += [at[its[:1]], at[its]]
        done = last
    parts.append(events[done:])
    places.append(at[done:])
    return np.concatenate(parts), np.concatenate(places)
