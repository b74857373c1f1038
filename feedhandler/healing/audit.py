"""The shadow audit: now and then a snapshot of a LIVE book, against the book at that sequence.

Continuity proves that no message is missing, not that each was read and applied as the venue meant
it; a snapshot taken beside the stream does. Ours at the snapshot's sequence is had as any reader
has it: a copy of the book when the request starts, and the venue's own ring from there on. One
instrument at a time, in turn, only out of budget that recovery does not need.
"""

import asyncio
import random
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from time import time_ns
from typing import Any

import numpy as np

from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import BookAnswer, Venue
from feedhandler.engine import _engine
from feedhandler.engine.books_json import decimal_text
from feedhandler.healing.audit_compare import Broken, Comparison, FollowedBook, Known, compare
from feedhandler.healing.audit_report import AuditReport
from feedhandler.instruments.universe import CarriedInstrument
from feedhandler.log import Throttle, log
from feedhandler.log_lines import about
from feedhandler.network.rest import Getter, RestError
from shm import Counter, Reason, ShmError, State
from shm._native import READ_OK, Segment, Writer
from shm.memory import open_memory

REACH_S = 5.0  #: that the stream has to reach the snapshot's sequence
CONFIRM_S = 10.0  #: that the budget has to allow a second snapshot of a suspected book
LOOK_S = 0.05
TRIES = 3  #: snapshots a turn: one may be older than our copy, one may need confirmation
_JITTER = 0.2
_CHUNK = 8192  #: ring records at a time, so that nothing else waits for long
_SHOWN = 5  #: differing levels in the log


@dataclass(frozen=True, slots=True)
class Duties:
    """What the audit needs of the feed. `after`: the instruments by their ids, from the one after
    this id on and round to it; `free`: whether recovery leaves room for this request; `diverged`:
    the book is wrong and no longer LIVE, heal it; `count`: counters."""

    after: Callable[[int], Iterable[CarriedInstrument]]
    free: Callable[[Request], bool]
    diverged: Callable[[CarriedInstrument], None]
    count: Callable[[Counter], None]


class Audit:
    """One venue's. `run` until cancelled; `every_s` between two audits, with jitter."""

    def __init__(
        self,
        venue: Venue,
        engine: _engine.Engine,
        writer: Writer,
        requests: Getter,
        duties: Duties,
        every_s: float,
        rng: random.Random,
    ) -> None:
        self._venue = venue
        self._engine = engine
        self._writer = writer
        self._requests = requests
        self._do = duties
        self._every_s = every_s
        self._rng = rng
        self._clock = asyncio.get_running_loop().time
        self._found: dict[str, dict[str, Any]] = {}
        self._last = -1
        self._quiet = Throttle()
        self._report: AuditReport | None = None

    async def run(self) -> None:
        """Audit by turns until cancelled; without `every_s` never."""
        if not self._every_s:
            return
        its = self._writer
        try:
            memory = open_memory(its.venue, namespace=its.namespace, epoch=its.epoch)
            with closing(memory):
                self._report = AuditReport(its.namespace, its.venue, its.epoch)
                while True:
                    await asyncio.sleep(self._every_s * self._rng.uniform(1 - _JITTER, 1 + _JITTER))
                    await self._turn(memory.segment)
        except (ShmError, OSError) as error:
            log.error("no audits: %s", error)
        finally:
            if self._report is not None:
                self._report.remove()

    async def _turn(self, segment: Segment) -> None:
        tracked = self._next()
        request = self._venue.book_request(tracked.spec.symbol) if tracked else None
        if tracked is None:
            return
        if request is not None and not self._do.free(request):
            return  # it stays its turn: a budget that has room every other time would pass it by
        self._last = tracked.id
        if request is None:
            return
        try:
            comparison, sequence = await self._audit(segment, tracked, request)
        except Broken as reason:
            symbol = tracked.spec.symbol
            log.debug("%s: not audited: %s", symbol, reason, extra=about(instrument=symbol))
            return
        except (RestError, ValueError, NotImplementedError) as error:
            symbol = tracked.spec.symbol
            self._quiet.warning("audit", f"audit of {symbol}: {error}", instrument=symbol)
            return
        self._do.count(Counter.AUDITS)
        self._publish(tracked, comparison, sequence)

    def _next(self) -> CarriedInstrument | None:
        """The next LIVE book in turn."""
        for tracked in self._do.after(self._last):
            if self._is_live(tracked):
                return tracked
        return None

    def _is_live(self, tracked: CarriedInstrument) -> bool:
        if tracked.book_key is None or tracked.closed:
            return False
        return self._engine.state(tracked.id)[0] == State.LIVE

    async def _audit(
        self, segment: Segment, tracked: CarriedInstrument, request: Request
    ) -> tuple[Comparison, int]:
        """Raises Broken (no verdict), RestError, ValueError."""
        suspected: set[tuple[int, int]] = set()
        for _ in range(TRIES):
            if not self._is_live(tracked):
                raise Broken("it is not LIVE")
            start = segment.published + 1
            bids, asks, sequence, price, size = self._engine.book(tracked.id)
            precision = segment.instrument(tracked.id).precision
            known = self._known(tracked)  # of that copy: what the ring brings changes it not
            answer = self._venue.parse_book(await self._requests.get(request))
            if answer.sequence < sequence:
                continue  # a cached answer
            book = FollowedBook(bids, asks, sequence, precision)
            await self._reach(segment, tracked, book, start, answer.sequence)
            bids_there, asks_there = _sides(answer, price, size)
            comparison = compare(book, bids_there, asks_there, request.levels, known)
            differ = {(side, at) for side, at, _, _ in comparison.differing}
            # A level may change and change back between two messages: what neither of them says
            # is believed only when a second snapshot says it again.
            if comparison.exact or not differ or differ & suspected:
                if differ:
                    self._diverged(tracked, comparison, answer.sequence, price, size)
                return comparison, answer.sequence
            suspected = differ
            await self._room(request)
        raise Broken("no snapshot at a sequence that can be compared")

    async def _room(self, request: Request) -> None:
        """Wait, but not for ever, until another request does not stand in recovery's way."""
        deadline = self._clock() + CONFIRM_S
        while not self._do.free(request):
            if self._clock() > deadline:
                raise Broken("the budget allows no second snapshot")
            await asyncio.sleep(LOOK_S)

    async def _reach(
        self,
        segment: Segment,
        tracked: CarriedInstrument,
        book: FollowedBook,
        start: int,
        until: int,
    ) -> None:
        """Take the ring's records until the book is at a sequence."""
        if book.sequence == until:
            return
        deadline = self._clock() + REACH_S
        while True:
            count = min(_CHUNK, segment.published + 1 - start)
            if count > 0:
                rows = segment.ring(start, count)
                if np.any(rows["status"] != READ_OK):
                    raise Broken("the ring went round meanwhile")
                start += count
                if book.take(rows[rows["instrument"] == tracked.id], until):
                    return
            if count < _CHUNK:
                if self._clock() > deadline:
                    raise Broken("the stream did not reach the snapshot's sequence")
                await asyncio.sleep(LOOK_S)
            else:
                await asyncio.sleep(0)

    def _known(self, tracked: CarriedInstrument) -> Known:
        return Known(*(side and side[1] for side in self._engine.known(tracked.id)))

    def _diverged(
        self,
        tracked: CarriedInstrument,
        comparison: Comparison,
        sequence: int,
        price: int,
        size: int,
    ) -> None:
        if self._is_live(tracked):
            self._engine.set_state(tracked.id, int(State.STALE), int(Reason.AUDIT))
        self._do.count(Counter.AUDIT_BAD)
        first = "; ".join(
            f"{'ask' if side else 'bid'} {decimal_text(at, price)}: "
            f"ours {decimal_text(ours, size)}, the venue's {decimal_text(theirs, size)}"
            for side, at, ours, theirs in comparison.differing[:_SHOWN]
        )
        log.error(
            "%s: %d of %d levels differ from a snapshot at %d: %s",
            tracked.spec.symbol,
            len(comparison.differing),
            comparison.levels,
            sequence,
            first,
            extra=about(instrument=tracked.spec.symbol),
        )
        self._do.diverged(tracked)

    def _publish(self, tracked: CarriedInstrument, comparison: Comparison, sequence: int) -> None:
        *_, price, _ = self._engine.book(tracked.id)
        known = self._known(tracked)
        self._found[tracked.spec.symbol] = {
            "agree": comparison.share,
            "levels": comparison.levels,
            "sequence": sequence,
            "at_ns": time_ns(),
            "known": {
                side: None if at is None else decimal_text(at, price)
                for side, at in (("bid", known.bid), ("ask", known.ask))
            },
        }
        if self._report is None:
            return
        try:
            self._report.store(self._found)
        except OSError as error:
            self._quiet.warning("report", f"the audit report cannot be written: {error}")


def _scaled(text: str, exponent: int) -> int:
    return _engine.parse_decimal(text.encode(), exponent)


def _sides(answer: BookAnswer, price: int, size: int) -> list[list[tuple[int, int]]]:
    return [
        [(_scaled(at, price), _scaled(amount, size)) for at, amount in side]
        for side in (answer.bids, answer.asks)
    ]
