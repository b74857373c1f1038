"""How long to wait before the next try: exponential, full jitter, capped, never giving up.

Full jitter (Brooker, "Exponential Backoff And Jitter", 2015): a thousand clients that were cut
together do not come back together.
"""

import random

STEADY_S = 5.0  #: what worked for so long waits at most as long as it had worked
FLAP_S = 5.0  #: bound of the delays of a connection that comes up and is cut at once


def doubled(first_s: float, longest_s: float, times: int) -> float:
    """A wait that is twice as long each time: the first, doubled so often, at most the longest."""
    return min(longest_s, first_s * 2.0 ** min(times, 60))


class Backoff:
    """Delays of one thing that fails and is tried again. Times are seconds of a monotonic clock.

    `first_s`: bound of the first delay; each further bound is `factor` times the last, up to
    `cap_s`. `health_s`: only what stayed healthy for this long starts again from the first bound,
    so that a link which comes up and drops at once does not hammer its venue; one that was healthy
    for STEADY_S waits at most as long as it was. `flap_s`: bound for what was healthy at all,
    however often it failed before. `floor`: the least share of the bound that a delay is (0: full
    jitter).
    """

    def __init__(
        self,
        first_s: float = 0.8,
        cap_s: float = 30.0,
        *,
        factor: float = 2.0,
        health_s: float = 30.0,
        flap_s: float | None = None,
        floor: float = 0.0,
        rng: random.Random | None = None,
    ) -> None:
        if not 0 < first_s <= cap_s or factor < 1 or health_s < 0 or not 0 <= floor <= 1:
            raise ValueError(
                f"backoff: 0 < first_s ({first_s}) <= cap_s ({cap_s}), factor ({factor}) >= 1, "
                f"health_s ({health_s}) >= 0 and floor ({floor}) in 0..1 are needed"
            )
        self.first_s = first_s
        self.cap_s = cap_s
        self.factor = factor
        self.health_s = health_s
        self.flap_s = flap_s
        self.floor = floor
        self.failures = 0  #: since the last reset
        self._bound = first_s
        self._healthy_since: float | None = None
        self._rng = rng or random.Random()

    def healthy(self, now: float) -> None:
        """It works at this moment; said again and again it counts from the first time."""
        if self._healthy_since is None:
            self._healthy_since = now

    def next(self, now: float, at_least: float = 0.0, cap_s: float | None = None) -> float:
        """It failed: seconds to wait. `at_least`: what the venue asked for (Retry-After); `cap_s`:
        a lower bound this time, to which it grows."""
        healthy = 0.0 if self._healthy_since is None else now - self._healthy_since
        if healthy >= self.health_s:
            self.reset()
        elif self._healthy_since is not None and self.flap_s is not None:
            self._bound = min(self._bound, max(self.first_s, self.flap_s))
        elif healthy >= STEADY_S:
            self._bound = min(self._bound, max(self.first_s, healthy))
        self._healthy_since = None
        cap = self.cap_s if cap_s is None else min(self.cap_s, cap_s)
        delay = min(self._bound, cap) * self._rng.uniform(self.floor, 1.0)
        self.failures += 1
        self._bound = max(self._bound, min(cap, self._bound * self.factor))
        return max(delay, at_least)

    @classmethod
    def of_connection(cls, rng: random.Random | None = None) -> "Backoff":
        """What a venue answers is there: a cut after that says nothing against another connection
        soon. How many there may be, the budgets of its host know, of all connections together."""
        return cls(health_s=STEADY_S, flap_s=FLAP_S, rng=rng)

    def reset(self) -> None:
        """Start again from the first bound."""
        self.failures = 0
        self._bound = self.first_s
        self._healthy_since = None
