"""Status over HTTP, for machines that watch: /status, /live, /ready and /health; and the page.

Every answer says whose it is: a port may be another feed's. `?namespace=NS` insists on one: another
feed answers 421.
"""

import asyncio
import errno
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import orjson
from aiohttp import ClientError, ClientSession, ClientTimeout, web

from feedhandler.log import log
from feedhandler.page.pages import HEADERS, Pages
from feedhandler.supervisor.bounded_server import BoundedServer
from shm._native import DEAD_NS

_MISDIRECTED = 421
_ASK_S = 1.0
_LIVE_BYTES = 1 << 16
_Page = Callable[[dict[str, Any]], tuple[dict[str, Any], bool]]


class StatusServer:
    """Serves what `status` returns.

    /live: 200 while the supervisor answers. /ready: 200 while every venue is LIVE and its writer
    well, else 503. /health: as /ready. All else is the page's: see `page.pages`.
    """

    def __init__(
        self, address: str, status: Callable[[], dict[str, Any]], *, per_symbol: bool = False
    ) -> None:
        """`address`: "host:port"; `per_symbol`: see the key `metrics_per_symbol`."""
        self._address = address
        self._status = status
        self._per_symbol = per_symbol
        self._runner: web.ServerRunner | None = None
        self._pages: Pages | None = None
        self.port = 0  #: the real one, where 0 was asked for
        self.url = ""  #: "" while it does not listen

    async def start(self) -> None:
        """Raises OSError for an address that cannot be had."""
        host, _, port = self._address.rpartition(":")
        server = BoundedServer(host, self._get)
        runner = web.ServerRunner(server)
        await runner.setup()
        try:
            await web.TCPSite(runner, host.strip("[]"), int(port)).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._pages = Pages(self._status, server.stays, per_symbol=self._per_symbol)
        self._pages.start()
        self.port = int(runner.addresses[0][1])
        self.url = f"http://{host}:{self.port}"
        log.info("the page is at %s/", self.url)

    def show_symbols(self, per_symbol: bool) -> None:
        """See the key `metrics_per_symbol`: from now on."""
        self._per_symbol = per_symbol
        if self._pages is not None:
            self._pages.per_symbol = per_symbol

    async def stop(self) -> None:
        self.url = ""
        if self._pages is not None:
            await self._pages.stop()
            self._pages = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _get(self, request: web.BaseRequest) -> web.StreamResponse:
        pages = self._pages
        page = _PAGES.get(request.path)
        if pages is None or (page is None and request.path not in pages.paths):
            there = ", ".join([*_PAGES, *(pages.paths if pages else ())])
            return web.Response(status=404, text=f"there is {there}\n")
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        if page is None:
            return await pages.answer(request)
        found = await asyncio.to_thread(self._status)  # of many venues, it takes a while
        return self._answer(request, found, page)

    def _answer(self, request: web.BaseRequest, found: dict[str, Any], page: _Page) -> web.Response:
        """With whose it is."""
        namespace = found["namespace"]
        whose = {"namespace": namespace, "pid": os.getpid()}
        wanted = request.query.get("namespace")
        if wanted is not None and wanted != namespace:
            text = f"this is the feed {namespace!r}, not {wanted!r}"
            return _json({**whose, "error": text}, _MISDIRECTED)
        body, fine = page(found)
        return _json({**whose, **body}, 200 if fine else 503)


def _status(found: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    return found, True


def _live(found: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    return {"alive": True, "venues": [venue["venue"] for venue in found["venues"]]}, True


def _ready(found: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    venues = found["venues"]
    fine = bool(venues) and all(map(_is_ready, venues))
    states = {venue["venue"]: venue["state"] for venue in venues}
    reasons = {venue["venue"]: venue["reason"] for venue in venues if not _is_ready(venue)}
    return {"ready": fine, "healthy": fine, "venues": states, "reasons": reasons}, fine


def _is_ready(venue: dict[str, Any]) -> bool:
    age = venue.get("heartbeat_age_ns")
    return venue["state"] == "LIVE" and age is not None and age < DEAD_NS


#: by path, what of `status` is answered, and whether that is well
_PAGES: Final[Mapping[str, _Page]] = {
    "/status": _status,
    "/live": _live,
    "/ready": _ready,
    "/health": _ready,
}


def _json(data: dict[str, Any], status: int) -> web.Response:
    headers = {**HEADERS, "Content-Type": "application/json"}
    return web.Response(body=orjson.dumps(data), status=status, headers=headers)


async def who_listens(address: str) -> str:
    """Whose an address is that cannot be had, in words."""
    host, _, port = address.rpartition(":")
    asked = "127.0.0.1" if host in ("0.0.0.0", "") else host
    with suppress(ClientError, TimeoutError, ValueError, OSError):
        async with (
            ClientSession(timeout=ClientTimeout(total=_ASK_S)) as session,
            session.get(f"http://{asked}:{port}/live") as answer,
        ):
            found = orjson.loads(await answer.content.read(_LIVE_BYTES))
            if isinstance(found, dict) and "namespace" in found:
                return f"the feed {found['namespace']!r}, process {found.get('pid')}, listens there"
    return "another program listens there"


async def serve(
    address: str,
    asked: bool,
    status: Callable[[], dict[str, Any]],
    *,
    per_symbol: bool = False,
    where: str = "status_address",
) -> StatusServer | None:
    """Listen at an address; "": nowhere. One that was `asked` for is needed: OSError says why it
    cannot be had. Instead of the default one any other port will do, which is said loudly. `where`:
    the place of the key.
    """
    if not address:
        return None
    server = StatusServer(address, status, per_symbol=per_symbol)
    try:
        await server.start()
    except OSError as error:
        taken = os.strerror(error.errno).lower() if error.errno else str(error)
        whose = f": {await who_listens(address)}" if error.errno == errno.EADDRINUSE else ""
        if error.errno == errno.EACCES:
            whose = ": ports below 1024 are root's: name a higher one, or allow this process those "
            whose += "(AmbientCapabilities=CAP_NET_BIND_SERVICE in its unit)"
        what = f"{where}: {address} cannot be had: {taken}{whose}"
        if asked:
            cure = "" if error.errno == errno.EACCES else '; name another, or "" for none'
            raise OSError(error.errno, what + cure) from None
        host = address.rpartition(":")[0]
        server = StatusServer(f"{host}:0", status, per_symbol=per_symbol)
        try:
            await server.start()
        except OSError:
            log.error("%s; there is no status over HTTP", what)
            return None
        log.warning("%s; listening at %s instead", what, server.url)
    return server
