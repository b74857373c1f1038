"""Bytes that leave a connection late, in small pieces, or slowly; always in their order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from time import monotonic

_CHUNKS_PER_SECOND = 100
_LEAST_GAP = 1e-4
"""An event loop joins what is written in one turn: pieces need turns of their own."""


@dataclass(frozen=True)
class Shape:
    """Seconds of delay and of random delay on top; bytes of a piece (0: whole) and the seconds
    between pieces; bytes per second (0: no bound)."""

    delay: float = 0.0
    jitter: float = 0.0
    piece: int = 0
    gap: float = 0.0
    rate: int = 0


class Line:
    """A queue in front of a transport's ``write``. One piece is one call, so one TCP segment."""

    def __init__(self, write: Callable[[bytes], None], random: Random) -> None:
        self._write = write
        self._random = random
        self._queue: deque[tuple[float, float, bytes]] = deque()  # due, pause after it, bytes
        self._due = self._free = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.pending = 0
        """Bytes that wait."""

    def put(self, data: bytes, shape: Shape) -> None:
        """Queue bytes under the shape now in force."""
        late = shape.delay + (shape.jitter * self._random.random() if shape.jitter else 0.0)
        self._due = due = max(self._due, monotonic() + late)
        size = shape.piece or len(data)
        if shape.rate:
            size = min(size, max(1, shape.rate // _CHUNKS_PER_SECOND))
        gap = max(shape.gap, _LEAST_GAP) if shape.piece else 0.0
        for at in range(0, len(data), size):
            piece = data[at : at + size]
            pause = max(gap, len(piece) / shape.rate if shape.rate else 0.0)
            self._queue.append((due, pause, piece))
        self.pending += len(data)
        self._run()

    def _run(self) -> None:
        if self._timer is not None:
            return
        now = monotonic()
        while self._queue:
            due, pause, piece = self._queue[0]
            at = max(due, self._free)
            if at > now:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(at - now, self._again)
                return
            self._queue.popleft()
            self.pending -= len(piece)
            self._write(piece)
            self._free = now + pause

    def _again(self) -> None:
        self._timer = None
        self._run()

    def clear(self) -> bytes:
        """Forget the queue and return what was in it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        rest = b"".join(piece for _, _, piece in self._queue)
        self._queue.clear()
        self.pending, self._due, self._free = 0, 0.0, 0.0
        return rest
