"""A WebSocket proxy between the feed and a simulated venue that may change what the venue says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiohttp import ClientSession, WSMsgType, web

Doctor = Callable[[str], str]  #: a text from the venue -> what the feed gets to see


class Proxy:
    """`doctor`: applied to every text from the venue; set it whenever you like. `speaking`: of
    which connection it is, as they were opened; `asked`: what the feed sent."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream  # scheme, host and port
        self.doctor: Doctor = lambda text: text
        self.speaking = 0
        self._opened = 0
        self.asked: list[str] = []
        self.url = ""

    async def _relay(self, request: web.Request) -> web.WebSocketResponse:
        feed = web.WebSocketResponse(max_msg_size=0)
        await feed.prepare(request)
        async with (
            ClientSession() as session,
            session.ws_connect(f"{self.upstream}{request.path_qs}", max_msg_size=0) as venue,
        ):
            self._opened += 1
            number = self._opened

            async def down() -> None:
                async for message in venue:
                    if message.type is WSMsgType.TEXT:
                        self.speaking = number
                        await feed.send_str(self.doctor(message.data))
                await feed.close()

            task = asyncio.create_task(down())
            try:
                async for message in feed:
                    if message.type is WSMsgType.TEXT:
                        self.asked.append(message.data)
                        await venue.send_str(message.data)
            finally:
                task.cancel()
        return feed

    async def serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._relay)
        runner = web.AppRunner(app, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = "ws://{}:{}".format(*runner.addresses[0][:2])
        ready.set()
        await stop.wait()
        await runner.cleanup()


@contextmanager
def proxy(upstream: str) -> Iterator[Proxy]:
    """A proxy to the host of `upstream`, in a thread of its own."""
    its = Proxy(upstream)
    ready, loop, stop = threading.Event(), asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(
        target=lambda: asyncio.runners.Runner(loop_factory=lambda: loop).run(
            its.serve(ready, stop)
        ),
        daemon=True,
    )
    thread.start()
    try:
        assert ready.wait(45)
        yield its
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(45)
