"""`GET /status` and `GET /health` over HTTP, for machines that watch."""

from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from feedhandler.log import log


class StatusServer:
    """Serves what `status` returns. /health: 200 while every venue is LIVE, else 503."""

    def __init__(self, address: str, status: Callable[[], dict[str, Any]]) -> None:
        """`address`: "host:port"."""
        self._address = address
        self._status = status
        self._runner: web.AppRunner | None = None
        self.port = 0  #: the real one, where 0 was asked for

    async def start(self) -> None:
        """An address that cannot be had is a warning: the feed does not depend on it."""
        app = web.Application()
        app.router.add_get("/status", self._get_status)
        app.router.add_get("/health", self._get_health)
        host, _, port = self._address.rpartition(":")
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, host.strip("[]"), int(port)).start()
        except OSError as error:
            log.warning("no status over HTTP: %s: %s", self._address, error.strerror)
            await runner.cleanup()
            return
        self._runner = runner
        self.port = int(runner.addresses[0][1])
        log.info("status at http://%s:%d/status", host, self.port)

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _get_status(self, _: web.Request) -> web.Response:
        return _json(self._status(), 200)

    async def _get_health(self, _: web.Request) -> web.Response:
        states = {venue["venue"]: venue["state"] for venue in self._status()["venues"]}
        fine = bool(states) and all(state == "LIVE" for state in states.values())
        return _json({"healthy": fine, "venues": states}, 200 if fine else 503)


def _json(data: dict[str, Any], status: int) -> web.Response:
    return web.Response(body=orjson.dumps(data), status=status, content_type="application/json")
