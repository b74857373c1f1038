"""The keys of one connection, found by what is to be done about them.

A connection looks several times a second, and may have ten thousand keys of which nothing is to be
said. So each is filed by its state, and what waits for a time by that time: a look costs as much as
there is to do.
"""

from collections.abc import Collection, Iterator
from heapq import heappop, heappush
from itertools import chain, count, islice, takewhile

from feedhandler.connection.subscription_key import ALONE, ASIDE, Counts, Key, KeyState


class KeyIndex:
    """`take` a key out of its file before it is changed, and `put` it back; what only reads may
    look at `keys`, which keep their order."""

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {}
        self.counts = Counts()
        self.waiting = 0
        self.leave_first: dict[str, None] = {}
        self.asked: dict[str, None] = {}  #: without an answer, the first one first
        self._requested = self._silent = 0  # of those that were asked for: all; without an answer
        self._ready: dict[int, dict[str, None]] = {}  # WAITING, by group
        self._later: list[tuple[float, int, str]] = []  # WAITING, from a time on
        self._due: list[tuple[float, int, str]] = []  # FAILED; ASKED out of its turn
        self._turn = count()

    # ---- one key

    def put(self, name: str, key: Key) -> None:
        """File it as it is now."""
        self.keys[name] = key
        self._count(key, 1)
        if key.leave_first:
            self.leave_first[name] = None
        if key.state is KeyState.WAITING:
            if key.due > key.since:
                heappush(self._later, (key.due, next(self._turn), name))
            else:
                self._ready.setdefault(key.group, {})[name] = None
        elif key.state is not KeyState.LIVE:
            if key.state is KeyState.ASKED:
                self.asked[name] = None
            else:
                heappush(self._due, (key.due, next(self._turn), name))

    def take(self, name: str) -> Key:
        """It is about to change. Raises KeyError."""
        key = self.keys[name]
        self._count(key, -1)
        self.leave_first.pop(name, None)
        self.asked.pop(name, None)
        group = self._ready.get(key.group)
        if group is not None and name in group:
            del group[name]
            if not group:
                del self._ready[key.group]
        return key

    def forget(self, name: str) -> Key:
        """It is over. Raises KeyError."""
        key = self.take(name)
        del self.keys[name]
        return key

    def hurry(self, name: str, due: float) -> None:
        """One that is ASKED is due at another time; the others keep their order."""
        self.keys[name].due = due
        heappush(self._due, (due, next(self._turn), name))

    def _count(self, key: Key, by: int) -> None:
        self.counts.add(key, by)
        self.waiting += by * (key.state is KeyState.WAITING)
        self._requested += by * bool(key.request)
        self._silent += by * bool(key.request and key.silences)

    # ---- many

    @property
    def unheard(self) -> bool:
        """Whether something was asked for, and nothing of that was ever answered."""
        return 0 < self._requested == self._silent

    def ready(self, now: float, most: int, *, silent: bool) -> list[str]:
        """Up to so many that may be asked for together now: what was never refused first, then
        group by group. `silent`: also those that were not answered before."""
        for name in self._passed(self._later, now, (KeyState.WAITING,)):
            key = self.keys[name]
            self._ready.setdefault(key.group, {})[name] = None
        for group in sorted(self._ready, key=_turn):
            found = (name for name in self._ready[group] if silent or not self.keys[name].silences)
            if chosen := list(islice(found, 1 if group == ALONE else most)):
                return chosen
        return []

    def overdue(self, now: float) -> list[str]:
        """Those that were asked for or refused, and whose time has come: once."""
        passed = self._passed(self._due, now, (KeyState.ASKED, KeyState.FAILED))
        asked = takewhile(lambda name: self.keys[name].due <= now, self.asked)
        return list(dict.fromkeys(chain(passed, asked)))

    def _passed(
        self, heap: list[tuple[float, int, str]], now: float, states: Collection[KeyState]
    ) -> Iterator[str]:
        while heap and heap[0][0] <= now:
            due, _, name = heappop(heap)
            key = self.keys.get(name)
            if key is not None and key.due == due and key.state in states:
                yield name


def _turn(group: int) -> int:
    """Market data first, what stands aside then, what was refused last; else as they came."""
    return 0 if group <= 0 and group != ASIDE else 1 if group == ASIDE else 2
