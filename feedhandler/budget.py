"""What may be spent per second: a token bucket. Times are seconds of a monotonic clock."""


class TokenBucket:
    """Holds up to `burst` tokens and gains `rate` a second; rate 0 means that nothing limits.

    `spend` may overdraw it: what must be sent at once (a pong) is sent, and what can wait pays.
    """

    def __init__(self, rate: float, burst: float, now: float = 0.0) -> None:
        if rate < 0 or burst <= 0:
            raise ValueError(f"rate {rate} must not be negative, burst {burst} must be positive")
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._at = now

    def _refill(self, now: float) -> None:
        if now > self._at:
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now

    def available(self, now: float) -> float:
        """Tokens in the bucket; below 0 after an overdraft."""
        if not self.rate:
            return self.burst
        self._refill(now)
        return self._tokens

    def take(self, now: float, tokens: float = 1.0) -> bool:
        """Spend if there is enough. More than `burst` at once is granted from a full bucket."""
        if not self.rate:
            return True
        self._refill(now)
        if self._tokens + 1e-9 < min(tokens, self.burst):
            return False
        self._tokens -= tokens
        return True

    def spend(self, now: float, tokens: float = 1.0) -> None:
        """Spend whether there is enough or not."""
        if self.rate:
            self._refill(now)
            self._tokens -= tokens

    def wait(self, now: float, tokens: float = 1.0) -> float:
        """Seconds until `take` would grant this."""
        if not self.rate:
            return 0.0
        self._refill(now)
        return max(0.0, (min(tokens, self.burst) - self._tokens) / self.rate)

    def hold(self, now: float, seconds: float) -> None:
        """Grant nothing for this long (the venue said: not before)."""
        if self.rate:
            self._refill(now)
            self._tokens = min(self._tokens, 1.0 - seconds * self.rate)
