from time import time_ns
from typing import Any

import numpy as np

from feedhandler.engine import _engine
from feedhandler.healing.snapshot_queue import RECENT_NS, TradedFirst


class Activity:
    def __init__(self, instruments: int) -> None:
        self.times = np.zeros((instruments, 4), dtype=np.int64)

    def activity(self) -> Any:
        return self.times.copy()


def test_what_trades_goes_first_then_what_did_then_in_the_order_of_the_configuration() -> None:
    engine, now = Activity(5), [0.0]
    rank = TradedFirst(engine, lambda: now[0])  # type: ignore[arg-type]
    assert sorted(range(6), key=rank) == [0, 1, 2, 3, 4, 5]
    engine.times[3, _engine.CHANNEL_TRADES] = time_ns()
    engine.times[1, _engine.CHANNEL_TRADES] = time_ns() - 2 * RECENT_NS
    engine.times[0, _engine.CHANNEL_BOOK] = time_ns()
    assert sorted(range(6), key=rank)[0] == 0  # looked at a moment ago
    now[0] += 2.0
    assert sorted(range(6), key=rank) == [3, 1, 0, 2, 4, 5]
