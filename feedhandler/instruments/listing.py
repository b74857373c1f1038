"""Asking a venue what it lists, until it answers, and every few minutes again."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from time import monotonic_ns, time_ns

from feedhandler.adapter import selection
from feedhandler.adapter.listing import Family, Listing, Ticks, with_ticks
from feedhandler.adapter.request import Request
from feedhandler.adapter.selection import UnknownSymbol
from feedhandler.adapter.venue import ListedInstrument, Venue
from feedhandler.budgets.backoff import Backoff
from feedhandler.config.places import Places
from feedhandler.log import Throttle, log
from feedhandler.network.rest import Getter, RestError, RestRateLimited, RestRefused
from feedhandler.one_line import one_line

REFRESH_S = 300.0
_HINT_S = 5.0  #: between two lists that nothing but a hint asks for
_MAX_REQUESTS = 200  # pages and families; more is a venue that leads nowhere
_LONG_BYTES = 1 << 16  # more is read beside the event loop: thousands of rows take a while


@dataclass(frozen=True, slots=True)
class Listed:
    """`chosen`: what the rules mean and has not expired; `specs`: all that is listed; `unknown`:
    rules that mean nothing listed; `unread`: symbols whose rows cannot be read, and why;
    `asked_ns`: what was said elsewhere since then is newer, by the clock that nobody sets."""

    chosen: list[ListedInstrument]
    specs: list[ListedInstrument]
    unknown: list[UnknownSymbol]
    rules: tuple[str, ...]
    unread: Mapping[str, str] = field(default_factory=dict)
    asked_ns: int = 0

    @property
    def symbols(self) -> set[str]:
        """All that are listed, readable or not."""
        return {*(spec.symbol for spec in self.specs), *self.unread}


class Lister:
    """The instruments of one venue. `rules`: which of them are wanted."""

    def __init__(
        self,
        venue: Venue,
        rest: Getter,
        wanted: Sequence[str],
        rng: random.Random,
        refresh_s: float = REFRESH_S,
    ) -> None:
        self.rules = tuple(wanted)
        self.places = Places()  #: of the rules, as far as a file has them
        self._complained: set[str] = set()
        self.problem = ""  #: why the list could not be had the last time
        self._venue = venue
        self._rest = rest
        self._rng = rng
        self._refresh_s = refresh_s
        self._quiet = Throttle()
        self._kick = asyncio.Event()
        self.awake: frozenset[str] = frozenset()  #: what may be traded, as last listed
        self._due: asyncio.Handle | None = None  # uvloop's knows no time, where that is past
        self._due_at = 0.0
        self._asked = -_HINT_S

    async def first(self, waiting: Callable[[str, float], None]) -> list[ListedInstrument]:
        """Asks until the venue lists some of them; `waiting` is told why there are none yet, and
        after how many seconds it is asked again."""
        backoff = Backoff(0.8, 30.0, rng=self._rng)
        while True:
            held_s = 0.0
            try:
                listed = await self.list(self.rules)
                self.complain(listed)
                if listed.chosen:
                    return listed.chosen
                problem = "the venue lists none of the configured instruments"
            except Exception as error:  # whatever it is, the venue may list them a moment later
                problem = _words(error)
                if isinstance(error, RestRateLimited):
                    held_s = error.retry_after_s
            wait = backoff.next(asyncio.get_running_loop().time())
            wait = max(wait, held_s)
            waiting(problem, wait)
            self._quiet.warning("list", f"cannot list instruments: {problem}; trying on")
            await asyncio.sleep(wait)

    async def next_list(self) -> Listed:
        """The list a few minutes later, with jitter; a failure waits for the next turn."""
        while True:
            with suppress(TimeoutError):
                wait = self._refresh_s * self._rng.uniform(0.9, 1.1)
                async with asyncio.timeout(wait):
                    await self._kick.wait()
                self._kick.clear()
            try:
                listed = await self.list(self.rules)
            except Exception as error:
                self.problem = f"cannot refresh the instruments: {_words(error)}"
                self._quiet.warning("list", self.problem)
                continue
            self.problem = ""
            return listed

    def ask_within(self, first_s: float, last_s: float) -> None:
        """Something rolled: ask within these seconds, each process at a time of its own."""
        loop = asyncio.get_running_loop()
        at = loop.time() + self._rng.uniform(first_s, last_s)
        if self._due is not None:
            if self._due_at <= at:
                return  # that is sooner
            self._due.cancel()
        self._due, self._due_at = loop.call_at(at, self._ask_now), at

    def _ask_now(self) -> None:
        self._due = None
        self._kick.set()

    def hint(self) -> None:
        """Something may have changed that nobody says: ask at once, or soon after the last time."""
        wait = max(0.0, self._asked + _HINT_S - asyncio.get_running_loop().time())
        self.ask_within(wait, wait + 0.5)

    async def list(self, wanted: Sequence[str]) -> Listed:
        """What these rules mean now. Raises RestError, and ValueError for a senseless answer."""
        asked_ns = monotonic_ns()
        self._asked = asyncio.get_running_loop().time()
        specs = await list_instruments(self._venue, self._rest, selection.patterns(wanted))
        self.awake = frozenset(spec.symbol for spec in specs if spec.active)
        return replace(choose(wanted, specs), asked_ns=asked_ns)

    def complain(self, listed: Listed) -> None:
        """Say which rules mean nothing that is listed; once, until they do."""
        for error in listed.unknown:
            if error.pattern in self._complained:
                continue
            why = listed.unread.get(error.pattern)
            text = f"{error.pattern} is listed, but its row cannot be read: {why}" if why else error
            ours = self.places.has("instruments", error.pattern)  # else: asked for by command
            where = self.places.of("instruments", error.pattern) if ours else "instruments"
            log.warning("%s: %s", where, text)
        self._complained = {error.pattern for error in listed.unknown}


def choose(wanted: Sequence[str], specs: list[ListedInstrument]) -> Listed:
    """What the rules mean of what is listed."""
    chosen, unknown = selection.choose(wanted, specs)
    now = time_ns()
    current = [spec for spec in chosen if not spec.over(now)]
    unread = specs.broken if isinstance(specs, Listing) else {}
    return Listed(current, specs, unknown, tuple(wanted), unread)


def _words(error: Exception) -> str:
    known = isinstance(error, RestError | ValueError)
    return str(error) if known else f"{type(error).__name__}: {error}"


async def list_instruments(venue: Venue, rest: Getter, patterns: Sequence[str]) -> Listing:
    """Every instrument that the patterns may name, each once; of two with one symbol, none.

    Raises :class:`feedhandler.network.rest.RestError`, and ValueError for an answer that makes no
    sense: whatever else a venue's code makes of what the venue sent is one.
    """
    waiting = deque(venue.instrument_requests(patterns))
    asked: list[Request] = []
    found: dict[str, ListedInstrument] = {}
    broken: dict[str, str] = {}
    alike: dict[str, str] = {}
    ticks: dict[Family, Ticks | str] = {}
    while waiting:
        request = waiting.popleft()
        if request in asked:
            raise ValueError(f"{venue.name}: the list of instruments leads in a circle")
        asked.append(request)
        refusal: RestRefused | None = None
        try:
            body = await rest.get(request)
        except RestRefused as error:
            body, refusal = error.body, error
        try:
            more, listed = await _read(venue, patterns, request, body, refusal is None)
        except ValueError as error:
            raise ValueError(one_line(error)) from None
        except Exception as error:
            text = f"{venue.name}: the list of instruments cannot be read: {error!r}"
            raise ValueError(one_line(text)) from error
        if refusal is not None and not more:
            raise refusal
        if len(asked) + len(waiting) + len(more) > _MAX_REQUESTS:
            raise ValueError(f"{venue.name}: the list of instruments has no end")
        for spec in listed:
            known = found.setdefault(spec.symbol, spec)
            if (known.name, known.kind) != (spec.name, spec.kind):
                alike[spec.symbol] = f"{known.name} and {spec.name} are both called so"
        if isinstance(listed, Listing):
            broken.update(listed.broken)
            ticks.update(listed.ticks)
        waiting.extend(more)
    for symbol in alike:  # frames do not say which of them they are about
        del found[symbol]
    return with_ticks(Listing(found.values(), broken | alike, ticks))


async def _read(
    venue: Venue, patterns: Sequence[str], request: Request, body: bytes, is_list: bool
) -> tuple[list[Request], list[ListedInstrument]]:
    """What an answer calls for, and what it lists."""

    def read() -> tuple[list[Request], list[ListedInstrument]]:
        more = venue.follow_up(patterns, request, body)
        return more, venue.parse_instruments(body) if is_list else []

    return read() if len(body) < _LONG_BYTES else await asyncio.to_thread(read)
