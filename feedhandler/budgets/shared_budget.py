"""Budgets that all processes of this user spend together, in `/dev/shm/feedhandler-budgets-<uid>`.

They hold over namespaces, restarts and crashes, until the machine is booted again; a ban is known
to a process that starts during it. FEEDHANDLER_BUDGETS names another object (tests; a container
whose /dev/shm is shared but whose address is not). Layout and protocol: `budget_table.h`.
"""

import functools
import math
import mmap
import os
import re
import stat
from ipaddress import ip_address
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

from feedhandler.budgets._budget_table import SIZE, Table
from feedhandler.budgets.token_bucket import TokenBucket
from feedhandler.log import log

ENVIRONMENT = "FEEDHANDLER_BUDGETS"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAMES = 8  #: how many are tried where others have taken the first ones


class NoBudgets(OSError):  # noqa: N818
    """The shared table cannot be had; the text says why, and the cure."""


def object_name() -> str:
    """The shared-memory object's name, without a slash. Raises :class:`NoBudgets`."""
    name = os.environ.get(ENVIRONMENT) or f"feedhandler-budgets-{os.getuid()}"
    if not _NAME.fullmatch(name):
        raise NoBudgets(f"{ENVIRONMENT}={name!r}: 1 to 64 letters, digits, '-' or '_'")
    return name


@functools.cache
def _open(name: str) -> Table:
    fd = _open_object(name)
    try:
        if os.fstat(fd).st_size < SIZE:
            os.posix_fallocate(fd, 0, SIZE)
        return Table(mmap.mmap(fd, SIZE))
    except OSError as error:
        raise NoBudgets(f"/dev/shm/{name}: {error.strerror}") from None
    except ValueError as error:
        raise NoBudgets(f"/dev/shm/{name}: {error}: remove it when no feedhandler runs") from None
    finally:
        os.close(fd)


def _open_object(name: str) -> int:
    """This user's object, made if there is none."""
    made = _find(name, 0)
    return _find(name, os.O_CREAT) if made < 0 else made


def _find(name: str, create: int) -> int:
    """A descriptor of this user's object, -1: there is none. `create`: 0 or O_CREAT.

    Another user may have taken the name before us, so it goes on as NAME.1, NAME.2, ...
    """
    for each in (name, *(f"{name}.{n}" for n in range(1, _NAMES))):
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | create
        try:
            fd = os.open(Path("/dev/shm", each), flags, 0o600)
        except OSError:  # not there; a directory, a link; not to be opened by us
            continue
        found = os.fstat(fd)
        if found.st_uid == os.getuid() and stat.S_ISREG(found.st_mode):
            return fd
        os.close(fd)
    if create:
        where = f"/dev/shm/{name} and {_NAMES - 1} names more"
        raise NoBudgets(f"{where} belong to others: remove them")
    return -1


def table() -> Table:
    """This user's table, opened once a process. Raises :class:`NoBudgets`."""
    return _open(object_name())


class SharedBudget:
    """A token bucket at a host: `burst` at once, `rate` a second, whoever spends it.

    `name`: "HOST PURPOSE". rate 0: nothing limits, but a `hold` does. Times are `time.monotonic`.
    """

    def __init__(self, name: str, rate: float, burst: float, its: Table | None = None) -> None:
        if rate < 0 or burst <= 0:
            raise ValueError(f"rate {rate} must not be negative, burst {burst} must be positive")
        self.name = name
        self.rate = rate
        self.burst = burst
        self._key = name.encode()
        self._its = its or table()
        self._token_ns = 1e9 / rate if rate else 0.0
        self._full_ns = round(burst * self._token_ns)

    @property
    def _table(self) -> Table:
        """The table; another one after it was truncated, which leaves zeros: nothing was spent."""
        if self._its.broken:
            _open.cache_clear()
            self._its = table()
        return self._its

    def _cost(self, tokens: float) -> int:
        return round(tokens * self._token_ns)

    def available(self, now: float) -> float:
        """What could be spent at once; below 0 after an overdraft."""
        ns = round(now * 1e9)
        if not self.rate:
            return 0.0 if self._table.wait(self._key, ns, 0, 0) else math.inf
        return self.burst - self._table.wait(self._key, ns, 0, 0) / self._token_ns

    def take(self, now: float, tokens: float = 1.0) -> bool:
        """Spend if there is enough. More than `burst` at once is granted by a full bucket."""
        ns = round(now * 1e9)
        return not self._table.take(self._key, ns, self._cost(tokens), self._full_ns)

    def spend(self, now: float, tokens: float = 1.0) -> None:
        """Spend whether there is enough or not."""
        if self.rate:
            self._table.spend(self._key, round(now * 1e9), self._cost(tokens))

    def wait(self, now: float, tokens: float = 1.0) -> float:
        """Seconds until `take` would grant this."""
        ns = round(now * 1e9)
        return self._table.wait(self._key, ns, self._cost(tokens), self._full_ns) / 1e9

    def hold(self, now: float, seconds: float, why: int = 0) -> None:
        """Grant nothing for this long, and one token then. `why`: the HTTP status that said so."""
        ns = round(now * 1e9)
        until = ns + round(seconds * 1e9)
        full = until + max(0, self._full_ns - self._cost(1.0))
        self._table.hold(self._key, ns, until, full, why)

    def at_most(self, now: float, tokens: float) -> None:
        """There is no more than this, whoever spent it. Said by several at once it counts once."""
        if self.rate:
            ns = round(now * 1e9)
            self._table.hold(self._key, ns, ns, ns + self._full_ns - self._cost(tokens), 0)


def shared(name: str, rate: float, burst: float) -> SharedBudget | TokenBucket:
    """The shared budget, or one of this process alone: where there is no shared memory for it, and
    for a venue on this machine, which has no limits to keep and should leave nothing behind."""
    if _on_loopback(name) and ENVIRONMENT not in os.environ:
        return TokenBucket(rate, burst, monotonic())
    try:
        return SharedBudget(name, rate, burst)
    except NoBudgets as error:
        _say(str(error))
        return TokenBucket(rate, burst, monotonic())


def _on_loopback(name: str) -> bool:
    host = urlsplit(f"//{name.split()[0]}").hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@functools.cache
def _say(problem: str) -> None:
    log.warning("budgets are not shared between processes: %s", problem)


def bans(now: float | None = None) -> dict[str, tuple[float, int]]:
    """Budgets that a venue has closed: name -> (seconds left, HTTP status). Makes no table.

    Raises :class:`NoBudgets`."""
    fd = _find(object_name(), 0)
    if fd < 0:
        return {}
    os.close(fd)
    ns = round((monotonic() if now is None else now) * 1e9)
    return {name: ((until - ns) / 1e9, why) for name, _, until, why in table().rows() if until > ns}
