"""The state of a venue as a whole: what `status` shows.

LIVE: every book that was asked for is LIVE (without books: every connection is). SYNCING: that has
not been so yet since the start. STALE: it was, and is not now; the reason is a connection's that is
down, else that of the books, and the detail says how many. Expired instruments do not count;
refused ones do: what was asked for and is not there is not LIVE.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from feedhandler.connection import Connection
from feedhandler.connection_state import ConnectionState
from shm import Reason, State


@dataclass(frozen=True, slots=True)
class Health:
    state: State
    reason: Reason
    detail: str


def judge(
    books: Iterable[tuple[str, int, int]], connections: Sequence[Connection], was_live: bool
) -> Health:
    """`books`: (symbol, state, reason) of each that should be LIVE."""
    total, missing = 0, []
    for symbol, state, reason in books:
        total += 1
        if state != State.LIVE:
            missing.append((symbol, state, reason))
    down = [c for c in connections if c.state is not ConnectionState.LIVE]
    if not missing and (total or not down):
        return Health(State.LIVE, Reason.NONE, "")
    state = State.STALE if was_live else State.SYNCING
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
