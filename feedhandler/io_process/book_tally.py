"""How many books there should be, and which of them are not LIVE: kept as they change."""

from collections import Counter
from collections.abc import Callable, Collection

import numpy as np
import numpy.typing as npt

from feedhandler.instruments.universe import CarriedInstrument
from shm import Reason, State

Book = tuple[str, int, int]  #: (symbol, state, reason)


class BookTally:
    """`instruments`: by their rows; `left_out`: what is listed and asked for, and has no row."""

    def __init__(
        self,
        instruments: Callable[[int], CarriedInstrument | None],
        left_out: Collection[str] = (),
    ) -> None:
        self._instruments = instruments
        self._left_out = left_out
        self._there: set[int] = set()
        self._missing: dict[int, Book] = {}
        self._states: Counter[int] = Counter()  # of the missing ones
        self._reasons: Counter[int] = Counter()

    def changed(self, rows: npt.NDArray[np.int64], states: npt.NDArray[np.int64]) -> None:
        """These may be in other states now: (rows, 2), state and reason."""
        for row, (state, reason) in zip(rows.tolist(), states.tolist(), strict=True):
            known = self._missing.get(row)
            if known is None and state == State.LIVE and row in self._there:
                continue
            if known is not None and known[1:] == (state, reason):
                continue
            self._remove(row)
            tracked = self._instruments(row)
            if tracked is not None and tracked.book_key is not None and not tracked.closed:
                self._put(row, (tracked.spec.symbol, state, reason))

    def _put(self, row: int, book: Book) -> None:
        self._there.add(row)
        if book[1] != State.LIVE:
            self._missing[row] = book
            self._states[book[1]] += 1
            self._reasons[book[2]] += 1

    def _remove(self, row: int) -> None:
        self._there.discard(row)
        book = self._missing.pop(row, None)
        if book is not None:
            self._states[book[1]] -= 1
            self._reasons[book[2]] -= 1

    def __len__(self) -> int:
        return len(self._there) + len(self._left_out)

    @property
    def missing(self) -> int:
        """How many are not LIVE."""
        return len(self._missing) + len(self._left_out)

    @property
    def first(self) -> Book:
        """One of these."""
        for book in self._missing.values():
            return book
        return next(iter(self._left_out)), State.STALE, Reason.NO_ROW

    @property
    def reason(self) -> int:
        """The one that most of them have."""
        reason, count = next(iter(self._reasons.most_common(1)), (Reason.NO_ROW, 0))
        return Reason.NO_ROW if len(self._left_out) > count else reason

    @property
    def polled(self) -> bool:
        """Whether all of them are DEGRADED."""
        return 0 < self.missing == self._states[State.DEGRADED]
