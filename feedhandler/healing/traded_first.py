"""Which books are wanted first: those that trade now, then those that ever did, then the others."""

from collections.abc import Callable
from time import time_ns

from feedhandler.engine import _engine

RECENT_NS = 60_000_000_000
_LOOK_S = 1.0
_CLASS = 1 << 24  # above any number of instruments


class TradedFirst:
    """Ranks by the engine's activity, looked at once a second; equals in the order of their ids,
    which is that of the configuration."""

    def __init__(self, engine: _engine.Engine, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock
        self._looked = float("-inf")
        self._traded: list[int] = []

    def __call__(self, instrument: int) -> int:
        """Lower goes first."""
        now = self._clock()
        if now - self._looked >= _LOOK_S:
            self._looked = now
            self._traded = self._engine.activity()[:, _engine.CHANNEL_TRADES].tolist()
        last = self._traded[instrument] if instrument < len(self._traded) else 0
        if not last:
            return 2 * _CLASS + instrument
        return instrument if time_ns() - last < RECENT_NS else _CLASS + instrument
