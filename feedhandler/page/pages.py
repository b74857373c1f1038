"""Answers the page's requests: the page itself, its views once or as events, history and metrics.

Whoever looks costs little: a view is made once a second for all who look at the same, nothing is
made while nobody looks but a point of history every few seconds. All that reads memory does so on
one thread of its own: the event loop is the supervisor's, which has processes to watch, whatever
the size of the venues that somebody looks at.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

import orjson
from aiohttp import web

from feedhandler.log import log
from feedhandler.page.away import Away
from feedhandler.page.history import EVERY_S, History
from feedhandler.page.metrics import exposition
from feedhandler.page.reader_losses import ReaderLosses
from feedhandler.page.views import GoneError, Views
from feedhandler.view.watch import Watch
from shm import ShmError

LOOK_S: Final = 1.0  #: from one event to the next
VIEWERS: Final = 24  #: streams at the same time; the oldest makes way
_SLOW_S: Final = 5.0  # for one event; who does not take it is cut off
_QUERY: Final = 200  # characters of one parameter
_PARAMETERS: Final = (
    *("view", "venue", "symbol", "underlying", "expiry", "sort", "order", "filter"),
)
_KEPT: Final = 2 * VIEWERS  # documents of one look

_HERE: Final = Path(__file__).parent / "assets"
_FILES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "/": ("index.html", "text/html"),
        "/assets/page.js": ("page.js", "text/javascript"),
        "/assets/parts.js": ("parts.js", "text/javascript"),
        "/assets/page.css": ("page.css", "text/css"),
        "/assets/dygraph.js": ("dygraph-combined.js", "text/javascript"),
        "/assets/dygraph.css": ("dygraph.css", "text/css"),
    }
)
#: what every answer says: nothing from elsewhere, nothing for elsewhere, nothing kept
HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
)

Status = Callable[[], dict[str, Any]]
_T = TypeVar("_T")


class Pages:
    """`status`: see `Supervisor.status`; it is called on another thread. `stays`: called with a
    request whose answer goes on."""

    def __init__(
        self, status: Status, stays: Callable[[web.BaseRequest], None], *, per_symbol: bool = False
    ) -> None:
        self._status = status
        self._stays = stays
        self.per_symbol = per_symbol
        namespace = status()["namespace"]
        self._watch = Watch(namespace)
        self._history = History()
        self._away = Away()
        self._losses = ReaderLosses()
        self._views = Views(namespace, self._watch, self._history)
        self._made: dict[tuple[tuple[str, str], ...], bytes] = {}  # of this look
        self._serving: list[dict[str, Any]] = []
        self._exposed: dict[str, tuple[str, bytes]] = {}  # likewise, by what is accepted
        self._looked = 0.0
        self._worker = ThreadPoolExecutor(1, "page")  # has the watch, history, views, and losses
        self._complaint = ""
        self._tick = asyncio.Event()
        self._viewers: dict[asyncio.Task[Any], None] = {}  # oldest first
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look once in a while from now on."""
        self._task = asyncio.get_running_loop().create_task(self._go_on())

    async def stop(self) -> None:
        """End all streams."""
        tasks = [*self._viewers, *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._worker.shutdown(cancel_futures=True)
        self._watch.close()

    @property
    def paths(self) -> tuple[str, ...]:
        """What it answers."""
        return (*_FILES, "/events", "/view", "/history", "/metrics")

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request of `paths`."""
        if request.path in _FILES:
            return _file(*_FILES[request.path])
        if any(len(text) > _QUERY for text in request.query.values()):
            return web.Response(status=414, text="a parameter is too long\n")
        if request.path == "/metrics":
            accept = request.headers.get("Accept", "")
            kind, body = await self._working(lambda: self._metrics(accept))
            return web.Response(body=body, headers={**HEADERS, "Content-Type": kind})
        if request.path == "/history":
            venue = request.query.get("venue", "")
            return _json(await self._working(lambda: self._history.document(venue)))
        if request.path == "/view":
            try:
                document = await self._working(lambda: self._document(request, 0.2))
            except Exception as error:  # whatever a damaged memory leads to
                return _json({"error": str(error)}, 404)
            return web.Response(body=document, headers=_kind("json"))
        if request.method == "HEAD":
            return web.Response(headers=_kind("event-stream"))
        return await self._stream(request)

    # ---- on the worker's thread

    def _working(self, work: Callable[[], _T]) -> asyncio.Future[_T]:
        return asyncio.get_running_loop().run_in_executor(self._worker, work)

    def _metrics(self, accept: str) -> tuple[str, bytes]:
        self._look(0.2)
        if accept not in self._exposed:
            if len(self._exposed) >= _KEPT:
                self._exposed.clear()
            self._exposed[accept] = exposition(
                self._views.looks,
                self._watch,
                accept,
                away=self._away,
                losses=self._losses,
                serving=self._serving,
                per_symbol=self.per_symbol,
            )
        return self._exposed[accept]

    def _look(self, age_s: float) -> None:
        """Look anew, unless the last look is as young as that."""
        now = time.monotonic()
        if now - self._looked < age_s:
            return
        self._looked = now
        self._made.clear()
        self._exposed.clear()
        status = self._status()
        self._serving = status.get("serving") or []
        self._views.looks = self._watch.look(status["venues"])
        self._away.look(self._views.looks, self._watch)
        self._history.add(self._views.looks, int(time.time()))

    def _document(self, request: web.BaseRequest, age_s: float) -> bytes:
        """What a request's view shows, of a look as young as that. Raises GoneError, ShmError."""
        self._look(age_s)
        query = {name: request.query[name] for name in _PARAMETERS if name in request.query}
        key = tuple(query.items())
        if key not in self._made:
            if len(self._made) >= _KEPT:
                self._made.clear()
            self._made[key] = orjson.dumps(self._views.show(query.pop("view", ""), query))
        return self._made[key]

    def _event(self, request: web.BaseRequest) -> bytes:
        try:
            return b"event: look\ndata: " + self._document(request, LOOK_S / 2) + b"\n\n"
        except Exception as error:  # whatever a damaged memory leads to
            if not isinstance(error, (GoneError, ShmError)):
                self._complain(error)
            return f"event: gone\ndata: {' '.join(str(error).split())}\n\n".encode()

    def _complain(self, error: Exception) -> None:
        """Once, until it is another one."""
        if repr(error) != self._complaint:
            self._complaint = repr(error)
            log.error("the page cannot show what there is: %r", error)

    # ---- looks

    async def _go_on(self) -> None:
        while True:
            try:
                await self._working(lambda: self._look(LOOK_S / 2))
            except Exception as error:  # the next look may do
                self._complain(error)
            self._tick.set()
            self._tick.clear()
            await asyncio.sleep(LOOK_S if self._viewers else EVERY_S)

    # ---- streams

    async def _stream(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers=_kind("event-stream"))
        response.force_close()
        self._stays(request)
        task = asyncio.current_task()
        assert task is not None
        if len(self._viewers) >= VIEWERS:
            next(iter(self._viewers)).cancel()
        self._viewers[task] = None
        try:
            await response.prepare(request)
            while True:
                event = await self._working(lambda: self._event(request))
                async with asyncio.timeout(_SLOW_S):
                    await response.write(event)
                await self._next()
        except (TimeoutError, ConnectionError):
            if request.transport is not None:
                request.transport.abort()
        except asyncio.CancelledError:
            if request.transport is not None:
                request.transport.abort()
            raise
        finally:
            self._viewers.pop(task, None)
        return response

    async def _next(self) -> None:
        """Until the next look; the first viewer does not wait for a look of the idle."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await self._tick.wait()


def _kind(kind: str) -> dict[str, str]:
    names = {"json": "application/json", "event-stream": "text/event-stream"}
    return {**HEADERS, "Content-Type": names.get(kind, kind)}


def _json(data: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(data), status=status, headers=_kind("json"))


def _file(name: str, kind: str) -> web.Response:
    folder = _library() if name.startswith("dygraph") else _HERE
    headers = {**HEADERS, "Content-Type": f"{kind}; charset=utf-8"}
    return web.Response(body=(folder / name).read_bytes(), headers=headers)


def _library() -> Path:
    """Where the charts' library keeps what a browser needs; its Python half is not imported."""
    found = find_spec("dygraphs")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "assets"
