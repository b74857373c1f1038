"""Requests over the socket that carries the streams, where the venue has them; REST elsewhere.

A request over an open socket saves the connection, its handshakes and a second way to the venue,
and its answer comes in the venue's own order with the stream. It spends the same budget as REST:
where a venue counts requests it does not ask how they came. Where books are to be had over the
socket alone (`Venue.socket_books`), the one that streams the book is asked, LIVE or not yet.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic
from typing import Protocol

from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Control, Venue
from feedhandler.budgets.token_bucket import Budget, SlidingWindow
from feedhandler.connection.state import ConnectionState, is_open
from feedhandler.network.rest import Rest, RestFailed, RestRefused, RestUnreachable
from feedhandler.one_line import one_line

TIMEOUT_S = 5.0


class SocketRequests:
    """The requests of one connection that wait for their answers.

    `send`: puts a text on the socket, False when there is none. `answered`: told the seconds that
    an answer took. `messages`: what may be sent on the connection.
    """

    def __init__(
        self,
        venue: Venue,
        send: Callable[[str], bool],
        answered: Callable[[float], None],
        messages: Budget | None = None,
    ) -> None:
        self._venue = venue
        self._send = send
        self._answered = answered
        self._messages = messages or SlidingWindow(0, 1.0)
        self._clock = asyncio.get_running_loop().time
        self._number = 0
        self._waiting: dict[int, tuple[Request, asyncio.Future[bytes]]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    async def ask(self, request: Request, timeout_s: float = TIMEOUT_S) -> bytes:
        """The verbatim answer. Raises RestRefused (the venue said no), RestUnreachable (the socket
        was lost, or nothing came in time)."""
        while (held := self._messages.wait(monotonic())) > 0:  # noqa: ASYNC110
            await asyncio.sleep(held)
        self._number += 1
        number = self._number
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[number] = request, answer
        began = self._clock()
        try:
            if not self._send(self._venue.socket_request(request, number)):
                raise RestUnreachable("the socket is not open", request.path)
            async with asyncio.timeout(timeout_s):
                body = await answer
        except TimeoutError:
            raise RestUnreachable("no answer over the socket in time", request.path) from None
        finally:
            self._waiting.pop(number, None)
        self._answered(self._clock() - began)
        return body

    def on_answer(self, control: Control, frame: bytes) -> None:
        """The venue answered; `control` is an ANSWER. One that nobody waits for is dropped."""
        request, answer = self._waiting.get(control.request_id, (None, None))
        if request is None or answer is None or answer.done():
            return
        if control.symbol and request.symbol and control.symbol != request.symbol:
            text = f"asked for {request.symbol}, answered with {one_line(control.symbol)}"
            answer.set_exception(RestFailed(text, "over the socket", 0, frame))
        elif control.text:
            answer.set_exception(RestRefused(one_line(control.text), "over the socket", 0, frame))
        else:
            answer.set_result(frame)

    def lost(self) -> None:
        """The socket is gone: no answer will come."""
        for _, answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(RestUnreachable("the socket was lost", "over the socket"))


class RequestCarrier(Protocol):
    """What is needed of a connection."""

    requests: SocketRequests

    @property
    def takes_requests(self) -> bool:
        """It is LIVE: its venue is known to answer on it."""

    @property
    def state(self) -> ConnectionState:
        """Of its socket."""


class Requests:
    """A venue's requests: over a LIVE connection if it takes them, else REST. `streams`: which
    connection has the book of a symbol."""

    def __init__(
        self,
        venue: Venue,
        rest: Rest,
        connections: Iterable[RequestCarrier],
        streams: Callable[[str], RequestCarrier | None] = lambda _: None,
    ) -> None:
        self._venue = venue
        self._rest = rest
        self._connections = connections
        self._streams = streams

    async def get(self, request: Request) -> bytes:
        """See :class:`Getter`. A socket that fails is no failure: REST is asked instead, except for
        books that only sockets have."""
        if self._venue.socket_books and request.symbol:
            return await self._book(request)
        carrier = self._carrier()
        if carrier is not None:
            await self._rest.turn(request)
            with suppress(RestUnreachable):
                return await carrier.requests.ask(request)
        return await self._rest.get(request)

    async def _book(self, request: Request) -> bytes:
        await self._rest.turn(request)
        carrier = self._streams(request.symbol)
        if carrier is None or not is_open(carrier.state):
            raise RestUnreachable("no open connection streams this book", request.symbol)
        return await carrier.requests.ask(request)

    def _carrier(self) -> RequestCarrier | None:
        if not self._venue.socket_requests:
            return None
        able = [one for one in self._connections if one.takes_requests]
        return min(able, key=lambda one: len(one.requests), default=None)
