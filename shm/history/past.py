"""The records of a time, over epochs, and what of that time is missing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from shm._native import NO_INSTRUMENT, RAW_EVENT, Instrument
from shm.directory import Directory
from shm.errors import UnknownInstrument
from shm.history.columns import Rows
from shm.history.missing import EPOCH_BEFORE, EPOCH_ENDED, RING, Missing
from shm.history.recorded import BEGINS, Open, Part, Recorded
from shm.history.ring import Ring, Wanted, joined
from shm.history.times import ALWAYS, NEVER, Window
from shm.names import Kind

RECORD_FIELDS = list(RAW_EVENT.names or ())
Counted = Callable[[Rows], int]
"""How many rows of the answer these records make."""


@dataclass(slots=True)
class Stretch:
    """Records of one epoch, in order, and what its instruments are called."""

    epoch: int
    rows: Rows
    symbols: Mapping[int, str]
    begins_ns: int = 0  #: when the epoch began
    ends_ns: int = 0  #: until when it has records


@dataclass(slots=True)
class Found:
    """What there is, oldest first, and what is missing."""

    stretches: list[Stretch] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)


class Past:
    """What a feed can tell of the past: of these epochs, oldest first, the last one the newest, and
    before them of a recording. That is opened when the rings do not reach far enough."""

    def __init__(
        self, venue: str, directories: list[Directory], recorded: Open = lambda: None
    ) -> None:
        self.venue = venue
        self.directories = directories
        self._open = recorded
        self.rings = [Ring(directory.segment) for directory in directories]
        self.now_ns = self.rings[-1].now_ns

    @property
    def newest(self) -> Directory:
        """The directory whose numbers instruments have in what is found."""
        return self.directories[-1]

    @cached_property
    def recorded(self) -> Recorded | None:
        """The recording, if there is one. A replay has the times of another one's."""
        return None if self.rings[-1].segment.replay else self._open()

    @property
    def opened(self) -> bool:
        """The recording was needed, and is there."""
        return self.__dict__.get("recorded") is not None

    def reopened(self) -> Recorded | None:
        """The recording as it is by now."""
        return self._open()

    # ---- who is asked for ----

    def symbol_of(self, instrument: Instrument | str) -> str:
        """The venue's symbol of an instrument, or of a name. Raises UnknownInstrument."""
        if isinstance(instrument, Instrument):
            if instrument.venue != self.venue:
                raise UnknownInstrument(
                    f"{instrument.symbol} is an instrument of {instrument.venue}, not {self.venue}"
                )
            return instrument.symbol
        for directory in reversed(self.directories):
            row = directory.find(instrument)
            if row is not None:
                return directory.symbols[row]
        recorded = self.recorded
        found = None if recorded is None else recorded.find(instrument)
        if found is None:
            raise self.newest.unknown(instrument)
        return found

    def symbols_of(
        self, instruments: Iterable[Instrument | str] | Instrument | str | None
    ) -> set[str] | None:
        """The same of several; None: all."""
        if instruments is None:
            return None
        if isinstance(instruments, (str, Instrument)):
            instruments = [instruments]
        return {self.symbol_of(each) for each in instruments}

    def numbers_of(self, symbols: Iterable[str]) -> list[int]:
        """Their rows in the newest epoch, where they have one."""
        rows = map(self.newest.find_symbol, symbols)
        return [row for row in rows if row is not None]

    # ---- what there is ----

    def read(
        self, kinds: int, symbols: Collection[str] | None, window: Window, counted: Counted
    ) -> Found:
        """Records of these kinds (a bit each) and instruments (None: all) in a window."""
        found = Found()
        if window.rows is None:
            self._since(found, kinds, symbols, window)
        else:
            self._latest(found, kinds, symbols, window, counted)
        self._between(found, window)
        found.stretches = _by_epoch(found.stretches)
        return found

    def _since(
        self, found: Found, kinds: int, symbols: Collection[str] | None, window: Window
    ) -> None:
        from_ns, to_ns = window.bounds
        before: Ring | None = None
        for ring, directory in zip(self.rings, self.directories, strict=True):
            part = ring.since(kinds, wanted(directory, symbols), from_ns, to_ns)
            short = before is None and window.from_ns is not None and from_ns < ring.begins_ns
            unreached = [each for each in part.missing if each.reason == RING]
            if short or unreached:
                if self.recorded is not None:
                    self._from_recording(found, kinds, symbols, window, before, ring, part.first)
                    part.missing = [each for each in part.missing if each.reason != RING]
                elif short:
                    until = min(ring.begins_ns, to_ns)
                    found.missing.append(Missing(from_ns, until, EPOCH_BEFORE, ring.epoch))
            found.missing += part.missing
            found.stretches.append(_stretch(ring, directory, part.rows))
            before = ring

    def _from_recording(
        self,
        found: Found,
        kinds: int,
        symbols: Collection[str] | None,
        window: Window,
        before: Ring | None,
        ring: Ring,
        first: int,
    ) -> None:
        """What comes before record `first` of a ring, and behind the ring before it."""
        recorded = self.recorded
        assert recorded is not None
        from_ns, to_ns = window.bounds
        after = (0, 0) if before is None else (before.epoch, before.last)
        until = part_of(ring, first)
        parts = recorded.parts(after, until, from_ns)
        missing = recorded.missing(
            parts if before is None else [part_of(before, 1), *parts],
            from_ns if before is None else None,
            until,
        )
        found.missing += [
            each
            for each in missing
            if (each.from_ns or ALWAYS) < to_ns and (each.to_ns or NEVER) > from_ns
        ]
        asked = [kind for kind in Kind if kinds >> kind & 1]
        for part in parts:
            if part.from_ns < to_ns:
                one = recorded.read(part, asked, symbols)
                rows = one.rows[_asked(one.rows, kinds, from_ns, to_ns)]
                found.stretches.append(
                    Stretch(part.epoch, rows, one.symbols, part.from_ns, part.to_ns)
                )

    def _latest(
        self,
        found: Found,
        kinds: int,
        symbols: Collection[str] | None,
        window: Window,
        counted: Counted,
    ) -> None:
        still = window.rows or 0
        to_ns = window.bounds[1]
        ring = self.rings[-1]
        begin = ring.last + 1
        for ring, directory in reversed(list(zip(self.rings, self.directories, strict=True))):
            part = ring.latest(still, kinds, wanted(directory, symbols), to_ns, counted)
            found.missing[:0] = part.missing
            found.stretches.insert(0, _stretch(ring, directory, part.rows))
            still -= counted(part.rows)
            begin = part.first
            if still <= 0 or begin > 1:
                break
        if still > 0 and self.recorded is not None:
            self._latest_of_recording(found, kinds, symbols, to_ns, counted, ring, begin, still)
        elif still > 0:
            why = RING if begin > 1 else EPOCH_BEFORE
            reaches = ring.received_ns(begin) if begin > 1 else ring.begins_ns
            found.missing.insert(0, Missing(None, reaches, why, ring.epoch))

    def _latest_of_recording(
        self,
        found: Found,
        kinds: int,
        symbols: Collection[str] | None,
        to_ns: int,
        counted: Counted,
        ring: Ring,
        begin: int,
        still: int,
    ) -> None:
        recorded = self.recorded
        assert recorded is not None
        until = part_of(ring, begin)
        parts = recorded.parts((0, 0), until, ALWAYS)
        asked = [kind for kind in Kind if kinds >> kind & 1]
        at = len(parts)
        while still > 0 and at:
            at -= 1
            one = recorded.read(parts[at], asked, symbols)
            rows = one.rows[_asked(one.rows, kinds, ALWAYS, to_ns)]
            found.stretches.insert(
                0, Stretch(one.part.epoch, rows, one.symbols, one.part.from_ns, one.part.to_ns)
            )
            still -= counted(rows)
        found.missing += recorded.missing(parts[at:], None, until)
        if still > 0:
            begins = parts[0].from_ns if parts else until.from_ns
            found.missing.append(Missing(None, begins, BEGINS))

    def _between(self, found: Found, window: Window) -> None:
        """When no writer ran: between the epochs that were read, and since the last one."""
        from_ns, to_ns = window.bounds
        read = {stretch.epoch for stretch in found.stretches}
        for before, after in zip(self.rings, self.rings[1:], strict=False):
            begin, end = max(before.ends_ns, from_ns), min(after.begins_ns, to_ns)
            if begin < end and before.epoch in read:
                found.missing.append(Missing(begin, end, EPOCH_ENDED, before.epoch))
        over = self.rings[-1].ended(min(self.now_ns, to_ns))
        if over is not None:
            begin = max(over.from_ns or 0, from_ns)
            if over.to_ns is not None and begin < over.to_ns:
                found.missing.append(Missing(begin, over.to_ns, over.reason, over.epoch))
        found.missing.sort(key=lambda each: each.from_ns or ALWAYS)

    def numbers(self, stretch: Stretch, others: dict[str, int]) -> npt.NDArray[np.uint32] | None:
        """What the newest epoch calls the instruments of a stretch; None: the same.

        One that it has not gets a number behind all of its rows, which `others` remembers.
        """
        if stretch.epoch == self.newest.segment.epoch:
            return None
        made = np.full(max(stretch.symbols, default=-1) + 1, NO_INSTRUMENT, np.uint32)
        for row, symbol in dict(stretch.symbols).items():
            number = self.newest.find_symbol(symbol)
            if number is None:
                number = others.setdefault(symbol, self.newest.segment.capacity + len(others))
            made[row] = number
        return made


def _stretch(ring: Ring, directory: Directory, rows: Rows) -> Stretch:
    directory.learn()
    return Stretch(ring.epoch, rows, directory.symbols, ring.begins_ns, ring.ends_ns)


def _by_epoch(stretches: list[Stretch]) -> list[Stretch]:
    """One of each epoch: a message may begin in a recording and end in the ring."""
    made: list[Stretch] = []
    for one in stretches:
        if not made or made[-1].epoch != one.epoch:
            made.append(one)
            continue
        rows = [each.rows[RECORD_FIELDS].astype(RAW_EVENT) for each in (made[-1], one)]
        begins_ns = made.pop().begins_ns
        made.append(Stretch(one.epoch, joined(rows), one.symbols, begins_ns, one.ends_ns))
    return made


def of_kinds(rows: Rows, kinds: int) -> npt.NDArray[np.bool_]:
    """Of which rows the kind is among these (a bit each); 64 and more are none that is known."""
    known = np.array([kinds >> kind & 1 if kind < 64 else 0 for kind in range(256)], np.bool_)
    found: npt.NDArray[np.bool_] = known[rows["kind"]]
    return found


def _asked(rows: Rows, kinds: int, from_ns: int, to_ns: int) -> npt.NDArray[np.bool_]:
    inside = of_kinds(rows, kinds)
    inside &= (rows["receive_ns"] >= from_ns) & (rows["receive_ns"] < to_ns)
    return inside


def part_of(ring: Ring, first: int) -> Part:
    """What a ring has from record `first` on."""
    begins = ring.begins_ns if first == 1 else ring.received_ns(first) or ring.begins_ns
    return Part(ring.epoch, first, ring.last, begins, ring.ends_ns, ring=True)


def wanted(directory: Directory, symbols: Collection[str] | None) -> Wanted | None:
    """Which rows of a directory are asked for; None: all."""
    if symbols is None:
        return None
    chosen = np.zeros(max(1, directory.learn()), np.uint8)
    for symbol in symbols:
        row = directory.find_symbol(symbol)
        if row is not None and row < len(chosen):
            chosen[row] = 1
    return chosen
