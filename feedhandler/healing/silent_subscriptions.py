"""What is done about subscriptions that are acknowledged and bring nothing, or nothing any more.

The books that flow beside them are right, and stay LIVE: what is silent is said of the connection
and of the venue, which are LIVE with a reason. An instrument without a book is not LIVE without the
channel that it lives by. The cures, one after the other: the subscription is made again; another
connection replaces its own, by make before break; one to another endpoint, where there is one; and
so on, each time later.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from time import time_ns
from typing import Any

from feedhandler import number_text
from feedhandler.adapter.venue import Venue
from feedhandler.budgets.backoff import doubled
from feedhandler.connection.connection import Connection
from feedhandler.connection.state import is_open
from feedhandler.engine import _engine
from feedhandler.healing.promise_watch import PromiseWatch, Top
from feedhandler.healing.remarks import Remarks
from feedhandler.healing.rhythm import RhythmOptions
from feedhandler.instruments.universe import CHANNEL, CarriedInstrument, Universe, is_about
from feedhandler.log import Throttle
from shm import Counter, Reason, State

RENEW_S = (30.0, 1800.0)  #: the first and the longest time between two connections to an endpoint
MANY = 8  #: so many silent ones of a connection are its own fault, or its peer's
LOW_BUDGET = 20.0  #: keys an hour that are kept for books
_BEFORE_NS = 200_000_000
ALONE_S = 30.0  #: the first word of a best bid and offer that has no book beside it
AGAIN_S = (10.0, 600.0)  #: and between two subscriptions, after the first one
#: the channels of which one makes an instrument without a book LIVE
_LIVES_BY = ("quote", "ticker")

#: Replace a connection by another one, of an endpoint's next address if one is named.
Renew = Callable[[Connection, Reason, str, str | None], None]


@dataclass(slots=True)
class Silent:
    """`at_ns`: since when it is said, unix ns; `again`: when the next cure is due."""

    connection: Connection
    reason: Reason
    at_ns: int
    again: float
    tries: int = 0


class SilentSubscriptions:
    """Of one feed. Times are seconds of the event loop's clock."""

    def __init__(
        self,
        venue: Venue,
        universe: Universe,
        engine: _engine.Engine,
        renew: Renew,
        dumb: Callable[[Connection, CarriedInstrument, Reason], None],
        count: Callable[[Counter], None],
        hint: Callable[[], None],
        options: RhythmOptions,
    ) -> None:
        self._venue = venue
        self._universe = universe
        self._engine = engine
        self._renew_to = renew
        self._dumb_book = dumb
        self._count = count
        self._hint = hint
        self.promises = PromiseWatch(options, self._top, self._open)
        self.silent: dict[str, Silent] = {}
        self._connections: dict[str, Connection] = {}
        self._renewals: dict[str, tuple[float, int]] = {}  # of an endpoint: the next one, how many
        self._remarks = Remarks("data")
        self._quiet = Throttle()

    # ---- what the connections say

    def acknowledged(self, connection: Connection, key: str, now: float) -> None:
        """Judge this key from now on."""
        self._connections[key] = connection
        found = self.silent.get(key)
        if found is not None and found.reason in (Reason.REJECTED, Reason.UNANSWERED):
            del self.silent[key]
        elif found is not None:
            found.connection = connection
        promise = self._venue.promise(key)
        rows = self._rows(key)
        tracked = self._universe.of_key(key)
        if tracked is not None and tracked.book_key is None and promise.moves:
            promise = replace(promise, first_s=ALONE_S)  # there is no book to judge it by
        if promise.column and rows:
            # What the same read of the socket brought counts, or the one just before.
            since_ns = max(connection.connected_ns, connection.native.last_receive_ns - _BEFORE_NS)
            self.promises.add(key, rows, promise, now, since_ns)

    def refused(self, connection: Connection, keys: Iterable[str], reason: Reason) -> None:
        """The venue did not take these keys: they have a cure of their own."""
        for key in keys:
            self.promises.drop(key)
            if self._venue.promise(key).column not in ("", "book"):  # a book has a state
                self.silent[key] = Silent(connection, reason, time_ns(), float("inf"))

    def down(self, connection: Connection) -> None:
        """The connection is down: nothing on it is judged."""
        for key in [key for key, its in self._connections.items() if its is connection]:
            del self._connections[key]
            self.promises.drop(key)

    def restated(self, tracked: CarriedInstrument, now: float) -> None:
        """The venue does something else with orders on it: silence counts from now, if at all."""
        for key in self._universe.own_keys(tracked):
            self.silent.pop(key, None)
            if key in self._connections:
                self.acknowledged(self._connections[key], key, now)

    def forget(self, tracked: CarriedInstrument) -> None:
        """The instrument is over."""
        for key in self._universe.own_keys(tracked):
            self.silent.pop(key, None)
            if self._connections.pop(key, None) is not None:
                self.promises.drop(key)

    # ---- by the clock

    def poll(self, now: float) -> None:
        """The look is over: act on what did not come."""
        for key, found in list(self.silent.items()):
            column = CHANNEL.get(self._venue.promise(key).column)
            if column is not None and any(
                self._engine.heard(row, column) > found.at_ns for row in self._rows(key)
            ):
                del self.silent[key]
                text = f"{found.connection}: {key} speaks again"
                self._quiet.info("again", text, **self._of(found.connection, key))
        for key, reason in self.promises.judge(now):
            connection = self._connections.get(key)
            if connection is not None:
                self._fell_silent(connection, key, reason, now)
        held = Tally(found.connection for found in self.silent.values())
        for key, found in list(self.silent.items()):
            if key not in found.connection.subscriptions and key not in self._connections:
                del self.silent[key]  # it was unsubscribed
            elif is_open(found.connection.state):
                self._show(key, found)
                if now >= found.again:
                    self._cure(key, found, now, many=held[found.connection] >= MANY)
        self._note()

    def _of(self, connection: Connection, key: str) -> dict[str, Any]:
        """What a line on a key is about."""
        tracked = self._universe.of_key(key)
        symbol = "" if tracked is None else tracked.spec.symbol
        return {"connection": connection.row, "instrument": symbol}

    def _fell_silent(self, connection: Connection, key: str, reason: Reason, now: float) -> None:
        self._hint()  # it may be halted
        promise, tracked = self._venue.promise(key), self._universe.of_key(key)
        proves = promise.first_s and not promise.every_s  # that it was quiet, if subscribed again
        if reason is Reason.SUBSCRIPTION and proves and tracked is not None and tracked.book_key:
            if connection.resubscribe(key):
                self._count(Counter.RESUBSCRIBES)
            return
        if key not in self.silent:
            self.silent[key] = Silent(connection, reason, time_ns(), now)
            text = f"{connection}: {key} {_WORDS[reason]}"
            self._quiet.warning(reason.name, text, **self._of(connection, key))

    def _cure(self, key: str, found: Silent, now: float, *, many: bool) -> None:
        found.again = now + doubled(*AGAIN_S, found.tries)
        found.tries += 1
        renewal, _ = self._renewals.get(self._venue.endpoint(key), (now, 0))
        if renewal > now:
            found.again = min(found.again, renewal)
        connection = found.connection
        if (many or found.tries > 1) and self._renew(key, found, now):
            return
        if many or connection.subscriptions.budget(now) < LOW_BUDGET:
            return  # what it would cost is not to be had again
        if connection.resubscribe(key):
            self._count(Counter.RESUBSCRIBES)

    def _renew(self, key: str, found: Silent, now: float) -> bool:
        endpoint = self._venue.endpoint(key)
        at, count = self._renewals.get(endpoint, (0.0, 0))
        if now < at:
            return False
        self._renewals[endpoint] = now + doubled(*RENEW_S, count), count + 1
        why = f"{key} {_WORDS[found.reason]}"
        self._renew_to(found.connection, found.reason, why, endpoint if count else None)
        return True

    def _show(self, key: str, found: Silent) -> None:
        """An instrument without a book does not stay LIVE without what it lives by; with one, it
        is what the book is."""
        column = self._venue.promise(key).column
        tracked = self._universe.of_key(key)
        if tracked is not None and key == tracked.book_key:
            self._dumb_book(found.connection, tracked, found.reason)
            return
        if tracked is None or tracked.book_key is not None or column not in _LIVES_BY:
            return
        keys = self._universe.keys(tracked.spec)
        if column == next((c for c in _LIVES_BY if c in self._columns(keys)), None):
            state = self._engine.state(tracked.id)
            if state[0] == State.LIVE or state[1] != found.reason:
                self._engine.silent(tracked.id, CHANNEL[column], int(found.reason))

    def _columns(self, keys: Iterable[str]) -> set[str]:
        return {self._venue.promise(key).column for key in keys}

    def _note(self) -> None:
        """Say it of the connections."""
        by_connection: dict[Connection, list[str]] = {}
        for key, found in self.silent.items():
            if found.reason not in (Reason.REJECTED, Reason.UNANSWERED):
                by_connection.setdefault(found.connection, []).append(key)
        self._remarks.say({each: self._remark(keys) for each, keys in by_connection.items()})
        endpoints = {self._venue.endpoint(key) for key in self.silent}
        self._renewals = {e: its for e, its in self._renewals.items() if e in endpoints}

    @property
    def finding(self) -> tuple[Reason, str]:
        """What there is to say of the venue; (NONE, "") if all speak."""
        keys = list(self.silent)
        return self._remark(keys) if keys else (Reason.NONE, "")

    def _remark(self, keys: list[str]) -> tuple[Reason, str]:
        """Of some that are silent; there is one."""
        found = self.silent[keys[0]]
        since = number_text.duration(time_ns() - found.at_ns)
        more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
        return found.reason, f"{keys[0][:60]} {_WORDS[found.reason]} ({since}){more}"

    # ---- what is known of instruments

    def _rows(self, key: str) -> list[int]:
        tracked = self._universe.of_key(key)
        if tracked is not None:
            return [] if tracked.closed else [tracked.id]
        subject = self._universe.parts(key)[1]
        return [t.id for t in self._universe if not t.closed and is_about(t.spec, subject)]

    def _open(self, row: int) -> bool:
        tracked = self._universe.by_id.get(row)
        return tracked is not None and tracked.open and not tracked.closed

    def _top(self, row: int) -> Top:
        return self._engine.best(row)


_WORDS = {
    Reason.NO_DATA: "brings nothing, though it is acknowledged",
    Reason.SUBSCRIPTION: "fell silent",
    Reason.REJECTED: "is refused",
    Reason.UNANSWERED: "is not answered",
}
