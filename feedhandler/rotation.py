"""Make before break: a connection is replaced by another that is in step before it is closed.

The new one has the same keys. While both run, the engine takes the first copy of each message. When
every book is in step with the new one, the old one is asked for a last answer: what the venue had
sent before is in by then, and it is closed.
"""

import asyncio
from dataclasses import dataclass

from feedhandler.connection import Connection
from feedhandler.connection_state import ConnectionState
from feedhandler.fleet import Fleet
from feedhandler.log import log
from shm import Reason

AT_ONCE = 8
DRAIN_S = 2.0  #: the longest wait for the old connection's last answer


@dataclass(eq=False, slots=True)
class _Rotation:
    old: Connection
    new: Connection
    why: str
    drained_by: float | None = None


class Rotations:
    """The rotations of one feed. Times are seconds of a monotonic clock."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._waiting: dict[Connection, str] = {}
        self._running: list[_Rotation] = []
        self._closing: set[asyncio.Task[None]] = set()

    def ask(self, connection: Connection, why: str) -> bool:
        """Replace this one soon. False: the limits leave no room for another beside it."""
        if self._fleet.room <= 0 and not self._running and not self._closing:
            return False
        self._waiting.setdefault(connection, why)
        return True

    def poll(self, now: float) -> None:
        """Do what is due; a few times a second."""
        self._running = [each for each in self._running if not self._done(each, now)]
        busy = {c for each in self._running for c in (each.old, each.new)}
        for connection, why in list(self._waiting.items()):
            if len(self._running) >= AT_ONCE:
                return
            if connection in busy:
                continue
            if self._fleet.is_up(connection):
                new = self._fleet.beside(connection)
                if new is None:
                    return
                log.info("%s is being replaced by connection %d: %s", connection, new.row, why)
                self._running.append(_Rotation(connection, new, why))
            del self._waiting[connection]  # or it went down, and begins anew anyway

    def _done(self, rotation: _Rotation, now: float) -> bool:
        old, new = rotation.old, rotation.new
        if self._fleet.is_up(old):
            refused = new.subscriptions.counts().failed > old.subscriptions.counts().failed
            if new.state is not ConnectionState.LIVE or refused:
                rotation.drained_by = None
                return False
            if rotation.drained_by is None:
                rotation.drained_by = now + DRAIN_S
                old.drain()
            if not old.drained and now < rotation.drained_by:
                return False
        self._fleet.retire(old)
        task = asyncio.get_running_loop().create_task(self._close(rotation))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return True

    async def _close(self, rotation: _Rotation) -> None:
        text = f"{rotation.why}; replaced by connection {rotation.new.row}"
        await rotation.old.stop(Reason.LIFETIME, text)
        self._fleet.free(rotation.old)
