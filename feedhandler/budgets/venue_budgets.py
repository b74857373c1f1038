"""The budgets of a venue at its hosts, out of its limits.

A limit of N in a window of T seconds becomes a bucket of N / 2 that earns N / 2 in T: whenever one
looks, no T seconds saw more than N. (A bucket of N that earns N in T lets 2 N through.)
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic
from urllib.parse import urlsplit

from feedhandler.adapter.venue import Limits
from feedhandler.budgets.shared_budget import NoBudgets, bans, shared
from feedhandler.budgets.token_bucket import Budget

SHOWN_WAIT_S = 1.0  #: a wait for a budget of this length is shown as RATE_LIMIT
_LOOK_S = 5.0  #: how often a longer wait is looked at again: others spend, and are told to wait


def host(url: str) -> str:
    """Whose limits these are: the host, and the port if it is not the scheme's."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def strict(count: float, seconds: float) -> tuple[float, float]:
    """(rate, burst) of a bucket that lets at most `count` through in any `seconds`."""
    burst = max(1.0, count // 2)
    if count < 2:  # evenly spaced
        return count / seconds, 1.0
    return (count - burst) / seconds, burst


def connects(url: str, limits: Limits) -> list[Budget]:
    """What opening a connection costs; the slowest first."""
    found: list[Budget] = []
    count, seconds = limits.connects_per_window
    if count:
        found.append(shared(f"{host(url)} connects", *strict(count, seconds)))
    rate = limits.connects_per_second
    found.append(shared(f"{host(url)} connects/s", *strict(rate, 1.0)))  # bans, if nothing else
    return found


def subscribe_messages(url: str, limits: Limits) -> Budget:
    """What a message of subscriptions costs."""
    rate = limits.host_messages_per_second
    burst = limits.host_messages_burst
    return shared(f"{host(url)} messages", *((rate, burst) if burst else strict(rate, 1.0)))


def subscribe_keys(url: str, limits: Limits) -> Budget:
    """What a key in a message of subscriptions costs."""
    return shared(f"{host(url)} keys/h", *strict(limits.host_subscribes_per_hour, 3600.0))


def rest(url: str, limits: Limits) -> Budget:
    """What a request costs, in units of its weight."""
    return shared(f"{host(url)} REST", *rest_bucket(limits))


def rest_ban(url: str) -> int:
    """The HTTP status with which the venue has closed REST for a while, to whatever process of this
    user; 0: it has not, or nobody knows."""
    with suppress(NoBudgets):
        return bans().get(f"{host(url)} REST", (0.0, 0))[1]
    return 0


def rest_bucket(limits: Limits) -> tuple[float, float]:
    """(rate, burst) of REST, in units of weight."""
    rate = limits.rest_per_second
    return rate, limits.rest_burst or max(1.0, rate * 2)


async def wait_for_budget(
    budgets: Iterable[Budget], stopped: asyncio.Event, waiting: Callable[[float], None]
) -> None:
    """Take one token of each budget, or return when `stopped` is set.

    `waiting` is told of waits of SHOWN_WAIT_S and more: the seconds left.
    """
    for budget in budgets:
        while not stopped.is_set() and not budget.take(monotonic()):
            left = budget.wait(monotonic())
            if left >= SHOWN_WAIT_S:
                waiting(left)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.001, min(left, _LOOK_S))):
                    await stopped.wait()
