"""The recorder: one thread reads the rings, one writes to disk, and neither waits for long.

Between them is a queue with a bound; what does not fit stays in the ring, until it is overwritten
there: then the recording says exactly what is missing. When the disk is full, or does not work,
what is not committed is taken away and nothing is read; it goes on where the rings still have it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import monotonic, time_ns
from typing import Any

import msgspec

from feedhandler.config.record_keys import RecordConfig
from feedhandler.log import Throttle, log
from feedhandler.number_text import duration
from feedhandler.recording.compaction import Compactor
from feedhandler.recording.directory import RecordingDirectory
from feedhandler.recording.reading import Ended, Item, Opened, Queue, Records, VenueReader
from feedhandler.recording.venue_recorder import Committed, VenueRecorder
from shm.owners import believed
from shm.recording.manifest import (
    DISK_FULL,
    KILLED,
    STOPPED,
    Line,
    Loss,
    Manifest,
    Pause,
    Resume,
    Start,
    Stop,
    holes,
)
from shm.recording.schema import pyarrow

RECORDING, PAUSED = "RECORDING", "PAUSED"
_IDLE_S = 0.005
_TICK_S = 0.2
_RETRY_S = 1.0
_REST_S = 5.0
_ROWS_IN_MEMORY = 1_000_000  #: of all open segments: 72 bytes each
_MIB = 1 << 20

Report = Callable[[dict[str, Any]], None]


class Recorder:
    """Of these venues, into a directory; raises what :class:`RecordingDirectory` does.

    `report` gets the status once a second, in the writer's thread.
    """

    def __init__(
        self,
        directory: Path,
        namespace: str,
        venues: Sequence[str],
        config: RecordConfig,
        report: Report | None = None,
        owner: str | int | None = None,
    ) -> None:
        pyarrow()
        self.stop = threading.Event()
        self._read = threading.Event()  #: nothing more is read
        self.state, self.detail = RECORDING, ""
        self._directory = RecordingDirectory(directory)
        self._namespace = namespace
        self._config = config
        self._report = report
        self._queue = Queue(config.buffer_mib * _MIB)
        owners = believed(owner)
        self._readers = {
            venue: VenueReader(namespace, venue, owners, self._queue) for venue in venues
        }
        self._began = monotonic()
        self._turn = threading.Lock()  #: held by whoever uses the readers
        self._paused = False
        self._failure: BaseException | None = None
        try:
            self._venues = self._start(venues)
        except BaseException:
            self._directory.close()
            raise
        self._compactor = Compactor(directory) if config.compact else None
        self._rates = Rates()
        self._quiet = Throttle()

    def _start(self, venues: Sequence[str]) -> dict[str, VenueRecorder]:
        """Tidy up after the last run, and find out where it ended."""
        known = self._directory.manifest
        orderly = not known.lines or isinstance(known.lines[-1], Stop)
        cause = STOPPED if orderly else KILLED
        self._directory.tidy()
        config: dict[str, Any] = msgspec.to_builtins(self._config)
        lines: list[Line] = [
            Start(time_ns(), os.getpid(), _version(), config=config),
            *_untold(known, cause),
        ]
        self._directory.append(lines)
        found = {}
        for venue in venues:
            committed = Committed.of(known, venue)
            found[venue] = VenueRecorder(self._directory, venue, self._config, committed, cause)
            self._readers[venue].begin(committed, "run")
        return found

    # ---- reading

    def run(self) -> None:
        """Until `stop` is set; then what came so far is committed. Raises what ended it."""
        writer = threading.Thread(target=self._write_all, name="record-writer")
        writer.start()
        try:
            while not self.stop.is_set() and writer.is_alive():
                with self._turn:
                    some = False if self._paused else self._poll()
                if not some:
                    self.stop.wait(_IDLE_S)
            self._read_the_rest(writer)
        finally:
            self.stop.set()
            self._read.set()
            writer.join()
            with self._turn:
                for reader in self._readers.values():
                    reader.close()
            self._directory.close()
        if self._failure is not None:
            raise self._failure

    def _read_the_rest(self, writer: threading.Thread) -> None:
        """What was published before the stop: its writer may be gone, and the ring with it."""
        until = monotonic() + _REST_S
        while writer.is_alive() and not self._paused and monotonic() < until:
            with self._turn:
                if not self._poll():
                    return

    def _poll(self) -> bool:
        some = [reader.poll() for reader in self._readers.values()]
        return any(some)

    # ---- writing

    def _write_all(self) -> None:
        try:
            self._write_until_stopped()
        except BaseException as error:  # told by `run`, in the thread that can
            self._failure = error
        finally:
            self._queue.close()

    def _write_until_stopped(self) -> None:
        ticked = reported = 0.0
        while True:
            stopping = self._read.is_set()
            try:
                item = self._queue.get(0.0 if stopping else _TICK_S)
                if item is not None:
                    self._take(item)
                elif stopping:
                    self._finish()
                    return
                now = monotonic()
                if now - ticked >= _TICK_S:
                    ticked = now
                    self._tick()
            except OSError as error:
                if not self._pause(error):
                    return
            if monotonic() - reported >= 1.0:
                reported = monotonic()
                self._tell()

    def _take(self, item: Item) -> None:
        venue = self._venues[item.venue]
        match item:
            case Records():
                venue.rows(item.rows)
                self._spill()
            case Opened():
                venue.opened(item.segment, item.first, item.found, item.why)
            case Ended():
                venue.ended(item.epoch, item.last, item.why)

    def _spill(self) -> None:
        """Memory is flat however many venues there are."""
        its = [venue.open for venue in self._venues.values() if venue.open is not None]
        if sum(each.buffered for each in its) > _ROWS_IN_MEMORY:
            max(its, key=lambda each: each.buffered).spill()

    def _tick(self) -> None:
        if self._directory.free_bytes() < self._config.free_mib * _MIB:
            for venue in self._venues.values():
                venue.commit(inside=True)
            raise OSError(28, f"less than {self._config.free_mib} MiB are free")
        for venue in self._venues.values():
            venue.tick()
        if self._compactor is not None and not self.stop.is_set():
            self._compactor.step(self._directory)

    def _finish(self) -> None:
        for venue in self._venues.values():
            venue.finish()
        if self._compactor is not None:
            self._compactor.close(self._directory)
        self._directory.append([Stop(time_ns(), os.getpid(), "stopped")])

    # ---- no room

    def _pause(self, error: OSError) -> bool:
        """Until the disk takes data again. False: stopped meanwhile."""
        self.state, self.detail = PAUSED, error.strerror or str(error)
        self._queue.close()
        with self._turn:  # the other thread is out of the readers, and stays out
            self._paused = True
        for venue in self._venues.values():
            venue.abandon(DISK_FULL)
        log.error("%s: %s: paused", self._directory.path, self.detail)
        free = self._free()
        said = self._said(Pause(time_ns(), self.detail, free))
        while not self.stop.wait(_RETRY_S):
            self._tell()
            free = self._free()
            if free < self._config.free_mib * _MIB * 5 // 4:
                continue
            lines = [] if said else [Pause(time_ns(), self.detail, free)]
            if self._said(*lines, Resume(time_ns(), free)):
                break
        else:
            return False
        log.warning("%s: records again", self._directory.path)
        self._queue.open()
        with self._turn:
            for name, venue in self._venues.items():
                self._readers[name].begin(venue.committed, "loss")
            self._paused = False
        self.state, self.detail = RECORDING, ""
        return True

    def _free(self) -> int:
        try:
            return self._directory.free_bytes()
        except OSError:
            return 0

    def _said(self, *lines: Pause | Resume) -> bool:
        try:
            self._directory.append(lines)
        except OSError as error:
            self.detail = error.strerror or str(error)
            return False
        return True

    # ---- what people see

    def _tell(self) -> None:
        """Once a second, and a word when it may be lapped."""
        status = self.status()
        for one in status["venues"]:
            behind, ring = one["behind_ns"], one["ring_ns"]
            if ring and behind > ring / 2:
                self._quiet.warning(
                    one["venue"],
                    f"{one['venue']}: {duration(behind)} behind, and its ring holds "
                    f"{duration(ring)}: more `ring_slots`, or a core for the recorder (`cpu`)",
                )
        if self._report is not None:
            self._report(status)

    def status(self) -> dict[str, Any]:
        """How it is: of the recorder, and of each venue."""
        now, clock = monotonic(), time_ns()
        venues = [self._venue_status(name, now) for name in self._venues]
        return {
            "pid": os.getpid(),
            "namespace": self._namespace,
            "directory": str(self._directory.path.absolute()),
            "state": self.state,
            "detail": self.detail,
            "time_ns": clock,
            "uptime_ns": int((now - self._began) * 1e9),
            "free_bytes": self._free(),
            "queue_bytes": self._queue.bytes,
            "venues": venues,
        }

    def _venue_status(self, name: str, now: float) -> dict[str, Any]:
        venue, reader = self._venues[name], self._readers[name]
        committed, its = venue.committed, venue.open
        rate = self._rates.of(name, venue.records, now)
        behind = reader.waited_ns() + self._queue.age_ns()
        return {
            "venue": name,
            "waits_for": reader.waits_for,
            "epoch": its.epoch if its else committed.epoch if committed else 0,
            "records": venue.records,
            "rate": rate,
            "behind_ns": behind,
            "ring_ns": reader.ring_ns(),
            "lag": reader.lag,
            "lost": venue.lost,
            "committed": committed.last if committed else 0,
            "segments": venue.segments,
            "bytes": venue.bytes + (its.bytes if its else 0),
        }


class Rates:
    """Records a second of each venue, over the last seconds."""

    def __init__(self) -> None:
        self._seen: dict[str, list[tuple[float, int]]] = {}

    def of(self, name: str, count: int, now: float) -> float:
        seen = self._seen.setdefault(name, [])
        seen.append((now, count))
        while len(seen) > 2 and seen[1][0] < now - 5.0:
            seen.pop(0)
        since, before = seen[0]
        return (count - before) / (now - since) if now > since else 0.0


def _version() -> str:
    try:
        return version("feedhandler")
    except PackageNotFoundError:  # run from its sources
        return "unknown"


def _untold(known: Manifest, cause: str) -> list[Loss]:
    """Holes of which no line tells: the recorder was cut off just before it could."""
    lines = []
    for venue in known.venues():
        told = {(loss.epoch, loss.first) for loss in known.losses(venue)}
        for epoch, first, last in holes(known, venue):
            if (epoch, first) not in told:
                count = None if last is None else last + 1 - first
                lines.append(Loss(time_ns(), venue, epoch, first, last, count, cause, None, None))
    return lines
