"""A link between two hosts that fails as it is told: a TCP proxy on loopback.

What it passes on it may hold back (`delay`, `lose`), and it may be cut, as when somebody's firewall
restarts, or be silent, as when a cable is pulled and nobody says so.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

RETRANSMISSION_S = 0.2  #: what TCP waits at least before it sends again what was lost (RFC 6298)
_CHUNK = 65536


@dataclass
class How:
    """What happens to bytes, from now on. `delay_s`: each way. `lost`: the share of segments after
    which everything waits for a retransmission. `silent`: nothing is passed on. `cut`: nobody is
    let through."""

    delay_s: float = 0.0
    lost: float = 0.0
    silent: bool = False
    cut: bool = False


class Link:
    """`port`: where it listens on loopback. `opened`: connections so far; `carried`: bytes."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.port = 0
        self.how = How()
        self.opened = 0
        self.carried = 0
        self._random = random.Random(7)
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._speaks = asyncio.Event()
        self._speaks.set()

    @property
    def endpoint(self) -> str:
        """As Zenoh writes it."""
        return f"tcp/127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Every connection is reset, and none is made until `mend`."""
        self._do(self._cut)

    def silence(self) -> None:
        """Half open: who sends gets no answer, and nobody is told."""
        self._do(self._silence)

    def slow(self, delay_s: float = 0.0, lost: float = 0.0) -> None:
        """Each way so much later; and of segments such a share is lost and sent again."""
        self._do(lambda: self._slow(delay_s, lost))

    def mend(self) -> None:
        """As in the beginning. What was silent for a while is reset: its TCP gave up."""
        self._do(self._mend)

    def _do(self, what: Callable[[], None]) -> None:
        done = threading.Event()

        def now() -> None:
            what()
            done.set()

        self._loop.call_soon_threadsafe(now)
        assert done.wait(45)

    def _slow(self, delay_s: float, lost: float) -> None:
        self.how.delay_s, self.how.lost = delay_s, lost

    def _silence(self) -> None:
        self.how.silent = True
        self._speaks.clear()

    def _cut(self) -> None:
        self.how.cut = True
        for writer in self._open:
            writer.transport.abort()

    def _mend(self) -> None:
        was, self.how = self.how, How()
        self._speaks.set()
        if was.silent:
            for writer in self._open:
                writer.transport.abort()

    async def _accept(self, near: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.how.cut:
            writer.transport.abort()
            return
        self._open.add(writer)
        self.opened += 1
        try:
            if self.how.silent:  # a packet that is lost answers no handshake; here nobody listens
                await self._speaks.wait()
                return
            far, outward = await asyncio.open_connection("127.0.0.1", self._to, limit=_CHUNK)
            self._open.add(outward)
            with suppress(OSError):
                await asyncio.gather(self._carry(near, outward), self._carry(far, writer))
            self._open.discard(outward)
            outward.transport.abort()
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """In order. What is delayed does not hold up what is read."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        clock = self._loop.time

        async def late() -> None:
            while True:
                due, data = await waiting.get()
                if due > clock():
                    await asyncio.sleep(due - clock())
                await self._speaks.wait()
                target.write(data)
                await target.drain()
                if not data:
                    return

        task = asyncio.create_task(late())
        held = 0.0
        try:
            while data := await source.read(_CHUNK):
                self.carried += len(data)
                if self.how.lost and self._random.random() < self.how.lost:
                    held = clock() + RETRANSMISSION_S
                await waiting.put((max(held, clock() + self.how.delay_s), data))
                await self._speaks.wait()
        finally:
            task.cancel()
            target.transport.abort()

    async def _serve(self, ready: threading.Event) -> None:
        self._over = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_CHUNK)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._over.wait()
        server.close()
        self._speaks.set()
        self._cut()
        await asyncio.sleep(0.01)  # all of them see that it is over

    def run(self, ready: threading.Event) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(ready))

    def end(self) -> None:
        self._loop.call_soon_threadsafe(lambda: self._over.set())


@contextmanager
def link(port: int) -> Iterator[Link]:
    """A link to a port on loopback, in a thread of its own."""
    made, ready = Link(port), threading.Event()
    thread = threading.Thread(target=made.run, args=(ready,), daemon=True)
    thread.start()
    try:
        assert ready.wait(45)
        yield made
    finally:
        made.end()
        thread.join(45)
