"""Which subscriptions bring what their channels promise, and which are silent. Pure logic.

Three things tell a silent subscription from a quiet market: what its channel promises after the
acknowledgement, and how often; a change of the best bid and offer that it should have told of; and
its own rhythm. What promises to speak again when it is subscribed again is judged by the clock:
whether it was only quiet shows at once. What tells of nothing but events (trades, a best bid and
offer without a first message) is judged against the book: its rhythm is counted in seconds in which
the book moved, so that a market that rests altogether looks like what it is. Times are seconds of a
monotonic clock.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt

from feedhandler.adapter.promise import Promise
from feedhandler.healing.rhythm import RhythmOptions, RhythmWatchdog, Rows
from feedhandler.instruments.universe import CHANNEL
from shm import Reason

EVERY = 5.0  #: periods of a channel that speaks periodically, after which it is silent
MOVES_S = 5.0  #: after the acknowledgement, before changes count that it should have told of
MOVES = 3  #: and so many of them
_LOOK_S = 1.0  #: how often a book is looked at for that
_BOOK = CHANNEL["book"]
_BY = ("book", "quote", "ticker")  #: by which it is known whether an instrument's market moves
Top = tuple[int, ...] | None  #: prices and sizes of the best bid and offer; None: none are known


@dataclass(slots=True)
class _Subscription:
    """`rows`: the instruments that it may speak of. `since_ns`: the acknowledgement, unix ns."""

    rows: Sequence[int]
    column: int
    promise: Promise
    since_ns: int
    at: float
    due: float
    top: Top = None
    moves: int = 0
    looked: float = 0.0


class PromiseWatch:
    """Of one feed. `top`: the best bid and offer of a book that is LIVE; `active`: whether an
    instrument trades at all."""

    def __init__(
        self, options: RhythmOptions, top: Callable[[int], Top], active: Callable[[int], bool]
    ) -> None:
        self._top = top
        self._active = active
        self.by_clock = RhythmWatchdog(len(CHANNEL), options)
        events = replace(
            options,
            mean_factor=2 * options.mean_factor,
            floor_s=2 * options.floor_s,
            ceiling_s=10 * options.ceiling_s,
            longest_factor=1.5 * options.longest_factor,
        )
        self.by_book = RhythmWatchdog(len(CHANNEL), events)
        self._waiting: dict[str, _Subscription] = {}
        self._waiting_at: dict[int, set[str]] = {}  # by row
        self._firsts: list[tuple[float, str]] = []  # when first words are due
        self._unheard: list[str] = []  # whose book has moved without a word of them
        self._dumb: list[str] = []  # who did not say their first word
        self._places: dict[tuple[int, int], str] = {}
        self._place_of: dict[str, tuple[int, int]] = {}
        self._moved = np.zeros((0, 1))  # seconds in which each book moved
        self._book = np.zeros(0, dtype=np.int64)
        self._late: list[tuple[int, int]] = []  # by their books' time
        self._last = self._elapsed = 0.0

    def add(
        self, key: str, rows: Sequence[int], promise: Promise, now: float, since_ns: int
    ) -> None:
        """The venue took the subscription: judge it from now on, but for its book's rhythm."""
        column = CHANNEL[promise.column]
        first = _Subscription(rows, column, promise, since_ns, now, now + promise.first_s)
        if promise.first_s or promise.moves:
            self._wait(key, first)
        if column == _BOOK or not promise.rhythm or len(rows) != 1:
            return
        self._places[rows[0], column] = key
        self._place_of[key] = rows[0], column
        if promise.first_s:
            self.by_clock.watch(rows[0], column, now)
            if promise.every_s:
                self.by_clock.at_most(rows[0], column, EVERY * promise.every_s)
        else:
            self.by_book.watch(rows[0], column, self._clock(rows[0]))

    def _clock(self, row: int) -> float:
        return float(self._moved[row, 0]) if row < len(self._moved) else 0.0

    def drop(self, key: str) -> None:
        """Do not judge it any more."""
        self._forget(key)
        place = self._place_of.pop(key, None)
        if place is not None and self._places.get(place) == key:
            del self._places[place]
            self.by_clock.ignore(*place)
            self.by_book.ignore(*place)

    def _wait(self, key: str, waiting: _Subscription) -> None:
        """For its first word."""
        self._forget(key)
        self._waiting[key] = waiting
        for row in waiting.rows:
            self._waiting_at.setdefault(row, set()).add(key)
        if waiting.promise.first_s:
            heappush(self._firsts, (waiting.due, key))

    def _forget(self, key: str) -> None:
        waiting = self._waiting.pop(key, None)
        for row in waiting.rows if waiting is not None else ():
            keys = self._waiting_at[row]
            keys.discard(key)
            if not keys:
                del self._waiting_at[row]

    # ---- a look: what came, and then what did not

    def look(self, now: float) -> None:
        """A look begins, a few times a second."""
        self._elapsed, self._last = min(1.0, max(0.0, now - self._last)), now

    def heard(self, rows: Rows, activity: npt.NDArray[np.int64], now: float) -> None:
        """Take in, of instruments of which something came since the last look, when: their rows of
        `Engine.activity()`; in one or more parts."""
        self._count(rows, _book(activity))
        self.by_clock.observe(activity, now, rows)
        self.by_book.observe(activity, self._moved, rows)
        self._late += self.by_book.suspects(self._moved, rows)
        for place, row in enumerate(rows.tolist()):
            for key in tuple(self._waiting_at.get(row, ())):
                waiting = self._waiting[key]
                if activity[place, waiting.column] > waiting.since_ns:
                    self._forget(key)
                elif not waiting.promise.first_s and row == waiting.rows[0]:
                    if not self._active(row):
                        waiting.at = now
                    elif now - waiting.at >= MOVES_S and self._missed(
                        waiting, activity[place], now
                    ):
                        self._unheard.append(key)

    def judge(self, now: float) -> list[tuple[str, Reason]]:
        """The look is over: those that are silent from now on, and how: NO_DATA, it never spoke, or
        SUBSCRIPTION, it did."""
        while self.first_words(now, len(self._firsts)):
            pass
        unheard = (*self._dumb, *self._unheard)
        found = [(key, Reason.NO_DATA) for key in dict.fromkeys(unheard) if key in self._waiting]
        for key, _ in found:
            self.drop(key)  # until it is acknowledged again
        late, self._late, self._unheard, self._dumb = self._late, [], [], []
        by_clock = self.by_clock.suspects(now)
        for watchdog, places in ((self.by_clock, by_clock), (self.by_book, late)):
            for row, column in places:
                its = self._places.get((row, column))
                clock = now if watchdog is self.by_clock else self._clock(row)
                if its is None or its in self._waiting:
                    continue
                if not self._active(row):
                    watchdog.watch(row, column, clock)
                    continue
                watchdog.widen(row, column)
                found.append((its, Reason.SUBSCRIPTION))
        return found

    def _count(self, rows: Rows, book: npt.NDArray[np.int64]) -> None:
        """The time in which each book moved."""
        more = int(rows.max(initial=-1)) + 1 - len(self._moved)
        if more > 0:
            self._moved = np.concatenate([self._moved, np.zeros((more, 1))])
            self._book = np.concatenate([self._book, np.zeros(more, dtype=np.int64)])
        moved = rows[book != self._book[rows]]
        self._moved[moved, 0] += self._elapsed
        self._book[rows] = book

    def first_words(self, now: float, most: int) -> bool:
        """Look at so many of those that should have said their first word by now; whether there are
        more. Before `judge`, which looks at all that are left."""
        for _ in range(most):
            if not self._firsts or self._firsts[0][0] > now:
                return False
            due, key = heappop(self._firsts)
            waiting = self._waiting.get(key)
            if waiting is None or waiting.due != due:
                continue
            if self.by_clock.last(waiting.rows, waiting.column) > waiting.since_ns:
                self._forget(key)  # it came before this was waited for
            elif not any(self._active(row) for row in waiting.rows):
                waiting.at, waiting.due = now, now + waiting.promise.first_s
                heappush(self._firsts, (waiting.due, key))
            else:
                self._dumb.append(key)
        return bool(self._firsts) and self._firsts[0][0] <= now

    def _missed(self, waiting: _Subscription, activity: npt.NDArray[np.int64], now: float) -> bool:
        """Whether the best bid and offer changed without a word of it. `activity`: of its row."""
        if now - waiting.looked < _LOOK_S:
            return False
        waiting.looked = now
        row = waiting.rows[0]
        top = None if waiting.column == _BOOK else self._top(row)
        if top is None:  # what is traded or quoted was in the book
            said = max(int(activity[CHANNEL[name]]) for name in ("quote", "trades"))
            top = (said,) if said > waiting.since_ns + MOVES_S * 1e9 else None
        if top is not None:
            waiting.moves += waiting.top is not None and top != waiting.top
            waiting.top = top
        return waiting.moves >= MOVES


def _book(activity: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """When the book of each row was last heard of; without one, its best bid and offer."""
    found = np.zeros(len(activity), dtype=np.int64)
    for name in reversed(_BY):
        column = activity[:, CHANNEL[name]]
        found = np.where(column > 0, column, found)
    return found
