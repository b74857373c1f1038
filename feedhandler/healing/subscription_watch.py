"""What is done about the subscription of a book that falls silent while its socket lives: longer
than its rhythm allows, or for a moment in which other channels show that the book has changed.

The cheapest cure first: one resubscription of that key, the book STALE(SUBSCRIPTION) meanwhile. If
the new snapshot is the same book, the market was only quiet, and longer silences of it are believed
from then on. If it is another one, the subscription was dead; when that repeats, or nothing comes
at all, the connection is renewed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import time_ns

import numpy as np
import numpy.typing as npt

from feedhandler.connection.connection import Connection
from feedhandler.engine import _engine
from feedhandler.healing.rhythm import RhythmOptions, RhythmWatchdog, Rows
from feedhandler.instruments.universe import CHANNEL, CarriedInstrument, Universe
from feedhandler.log import Throttle
from shm import Counter, Reason, State

TRIAL_S = 5.0  #: that a resubscription has to bring something
STRIKES = 2  #: dead subscriptions within STRIKES_S after which the connection is renewed
STRIKES_S = 120.0
GOES_ON_NS = 500_000_000  #: what is older says nothing of a socket that lives
_MASS = 4  #: fewer silent subscriptions are never "most of them"
_BOOK = CHANNEL["book"]


@dataclass(slots=True)
class _Trial:
    until: float
    frozen: bool  # by what other channels say
    bids: npt.NDArray[np.int64]
    asks: npt.NDArray[np.int64]


class SubscriptionWatch:
    """Judges every acknowledged subscription, a few times a second (`poll`)."""

    def __init__(
        self,
        universe: Universe,
        engine: _engine.Engine,
        connection: Callable[[CarriedInstrument], Connection | None],
        count: Callable[[Counter], None],
        hint: Callable[[], None] = lambda: None,
        options: RhythmOptions | None = None,
    ) -> None:
        self._universe = universe
        self._engine = engine
        self._connection = connection
        self._count = count
        self._hint = hint
        self.rhythm = RhythmWatchdog(len(CHANNEL), options)
        self._trials: dict[int, _Trial] = {}
        self._strikes: dict[int, list[float]] = {}
        self._keys: dict[tuple[int, int], tuple[Connection, list[str]]] = {}
        self._quiet = Throttle()

    def acknowledged(self, connection: Connection, key: str) -> None:
        """Judge this key from now on; a book only once it is in step."""
        channel, _ = self._universe.parts(key)
        tracked = self._universe.of_key(key)
        if tracked is None or channel != "book":
            return
        place = (tracked.id, CHANNEL[channel])
        known = self._keys.get(place)
        if known is None or known[0] is not connection:
            self._keys[place] = (connection, [key])
        elif key not in known[1]:
            known[1].append(key)

    def down(self, connection: Connection) -> None:
        """The connection is down: nothing on it is judged."""
        for (row, channel), (its, _) in self._keys.items():
            if its is connection:
                self.rhythm.ignore(row, channel)
                self._trials.pop(row, None)

    def forget(self, tracked: CarriedInstrument) -> None:
        """The instrument is over: its silence says nothing about others."""
        self._trials.pop(tracked.id, None)
        for channel in CHANNEL.values():
            if self._keys.pop((tracked.id, channel), None) is not None:
                self.rhythm.ignore(tracked.id, channel)

    def lost(self, tracked: CarriedInstrument) -> None:
        """The book is not in step: who heals it also watches it."""
        if tracked.id not in self._trials:
            self.rhythm.ignore(tracked.id, _BOOK)

    def healed(self, tracked: CarriedInstrument, now: float) -> None:
        """The book is in step: was it quiet, or dead?"""
        self.rhythm.watch(tracked.id, _BOOK, now)
        trial = self._trials.pop(tracked.id, None)
        if trial is None:
            return
        bids, asks = self._engine.book(tracked.id)[:2]
        if np.array_equal(bids, trial.bids) and np.array_equal(asks, trial.asks):
            if trial.frozen:
                self._engine.quiet(tracked.id)
            else:
                self.rhythm.widen(tracked.id, _BOOK)
            return
        connection = self._connection(tracked)
        if connection is None:
            return
        strikes = self._strikes.setdefault(connection.row, [])
        strikes[:] = [at for at in strikes if now - at < STRIKES_S] + [now]
        symbol = tracked.spec.symbol
        text = f"{symbol}: the subscription was dead"
        self._quiet.warning("dead", text, connection=connection.row, instrument=symbol)
        if len(strikes) >= STRIKES:
            strikes.clear()
            connection.cut(Reason.SUBSCRIPTION, f"{STRIKES} dead subscriptions")

    def heard(self, rows: Rows, activity: npt.NDArray[np.int64], now: float) -> None:
        """Take in, of instruments of which something came since the last look, when: their rows of
        `Engine.activity()`."""
        self.rhythm.observe(activity, now, rows)

    def poll(self, now: float, frozen: Sequence[int] = ()) -> None:
        """Act on what did not come; `frozen`: books that stand still, and should not."""
        suspects = [each for each in self.rhythm.suspects(now) if self._may_speak(*each, now)]
        if suspects:
            self._hint()  # they may be halted
        if suspects and not self._mass(suspects, now):
            for row, channel in suspects:
                self._suspect(row, channel, now)
        for row in frozen:
            if self._may_speak(row, _BOOK, now) and self._goes_on(row):
                self._hint()
                self._suspect(row, _BOOK, now, frozen=True)
        for row, trial in list(self._trials.items()):
            if now < trial.until or self._trials.pop(row, None) is None:
                continue  # of a connection that one before has cut
            tracked = self._universe.by_id[row]
            connection = self._connection(tracked)
            if connection is not None:
                text = f"{tracked.spec.symbol}: nothing came after a resubscription"
                connection.cut(Reason.SUBSCRIPTION, text)

    def restated(self, tracked: CarriedInstrument, now: float) -> None:
        """The venue does something else with orders on it: silence counts from now, if at all."""
        self._trials.pop(tracked.id, None)
        for channel in CHANNEL.values():
            self._excuse(tracked.id, channel, now)

    def _may_speak(self, row: int, channel: int, now: float) -> bool:
        """Whether its silence means anything: nobody speaks of what does not trade."""
        tracked = self._universe.by_id.get(row)
        if tracked is None or tracked.open:
            return True
        self._excuse(row, channel, now)
        return False

    def _excuse(self, row: int, channel: int, now: float) -> None:
        if (row, channel) in self._keys and self.rhythm.watched(row, channel):
            self.rhythm.watch(row, channel, now)

    def _goes_on(self, row: int) -> bool:
        """Whether something has just come: where all is silent, it is the socket's silence."""
        place = self._keys.get((row, _BOOK))
        newest = max(self._engine.heard(row, channel) for channel in CHANNEL.values())
        if place is not None:
            newest = max(newest, place[0].native.last_receive_ns)
        return time_ns() - newest < GOES_ON_NS

    def _mass(self, suspects: list[tuple[int, int]], now: float) -> bool:
        """Most of a connection's books at once: renew the connection instead of every key."""
        by_connection: dict[Connection, list[int]] = {}
        for row, channel in suspects:
            place = self._keys.get((row, channel))
            # Of one without a rhythm a long silence says little, nor do many of them say more.
            if channel == _BOOK and place is not None and self.rhythm.knows(row, channel):
                by_connection.setdefault(place[0], []).append(row)
        for connection, rows in by_connection.items():
            mine = [
                row
                for (row, channel), (its, _) in self._keys.items()
                if its is connection and channel == _BOOK
            ]
            if len(rows) >= _MASS and self.rhythm.silent_share(mine, _BOOK, now) > 0.5:
                for row in rows:  # a market that stopped as a whole must not look dead again
                    self.rhythm.widen(row, _BOOK)
                connection.cut(Reason.SUBSCRIPTION, f"{len(rows)} subscriptions fell silent")
                return True
        return False

    def _suspect(self, row: int, channel: int, now: float, *, frozen: bool = False) -> None:
        tracked = self._universe.by_id.get(row)
        connection, keys = self._keys.get((row, channel), (None, []))
        if tracked is None or connection is None or tracked.closed:
            return
        if self._engine.state(row)[0] == State.LIVE:
            bids, asks = self._engine.book(row)[:2]
            self._trials[row] = _Trial(now + TRIAL_S, frozen, bids, asks)
            if frozen:
                symbol = tracked.spec.symbol
                text = f"{symbol}: its book stands still, and other channels move on"
                self._quiet.warning("frozen", text, instrument=symbol)
            self._engine.set_state(row, State.STALE, Reason.SUBSCRIPTION)
        for key in keys:
            if connection.resubscribe(key):
                self._count(Counter.RESUBSCRIBES)
