"""What is known of one subscription key of a connection, and how many there are of each sort."""

from dataclasses import dataclass, field
from enum import Enum

TOGETHER = 0  #: the group of keys that share messages as they come
ASIDE = -1  #: of what is no market data
ALONE = -2  #: of keys that have a message each; those below share one with their like


class KeyState(Enum):
    WAITING = "to be asked for"
    ASKED = "asked for, not answered"
    LIVE = "acknowledged"
    FAILED = "refused"


@dataclass(slots=True)
class Key:
    """`group`: it shares a message with keys of the same group only (above 0: after a refusal); the
    rest is of this session: `request`, the last one that it was asked for in; `silences`, how often
    in a row that had no answer; `refusal`, why a request of several keys was refused, one of them
    this."""

    state: KeyState = KeyState.WAITING
    since: float = 0.0  #: of `state`
    due: float = 0.0  #: ASKED: then it is unanswered; WAITING, FAILED: not asked for before
    failures: int = 0
    leave_first: bool = False  #: unsubscribe before subscribing
    group: int = 0
    request: int = 0
    attempts: int = 0
    silences: int = 0
    refusal: str = ""
    passed_over: bool = False

    def renew(self, state: KeyState, now: float, due: float) -> None:
        """It is in another state."""
        self.state, self.since, self.due = state, now, due
        self.refusal, self.passed_over = "", False

    @property
    def may_be_acknowledged(self) -> bool:
        """Whether an acknowledgement that comes now can be meant for it, however late it is."""
        return bool(self.request) and self.state is not KeyState.LIVE and not self.leave_first


@dataclass(slots=True)
class Counts:
    """`unanswered`: those of `pending` that were asked for and that time was let pass."""

    live: int = 0
    pending: int = 0
    failed: int = 0
    unanswered: int = 0

    @property
    def none_answered(self) -> bool:
        """Whether there is not one answer, and there should be."""
        return self.unanswered > 0 and not self.live and not self.failed

    def add(self, key: Key, by: int = 1) -> None:
        """Count one key; -1: no more."""
        if key.state is KeyState.LIVE:
            self.live += by
        elif key.state is KeyState.FAILED:
            self.failed += by
        else:
            self.pending += by
            self.unanswered += by * (key.silences > 0)


@dataclass(slots=True)
class Expired:
    """What nobody answered in time, and what is refused after all: (key, the venue's words)."""

    unanswered: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
