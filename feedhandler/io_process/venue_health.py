"""The state of a venue as a whole: what `status` shows.

LIVE: every book that was asked for is LIVE (without books: every connection is); with the reason
CAPACITY, what comes is read late, and that cannot be helped here; with another reason, something
beside the books does not come (mark prices, trades): a subscription is silent, refused or not
answered, or the connection of such streams is down. SYNCING: that has
not been so yet since the start. STALE: it was, and is not now; the reason is a connection's that is
down, else that of the books, and the detail says how many. DEGRADED: what is not LIVE is polled.
Expired instruments do not count; refused ones do: what was asked for and is not there is not LIVE.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic, time_ns

from feedhandler.connection.connection import Connection
from feedhandler.connection.outage import MOST_BYTES
from feedhandler.connection.state import ConnectionState, is_open
from feedhandler.io_process.book_tally import BookTally
from feedhandler.log import log
from feedhandler.number_text import plural
from feedhandler.one_line import fitting
from shm import Reason, State
from shm._native import Writer

REOPENED_NS = 2_000_000_000
AGAIN_S = 60.0  #: a state that is not LIVE is said again after so long
LASTS_S = 3.0  #: and not at all if it is over sooner: who brought it about has said why


@dataclass(frozen=True, slots=True)
class Health:
    state: State
    reason: Reason
    detail: str


def judge(
    books: BookTally,
    connections: Sequence[Connection],
    was_live: bool,
    behind: str = "",
    note: str = "",
    silent: tuple[Reason, str] = (Reason.NONE, ""),
) -> Health:
    """`books`: those that should be LIVE; `behind`: what is read late; `silent`: which
    subscriptions beside the books are silent; `note`: what else there is to say while all is
    well."""
    total, missing = len(books), books.missing
    down = [c for c in connections if c.state is not ConnectionState.LIVE]
    if not missing and (total or not down):
        if behind:
            return Health(State.LIVE, Reason.CAPACITY, behind)
        cut = [c for c in down if not is_open(c.state) and c.outage]
        if cut:
            first = f"{_of(len(cut), len(connections))} down: "
            reason, why = _complaint(cut[0], MOST_BYTES - len(first))
            return Health(State.LIVE, reason, first + why)
        return Health(State.LIVE, silent[0], "; ".join(filter(None, (silent[1], note))))
    state = State.STALE if was_live else State.SYNCING
    if books.polled:
        state = State.DEGRADED
    lost = [c for c in down if not is_open(c.state) and (c.outage or c.detail)]
    if not lost:  # one that is open again may be cut again, as it was before
        lost = [c for c in down if c.outage and time_ns() - c.connected_ns < REOPENED_NS]
    reason, parts = down[0].reason if down else Reason.NONE, []
    if missing:
        reason = Reason(books.reason)
    if lost:
        how = "not back yet" if is_open(lost[0].state) else "down"
        first = f"{_of(len(lost), len(connections))} {how}: "
        reason, why = _complaint(lost[0], MOST_BYTES - len(first))
        parts.append(first + why)
    if missing:
        symbol, its_state, its_reason = books.first
        text = f"{missing} of {plural(total, 'book')} not live"
        example = f": {symbol} is {State(its_state).name}({Reason(its_reason).name})"
        parts.append(text + example + (", ..." if missing > 1 else ""))
        if len("; ".join(parts).encode()) > MOST_BYTES:
            parts[-1] = text
        if len("; ".join(parts).encode()) > MOST_BYTES and lost:
            parts.pop()  # which LIVE counts, too
    return Health(state, reason, "; ".join(parts))


def _complaint(connection: Connection, most_bytes: int) -> tuple[Reason, str]:
    """Why a connection is not LIVE, and what is done about it."""
    outage = connection.outage
    if outage and connection.reason in (Reason.START, outage.reason):
        return outage.reason, outage.said(most_bytes)
    return connection.reason, connection.detail


class VenueState:
    """Keeps the venue's state in the header, and says in the log when it changes.

    What is not LIVE may change from one state to another and back as often as is tried to mend it:
    each is said once, and again after a minute; nothing of what is healed within LASTS_S.
    """

    def __init__(self, writer: Writer, clock: Callable[[], float] = monotonic) -> None:
        self._writer = writer
        self._clock = clock
        self._logged: dict[tuple[State, Reason], float] = {}
        self._was_live = False
        self._shown: tuple[State, Reason, str] | None = None
        self._well: bool | None = None  # what was said last
        self._since = clock()  # that is not so any more

    def judge(
        self,
        books: BookTally,
        connections: Sequence[Connection],
        behind: str = "",
        note: str = "",
        silent: tuple[Reason, str] = (Reason.NONE, ""),
    ) -> None:
        """See `judge`; once LIVE, what is not is STALE."""
        health = judge(books, connections, self._was_live, behind, note, silent)
        self._was_live = self._was_live or health.state is State.LIVE
        self.show(health.state, health.reason, health.detail)

    def show(self, state: State, reason: Reason, detail: str) -> None:
        """Store it if it is another one."""
        self._tell(state, reason, detail)
        shown = (state, reason, detail)
        if shown == self._shown:
            return
        self._shown = shown
        self._writer.set_state(int(state), int(reason), fitting(detail, MOST_BYTES))

    def _tell(self, state: State, reason: Reason, detail: str) -> None:
        now, well = self._clock(), (state, reason) == (State.LIVE, Reason.NONE)
        changed = self._shown is None or (state, reason) != self._shown[:2]
        if well:
            self._since = now
            self._logged.clear()
            if not self._well:
                self._well = True
                self._log(state, reason, detail)
        elif now - self._since >= LASTS_S and (changed or self._well is not False):
            self._well = False
            if now - self._logged.get((state, reason), float("-inf")) >= AGAIN_S:
                self._logged[state, reason] = now
                self._log(state, reason, detail)

    def _log(self, state: State, reason: Reason, detail: str) -> None:
        why = f" ({reason.name})" if reason is not Reason.NONE else ""
        log.info("%s%s%s", state.name, why, f": {detail}" if detail else "")


def _of(some: int, of: int) -> str:
    """1 of 1 connection, 2 of 5 connections"""
    return f"{some} of {plural(of, 'connection')}"
