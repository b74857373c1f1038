"""Books in step whose base has worn thin: another one is fetched and put under them.

A base has so many levels a side. As the price eats into it fewer are known, and long before readers
miss one the engine says so (WORN). The snapshot goes through the queue of snapshots, behind those
that heal; the engine brings it to where the book is (`Engine.deepen`), which stays LIVE. What does
not work is tried again, later and later.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from feedhandler.budgets.backoff import Backoff
from feedhandler.engine import _engine
from feedhandler.healing.snapshot_queue import SnapshotQueue
from feedhandler.instruments.universe import CarriedInstrument
from feedhandler.log import Throttle, log
from feedhandler.log_lines import about
from shm import State

REACH_S = 5.0  #: that the stream has to reach the snapshot's sequence
AGAIN_S = 1.0  #: the first bound of what is waited after a try; up to
AGAIN_MOST_S = 120.0
_LATE = "does not meet the stream"
_WHY = {
    _engine.DEEPEN_MALFORMED: "makes no sense",
    _engine.DEEPEN_OTHER: "has other levels than the stream says",
}


@dataclass(slots=True)
class _Case:
    """One book that is worn. `ask_at`: when to ask; `body`: an answer that the stream has not
    reached, with the levels that were asked for, and until when it is waited for."""

    tracked: CarriedInstrument
    ask_at: float | None
    body: tuple[bytes, int, float] | None = None


class Deepening:
    """Of one feed. Times are seconds of the event loop's clock."""

    def __init__(
        self,
        engine: _engine.Engine,
        snapshots: SnapshotQueue,
        rng: random.Random,
        clock: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._snapshots = snapshots
        self._rng = rng
        self._clock = clock
        self._cases: dict[str, _Case] = {}
        self._backoffs: dict[str, Backoff] = {}
        self._quiet = Throttle()

    def __contains__(self, symbol: str) -> bool:
        """Whether a snapshot of it is to go under a book in step."""
        case = self._cases.get(symbol)
        return case is not None and self._in_step(case.tracked)

    def worn(self, tracked: CarriedInstrument) -> None:
        """WORN: few levels of it are known any more."""
        symbol = tracked.spec.symbol
        if symbol not in self._cases:
            self._cases[symbol] = _Case(tracked, self._next(symbol))
            self.poll(self._clock())

    def asking(self, symbol: str) -> None:
        """The request goes out now."""
        if symbol in self:
            self._engine.deepen(self._cases[symbol].tracked.id)

    def answered(self, symbol: str, body: bytes, levels: int) -> None:
        """The venue's answer to a request for so many levels a side."""
        self._take(self._cases[symbol], body, levels, self._clock() + REACH_S)

    def over(self, tracked: CarriedInstrument) -> None:
        """It has another base, or is carried no more."""
        self._cases.pop(tracked.spec.symbol, None)

    def poll(self, now: float) -> None:
        """Do what is due; a few times a second."""
        for symbol, case in list(self._cases.items()):
            if not self._in_step(case.tracked):
                del self._cases[symbol]  # its next base is a new one
            elif case.body is not None:
                body, case.body = case.body, None
                self._take(case, *body)
            elif case.ask_at is not None and now >= case.ask_at:
                case.ask_at = None
                self._snapshots.request(symbol)

    def _take(self, case: _Case, body: bytes, levels: int, until: float) -> None:
        symbol, now = case.tracked.spec.symbol, self._clock()
        result = self._engine.deepen(case.tracked.id, body, levels=levels)
        if result == _engine.DEEPEN_AHEAD and now < until:
            case.body = (body, levels, until)
            return
        self._snapshots.done(symbol)
        if result == _engine.DEEPEN_DONE:
            self._cases.pop(symbol, None)
            self._backoffs[symbol].healthy(now)
            text = "%s: another snapshot was put under it: %s"
            log.info(text, symbol, self._reach(case.tracked), extra=about(instrument=symbol))
            return
        case.ask_at = self._next(symbol)
        text = f"{symbol}: a snapshot that was to go under it {_WHY.get(result, _LATE)}"
        self._quiet.warning("deepen", text, instrument=symbol)

    def _next(self, symbol: str) -> float:
        """When to ask: at once the first time, and of what has held since."""
        now = self._clock()
        backoff = self._backoffs.get(symbol)
        if backoff is None:
            backoff = self._backoffs[symbol] = Backoff(AGAIN_S, AGAIN_MOST_S, rng=self._rng)
        delay = backoff.next(now)
        return now if backoff.failures == 1 else now + delay

    def _in_step(self, tracked: CarriedInstrument) -> bool:
        return not tracked.closed and self._engine.state(tracked.id)[0] == State.LIVE

    def _reach(self, tracked: CarriedInstrument) -> str:
        bids, asks = self._engine.known(tracked.id)
        words = ["all" if side is None else str(side[0]) for side in (bids, asks)]
        return f"{words[0]} bids and {words[1]} asks are known"
