"""The subscriptions of one connection: what to send next, what was acknowledged. Pure logic.

Keys go out in chunks within the venue's limits; an answer is matched by its keys or by the id of
the request. A key that nobody answers is asked for again, and counted failed after a few times;
a refused or failed key is asked for again much later, for ever. Times are seconds of a monotonic
clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from feedhandler.budget import Budget, SlidingWindow
from feedhandler.venues.base import Venue

ACK_TIMEOUT_S = 10.0
ATTEMPTS = 3
FAILED_RETRY_S = (60.0, 3600.0)  #: the first and the longest wait of a failed key
ASKED_KEPT = 1024


class KeyState(Enum):
    WAITING = "to be asked for"
    ASKED = "asked for, not answered"
    LIVE = "acknowledged"
    FAILED = "refused, or never answered"


@dataclass(slots=True)
class _Key:
    state: KeyState = KeyState.WAITING
    since: float = 0.0  #: of `state`; of FAILED: when it is tried again
    attempts: int = 0
    failures: int = 0
    leave_first: bool = False  #: unsubscribe before subscribing


@dataclass(slots=True)
class Message:
    """One message to send, and what it asks for."""

    text: str
    keys: tuple[str, ...]
    subscribe: bool


@dataclass(slots=True)
class Counts:
    live: int = 0
    pending: int = 0
    failed: int = 0


@dataclass(slots=True)
class Expired:
    """Keys that got no answer: asked for again, or given up for now."""

    retried: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class Subscriptions:
    """The keys of one connection, through all its sessions.

    `host_messages`, `host_keys`: what a message that subscribes, and each key in it, cost at the
    venue's host, where other connections and processes spend too.
    """

    def __init__(
        self,
        venue: Venue,
        keys: Iterable[str],
        now: float,
        host_messages: Budget | None = None,
        host_keys: Budget | None = None,
    ) -> None:
        self._venue = venue
        self._keys: dict[str, _Key] = {key: _Key() for key in keys}
        self._leaving: dict[str, None] = {}
        self._request = 0
        #: request id -> its keys, for venues whose answers carry only the id
        self.asked: dict[int, tuple[str, ...]] = {}
        self._host_messages = host_messages or SlidingWindow(0, 1.0)
        self._host_keys = host_keys or SlidingWindow(0, 1.0)
        self._hourly = self._hour()
        self._ready_at = now

    def _hour(self) -> SlidingWindow:
        return SlidingWindow(self._venue.limits.subscribes_per_hour, 3600.0)

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._keys)

    def state(self, key: str) -> KeyState:
        """Raises KeyError."""
        return self._keys[key].state

    def is_live(self, key: str) -> bool:
        """Whether it is ours, and the venue has acknowledged it."""
        known = self._keys.get(key)
        return known is not None and known.state is KeyState.LIVE

    def failed(self, key: str) -> bool:
        """Whether it is ours, and was refused or never answered."""
        known = self._keys.get(key)
        return known is not None and known.state is KeyState.FAILED

    def live(self) -> list[str]:
        """The keys that the venue has acknowledged."""
        return [name for name, key in self._keys.items() if key.state is KeyState.LIVE]

    def counts(self) -> Counts:
        counts = Counts()
        for key in self._keys.values():
            if key.state is KeyState.LIVE:
                counts.live += 1
            elif key.state is KeyState.FAILED:
                counts.failed += 1
            else:
                counts.pending += 1
        return counts

    def new_session(self, now: float) -> None:
        """The socket is new: nothing is subscribed, and the hour's budget is whole."""
        self._leaving.clear()
        self.asked.clear()
        self._hourly = self._hour()
        self._ready_at = now + self._venue.limits.warmup_s
        for key in self._keys.values():
            key.state, key.attempts, key.leave_first = KeyState.WAITING, 0, False

    def add(self, keys: Iterable[str]) -> None:
        """Carry these keys too."""
        for key in keys:
            leaving = key in self._leaving
            self._leaving.pop(key, None)
            self._keys.setdefault(key, _Key(leave_first=leaving))  # only so a snapshot comes again

    def remove(self, keys: Iterable[str]) -> None:
        """Carry these keys no longer; what was asked for is unsubscribed."""
        for key in keys:
            known = self._keys.pop(key, None)
            if known and known.state in (KeyState.ASKED, KeyState.LIVE):
                self._leaving[key] = None

    def resubscribe(self, key: str) -> bool:
        """Leave and take up one key again. False: it is not ours, or already on its way."""
        known = self._keys.get(key)
        if known is None or known.state in (KeyState.WAITING, KeyState.ASKED):
            return False
        known.leave_first = known.state is KeyState.LIVE
        known.state, known.attempts = KeyState.WAITING, 0
        return True

    def budget(self, now: float) -> float:
        """Keys that may still be asked for at once in this session."""
        return min(self._hourly.available(now), self._host_keys.available(now))

    def affords(self, count: int, now: float) -> bool:
        """Whether this session's hour has room for so many more keys, after those that wait."""
        if not self._hourly.limit:
            return True
        waiting = sum(key.state is KeyState.WAITING for key in self._keys.values())
        waiting += len(self._leaving) + sum(key.leave_first for key in self._keys.values())
        return self._hourly.available(now) >= waiting + count

    def held(self, now: float) -> float:
        """Seconds that budgets or the warm-up hold back what waits; 0: they do not."""
        if not any(known.state is KeyState.WAITING for known in self._keys.values()):
            return 0.0
        budgets = (self._host_messages, self._host_keys, self._hourly)
        return max(0.0, self._ready_at - now, *(budget.wait(now) for budget in budgets))

    def next_message(self, now: float) -> Message | None:
        """The next message to send, counted as sent; None: nothing to ask, or no budget for it.

        Keys are left first, so that a resubscribed one is whole again in the next message.
        """
        if now < self._ready_at:
            return None
        left = self._leave(now)
        if left is not None:
            return left
        waiting = [key for key, known in self._keys.items() if known.state is KeyState.WAITING]
        message = self._afford(waiting, now, subscribe=True)
        for key in message.keys if message else ():
            known = self._keys[key]
            known.state, known.since = KeyState.ASKED, now
            known.attempts += 1
        return message

    def _leave(self, now: float) -> Message | None:
        leaving = [*self._leaving, *(k for k, known in self._keys.items() if known.leave_first)]
        message = self._afford(leaving, now, subscribe=False)
        for key in message.keys if message else ():
            self._leaving.pop(key, None)
            if key in self._keys:
                self._keys[key].leave_first = False
        return message

    def _afford(self, keys: list[str], now: float, *, subscribe: bool) -> Message | None:
        """A message about as many of the keys as the budgets allow, paid; leaving costs the same
        (OKX)."""
        if not keys or self._hourly.wait(now) or self._host_keys.wait(now):
            return None
        if not self._host_messages.take(now):
            return None
        afford = max(1.0, min(float(len(keys)), self.budget(now)))
        room = min(self._venue.limits.keys_per_message or len(keys), int(afford))
        message = self._message(keys[:room], subscribe=subscribe)
        if not self._host_keys.take(now, len(message.keys)):  # another process was faster
            del self.asked[self._request]
            return None
        self._hourly.spend(now, len(message.keys))
        return message

    def _message(self, keys: list[str], *, subscribe: bool) -> Message:
        self._request += 1
        write = self._venue.subscribe if subscribe else self._venue.unsubscribe
        limit = self._venue.limits.bytes_per_message
        text = write(keys, self._request)
        while limit and len(keys) > 1 and len(text.encode()) > limit:
            keys = keys[: max(1, min(len(keys) - 1, len(keys) * limit // len(text.encode())))]
            text = write(keys, self._request)
        if len(self.asked) >= ASKED_KEPT:
            del self.asked[next(iter(self.asked))]
        self.asked[self._request] = tuple(keys)
        return Message(text, tuple(keys), subscribe)

    def acknowledged(self, keys: Iterable[str], now: float) -> list[str]:
        """The venue took these; returns those that had been asked for."""
        fresh = []
        for key in keys:
            known = self._keys.get(key)
            if known is not None and known.state is KeyState.ASKED:
                known.state, known.since, known.failures = KeyState.LIVE, now, 0
                fresh.append(key)
        return fresh

    def rejected(self, keys: Iterable[str], now: float) -> list[str]:
        """The venue refused these; returns those that are ours."""
        ours = [key for key in keys if key in self._keys]
        for key in ours:
            self._fail(self._keys[key], now)
        return ours

    def again(self, keys: Iterable[str]) -> None:
        """The venue passed these over, for no fault of theirs: ask again."""
        for key in keys:
            known = self._keys.get(key)
            if known is not None and known.state is KeyState.ASKED:
                known.state = KeyState.WAITING
                known.attempts -= 1

    def _fail(self, known: _Key, now: float) -> None:
        first, longest = FAILED_RETRY_S
        known.state = KeyState.FAILED
        known.since = now + min(longest, first * 2**known.failures)
        known.failures += 1
        known.attempts = 0

    def expire(self, now: float, timeout_s: float = ACK_TIMEOUT_S) -> Expired:
        """Ask again for what nobody answered, and after a long while for what failed."""
        expired = Expired()
        for key, known in self._keys.items():
            if known.state is KeyState.ASKED and now - known.since >= timeout_s:
                if known.attempts >= ATTEMPTS:
                    self._fail(known, now)
                    expired.failed.append(key)
                else:
                    known.state = KeyState.WAITING
                    expired.retried.append(key)
            elif known.state is KeyState.FAILED and now >= known.since:
                known.state = KeyState.WAITING
        return expired
