"""Subscribing on one connection: asking at the pace that is allowed, and hearing what comes of it.

What is to be asked for, and what stands, is `Subscriptions`' to know.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from feedhandler.budgets.token_bucket import Budget
from feedhandler.connection.pings import Pings
from feedhandler.connection.session_socket import ConnectionSocket
from feedhandler.connection.subscriptions import Subscriptions

TICK_S = 0.1  #: how often there may be something to do for a connection
_EXPIRE_S = 1.0
SPEAKS_S = 4.0  #: after which data that comes is an answer, too
#: the first and the longest wait for any answer, after which another connection is tried
PATIENCE_S = (60.0, 600.0)


class Pumped(NamedTuple):
    """`wait_s`: until more may be sent; `asked`: something was; `held_s`: how long the host's
    budget holds back what is left, 0 for not at all."""

    wait_s: float
    asked: bool
    held_s: float


class Told(Protocol):
    """Who is told what became of keys, and says of one whether it speaks."""

    def accepted(self, keys: Sequence[str]) -> None: ...

    def refused(self, keys: Sequence[str], text: str) -> None: ...

    def unanswered(self, keys: Sequence[str]) -> None: ...

    def speaks(self, key: str, seconds: float) -> bool:
        """Whether its data comes on this connection, `seconds` after it was asked for."""


class Subscribing:
    """`messages`: what the venue takes on one connection."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        socket: ConnectionSocket,
        pings: Pings,
        messages: Budget,
        told: Told,
    ) -> None:
        self.subscriptions = subscriptions
        self._socket = socket
        self._pings = pings
        self._messages = messages
        self._told = told
        self._next_expiry = self._began = 0.0
        self._patience = PATIENCE_S[0]

    def begin(self, now: float) -> None:
        """The socket is open."""
        self._began = now

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

    def expire(self, now: float) -> bool:
        """Ask again for what was never answered; looks once a second. What speaks was."""
        if now < self._next_expiry:
            return False
        self._next_expiry = now + _EXPIRE_S
        asked = self.subscriptions.unanswered(now - SPEAKS_S)
        self.on_accepted([key for key, at in asked if self._told.speaks(key, now - at)], now)
        expired = self.subscriptions.expire(now)
        if expired.unanswered:
            self._told.unanswered(expired.unanswered)
        for key, text in expired.refused:
            self._told.refused([key], text)
        return True

    def given_up(self, now: float) -> bool:
        """Whether this session is of no use: nothing was ever answered. The next one has longer."""
        if now - self._began < self._patience or not self.subscriptions.unheard:
            return False
        self._patience = min(2 * self._patience, PATIENCE_S[1])
        return True

    def on_accepted(self, keys: Sequence[str], now: float) -> None:
        """The venue took these keys."""
        fresh = self.subscriptions.acknowledged(keys, now)
        if fresh:
            self._patience = PATIENCE_S[0]
            self._told.accepted(fresh)

    def on_refused(self, keys: Sequence[str], text: str, now: float) -> bool:
        """The venue refused these keys. False: none of them was asked for."""
        ours = self.subscriptions.rejected(keys, now)
        if ours:
            self._told.refused(ours, text)
        return bool(ours)

    def on_spoiled(self, request: int, text: str, now: float) -> None:
        """The venue refused a request, without a word for which of its keys."""
        refused = self.subscriptions.spoiled(request, text, now)
        if refused:
            self._told.refused(refused, text)
