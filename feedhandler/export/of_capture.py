"""A capture as a source: played in this process into memory of its own, and read from there."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import shm
from feedhandler.capture.replay import ReplayResult, replay
from feedhandler.capture.scan import survey
from feedhandler.export.of_live import terms_of
from feedhandler.export.source import Asked, Batch, Hole, Progress, SourceError, Terms

_SLOTS = 1 << 18
_READ_AT = _SLOTS // 8  # records; a frame has not that many more
_WAITING = 4  # batches


class _Stopped(Exception):  # noqa: N818
    """Nobody wants the rest."""


class CaptureSource:
    """`venue`: whose frames they are, where the capture does not tell. The engine decides what is a
    record, as it did when the frames were live."""

    def __init__(
        self, path: Path, *, venue: str | None = None, progress: Progress | None = None
    ) -> None:
        self._path = path
        self._survey = survey(path, venue)
        self._progress = progress
        self._queue: queue.Queue[Batch | BaseException | None] = queue.Queue(_WAITING)
        self._over = threading.Event()
        self._events: shm.Events | None = None
        self._terms: dict[tuple[int, int], Terms] = {}
        self.venue = self._survey.venue.name
        self.holes: list[Hole] = []
        self.result: ReplayResult | None = None

    def end_ns(self) -> int:
        raise SourceError(
            f"{self._path}: a capture's end is not known before it is played; "
            "give times such as 2026-11-30T08:00"
        )

    def terms(self, epoch: int, row: int) -> Terms:
        return self._terms[epoch, row]

    def batches(self, asked: Asked) -> Iterator[Batch]:
        player = threading.Thread(target=self._play, args=(asked,), name="capture", daemon=True)
        player.start()
        try:
            first = True
            while (one := self._queue.get()) is not None:
                if isinstance(one, BaseException):
                    raise one
                one.broken = first
                first = False
                yield one
        finally:
            self._over.set()
            while player.is_alive():
                try:
                    self._queue.get(timeout=0.05)
                except queue.Empty:
                    continue
            player.join()

    def _play(self, asked: Asked) -> None:
        namespace = f"export-{os.getpid()}-{threading.get_ident() & 0xFFFFFF:x}"

        def read(_: object, __: object = None) -> None:
            if self._over.is_set():
                raise _Stopped
            events = self._events
            if events is None:
                feed = shm.attach(self.venue, namespace=namespace, timeout=0)
                events = self._events = feed.events(
                    kinds=asked.kinds, start="oldest", raw=True, reattach=False
                )
            if events.lag >= _READ_AT:
                self._hand_over(events)

        def rest(result: ReplayResult) -> None:
            self.result = result
            read(result)
            if self._events is not None:
                self._hand_over(self._events)

        try:
            replay(
                self._path,
                venue=self.venue,
                namespace=namespace,
                ring_slots=_SLOTS,
                progress=self._progress,
                observe=read,
                hold=rest,
                surveyed=self._survey,
            )
            self._queue.put(None)
        except _Stopped:
            self._queue.put(None)
        except BaseException as error:
            self._queue.put(error)
        finally:
            if self._events is not None:
                self._events.close()

    def _hand_over(self, events: shm.Events) -> None:
        """All that is there, in one batch."""
        parts = []
        while (rows := events.poll()) is not None:
            parts.append(rows)
        if not parts:
            return
        rows = np.concatenate(parts)
        segment = events.segment
        assert segment is not None  # it is read before its writer ends
        for row in np.unique(rows["instrument"]).tolist():
            if row != shm.NO_INSTRUMENT and (segment.epoch, row) not in self._terms:
                self._terms[segment.epoch, row] = terms_of(segment.instrument(row))
        self._queue.put(Batch(rows, segment.epoch))
