"""The state of a venue as a whole: what `status` shows.

LIVE: every book that was asked for is LIVE (without books: every connection is); with the reason
CAPACITY, what comes is read late, and that cannot be helped here. SYNCING: that has
not been so yet since the start. STALE: it was, and is not now; the reason is a connection's that is
down, else that of the books, and the detail says how many. DEGRADED: what is not LIVE is polled.
Expired instruments do not count; refused ones do: what was asked for and is not there is not LIVE.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from feedhandler.connection import Connection
from feedhandler.connection_state import ConnectionState
from feedhandler.log import log
from shm import Reason, State
from shm._native import Writer


@dataclass(frozen=True, slots=True)
class Health:
    state: State
    reason: Reason
    detail: str


def judge(
    books: Iterable[tuple[str, int, int]],
    connections: Sequence[Connection],
    was_live: bool,
    behind: str = "",
    note: str = "",
) -> Health:
    """`books`: (symbol, state, reason) of each that should be LIVE; `behind`: what is read late;
    `note`: what else there is to say while all is well."""
    total, missing = 0, []
    for symbol, state, reason in books:
        total += 1
        if state != State.LIVE:
            missing.append((symbol, state, reason))
    down = [c for c in connections if c.state is not ConnectionState.LIVE]
    if not missing and (total or not down):
        return Health(State.LIVE, Reason.CAPACITY if behind else Reason.NONE, behind or note)
    state = State.STALE if was_live else State.SYNCING
    if missing and all(each[1] == State.DEGRADED for each in missing):
        state = State.DEGRADED
    lost = [
        c for c in down if c.state in (ConnectionState.BACKOFF, ConnectionState.CONNECTING)
    ]  # fmt: skip
    parts = []
    if missing:
        symbol, its_state, its_reason = missing[0]
        parts.append(
            f"{len(missing)} of {total} books are not live: {symbol} is "
            f"{State(its_state).name}({Reason(its_reason).name})" + (", ..." if missing[1:] else "")
        )
    if lost:
        reason = lost[0].reason
        parts.insert(0, f"{len(lost)} of {len(connections)} connections are down: {lost[0].detail}")
    elif missing:
        reason = Reason(Tally(entry[2] for entry in missing).most_common(1)[0][0])
    else:
        reason = down[0].reason
    return Health(state, reason, "; ".join(parts))


class VenueState:
    """Keeps the venue's state in the header, and says in the log when it changes."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._was_live = False
        self._shown: tuple[State, Reason, str] | None = None

    def judge(
        self,
        books: Iterable[tuple[str, int, int]],
        connections: Sequence[Connection],
        behind: str = "",
        note: str = "",
    ) -> None:
        """See `judge`; once LIVE, what is not is STALE."""
        health = judge(books, connections, self._was_live, behind, note)
        self._was_live = self._was_live or health.state is State.LIVE
        self.show(health.state, health.reason, health.detail)

    def show(self, state: State, reason: Reason, detail: str) -> None:
        """Store it if it is another one."""
        shown = (state, reason, detail)
        if shown == self._shown:
            return
        if self._shown is None or shown[:2] != self._shown[:2]:
            why = f" ({reason.name})" if reason is not Reason.NONE else ""
            log.info("%s%s%s", state.name, why, f": {detail}" if detail else "")
        self._shown = shown
        self._writer.set_state(int(state), int(reason), detail)
