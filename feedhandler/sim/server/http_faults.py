"""Faults of HTTP: errors and delays of REST, and WebSocket upgrades that fail or never end."""

from __future__ import annotations

import asyncio
import zlib
from base64 import b64encode
from collections.abc import Awaitable, Callable
from functools import lru_cache
from hashlib import sha1
from itertools import chain, repeat

from aiohttp import web
from aiohttp.typedefs import Middleware

from feedhandler.sim.faults.in_force import Fault
from feedhandler.sim.server.venue import SimVenue

_STARTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Trace: "
)
_UPGRADED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: "
)
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
_FIRST_BYTES = {
    "garbage": b"\xff\xfe<html>",
    "masked": b"\x81\x85\x01\x02\x03\x04igomn",
    "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
}
_LEAST_PAUSE = 0.001
_LINGER = 1.0
_BLOCK = 1 << 16
ELSEWHERE = "localhost"
"""The host that redirects lead to."""
_REASONS = {
    403: "Request blocked.",
    418: "I'm a teapot",
    429: "Too Many Requests",
    451: "Unavailable For Legal Reasons",
}


def _answer(server: SimVenue, fault: Fault, rest: bool) -> web.Response:
    status = int(fault["status"])
    after = fault["retry_after"]
    headers = {} if after is None else {"Retry-After": f"{after:g}"}
    body = server.error_body(status) if rest and status in (418, 429, 503) else None
    if body is not None:
        return web.Response(
            body=body, status=status, headers=headers, content_type="application/json"
        )
    # What stands in front of a venue knows nothing of its JSON.
    title = f"{status} {_REASONS.get(status, 'ERROR')}"
    html = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return web.Response(text=html, status=status, headers=headers, content_type="text/html")


def rest_faults(server: SimVenue) -> Middleware:
    """A middleware for the REST of a server; neither ``/sim/`` nor sockets are touched."""

    @web.middleware
    async def middleware(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        path = request.path
        if path.startswith("/sim/") or "Upgrade" in request.headers:
            return await handler(request)
        if (late := server.faults.take("rest_delay", path=path)) is not None:
            await asyncio.sleep(late["ms"] / 1000)
        if (fault := server.faults.take("rest_error", path=path)) is not None:
            return _answer(server, fault, rest=True)
        if (fault := server.faults.take("endless", path=path)) is not None:
            return await _endless(server, request, fault["ms"] / 1000)
        if (fault := server.faults.take("bomb", path=path)) is not None:
            body = await asyncio.to_thread(_bomb, fault["bytes"])
            headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
            return web.Response(body=body, headers=headers)
        if (elsewhere := _redirect(server, request)) is not None:
            return elsewhere
        return await handler(request)

    return middleware


async def failed_upgrade(server: SimVenue, request: web.Request) -> web.Response | None:
    """What a WebSocket upgrade meets instead of its answer, or None."""
    if (fault := server.faults.take("upgrade_error")) is not None:
        return _answer(server, fault, rest=False)
    if (elsewhere := _redirect(server, request)) is not None:
        return elsewhere
    if (fault := server.faults.take("slow_handshake")) is not None:
        await _drip(server, request, max(_LEAST_PAUSE, fault["ms"] / 1000))
        return web.Response()
    if (fault := server.faults.take("bad_session")) is not None:
        await _begin_badly(request, fault["begins"])
        return web.Response()
    return None


async def _begin_badly(request: web.Request, how: str) -> None:
    """An upgrade past aiohttp, which would do it right, and what follows it."""
    transport = request.transport
    if transport is None:
        return
    key = "" if how == "accept" else request.headers.get("Sec-WebSocket-Key", "")
    accept = b64encode(sha1(key.encode() + _GUID).digest())
    transport.write(_UPGRADED + accept + b"\r\n\r\n" + _FIRST_BYTES.get(how, b""))
    await asyncio.sleep(_LINGER)
    transport.abort()


def _redirect(server: SimVenue, request: web.Request) -> web.Response | None:
    """To the same server under another name, which answers as if nothing were: who follows is
    served."""
    host, _, port = request.host.partition(":")
    if host == ELSEWHERE or not server.faults.of("redirect"):
        return None
    server.faults.take("redirect")
    secure = "s" if server.options.tls else ""
    scheme = f"ws{secure}" if "Upgrade" in request.headers else f"http{secure}"
    location = f"{scheme}://{ELSEWHERE}:{port}{request.path_qs}"
    return web.Response(status=302, headers={"Location": location})


async def _endless(server: SimVenue, request: web.Request, pause: float) -> web.StreamResponse:
    """White space without end, as fast as it is read; with a pause one byte at a time."""
    answer = web.StreamResponse(headers={"Content-Type": "application/json"})
    await answer.prepare(request)
    drips, transport = server.drips, request.transport
    if transport is None:
        return answer
    drips.add(transport)
    try:
        while not transport.is_closing():
            await answer.write(b" " * (1 if pause else _BLOCK))
            await asyncio.sleep(pause)
    except ConnectionError:
        pass
    finally:
        drips.discard(transport)
    return answer


@lru_cache(2)
def _bomb(size: int) -> bytes:
    """So many bytes of white space, of which gzip makes a two-hundredth at its quickest."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    whole, rest = divmod(size, _BLOCK)
    parts = [packer.compress(b" " * _BLOCK) for _ in range(whole)]
    return b"".join((*parts, packer.compress(b" " * rest), packer.flush()))


async def _drip(server: SimVenue, request: web.Request, pause: float) -> None:
    transport = request.transport
    if transport is None:
        return
    drips = server.drips
    drips.add(transport)
    try:
        for byte in chain(_STARTED, repeat(b"x"[0])):
            if transport.is_closing():
                break
            transport.write(bytes((byte,)))
            await asyncio.sleep(pause)
    finally:
        drips.discard(transport)
        transport.abort()
