"""The connection table in shared memory: what `inspect connections` shows, a few times a second."""

from dataclasses import dataclass
from time import monotonic_ns, time_ns

from feedhandler.connection.connection import Connection
from feedhandler.connection.outage import MOST_BYTES
from feedhandler.connection.state import ConnectionState, is_open
from feedhandler.one_line import fitting
from shm import Kind, Reason, State
from shm._native import Writer

_SMOOTHING = 0.25
_RATES = (("frames", "frames_s"), ("bytes", "bytes_s"), ("levels", "levels_s"))
_MEANS = {  # for readers of the ring, who know the states of instruments only
    ConnectionState.SUBSCRIBING: State.SYNCING,
    ConnectionState.SYNCING: State.SYNCING,
    ConnectionState.LIVE: State.LIVE,
    ConnectionState.BACKOFF: State.STALE,
    ConnectionState.DRAINING: State.CLOSED,
    ConnectionState.CLOSED: State.CLOSED,
}


@dataclass(slots=True)
class _Rates:
    at_ns: int = 0
    frames: int = 0
    bytes: int = 0
    levels: int = 0
    frames_s: float = 0.0
    bytes_s: float = 0.0
    levels_s: float = 0.0

    def update(self, connection: Connection, now_ns: int) -> None:
        native = connection.native
        seconds = (now_ns - self.at_ns) / 1e9
        if self.at_ns and seconds > 0:
            for total, a_second in _RATES:
                rate = (getattr(native, total) - getattr(self, total)) / seconds
                old = getattr(self, a_second)
                setattr(self, a_second, old + _SMOOTHING * (rate - old))
        self.at_ns = now_ns
        self.frames, self.bytes, self.levels = native.frames, native.bytes, native.levels


class ConnectionTable:
    """Writes rows and, when a connection's state changes, a STATE record into the ring."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._rates: dict[int, _Rates] = {}
        self._told: dict[int, tuple[State, Reason]] = {}

    def store(self, connection: Connection, now: float) -> None:
        """Write one row. `now`: the event loop's clock."""
        now_ns = time_ns()
        rates = self._rates.setdefault(connection.row, _Rates())
        rates.update(connection, now_ns)
        native, trips, counts = (
            connection.native,
            connection.pings.trips,
            connection.subscriptions.counts(),
        )
        session = now_ns - connection.connected_ns if connection.connected_ns else 0
        rotation = connection.limit.at
        queue = connection.socket.queue
        if queue is not None:
            queue.look(monotonic_ns())
        self._writer.connection_store(
            connection.row,
            state=int(connection.state),
            reason=int(connection.reason),
            url=fitting(connection.settings.url, MOST_BYTES).encode(),
            detail=fitting(connection.detail, MOST_BYTES).encode(),
            since_ns=connection.since_ns,
            connected_ns=connection.connected_ns,
            first_ns=connection.first_ns,
            connects=connection.connects,
            disconnects=connection.disconnects,
            transitions=connection.transitions,
            frames=native.frames,
            bytes=native.bytes,
            levels=native.levels,
            last_receive_ns=native.last_receive_ns,
            rtt_ns=trips.last_ns,
            rtt_p50_ns=trips.percentile(50),
            rtt_p99_ns=trips.percentile(99),
            live=counts.live if is_open(connection.state) else 0,
            pending=counts.pending if is_open(connection.state) else len(connection.subscriptions),
            failed=counts.failed,
            queue_bytes=queue.bytes if queue else 0,
            oldest_unread_ns=queue.oldest_ns if queue else 0,
            next_rotation_ns=0 if rotation is None else now_ns + int((rotation - now) * 1e9),
            uptime_ns=connection.uptime_ns + session,
            frames_per_second=rates.frames_s,
            bytes_per_second=rates.bytes_s,
            levels_per_second=rates.levels_s,
            budget=connection.budget(now),
            wins=native.wins,
            lead_p50_ns=native.lead_p50_ns,
            behind_ns=native.behind_ns,
            slow_frames=native.slow,
        )

    def announce(self, connection: Connection) -> None:
        """Tell readers of the ring, if it means something else to them now."""
        state = _MEANS.get(connection.state)
        if state is None:  # CONNECTING: still what it was
            return
        reason = connection.reason if state is not State.LIVE else Reason.NONE
        if self._told.get(connection.row) == (state, reason):
            return
        self._told[connection.row] = (state, reason)
        record = (int(Kind.STATE), 1, int(state), int(reason), connection.row)
        self._writer.message(None, [record])
        self._writer.publish()
        self._writer.wake()
