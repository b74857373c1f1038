"""The queue of snapshot requests: by rank, with jitter, one in flight an instrument, for ever.

Bounded by nature: an instrument is in it at most once. What the budget of the host does not allow
yet waits here, not in the session: so what ranks higher by then goes first.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from time import time_ns

from feedhandler import number_text
from feedhandler.budgets.backoff import Backoff
from feedhandler.engine import _engine
from feedhandler.log import Throttle
from feedhandler.network.rest import RestError, RestRateLimited

CONCURRENCY = 4
LATE_S = 10.0
HELD_S = 1.0  #: a budget that holds a request back for so long is told
JITTER_S = 0.05
RECENT_NS = 60_000_000_000
_LOOK_S = 1.0
_CLASS = 1 << 24  # above any number of instruments


@dataclass(slots=True)
class _Wanted:
    since: float
    due: float | None  #: None: in flight, or handed in and not asked for again
    backoff: Backoff
    flying: bool = False
    late: bool = False
    held: bool = False
    cause: str = "not asked for yet"


@dataclass(frozen=True, slots=True)
class Actions:
    """What the queue does. `fetch` raises RestError; `late`: (symbol, why there is none yet);
    `wait`: seconds until the budget allows the request; `held`: (symbol, seconds), once a request
    that waits for the budget."""

    fetch: Callable[[str], Awaitable[bytes]]
    deliver: Callable[[str, bytes], None]
    late: Callable[[str, str], None]
    rank: Callable[[str], int] = field(default=lambda _: 0)  #: lower goes first
    wait: Callable[[str], float] = field(default=lambda _: 0.0)
    held: Callable[[str, float], None] = field(default=lambda _symbol, _seconds: None)


class SnapshotQueue:
    """Requests of one venue. `run` works it off until cancelled."""

    def __init__(
        self,
        actions: Actions,
        *,
        concurrency: int = CONCURRENCY,
        late_s: float = LATE_S,
        rng: random.Random | None = None,
    ) -> None:
        self._do = actions
        self._concurrency = concurrency
        self._late_s = late_s
        self._rng = rng or random.Random()
        self._wanted: dict[str, _Wanted] = {}
        self._kick = asyncio.Event()
        self._flights: set[asyncio.Task[None]] = set()
        self._quiet = Throttle()
        self._clock = asyncio.get_running_loop().time

    def __len__(self) -> int:
        return len(self._wanted)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._wanted

    @property
    def asking(self) -> bool:
        """Whether anything is asked for, or waits to be; what has an answer that is yet to be
        confirmed does not count."""
        return any(wanted.flying or wanted.due is not None for wanted in self._wanted.values())

    def request(self, symbol: str, delay: float = 0.0) -> None:
        """A snapshot is wanted. One that is asked for again after an answer waits its backoff."""
        now = self._clock()
        wanted = self._wanted.get(symbol)
        if wanted is None:
            due = now + delay + self._rng.uniform(0, JITTER_S)
            backoff = Backoff(0.3, 10.0, rng=self._rng)
            self._wanted[symbol] = _Wanted(now, due, backoff)
        elif wanted.due is None and not wanted.flying:
            wanted.due = now + max(delay, wanted.backoff.next(now))
        self._kick.set()

    def done(self, symbol: str) -> None:
        """The book is in step, or nobody wants it any more."""
        self._wanted.pop(symbol, None)

    async def run(self) -> None:
        """Work the queue off until cancelled."""
        for wanted in self._wanted.values():
            if wanted.flying:  # when it was run before
                wanted.flying, wanted.due = False, self._clock()
        try:
            while True:
                self._kick.clear()
                delay = self._step(self._clock())
                with suppress(TimeoutError):
                    async with asyncio.timeout(delay):
                        await self._kick.wait()
        finally:
            for flight in list(self._flights):
                flight.cancel()

    def _step(self, now: float) -> float:
        """Start what is due; returns the seconds until something may be."""
        due: list[tuple[int, float, str]] = []
        soonest = now + 1.0
        for symbol, wanted in self._wanted.items():
            if not wanted.late and now - wanted.since >= self._late_s:
                wanted.late = True
                self._do.late(symbol, wanted.cause)
            if wanted.due is None:
                continue
            if wanted.due <= now:
                due.append((self._do.rank(symbol), wanted.due, symbol))
            else:
                soonest = min(soonest, wanted.due)
        due.sort()
        for _, _, symbol in due[: max(0, self._concurrency - len(self._flights))]:
            wanted = self._wanted[symbol]
            wait = self._do.wait(symbol)
            if wait > 0:
                self._hold([symbol for _, _, symbol in due], wait)
                soonest = min(soonest, now + wait)
                break
            wanted.held = False
            wanted.due, wanted.flying, wanted.cause = None, True, "no answer yet"
            flight = asyncio.get_running_loop().create_task(self._fly(symbol, wanted))
            self._flights.add(flight)
            flight.add_done_callback(self._landed)
        return max(0.005, soonest - now)

    def _hold(self, symbols: Iterable[str], seconds: float) -> None:
        """The budget keeps these waiting: said once, if it is for long."""
        if seconds < HELD_S:
            return
        for symbol in symbols:
            wanted = self._wanted[symbol]
            if not wanted.flying and not wanted.held:
                wanted.held = True
                wanted.cause = (
                    f"the REST budget allows no request for {number_text.seconds(seconds)}"
                )
                self._do.held(symbol, seconds)

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flights.discard(flight)
        self._kick.set()

    async def _fly(self, symbol: str, wanted: _Wanted) -> None:
        at_least = 0.0
        failed = False
        try:
            body = await self._do.fetch(symbol)
        except RestError as error:
            failed = True
            wanted.cause = str(error)
            at_least = error.retry_after_s if isinstance(error, RestRateLimited) else 0.0
            self._quiet.warning("snapshot", f"snapshot of {symbol}: {error}", instrument=symbol)
        except Exception as error:  # it is wanted all the same
            failed = True
            wanted.cause = f"{type(error).__name__}: {error}"
            text = f"snapshot of {symbol}: {wanted.cause}"
            self._quiet.warning("snapshot", text, instrument=symbol)
        else:
            wanted.cause = (
                "the last answer was older than the stream, ahead of it, or another instrument's"
            )
        wanted.flying = False
        if self._wanted.get(symbol) is not wanted:  # nobody wants it any more
            return
        if failed:
            now = self._clock()
            wanted.due = now + wanted.backoff.next(now, at_least)
            return
        try:
            self._do.deliver(symbol, body)  # may ask again at once, by `request`
        except Exception as error:
            wanted.cause = f"{type(error).__name__}: {error}"
            text = f"snapshot of {symbol}: {wanted.cause}"
            self._quiet.warning("snapshot", text, instrument=symbol)
            self.request(symbol)


class TradedFirst:
    """Ranks by the engine's activity, looked at once a second; equals in the order of their ids,
    which is that of the configuration."""

    def __init__(self, engine: _engine.Engine, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock
        self._looked = float("-inf")
        self._traded: list[int] = []

    def __call__(self, instrument: int) -> int:
        """Lower goes first."""
        now = self._clock()
        if now - self._looked >= _LOOK_S:
            self._looked = now
            self._traded = self._engine.activity()[:, _engine.CHANNEL_TRADES].tolist()
        last = self._traded[instrument] if instrument < len(self._traded) else 0
        if not last:
            return 2 * _CLASS + instrument
        return instrument if time_ns() - last < RECENT_NS else _CLASS + instrument
