"""Subscribing on one connection: asking at the pace that is allowed, and hearing what comes of it.

What is to be asked for, and what stands, is `Subscriptions`' to know.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from feedhandler.budget import Budget
from feedhandler.connection_socket import ConnectionSocket
from feedhandler.pings import Pings
from feedhandler.subscriptions import Subscriptions

TICK_S = 0.1  #: how often there may be something to do for a connection
_EXPIRE_S = 1.0


class Pumped(NamedTuple):
    """`wait_s`: until more may be sent; `asked`: something was; `held_s`: how long the host's
    budget holds back what is left, 0 for not at all."""

    wait_s: float
    asked: bool
    held_s: float


class Subscribing:
    """`messages`: what the venue takes on one connection; `accepted`, `refused`: told the keys, and
    the venue's words."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        socket: ConnectionSocket,
        pings: Pings,
        messages: Budget,
        accepted: Callable[[Sequence[str]], None],
        refused: Callable[[Sequence[str], str], None],
    ) -> None:
        self.subscriptions = subscriptions
        self._socket = socket
        self._pings = pings
        self._messages = messages
        self._accepted = accepted
        self._refused = refused
        self._next_expiry = 0.0

    def pump(self, now: float) -> Pumped:
        """Send what the pace allows."""
        asked = False
        while self._messages.available(now) >= 1.0:
            message = self.subscriptions.next_message(now)
            if message is None:
                return Pumped(TICK_S, asked, self.subscriptions.held(now))
            if self._socket.send(message.text):
                self._pings.asked(now)
            asked = True
        return Pumped(min(TICK_S, max(0.001, self._messages.wait(now))), asked, 0.0)

    def expire(self, now: float) -> None:
        """Give up what was never answered; looks once a second."""
        if now < self._next_expiry:
            return
        self._next_expiry = now + _EXPIRE_S
        failed = self.subscriptions.expire(now).failed
        if failed:
            self._refused(failed, "never answered")

    def on_accepted(self, keys: Sequence[str], now: float) -> None:
        """The venue took these keys."""
        fresh = self.subscriptions.acknowledged(keys, now)
        if fresh:
            self._accepted(fresh)

    def on_refused(self, keys: Sequence[str], text: str, now: float) -> bool:
        """The venue refused these keys. False: none of them was asked for."""
        ours = self.subscriptions.rejected(keys, now)
        if ours:
            self._refused(ours, text)
        return bool(ours)
