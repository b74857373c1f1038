"""hftbacktest's npz: events of one instrument, in the order of two clocks.

https://github.com/nkaz001/hftbacktest, py-hftbacktest/hftbacktest/types.py, data/validation.py. An
event counts at the exchange at `exch_ts` and for a strategy at `local_ts`. Both orders have to
hold, so that an event that was overtaken on its way stands there twice, once for each. Events are
put aside on disk until all are there: what is held in memory does not grow with a day's length.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from feedhandler.export._mirror import Mirror, Records
from feedhandler.export._order import merged
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

_CHUNK = 1 << 20  # events that are held in memory at once
_BUCKET = 1 << 21
_SAMPLED = 1 << 10  # of so many sorted times one is remembered


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


class NpzFile:
    """Events, put aside until `close` writes them in their order.

    `early`: how many had a time of the exchange that was later than that of their reception, which
    cannot be; all local times are then later by the most of it, as hftbacktest's own
    `correct_local_timestamp` does it. `twice`: how many are written for each clock apart.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._aside: IO[bytes] = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115
        self._samples: list[npt.NDArray[np.int64]] = []
        self._chunks: list[tuple[int, int, int, int]] = []  # first, last, earliest, latest
        self._count = 0
        self._ahead = 0
        self.early = 0
        self.twice = 0

    def write(self, events: npt.NDArray[np.void]) -> None:
        for first in range(0, len(events), _CHUNK):
            part = np.ascontiguousarray(events[first : first + _CHUNK])
            times = part["exch_ts"]
            ahead = times - part["local_ts"]
            self.early += int(np.count_nonzero(ahead > 0))
            self._ahead = max(self._ahead, int(ahead.max()))
            last = self._count + len(part)
            self._chunks.append((self._count, last, int(times.min()), int(times.max())))
            self._samples.append(np.sort(times)[::_SAMPLED].copy())
            self._aside.write(part.tobytes())
            self._count = last

    def _events(self, first: int, last: int) -> npt.NDArray[np.void]:
        self._aside.seek(first * EVENT.itemsize)
        return np.frombuffer(self._aside.read((last - first) * EVENT.itemsize), EVENT)

    def close(self) -> None:
        self._aside.flush()
        with (
            self._aside,
            _Aside(self._path.parent, np.dtype(np.int64), self._count) as by_exchange,
            _Aside(self._path.parent, np.dtype(np.int64), self._count) as rank,
        ):
            done = 0
            for order in self._by_exchange():
                by_exchange[done : done + len(order)] = order
                rank[order] = np.arange(done, done + len(order))
                done += len(order)
            total = sum(len(event) for event, _ in self._order(by_exchange, rank))
            self.twice = total - self._count
            self._save(total, self._order(by_exchange, rank))

    def _by_exchange(self) -> Iterator[npt.NDArray[np.int64]]:
        """The events' numbers in the order of the exchange's clock; of one instant trades come
        first: the levels that they change have them in them already."""
        if not self._count:
            return
        samples = np.sort(np.concatenate(self._samples))
        step = max(1, _BUCKET // _SAMPLED)
        bounds = [None, *np.unique(samples[step::step]).tolist(), None]
        for lowest, end in pairwise(bounds):
            numbers, keys = [], []
            for first, last, earliest, latest in self._chunks:
                if (end is not None and earliest >= end) or (
                    lowest is not None and latest < lowest
                ):
                    continue
                part = self._events(first, last)
                times = part["exch_ts"]
                its = np.ones(len(part), np.bool_)
                its &= True if lowest is None else times >= lowest
                its &= True if end is None else times < end
                numbers.append(first + np.flatnonzero(its))
                depth = (part["ev"][its] & 0xFF) != TRADE_EVENT
                keys.append((times[its], depth))
            if numbers:
                times = np.concatenate([key[0] for key in keys])
                depth = np.concatenate([key[1] for key in keys])
                yield np.concatenate(numbers)[np.lexsort((depth, times))]

    def _order(
        self, by_exchange: npt.NDArray[np.int64], rank: npt.NDArray[np.int64]
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]]:
        exchange = local = 0
        while local < self._count or exchange < self._count:
            event, clock = np.empty(_CHUNK, np.int64), np.empty(_CHUNK, np.int8)
            used, exchange, local = merged(by_exchange, rank, exchange, local, event, clock)
            yield event[:used], clock[:used]

    def _save(
        self, total: int, order: Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]]
    ) -> None:
        header = {"descr": np.lib.format.dtype_to_descr(EVENT), "fortran_order": False}
        with (
            zipfile.ZipFile(self._path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
            archive.open("data.npy", "w", force_zip64=True) as out,
        ):
            np.lib.format.write_array_header_1_0(out, header | {"shape": (total,)})
            for event, clock in order:
                if not len(event):
                    continue
                first = int(event.min())
                part = self._events(first, int(event.max()) + 1)[event - first]
                part["ev"] |= np.where(clock & 1, EXCH_EVENT, 0).astype(np.uint64)
                part["ev"] |= np.where(clock & 2, LOCAL_EVENT, 0).astype(np.uint64)
                part["local_ts"] += self._ahead
                out.write(part.tobytes())

    def abort(self) -> None:
        """Let go of it; what is in it is of no use."""
        self._aside.close()


class _Aside:
    """An array on disk, gone when it is left."""

    def __init__(self, folder: Path, dtype: np.dtype[Any], count: int) -> None:
        self._folder, self._dtype, self._count = folder, dtype, count

    def __enter__(self) -> npt.NDArray[Any]:
        self._file = tempfile.TemporaryFile(dir=self._folder)
        if not self._count:
            return np.empty(0, self._dtype)
        return np.memmap(self._file, self._dtype, "w+", shape=(self._count,))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
