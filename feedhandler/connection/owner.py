"""What a connection tells the one who has it, and what it is told."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, Protocol, TypeVar

from feedhandler.adapter.venue import Stated
from feedhandler.budgets.backoff import Backoff
from feedhandler.budgets.shared_retry import Reach
from feedhandler.budgets.token_bucket import Budget
from feedhandler.network.rest import Rest
from feedhandler.network.route import Route
from shm import Reason

#: the connection, as its owner sees it: what is told here needs to know nothing of it
C_contra = TypeVar("C_contra", contravariant=True)
C = TypeVar("C")


class Owner(Protocol[C_contra]):
    """Who has the connection. None of these may raise."""

    async def keep_running(self, part: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run it to its end; again if it fails by a mistake of ours."""

    def on_attention(self) -> None:
        """The engine has something to say."""

    def on_malformed(self, connection: C_contra) -> None:
        """The venue sent what it may not."""

    def on_state(self, connection: C_contra) -> None:
        """The connection is in another state."""

    def on_down(self, connection: C_contra, reason: Reason) -> None:
        """No data comes from now on: what it fed is stale, at once."""

    def on_acknowledged(self, connection: C_contra, keys: Sequence[str]) -> None:
        """The venue took these keys."""

    def instrument(self, key: str) -> int | None:
        """The engine's instrument of a key; None: it has none."""

    def on_rejected(self, connection: C_contra, keys: Sequence[str], text: str) -> None:
        """The venue refused these keys."""

    def on_unanswered(self, connection: C_contra, keys: Sequence[str]) -> None:
        """The venue has not answered for these keys; it is asked again."""

    def speaks(self, connection: C_contra, key: str, seconds: float) -> bool:
        """Whether the key's data comes on it, `seconds` after it was asked for."""

    def on_stated(self, stated: Iterable[Stated]) -> None:
        """The venue says what it does with orders on instruments, or all their terms."""

    def on_relisted(self) -> None:
        """The venue says that what it lists has changed."""

    def replace(self, connection: C_contra, why: str) -> bool:
        """The session is about to end: open another connection before this one is closed.

        False: that cannot be done; this one is renewed, and what it feeds is stale meanwhile.
        """

    def on_round_trip(self, connection: C_contra, nanoseconds: int) -> None:
        """A heartbeat was answered."""

    def in_step(self, connection: C_contra) -> bool:
        """Whether every book of this connection has been in step since it connected."""


class KeysTold(Generic[C]):
    """What becomes of a connection's keys is its owner's to hear."""

    def __init__(self, owner: Owner[C], connection: C) -> None:
        self.accepted = partial(owner.on_acknowledged, connection)
        self.refused = partial(owner.on_rejected, connection)
        self.unanswered = partial(owner.on_unanswered, connection)
        self.speaks = partial(owner.speaks, connection)


#: (row, url, direction "open" | "in" | "out" | "close", data, unix ns, how it came: "gzip", "" for
#: just so): what a recorder writes
FrameTap = Callable[[int, str, str, bytes | None, int, str], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """What one connection needs besides its venue. `connects`, `messages`, `keys`: the budgets of
    its host for opening a connection, for a message that subscribes, and for each key in it.
    `lifetime_s`: of a session, 0 without limit; `rotate_at`: see `rotation_time.renew_in`; `reach`:
    of the host. `headers`: of the handshake; `rest`: who is asked for tokens."""

    url: str
    silence_s: float = 5.0
    lifetime_s: float = 0.0
    rotate_at: int | None = None
    connects: Sequence[Budget] = ()
    messages: Budget | None = None
    keys: Budget | None = None
    backoff: Backoff = field(default_factory=Backoff)
    route: Route = field(default_factory=Route)
    reach: Reach = field(default_factory=Reach)
    tap: FrameTap | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    rest: Rest | None = None
