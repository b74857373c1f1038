"""The subscriptions of one connection: what to send next, what was acknowledged. Pure logic.

Keys go out in chunks within the venue's limits; an answer is matched by its keys or by the id of
the request. Each key goes its own way: one that nobody answers is asked for again and again, and
its acknowledgement is taken whenever it comes; a refused one is asked for again much later, by
itself. Of a request that is refused without a word for which of its keys, the keys are asked for in
halves until the bad one is alone. What is acknowledged no refusal harms. Times are seconds of a
monotonic clock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, takewhile

from feedhandler.adapter.venue import Venue
from feedhandler.budgets.backoff import doubled
from feedhandler.budgets.token_bucket import Budget, SlidingWindow
from feedhandler.connection.key_index import KeyIndex
from feedhandler.connection.sharing import Sharing
from feedhandler.connection.subscription_key import Counts, Expired, Key, KeyState

ACK_TIMEOUT_S = 10.0
HALVE_AFTER = 2  #: times without an answer after which one bad key is suspected to swallow the rest
HALVES = 16  #: and so many unanswered messages say that the venue answers nobody
OTHERS_S = 1.0  #: that the answers to other keys of a request may come after one of them
PASSES_S = (1.0, 10.0)  #: the first and the longest wait after a refusal that passes
FAILED_RETRY_S = (60.0, 3600.0)  #: the first and the longest wait of a refused key
ASKED_KEPT = 1024


@dataclass(slots=True)
class Message:
    """One message to send, and what it asks for."""

    text: str
    keys: tuple[str, ...]
    subscribe: bool


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
        self._index = KeyIndex()
        self._sharing = Sharing(venue)
        for key in keys:
            self._index.put(key, Key(group=self._sharing.usual(key)))
        self._leaving: dict[str, None] = {}
        self._request = 0
        self._taught: dict[str, int] = {}
        #: request id -> its keys, for venues whose answers carry only the id
        self.asked: dict[int, tuple[str, ...]] = {}
        self._host_messages = host_messages or SlidingWindow(0, 1.0)
        self._host_keys = host_keys or SlidingWindow(0, 1.0)
        self._hourly = self._hour()
        self._ready_at = now

    def _hour(self) -> SlidingWindow:
        return SlidingWindow(self._venue.limits.subscribes_per_hour, 3600.0)

    def __contains__(self, key: str) -> bool:
        return key in self._index.keys

    def __len__(self) -> int:
        return len(self._index.keys)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._index.keys)

    def state(self, key: str) -> KeyState:
        """Raises KeyError."""
        return self._index.keys[key].state

    def is_live(self, key: str) -> bool:
        """Whether it is ours, and the venue has acknowledged it."""
        known = self._index.keys.get(key)
        return known is not None and known.state is KeyState.LIVE

    def failed(self, key: str) -> bool:
        """Whether it is ours, and was refused."""
        known = self._index.keys.get(key)
        return known is not None and known.state is KeyState.FAILED

    def live(self) -> list[str]:
        """The keys that the venue has acknowledged."""
        return [name for name, key in self._index.keys.items() if key.state is KeyState.LIVE]

    def counts(self) -> Counts:
        """Of now: they change as keys do."""
        return self._index.counts

    def new_session(self, now: float) -> None:
        """The socket is new: nothing is subscribed, and the hour's budget is whole. What was
        refused before is asked for by itself, after all the others."""
        self._leaving.clear()
        self._taught.clear()
        self.asked.clear()
        self._hourly = self._hour()
        self.warm_up(now)
        before, self._index = self._index.keys, KeyIndex()
        for name, known in before.items():
            group = self._sharing.fresh() if known.failures else self._sharing.usual(name)
            self._index.put(name, Key(failures=known.failures, group=group))

    def warm_up(self, now: float) -> None:
        """The venue wants nothing to be asked for some time from now on."""
        self._ready_at = now + self._venue.limits.warmup_s

    def add(self, keys: Iterable[str]) -> None:
        """Carry these keys too."""
        for key in keys:
            leaving = key in self._leaving
            self._leaving.pop(key, None)
            if key not in self._index.keys:  # left first only so a snapshot comes again
                self._index.put(key, Key(leave_first=leaving, group=self._sharing.usual(key)))

    def remove(self, keys: Iterable[str]) -> None:
        """Carry these keys no longer; what was asked for is unsubscribed."""
        for key in keys:
            if key in self._index.keys:
                known = self._index.forget(key)
                nameless = self._venue.left_by_number and key not in self._taught
                if known.state in (KeyState.ASKED, KeyState.LIVE) and not nameless:
                    self._leaving[key] = None

    def resubscribe(self, key: str) -> bool:
        """Leave and take up one key again. False: it is not ours, or already on its way."""
        known = self._index.keys.get(key)
        if known is None or known.state in (KeyState.WAITING, KeyState.ASKED):
            return False
        self._index.take(key)
        leave = known.state is KeyState.LIVE
        self._index.put(key, Key(leave_first=leave, group=known.group, failures=known.failures))
        return True

    def budget(self, now: float) -> float:
        """Keys that may still be asked for at once in this session."""
        return min(self._hourly.available(now), self._host_keys.available(now))

    def affords(self, count: int, now: float) -> bool:
        """Whether this session's hour has room for so many more keys, after those that wait."""
        if not self._hourly.limit:
            return True
        waiting = self._index.waiting + len(self._leaving) + len(self._index.leave_first)
        return self._hourly.available(now) >= waiting + count

    def held(self, now: float) -> float:
        """Seconds that budgets or the warm-up hold back what waits; 0: they do not."""
        if not self._index.waiting:
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
        if not self._index.waiting:
            return None
        message = self._afford(self._next(now), now, subscribe=True)
        for key in message.keys if message else ():
            known = self._index.take(key)
            known.renew(KeyState.ASKED, now, now + ACK_TIMEOUT_S)
            known.request = self._request
            known.attempts += 1
            self._index.put(key, known)
        return message

    def _next(self, now: float) -> list[str]:
        """The keys for the next message."""
        spare = self._hourly.available(now) > self._hourly.limit / 4 if self._hourly.limit else True
        # The rest of an hour is for what is answered.
        return self._index.ready(now, self._most, silent=spare)

    @property
    def _most(self) -> int:
        return self._venue.limits.keys_per_message or len(self._index.keys) + len(self._leaving)

    def _leave(self, now: float) -> Message | None:
        leaving = self._sharing.first(chain(self._leaving, self._index.leave_first), self._most)
        message = self._afford(leaving, now, subscribe=False)
        for key in message.keys if message else ():
            self._leaving.pop(key, None)
            if key in self._index.keys:
                known = self._index.take(key)
                known.leave_first = False
                self._index.put(key, known)
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
        write = self._venue.subscribe if subscribe else self._leaving_words
        limit = self._venue.limits.bytes_per_message
        text = write(keys, self._request)
        while limit and len(keys) > 1 and len(text.encode()) > limit:
            keys = keys[: max(1, min(len(keys) - 1, len(keys) * limit // len(text.encode())))]
            text = write(keys, self._request)
        if len(self.asked) >= ASKED_KEPT:
            del self.asked[next(iter(self.asked))]
        self.asked[self._request] = tuple(keys)
        return Message(text, tuple(keys), subscribe)

    def _leaving_words(self, keys: Sequence[str], request: int) -> str:
        return self._venue.leave(keys, request, self._taught)

    # ---- answers, and none

    def taught(self, key: str, channel: int) -> None:
        """The venue names this key by a number from now on, in this session; one that was given up
        meanwhile can be left only now."""
        self._taught[key] = channel
        if self._venue.left_by_number and key not in self._index.keys:
            self._leaving[key] = None

    def acknowledged(self, keys: Iterable[str], now: float) -> list[str]:
        """The venue took these; returns those that are news, however late it is."""
        fresh = []
        for key in keys:
            known = self._index.keys.get(key)
            if known is not None and known.may_be_acknowledged:
                self._index.take(key)
                known.renew(KeyState.LIVE, now, 0.0)
                known.group, known.failures, known.silences = self._sharing.usual(key), 0, 0
                self._index.put(key, known)
                fresh.append(key)
        return fresh

    def rejected(self, keys: Iterable[str], now: float) -> list[str]:
        """The venue refused these by name; returns those that are refused from now on."""
        there = self._index.keys
        ours = [key for key in keys if key in there and there[key].may_be_acknowledged]
        return [key for key in ours if self._fail(key, now)]

    def spoiled(self, request: int, text: str, now: float) -> list[str]:
        """The venue refused a request and did not say for which of its keys; returns the one that
        can be meant, else they are asked for in halves."""
        keys = self._open(request)
        if self._venue.answers_each and len(self.asked.get(request, ())) > 1:
            for key in keys:  # whose own answers may be on their way
                self._index.keys[key].refusal = text
                self._index.hurry(key, now + OTHERS_S)
            return []
        return self._part(keys, now)

    def complained(self, text: str, now: float) -> None:
        """The venue refused it is not said what: if one request is open it was that one."""
        requests = {self._index.keys[key].request for key in self._index.asked}
        if len(requests) == 1 and len(self._open(next(iter(requests)))) > 1:
            self.spoiled(requests.pop(), text, now)

    def _open(self, request: int) -> list[str]:
        """The keys that wait for the answer to this request."""
        return [
            key
            for key in self.asked.get(request, ())
            if key in self._index.asked and self._index.keys[key].request == request
        ]

    def _part(self, keys: list[str], now: float) -> list[str]:
        """One of these is bad: the one, or it is to be found in one half of them."""
        if len(keys) == 1:
            return [key for key in keys if self._fail(key, now)]
        half = len(keys) // 2
        for part in (keys[:half], keys[half:]):
            group = self._sharing.fresh()
            for key in part:
                known = self._index.take(key)
                known.renew(KeyState.WAITING, now, now)
                known.group = group
                self._index.put(key, known)
        return []

    def again(self, keys: Iterable[str], now: float) -> None:
        """The venue passed these over, for no fault of theirs: ask again."""
        for key in keys:
            known = self._index.keys.get(key)
            if known is None or known.state is not KeyState.ASKED:
                continue
            if self._venue.answers_each:  # and may have answered this one, too
                known.passed_over = True
                self._index.hurry(key, min(known.due, now + OTHERS_S))
            else:
                self._renew(key, KeyState.WAITING, now, now)

    def later(self, keys: Iterable[str], now: float) -> None:
        """The venue refused these for what passes: ask again soon, each time later."""
        for key in keys:
            known = self._index.keys.get(key)
            if known is not None and known.state is KeyState.ASKED:
                wait = doubled(*PASSES_S, known.attempts - 1)
                self._renew(key, KeyState.WAITING, now, now + wait)

    def _renew(self, key: str, state: KeyState, now: float, due: float) -> None:
        known = self._index.take(key)
        known.renew(state, now, due)
        self._index.put(key, known)

    def _fail(self, key: str, now: float) -> bool:
        """It is refused; False: as it was before."""
        known = self._index.keys[key]
        if known.state is KeyState.FAILED:
            return False
        self._index.take(key)
        wait = doubled(*FAILED_RETRY_S, known.failures)
        known.renew(KeyState.FAILED, now, now + wait)
        known.failures += 1
        known.group = self._sharing.fresh()
        known.silences = 0
        self._index.put(key, known)
        return True

    def expire(self, now: float) -> Expired:
        """Ask again for what nobody answered, and after a long while for what was refused."""
        expired, parted = Expired(), dict[int, list[str]]()
        for key in self._index.overdue(now):
            known = self._index.keys[key]
            if known.state is KeyState.FAILED or known.passed_over:
                self._renew(key, KeyState.WAITING, now, now)
                continue
            if not known.refusal:
                known = self._index.take(key)
                known.silences += 1
                self._index.put(key, known)
                expired.unanswered.append(key)
            parted.setdefault(known.request, []).append(key)
        keys = self._index.keys
        dumb = sum(not keys[names[0]].refusal for names in parted.values())
        for names in parted.values():
            known = keys[names[0]]
            refusal = known.refusal
            swallowed = known.silences >= HALVE_AFTER and len(names) > 1 and dumb < HALVES
            if refusal or swallowed:
                expired.refused += [(key, refusal) for key in self._part(names, now)]
            else:
                for key in names:
                    self._renew(key, KeyState.WAITING, now, now)
        return expired

    def unanswered(self, since: float) -> list[tuple[str, float]]:
        """What has been asked for by then and is not answered, and when it was asked for."""
        asked = ((key, self._index.keys[key].since) for key in self._index.asked)
        return list(takewhile(lambda each: each[1] <= since, asked))

    @property
    def unheard(self) -> bool:
        """Whether nothing that was asked for in this session was ever answered, in time or late."""
        return self._index.unheard
