"""What may be spent in a time. Times are seconds of a monotonic clock (`time.monotonic`).

:class:`TokenBucket` smooths, :class:`SlidingWindow` counts exactly; both are of one process.
`feedhandler.budgets.shared_budget` has the one that all processes share.
"""

import math
from collections import deque
from typing import Protocol


class Budget(Protocol):
    """Something that is earned by and by. `rate`: a second; 0 means that nothing limits."""

    rate: float

    def available(self, now: float) -> float:
        """What could be spent at once; below 0 after an overdraft."""

    def take(self, now: float, tokens: float = 1.0) -> bool:
        """Spend if there is enough. More than it can hold is granted when it is full."""

    def spend(self, now: float, tokens: float = 1.0) -> None:
        """Spend whether there is enough or not: what must be sent (a pong) is sent."""

    def wait(self, now: float, tokens: float = 1.0) -> float:
        """Seconds until `take` would grant this."""

    def hold(self, now: float, seconds: float, why: int = 0) -> None:
        """Grant nothing for this long: the venue said so, with HTTP status `why`."""

    def at_most(self, now: float, tokens: float) -> None:
        """There is no more than this, says who counts better. Below 0: so much is owed."""


class TokenBucket:
    """Holds up to `burst` tokens and gains `rate` a second: in any t seconds, burst + rate * t."""

    def __init__(self, rate: float, burst: float, now: float = 0.0) -> None:
        if rate < 0 or burst <= 0:
            raise ValueError(f"rate {rate} must not be negative, burst {burst} must be positive")
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._at = now
        self._until = now

    def _refill(self, now: float) -> None:
        if now > self._at:
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
            self._at = now

    def available(self, now: float) -> float:
        if not self.rate:
            return 0.0 if now < self._until else math.inf
        self._refill(now)
        return self._tokens

    def take(self, now: float, tokens: float = 1.0) -> bool:
        if self.wait(now, tokens) > 1e-9:
            return False
        self.spend(now, tokens)
        return True

    def spend(self, now: float, tokens: float = 1.0) -> None:
        if self.rate:
            self._refill(now)
            self._tokens -= tokens

    def wait(self, now: float, tokens: float = 1.0) -> float:
        held = max(0.0, self._until - now)
        if not self.rate:
            return held
        self._refill(now)
        return max(held, (min(tokens, self.burst) - self._tokens) / self.rate)

    def hold(self, now: float, seconds: float, why: int = 0) -> None:  # noqa: ARG002
        self._until = max(self._until, now + seconds)
        self.at_most(now, 1.0 - seconds * self.rate)

    def at_most(self, now: float, tokens: float) -> None:
        if self.rate:
            self._refill(now)
            self._tokens = min(self._tokens, tokens)


class SlidingWindow:
    """At most `limit` in any `seconds`, exactly; limit 0: nothing limits.

    Remembers one entry for each grant within the window.
    """

    def __init__(self, limit: float, seconds: float) -> None:
        if limit < 0 or seconds <= 0:
            raise ValueError(f"limit {limit} must not be negative, seconds {seconds} not 0")
        self.limit = limit
        self.seconds = seconds
        self.rate = limit / seconds
        self._spent: deque[tuple[float, float]] = deque()
        self._sum = 0.0
        self._until = -math.inf

    def _forget(self, now: float) -> None:
        while self._spent and now - self._spent[0][0] >= self.seconds:
            self._sum -= self._spent.popleft()[1]

    def available(self, now: float) -> float:
        if now < self._until:
            return 0.0
        if not self.limit:
            return math.inf
        self._forget(now)
        return self.limit - self._sum

    def take(self, now: float, tokens: float = 1.0) -> bool:
        if self.wait(now, tokens) > 0:
            return False
        self.spend(now, tokens)
        return True

    def spend(self, now: float, tokens: float = 1.0) -> None:
        if self.limit:
            self._forget(now)
            self._spent.append((now, tokens))
            self._sum += tokens

    def wait(self, now: float, tokens: float = 1.0) -> float:
        held = max(0.0, self._until - now)
        if not self.limit:
            return held
        self._forget(now)
        over = self._sum + min(tokens, self.limit) - self.limit
        for at, spent in self._spent:
            if over <= 1e-9:
                break
            over -= spent
            held = max(held, at + self.seconds - now)
        return held

    def hold(self, now: float, seconds: float, why: int = 0) -> None:  # noqa: ARG002
        self._until = max(self._until, now + seconds)

    def at_most(self, now: float, tokens: float) -> None:
        if self.limit:
            self.spend(now, max(0.0, self.limit - self._spent_by(now) - tokens))

    def _spent_by(self, now: float) -> float:
        self._forget(now)
        return self._sum


def per_second(rate: float) -> SlidingWindow:
    """At most `rate` a second, in every second; below 1, one in 1 / rate seconds."""
    count = math.floor(rate) if rate >= 1 else math.ceil(rate)
    return SlidingWindow(count, count / rate if rate else 1.0)
