"""REST requests of one venue: one session, one budget, and errors that say what happened."""

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic, time, time_ns
from types import MappingProxyType
from typing import Protocol, Self
from urllib.parse import urlencode

import aiohttp

from feedhandler import number_text
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import Limits
from feedhandler.budgets import venue_budgets
from feedhandler.budgets.retry_after import PAUSE_S, ban_s, parse_retry_after
from feedhandler.budgets.token_bucket import Budget
from feedhandler.network import rest_body
from feedhandler.network.connect_failure import PROXY_ERRORS, in_words
from feedhandler.network.route import Route
from feedhandler.one_line import one_line

TIMEOUT_S = 10.0
MAX_LIST_BYTES = 32 << 20  #: of an answer, inflated; the longest lists have less than half of it
MAX_ERROR_BYTES = 1 << 20  #: of one that says why there is none
MAX_BOOK_BYTES = 8 << 20  #: of one with a book
_SPARE = 0.05  # of a venue's window: when no more is left the next window is waited for
_JSON = {"Content-Type": "application/json"}
_LOOK_S = 5.0  # how often a longer wait is looked at again: others spend too


class RestError(Exception):
    """A request without a usable answer. `url`; `status`: of HTTP, 0 if there was no answer."""

    def __init__(self, message: str, url: str, status: int = 0, body: bytes = b"") -> None:
        super().__init__(f"{url}: {one_line(message)}")
        self.url = url
        self.status = status
        self.body = body


class RestUnreachable(RestError):  # noqa: N818
    """No answer: DNS, connection, TLS or time-out. Its text leaves out the query, which nobody has
    read: what went wrong has to fit behind it where room is short."""

    def __init__(self, message: str, url: str, status: int = 0, body: bytes = b"") -> None:
        super().__init__(message, url.partition("?")[0], status, body)
        self.url = url


class RestRefused(RestError):  # noqa: N818
    """The venue answered that the request is wrong (4xx). `body` is its answer."""


class RestRateLimited(RestError):  # noqa: N818
    """429, 418 or another of `Limits.bans`, or a failure (5xx) with a time after which to ask
    again. `retry_after_s`: nothing is sent to this host before, by any process."""

    def __init__(self, message: str, url: str, status: int, body: bytes, wait_s: float) -> None:
        super().__init__(message, url, status, body)
        self.retry_after_s = wait_s


class RestFailed(RestError):  # noqa: N818
    """The venue failed (5xx, or an answer that is none)."""


#: (url, direction "out" | "in", body, unix ns, what was posted): what a recorder writes down
AnswerTap = Callable[[str, str, bytes, int, str | None], None]


class Getter(Protocol):
    """Whoever answers requests."""

    async def get(self, request: Request) -> bytes:
        """The verbatim body of the answer. Raises :class:`RestError`."""


class Rest:
    """Requests below one base URL, under the budget of its host. A context manager (async).

    `counted`: called with "request" and "error". `tap`: sees every request and every answer.
    `budget`: instead of the one that all processes of this user share. `route`: proxy and TLS.
    `headers`: of every request.
    """

    def __init__(
        self,
        base_url: str,
        limits: Limits,
        *,
        timeout_s: float = TIMEOUT_S,
        counted: Callable[[str], None] = lambda _: None,
        tap: AnswerTap | None = None,
        budget: Budget | None = None,
        route: Route | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.budget = budget or venue_budgets.rest(base_url, limits)
        self._bans = limits.bans
        self._used_in = limits.rest_used
        self._turn = asyncio.Lock()
        self._counted = counted
        self._headers = headers
        self._tap = tap
        self._session = (route or Route()).http(timeout_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._session.close()

    def url(self, request: Request) -> str:
        """The whole URL of a request."""
        query = f"?{urlencode(request.params)}" if request.params else ""
        return f"{self.base_url}{request.path}{query}"

    async def get(self, request: Request) -> bytes:
        """The verbatim body of a 200. Waits for the budget first. Raises :class:`RestError`."""
        await self.turn(request)
        url = self.url(request)
        self._counted("request")
        if self._tap:
            self._tap(url, "out", request.body.encode(), time_ns(), request.posted)
        try:
            return await self._get(request, url)
        except RestError:
            self._counted("error")
            raise

    def held(self, request: Request) -> float:
        """Seconds until the budget allows this request."""
        return self.budget.wait(monotonic(), request.weight)

    def spare(self, *requests: Request) -> bool:
        """Whether the budget allows all of these now: the first, and the others behind it."""
        weight = sum(request.weight for request in requests)
        return self.budget.wait(monotonic(), weight) <= 0

    async def turn(self, request: Request) -> None:
        """Wait for the budget, and spend it: for a request that goes another way."""
        weight = request.weight
        async with self._turn:  # in the order of asking
            while not self.budget.take(now := monotonic(), weight):  # noqa: ASYNC110
                await asyncio.sleep(max(0.001, min(_LOOK_S, self.budget.wait(now, weight))))

    async def _get(self, request: Request, url: str) -> bytes:
        target = f"{self.base_url}{request.path}"
        try:
            async with self._session.request(
                request.method,
                target,
                params=dict(request.params),
                data=request.body.encode() or None,
                headers={**self._headers, **_JSON} if request.body else self._headers,
                allow_redirects=False,
            ) as answer:
                status, headers = answer.status, answer.headers
                most = MAX_BOOK_BYTES if request.levels else MAX_LIST_BYTES
                body = await rest_body.read(answer, most if status == 200 else MAX_ERROR_BYTES)
        except TimeoutError:
            raise RestUnreachable("no answer in time", url) from None
        except (aiohttp.ClientError, OSError, *PROXY_ERRORS) as error:  # some are ValueErrors, too
            raise RestUnreachable(in_words(error), url) from None
        except ValueError as error:  # it is not read to its end: the connection is given up
            raise RestFailed(f"{error} (HTTP {status})", url) from None
        if self._tap:
            self._tap(url, "in", body, time_ns(), request.posted)
        self._take_used(headers)
        if status == 200:
            return body
        raise self._error(url, status, body, headers)

    def _take_used(self, headers: Mapping[str, str]) -> None:
        """The venue counts for its address what we cannot know: others behind it spend too."""
        name, limit, seconds = self._used_in
        spent = headers.get(name, "") if name else ""
        if not (spent.isascii() and spent.isdigit() and len(spent) < 20):
            return
        left = limit - int(spent)
        if left < limit * _SPARE:  # the next request could be the one too many
            left = min(left, 1.0 - (seconds - time() % seconds) * self.budget.rate)
        self.budget.at_most(monotonic(), left)

    def _error(self, url: str, status: int, body: bytes, headers: Mapping[str, str]) -> RestError:
        text = one_line(body[:200].decode("utf-8", "replace").strip())
        message = f"HTTP {status}" + (f": {text}" if text else "")
        if 300 <= status < 400:
            elsewhere = one_line(headers.get("Location", "nowhere"))
            message = f"HTTP {status}: sent on to {elsewhere}, where nobody is asked"
        wait = ban_s(status, headers, body, self._bans)
        if not wait and (asked := parse_retry_after(headers.get("Retry-After"))):
            wait = min(PAUSE_S, asked)
        if wait:
            self.budget.hold(monotonic(), wait, status)
            message = f"{message}; nothing more is asked for {number_text.seconds(wait)}"
            if status in self._bans or status >= 500:
                return RestRateLimited(message, url, status, body, wait)
        if 400 <= status < 500:
            return RestRefused(message, url, status, body)
        return RestFailed(message, url, status, body)
