"""The last trades of one instrument, as the ring has them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from feedhandler.cli.inspect_.records import Describer

if TYPE_CHECKING:
    from shm._native import Instrument
    from shm.inspect import Memory

_LOOK = 50_000  # records a look: older ones are passed over


class RecentTrades:
    """Looks at what is new each time that it is asked."""

    def __init__(self, most: int = 100) -> None:
        self._trades: deque[dict[str, Any]] = deque(maxlen=most)
        self._epoch = -1
        self._next = 1

    def of(self, memory: Memory, instrument: Instrument) -> list[dict[str, Any]]:
        """Records of trades and liquidations, the newest first, lined up."""
        import numpy as np

        from shm._native import READ_OK
        from shm.names import Kind

        if memory.epoch != self._epoch:
            self._epoch, self._next = memory.epoch, 1
            self._describer = Describer(memory)
        last = memory.segment.published
        first = max(1, last - memory.segment.slots + 1, last - _LOOK + 1, self._next)
        self._next = last + 1
        if first <= last:
            slots = memory.slots(first, last)
            trades = np.isin(slots["kind"], (int(Kind.TRADE), int(Kind.LIQUIDATION)))
            wanted = trades & (slots["instrument"] == instrument.id) & (slots["status"] == READ_OK)
            self._trades.extend(self._describer.record(slot) for slot in slots[wanted][-100:])
        return self._describer.lined_up(list(reversed(self._trades)))
