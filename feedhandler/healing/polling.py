"""The last resort: books polled over REST while no socket can be had. DEGRADED, never LIVE.

An instrument whose connection has been down for `after_s` is asked for in turn, no oftener than
once in POLL_S, with no more than SHARE of what the venue's budget earns, and only while that holds
what the streams will want when they are back: a snapshot of each book that is down, and RESERVE of
it in any case. The next base of the stream ends it; a book that is not renewed within KEPT_S says
that it is STALE.
"""

import asyncio
from collections.abc import Callable, Iterable
from time import monotonic

from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Venue
from feedhandler.budgets import venue_budgets
from feedhandler.budgets.backoff import Backoff
from feedhandler.engine import _engine
from feedhandler.instruments.universe import CarriedInstrument
from feedhandler.log import Throttle
from feedhandler.network.rest import Rest, RestError
from shm import Reason, State

POLL_S = 1.0
KEPT_S = 30.0
LOOK_S = 0.25
SHARE = 0.5
RESERVE = 0.5
_BACKOFF_S = (1.0, 30.0)  # after a request that failed


class Poller:
    """One venue's. `down`: the instruments whose books no connection that is up carries; `streams`:
    whether one does; `run` until cancelled."""

    def __init__(
        self,
        venue: Venue,
        engine: _engine.Engine,
        rest: Rest,
        down: Callable[[], Iterable[CarriedInstrument]],
        streams: Callable[[CarriedInstrument], bool],
        after_s: float,
    ) -> None:
        self._venue = venue
        self._engine = engine
        self._rest = rest
        self._instruments_down = down
        self._streams = streams
        self._after_s = after_s
        self._clock = asyncio.get_running_loop().time
        self._down: dict[int, float] = {}  # since when, by instrument
        self._asked: dict[int, float] = {}  # when last
        self._fresh: dict[int, float] = {}  # when last answered
        self._rate, self._burst = venue_budgets.rest_bucket(venue.limits)
        self._not_before = 0.0
        self._backoff = Backoff(*_BACKOFF_S)
        self._quiet = Throttle()

    async def run(self) -> None:
        """Poll what cannot be streamed; with `after_s` 0, or without books over REST, nothing."""
        while self._after_s and not self._venue.socket_books:
            request = self._due(self._clock())
            if request is None:
                await asyncio.sleep(LOOK_S)
            else:
                await self._poll(*request)

    def _due(self, now: float) -> tuple[CarriedInstrument, Request] | None:
        """Who has waited the longest for an answer."""
        due = []
        there = {each.id: each for each in self._instruments_down() if not each.closed}
        for row in [row for row in self._down if row not in there]:
            for times in (self._down, self._asked, self._fresh):
                times.pop(row, None)
        for tracked in there.values():
            down = now - self._down.setdefault(tracked.id, now)
            self._age(tracked, now)
            asked = self._asked.get(tracked.id, float("-inf"))
            if down >= self._after_s and now - asked >= POLL_S:
                due.append((asked, tracked.id, tracked))
        for _, _, tracked in sorted(due, key=lambda each: each[:2]):
            request = self._venue.book_request(tracked.spec.symbol)
            if request is not None:
                return (tracked, request) if self._affords(tracked, request, now) else None
        return None

    def _affords(self, tracked: CarriedInstrument, request: Request, now: float) -> bool:
        """Whether the budget has this besides what the streams will want."""
        base = self._venue.snapshot_request(tracked.spec.symbol)
        bases = len(self._down) * base.weight if base is not None else 0
        kept = max(bases, RESERVE * self._burst) if self._rate else 0
        wanted = request.weight + kept
        return now >= self._not_before and self._rest.budget.wait(monotonic(), wanted) <= 0

    async def _poll(self, tracked: CarriedInstrument, request: Request) -> None:
        symbol, now = tracked.spec.symbol, self._clock()
        if self._rate:
            self._not_before = now + request.weight / (SHARE * self._rate)
        try:
            body = await self._rest.get(request)
        except RestError as error:
            self._not_before = max(self._not_before, now + self._backoff.next(now))
            self._quiet.warning("poll", f"cannot poll {symbol}: {error}", instrument=symbol)
            return
        finally:
            self._asked[tracked.id] = self._clock()
        self._backoff.reset()
        if tracked.closed or self._streams(tracked):  # the stream is back: its word counts
            return
        levels = request.levels
        bits = self._engine.snapshot(tracked.id, body, polled=True, levels=levels)
        if bits & _engine.MALFORMED:
            text = f"what was polled of {symbol} is no book: {self._engine.last_error()}"
            self._quiet.warning("poll", text, instrument=symbol)
            return
        if tracked.id not in self._fresh:
            text = f"{symbol} is polled over REST: no connection to stream it"
            self._quiet.warning("polled", text, instrument=symbol)
        self._fresh[tracked.id] = self._clock()

    def _age(self, tracked: CarriedInstrument, now: float) -> None:
        fresh = self._fresh.get(tracked.id)
        if fresh is None or now - fresh <= KEPT_S:
            return
        del self._fresh[tracked.id]
        if self._engine.state(tracked.id)[0] == State.DEGRADED:
            self._engine.set_state(tracked.id, int(State.STALE), int(Reason.DISCONNECTED))
