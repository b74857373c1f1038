"""A recording back into memory, at any pace: a strategy runs on yesterday unchanged."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from feedhandler.capture.pace import Pace
from feedhandler.mirror.epoch import Epoch, Geometry
from shm.recording.reader import Recording
from shm.recording.window import Place, Rows, based, first_at, reaches

_BEAT_S = 0.1
#: of several venues, or at a pace, what was received within so long is played at once
_TOGETHER_NS = 10_000_000
_PACED_NS = 1_000_000

#: (records done, records in all)
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Replayed:
    """What a replay played of a venue."""

    venue: str
    records: int = 0
    epochs: int = 0
    from_ns: int = 0
    to_ns: int = 0
    missing: int = 0  #: records that the recording has not, in between
    problems: list[str] = field(default_factory=list)


def replay(
    directory: str | os.PathLike[str],
    *,
    venues: Iterable[str] | None = None,
    namespace: str = "replay",
    speed: float | None = None,
    depth: int = 50,
    ring_slots: int = 131_072,
    start: Place | None = None,
    end: Place | None = None,
    progress: Progress | None = None,
    hold: Callable[[list[Replayed]], None] | None = None,
) -> list[Replayed]:
    """Play recorded venues into memory, all of them by one clock; readers may attach meanwhile.

    `speed`: a multiple of the recorded pace, None for as fast as it goes. `start`: with it, memory
    begins as it was then: books, states, statistics. `hold`: called at the end, while the memory
    is still there. The memory is removed when this returns.

    Raises ValueError (`speed`), what :class:`Recording` raises, and what :func:`shm.segment.create`
    raises.
    """
    if speed is not None and not speed > 0:
        raise ValueError(f"speed {speed}: a number above 0, or None for as fast as it goes")
    recording = Recording(Path(directory))
    wanted = list(venues) if venues is not None else recording.venues()
    geometry = Geometry(namespace, depth, ring_slots)
    span = _PACED_NS if speed is not None else _TOGETHER_NS if len(wanted) > 1 else None
    with ExitStack() as stack:
        playing = []
        for venue in wanted:
            one = _Venue(recording, venue, geometry, start, end, span)
            stack.callback(one.close)
            playing.append(one)
        beating = stack.enter_context(_Heart(playing))
        _play(playing, speed, progress, beating)
        found = [one.result for one in playing]
        if hold is not None:
            hold(found)
    return found


def _play(
    playing: list[_Venue], speed: float | None, progress: Progress | None, heart: _Heart
) -> None:
    """By the time at which each piece was received."""
    total = sum(one.total for one in playing)
    pace = Pace(speed, heart.beat)
    going: list[tuple[int, int, Iterator[int]]] = []
    for at, one in enumerate(playing):
        steps = one.steps()
        with suppress(StopIteration):
            going.append((next(steps), at, steps))
    while going:
        going.sort(key=lambda each: each[:2])
        due, at, steps = going[0]
        pace.wait(due)
        try:
            going[0] = next(steps), at, steps  # plays what was due
        except StopIteration:
            going.pop(0)
        if progress is not None:
            progress(sum(one.result.records for one in playing), total)


class _Heart:
    """Readers of a memory without a heartbeat take its writer for suspect."""

    def __init__(self, playing: list[_Venue]) -> None:
        self._playing = playing
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat")

    def __enter__(self) -> _Heart:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def beat(self) -> None:
        for one in self._playing:
            one.beat()

    def _run(self) -> None:
        while not self._over.wait(_BEAT_S):
            self.beat()


class _Venue:
    """One venue's records, piece by piece."""

    def __init__(
        self,
        recording: Recording,
        venue: str,
        geometry: Geometry,
        start: Place | None,
        end: Place | None,
        span: int | None,
    ) -> None:
        self.result = Replayed(venue)
        self.total = sum(segment.records for segment in recording.segments(venue))
        self._recording = recording
        self._geometry = geometry
        self._start, self._end = start, end
        self._span = span
        self._definitions = recording.definitions(venue)
        self._epoch: Epoch | None = None
        self._lock = threading.Lock()

    def beat(self) -> None:
        with self._lock:
            if self._epoch is not None:
                self._epoch.beat()

    def close(self) -> None:
        with self._lock:
            if self._epoch is not None:
                self._epoch.flush()
                self.result.problems += self._epoch.close()
                self._epoch = None

    def steps(self) -> Iterator[int]:
        """Before each piece is played, when it was received."""
        begun = self._start is None
        for rows in self._rows():
            rest = rows
            if not begun:
                assert self._start is not None
                at = first_at(rows, self._start)
                self._at(rows).prime(rows[:at])
                if at is None:
                    continue
                begun, rest = True, rows[at:]
            for piece in self._pieces(rest):
                yield int(piece["receive_ns"][0])
                self._take(piece)
        if self._epoch is not None:
            self._epoch.flush()

    def _rows(self) -> Iterator[Rows]:
        """From the bases on that lead to the start."""
        venue, begin = self.result.venue, self._start
        if begin is not None:
            segments = self._recording.segments(venue)
            at = next((i for i, s in enumerate(segments) if reaches(s, begin)), None)
            if at is None:
                return iter(())
            at = based(segments, at)
            begin = segments[at].epoch, segments[at].first
        return self._recording.rows(venue, start=begin, end=self._end)

    def _pieces(self, rows: Rows) -> Iterator[Rows]:
        if self._span is None:
            yield rows
            return
        times = rows["receive_ns"]
        while len(rows):
            late = times > times[0] + self._span
            count = int(late.argmax()) if late.any() else len(rows)
            yield rows[:count]
            rows, times = rows[count:], times[count:]

    def _take(self, rows: Rows) -> None:
        epoch = self._at(rows)
        self.result.missing += epoch.play(rows)
        records = rows[rows["base"] == 0]
        self.result.records += len(records)
        if len(records):
            self.result.from_ns = self.result.from_ns or int(records["receive_ns"][0])
            self.result.to_ns = int(records["receive_ns"][-1])

    def _at(self, rows: Rows) -> Epoch:
        """The memory that has the epoch of these rows."""
        number = int(rows["epoch"][0])
        if self._epoch is None or self._epoch.number != number:
            self.close()
            self.result.epochs += 1
            first = int(rows["sequence"][0])
            epoch = Epoch(
                self._recording,
                self.result.venue,
                [
                    segment
                    for segment in self._recording.segments(self.result.venue)
                    if segment.epoch == number and segment.last >= first - 1
                ],
                [row for row in self._definitions if row.epoch == number],
                self._geometry,
            )
            with self._lock:
                self._epoch = epoch
        assert self._epoch is not None
        return self._epoch
