"""hftbacktest's npz: events in the order of two clocks.

https://github.com/nkaz001/hftbacktest, py-hftbacktest/hftbacktest/data/validation.py. An event
counts at the exchange at `exch_ts` and for a strategy at `local_ts`. Both orders have to hold, so
that an event that was overtaken on its way stands there twice, once for each. Events are put aside
on disk until all are there: what is held in memory does not grow with a day's length.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import zstandard

from feedhandler.export._order import merged
from feedhandler.export.hftbacktest import EVENT, EXCH_EVENT, LOCAL_EVENT, TRADE_EVENT
from feedhandler.export.source import SourceError

_CHUNK = 1 << 18  # events that are held in memory at once
_BUCKET = 1 << 20
_SAMPLED = 1 << 10  # of so many sorted times one is remembered
_MOST = (1 << 31) - 1
_LEVEL = 3  # of the compression: a third of the time of 6, for a tenth more bytes
_KEPT = np.dtype([(name, EVENT[name]) for name in ("ev", "exch_ts", "local_ts", "px", "qty")])

Numbers = npt.NDArray[np.int32]


class NpzFile:
    """Events, put aside until `close` writes them in their order.

    `early`: how many had a time of the exchange that was later than that of their reception, which
    cannot be; all local times are then later by the most of it, as hftbacktest's own
    `correct_local_timestamp` does it. `twice`: how many are written for each clock apart.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = _Kept(path.parent)
        self._samples: list[npt.NDArray[np.int64]] = []
        self._times: list[tuple[int, int]] = []  #: of each piece that is kept: earliest, latest
        self._ahead = 0
        self.early = 0
        self.twice = 0

    def write(self, events: npt.NDArray[np.void]) -> None:
        for first in range(0, len(events), _CHUNK):
            part = events[first : first + _CHUNK]
            times = part["exch_ts"]
            ahead = times - part["local_ts"]
            self.early += int(np.count_nonzero(ahead > 0))
            self._ahead = max(self._ahead, int(ahead.max()))
            self._times.append((int(times.min()), int(times.max())))
            self._samples.append(np.sort(times)[::_SAMPLED].copy())
            self._kept.add(part)
        if self._kept.count > _MOST:
            raise SourceError(f"an npz file of more than {_MOST:,} events: choose less of the time")

    def close(self) -> None:
        count, folder = self._kept.count, self._path.parent
        with self._kept, _Aside(folder, count) as by_exchange, _Aside(folder, count) as rank:
            done = 0
            for order in self._by_exchange():
                by_exchange[done : done + len(order)] = order
                rank[order] = np.arange(done, done + len(order))
                done += len(order)
            total = sum(len(event) for event, _ in _order(by_exchange, rank))
            self.twice = total - count
            self._save(total, _order(by_exchange, rank))

    def _by_exchange(self) -> Iterator[npt.NDArray[np.int64]]:
        """The events' numbers in the order of the exchange's clock; of one instant trades come
        first: the levels that they change have them in them already."""
        if not self._kept.count:
            return
        samples = np.sort(np.concatenate(self._samples))
        step = max(1, _BUCKET // _SAMPLED)
        bounds = [None, *np.unique(samples[step::step]).tolist(), None]
        for lowest, end in pairwise(bounds):
            numbers, keys = [], []
            for piece, (earliest, latest) in enumerate(self._times):
                if (end is not None and earliest >= end) or (
                    lowest is not None and latest < lowest
                ):
                    continue
                part = self._kept.piece(piece)
                times = part["exch_ts"]
                its = np.ones(len(part), np.bool_)
                its &= True if lowest is None else times >= lowest
                its &= True if end is None else times < end
                numbers.append(self._kept.firsts[piece] + np.flatnonzero(its))
                depth = (part["ev"][its] & 0xFF) != TRADE_EVENT
                keys.append((times[its], depth))
            if numbers:
                times = np.concatenate([key[0] for key in keys])
                depth = np.concatenate([key[1] for key in keys])
                yield np.concatenate(numbers)[np.lexsort((depth, times))]

    def _save(self, total: int, order: Iterator[tuple[Numbers, npt.NDArray[np.int8]]]) -> None:
        """One thread puts the next events together while another compresses the last ones."""
        header = {"descr": np.lib.format.dtype_to_descr(EVENT), "fortran_order": False}
        with (
            zipfile.ZipFile(self._path, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive,
            archive.open("data.npy", "w", force_zip64=True) as out,
            ThreadPoolExecutor(1, "compress") as compressing,
        ):
            np.lib.format.write_array_header_1_0(out, header | {"shape": (total,)})
            last: Future[int] | None = None
            for event, clock in order:
                made = self._made(event, clock)
                if last is not None:
                    last.result()
                last = compressing.submit(out.write, made)
            if last is not None:
                last.result()

    def _made(self, event: Numbers, clock: npt.NDArray[np.int8]) -> memoryview:
        """These events as they stand in the file."""
        first = int(event.min())
        part = self._kept.events(first, int(event.max()) + 1)[event - first]
        made = np.zeros(len(part), EVENT)
        for name in _KEPT.names or ():
            made[name] = part[name]
        made["ev"] |= np.where(clock & 1, EXCH_EVENT, 0).astype(np.uint64)
        made["ev"] |= np.where(clock & 2, LOCAL_EVENT, 0).astype(np.uint64)
        made["local_ts"] += self._ahead
        return made.view(np.uint8).data

    def abort(self) -> None:
        """Let go of it; what is in it is of no use."""
        self._kept.close()


def _order(by_exchange: Numbers, rank: Numbers) -> Iterator[tuple[Numbers, npt.NDArray[np.int8]]]:
    """Which events follow, and by which clock."""
    exchange = local = 0
    while local < len(rank) or exchange < len(rank):
        event, clock = np.empty(_CHUNK, np.int32), np.empty(_CHUNK, np.int8)
        used, exchange, local = merged(by_exchange, rank, exchange, local, event, clock)
        yield event[:used], clock[:used]


class _Kept:
    """Events on disk, compressed, in pieces: what of them is always 0 is left out."""

    def __init__(self, folder: Path) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._places: list[tuple[int, int]] = []
        self._read: dict[int, npt.NDArray[np.void]] = {}  #: the pieces that were wanted last
        self.firsts: list[int] = []
        self.count = 0

    def add(self, events: npt.NDArray[np.void]) -> None:
        """A piece."""
        kept = np.empty(len(events), _KEPT)
        for name in _KEPT.names or ():
            kept[name] = events[name]
        data = zstandard.ZstdCompressor(level=1).compress(kept.view(np.uint8).data)
        self._places.append((self._file.tell(), len(data)))
        self._file.write(data)
        self.firsts.append(self.count)
        self.count += len(events)

    def piece(self, at: int) -> npt.NDArray[np.void]:
        """All of it."""
        if at not in self._read:
            place, size = self._places[at]
            self._file.seek(place)
            data = zstandard.ZstdDecompressor().decompress(self._file.read(size))
            self._read[at] = np.frombuffer(data, _KEPT)
            while len(self._read) > 3:
                del self._read[next(iter(self._read))]
        return self._read[at]

    def events(self, first: int, end: int) -> npt.NDArray[np.void]:
        """Those with these numbers."""
        low, high = np.searchsorted(self.firsts, (first, end - 1), side="right") - 1
        parts = [self.piece(at) for at in range(low, high + 1)]
        begin = self.firsts[low]
        found: npt.NDArray[np.void] = np.concatenate(parts)[first - begin : end - begin]
        return found

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> _Kept:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Aside:
    """An array on disk, gone when it is left."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder, self._count = folder, count

    def __enter__(self) -> npt.NDArray[Any]:
        self._file = tempfile.TemporaryFile(dir=self._folder)
        if not self._count:
            return np.empty(0, np.int32)
        return np.memmap(self._file, np.int32, "w+", shape=(self._count,))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
