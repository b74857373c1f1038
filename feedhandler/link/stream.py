"""One publication of a venue: batches for all mirrors that want the same of it."""

from __future__ import annotations

import secrets
import threading
from time import monotonic
from typing import Any

from feedhandler.adapter.pattern import Pattern
from feedhandler.adapter.selection import NOT
from feedhandler.link._link import Lapped, Source
from feedhandler.link.names import kind_bits
from shm._native import Segment

BATCH_BYTES = 48 << 10  #: of records, about: with the cells it is one packet of the engine's
_BEHIND = 1024  #: records that who comes late begins with
_UNHEARD_S = 30.0


class Stream:
    """`send` from one thread; `repair` from any."""

    def __init__(self, publisher: Any, only: tuple[str, ...], kinds: tuple[str, ...]) -> None:
        self.only, self.kinds = only, kinds
        self.life = 0
        self._left_out = 0
        self.sent = 0
        self.bytes = 0
        self._publisher = publisher
        self._rules = [(Pattern.parse(rule.removeprefix(NOT)), rule[:1] != NOT) for rule in only]
        self._lock = threading.Lock()
        self._source: Source | None = None
        self._heard = monotonic()
        self._limit = BATCH_BYTES

    def begin(self, segment: Segment, first: int | None, limit: int) -> None:
        """From that record on (None: from now on), with all that cells say."""
        life = secrets.randbits(63) | 1
        source = Source(
            segment,
            life=life,
            kinds=kind_bits(self.kinds),
            choose=bool(self.only),
            first=first,
        )
        with self._lock:
            self._source, self._limit, self.life = source, limit, life
            self._judge()
            self._put(source.batch(limit, beat=True, histograms=True))

    def send(self, *, beat: bool, verdict: int, histograms: bool) -> None:
        """All that is new. Raises :class:`shm.DamagedSegment`."""
        with self._lock:
            source = self._source
            if source is None:
                return
            while True:
                self._judge()
                try:
                    data = source.batch(
                        self._limit, beat=beat, verdict=verdict, histograms=histograms
                    )
                except Lapped:
                    self._left_out += source.go_on()
                    beat = True
                    continue
                if data is None:
                    return
                self._put(data)
                beat = False

    def send_new(self) -> bool:
        """The next batch of what is new, if anything is. Raises :class:`shm.DamagedSegment`."""
        with self._lock:
            source = self._source
            if source is None:
                return False
            if self._rules:
                self._judge()
            try:
                data = source.batch(self._limit)
            except Lapped:
                self._left_out += source.go_on()
                data = source.batch(self._limit, beat=True)
            if data is None:
                return False
            self._put(data)
            return True

    def lapped(self) -> int:
        """So many records were overwritten before they were sent, since it was asked."""
        left_out, self._left_out = self._left_out, 0
        return left_out

    def repair(self, life: int, first: int, since: int) -> list[bytes] | None:
        """None: it is another life by now."""
        with self._lock:
            if self._source is None or self.life != life:
                return None
            self.wanted()
            return self._source.repair(first, since, _BEHIND)

    def wanted(self) -> None:
        """Somebody asked for it."""
        self._heard = monotonic()

    def unheard(self) -> bool:
        """Nobody has followed it for a while."""
        status = self._publisher.matching_status
        if getattr(status, "matching", status):
            self._heard = monotonic()
        return monotonic() - self._heard > _UNHEARD_S

    def close(self) -> None:
        """Nobody hears it any more."""
        with self._lock:
            self._source = None
        self._publisher.undeclare()

    def carried(self, segment: Segment) -> tuple[int, int]:
        """(instruments that it carries, that there are)."""
        rows = segment.instruments
        if not self.only:
            return rows, rows
        return sum(map(self._takes, range(rows), [segment] * rows)), rows

    def _put(self, data: bytes | None) -> None:
        if data is not None:
            self._publisher.put(data)
            self.sent += 1
            self.bytes += len(data)

    def _judge(self) -> None:
        source = self._source
        assert source is not None
        if not self.only or source.judged >= source.segment.instruments:
            return
        rows = range(source.judged, source.segment.instruments)
        source.judge([self._takes(row, source.segment) for row in rows])

    def _takes(self, row: int, segment: Segment) -> bool:
        """The last rule that matches decides."""
        instrument = _Listed(segment, row)
        takes = not any(wanted for _, wanted in self._rules)
        for pattern, wanted in self._rules:
            if pattern.matches(instrument):
                takes = wanted
        return takes


class _Listed:
    """A row of the directory, as patterns look at it."""

    def __init__(self, segment: Segment, row: int) -> None:
        instrument = segment.instrument(row)
        self.symbol, self.name, self.kind = instrument.symbol, instrument.name, instrument.kind
        self.active = True
