"""Whether a connection keeps up with what is sent on it, and if not, what stands in its way.

Pure logic, after three measures, a few times a second:

- how old messages are when they are read, by the venue's clock, beyond the least that has been seen
  (`Usual`), so that the distance to the venue and the clocks' difference do not count. The *least*
  of each look counts: a connection that is behind brings nothing young;
- whether, and how long at least, bytes wait unread in the kernel (`receive_queue`): what has
  reached this machine and is not read is late by this process, never by the connection;
- how long a ping takes (`Echo`). Its answer comes behind all that waits on the same connection. If
  it is quick, old messages were old before they were sent, or a clock was set.

A backlog that shrinks is no finding: a connection counts as behind when it was for the whole of
`after_s`, and is not catching up.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum

USUAL_S = 600.0  #: that the least age is remembered
_STEP_S = 30.0
_FALLING = 0.8  #: of the worst in the window: below, it is catching up
ECHOED = 0.4  #: of the age: so slow a ping confirms it, though it was sent when less was waiting
_UNREAD = 0.8  #: of the looks: so often something was unread. Of one that reads in time it is so
#: at about as many as it is busy
_LOOKS = 3  #: at least, before anything is said
_BLIND_S = 2.0  #: without a whole message for so long, nothing is known
BUSY = 0.9  #: of a core: a process that uses so much of it has nothing left for more connections


class Cause(Enum):
    """What stands in the way."""

    CONNECTION = "it brings less than is sent on it"
    PROCESS = "this process reads less than it brings"
    VENUE = "what it brings is old already when it is sent"


class Usual:
    """The least age of any message, over `USUAL_S`, in ns: what distance and clocks make of it."""

    def __init__(self) -> None:
        self._least: deque[tuple[float, int]] = deque()  # (when the step began, its least)

    def add(self, late_ns: int, now: float) -> None:
        if not self._least or now - self._least[-1][0] >= _STEP_S:
            self._least.append((now, late_ns))
        elif late_ns < self._least[-1][1]:
            self._least[-1] = (self._least[-1][0], late_ns)
        while now - self._least[0][0] > USUAL_S:
            self._least.popleft()

    def beyond(self, late_ns: int) -> int:
        """By how much this age is more than usual."""
        return max(0, late_ns - min((least for _, least in self._least), default=late_ns))


@dataclass(frozen=True, slots=True)
class Look:
    """`behind_s`: how late it reads, by the clock or by the kernel's queue."""

    at: float
    behind_s: float
    unread: bool


class KeepingUp:
    """One connection. `behind_s`: how late counts as behind; `after_s`: for how long it has to."""

    def __init__(self, behind_s: float, after_s: float) -> None:
        self.behind_s = behind_s
        self.after_s = after_s
        self._looks: deque[Look] = deque()
        self._blind: float | None = None

    def add(self, now: float, late_s: float | None, unread_s: float, *, unread: bool) -> None:
        """One look. `late_s`: beyond the usual; None: no message came. `unread_s`: the age of the
        oldest byte in the kernel, 0 also for one that came since the last look; `unread`: is there
        one."""
        if late_s is None and unread_s == 0.0:
            self._blind = now if self._blind is None else self._blind
            if now - self._blind >= _BLIND_S:
                self._looks.clear()
            return
        self._blind = None
        look = Look(now, max(late_s or 0.0, unread_s), unread)
        if look.behind_s < self.behind_s:
            self._looks.clear()
            return
        self._looks.append(look)
        while len(self._looks) > _LOOKS and now - self._looks[1].at >= self.after_s:
            self._looks.popleft()

    def reset(self) -> None:
        """The socket is new."""
        self._looks.clear()
        self._blind = None

    @property
    def late_s(self) -> float:
        """How late it reads now; 0: not so late as to be called behind."""
        return self._looks[-1].behind_s if self._looks else 0.0

    @property
    def suspect(self) -> bool:
        """Whether it is behind, be it only for a moment: time for an `Echo`."""
        return bool(self._looks)

    def cause(self, echo_s: float, used: float) -> Cause | None:
        """What stands in its way; None: it keeps up, or it cannot be said yet.

        `echo_s`: how long a ping takes; `used`: the share of a core that this process used.
        """
        if len(self._looks) < _LOOKS or self._looks[-1].at - self._looks[0].at < self.after_s:
            return None
        worst = max(look.behind_s for look in self._looks)
        if self.late_s < _FALLING * worst:
            return None
        unread = sum(look.unread for look in self._looks)
        if used >= BUSY or unread >= _UNREAD * len(self._looks):
            return Cause.PROCESS
        return Cause.CONNECTION if echo_s >= ECHOED * self.late_s else Cause.VENUE
