"""Make before break: connections are replaced by others that are in step before they are closed.

A rotation replaces one connection by one with the same keys; a split replaces those of a bundle by
connections that carry parts of its keys. While both run, the engine takes the first copy of each
message. When every book is in step with the new ones, the old ones are asked for a last answer:
what the venue had sent before is in by then, and they are closed.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from feedhandler.connection.connection import Connection
from feedhandler.connection.state import ConnectionState
from feedhandler.fleet.fleet import Bundle, Fleet
from feedhandler.log import log
from feedhandler.log_lines import about
from shm import Reason

AT_ONCE = 8
DRAIN_S = 2.0  #: the longest wait for an old connection's last answer, if it reads no later
DRAIN_MOST_S = 60.0  #: and if it does
SPLIT_S = 120.0  #: a split that is not in step by then is given up


@dataclass(eq=False, slots=True)
class _Handover:
    """`split`: the bundle whose parts the new ones carry; `told`: in the end, if it is done."""

    old: list[Connection]
    new: list[Connection]
    why: str
    reason: Reason = Reason.LIFETIME
    split: Bundle | None = None
    told: Callable[[bool], None] | None = None
    give_up_at: float | None = None
    drained_by: float | None = None


class Rotations:
    """The rotations and splits of one feed. Times are seconds of a monotonic clock."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._waiting: dict[Connection, tuple[str, Reason]] = {}
        self._running: list[_Handover] = []
        self._closing: set[asyncio.Task[None]] = set()

    def ask(self, connection: Connection, why: str, reason: Reason = Reason.LIFETIME) -> bool:
        """Replace this one soon. False: the limits leave no room for another beside it."""
        if self._fleet.room <= 0 and not self._running and not self._closing:
            return False
        self._waiting.setdefault(connection, (why, reason))
        return True

    @property
    def busy(self) -> set[Connection]:
        """Those that are being replaced, and those that are to replace them."""
        return {each for one in self._running for each in (*one.old, *one.new)}

    def split(
        self,
        bundle: Bundle,
        parts: Sequence[Sequence[str]],
        why: str,
        now: float,
        told: Callable[[bool], None],
    ) -> bool:
        """Replace a bundle's connections by some that carry parts of its keys.

        False: there is no room for them. `told`: at the end; False: the parts were not in step in
        time, and all is as before.
        """
        new = self._fleet.begin_split(bundle, parts)
        if not new:
            return False
        old = list(bundle.connections)
        log.warning("%s is being split: %s", old[0], why, extra=about(connection=old[0].row))
        handover = _Handover(old, new, why, Reason.CAPACITY, bundle, told, now + SPLIT_S)
        self._running.append(handover)
        return True

    def poll(self, now: float) -> None:
        """Do what is due; a few times a second."""
        for bundle in self._fleet.idle(now, self.busy):
            text = "its last key was unsubscribed"
            first = bundle.connections[0]
            log.info("%s is closed: %s", first, text, extra=about(connection=first.row))
            self._end(list(bundle.connections), Reason.UNSUBSCRIBED, text)
        self._running = [each for each in self._running if not self._done(each, now)]
        for connection, (why, reason) in list(self._waiting.items()):
            if len(self._running) >= AT_ONCE:
                return
            if connection in self.busy:
                continue
            if self._fleet.is_up(connection):
                new = self._fleet.beside(connection)
                if new is None:
                    return
                of = about(connection=connection.row)
                text = "%s is being replaced by connection %d: %s"
                log.info(text, connection, new.row, why, extra=of)
                self._running.append(_Handover([connection], [new], why, reason))
            del self._waiting[connection]  # or it went down, and begins anew anyway

    def _done(self, handover: _Handover, now: float) -> bool:
        up = [each for each in handover.old if self._fleet.is_up(each)]
        if up:
            if not self._ready(handover):
                handover.drained_by = None
                if handover.give_up_at is not None and now >= handover.give_up_at:
                    self._give_up(handover)
                    return True
                return False
            if handover.drained_by is None:
                late = max(each.native.behind_ns for each in up) / 1e9
                handover.drained_by = now + max(DRAIN_S, min(2 * late, DRAIN_MOST_S))
                for each in up:
                    each.pings.drain()
            if now < handover.drained_by and not all(each.pings.drained for each in up):
                return False
        rows = ", ".join(str(each.row) for each in handover.new)
        if handover.split is not None:
            self._fleet.finish_split(handover.split)
        text = f"replaced by connection{'s' if handover.split else ''} {rows}: {handover.why}"
        self._end(handover.old, handover.reason, text)
        if handover.told is not None:
            handover.told(True)
        return True

    @staticmethod
    def _ready(handover: _Handover) -> bool:
        """Whether the new ones are in step, and the venue refuses them no more than the old."""
        if any(each.state is not ConnectionState.LIVE for each in handover.new):
            return False
        lacks = [
            sum(c.failed + c.unanswered for c in (each.subscriptions.counts() for each in side))
            for side in (handover.old, handover.new)
        ]
        return lacks[1] <= lacks[0]

    def _give_up(self, handover: _Handover) -> None:
        if handover.split is not None:
            self._fleet.give_up_split(handover.split)
        text = f"not in step within {SPLIT_S:.0f} s: the split was given up"
        first = handover.old[0]
        log.warning("%s: %s", first, text, extra=about(connection=first.row))
        self._end(handover.new, handover.reason, text)
        if handover.told is not None:
            handover.told(False)

    def _end(self, connections: Sequence[Connection], reason: Reason, text: str) -> None:
        for each in connections:
            self._waiting.pop(each, None)
            self._fleet.retire(each)
            task = asyncio.get_running_loop().create_task(self._close(each, reason, text))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _close(self, connection: Connection, reason: Reason, text: str) -> None:
        await connection.stop(reason, text)
        self._fleet.free(connection)
