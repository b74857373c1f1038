"""A process beside the venues', again and again: started, restarted when it ends, stopped."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from time import time_ns

import msgspec

from feedhandler import python_child
from feedhandler.budgets.backoff import Backoff
from feedhandler.log import log
from feedhandler.supervisor.ended import ended


class HelperProcess:
    """`name`: in the log. `module`: it reads its order on stdin. `refused`: what its exit code 2
    means, in words; `stop_s`: how long it may take to end in order."""

    def __init__(
        self, name: str, module: str, order: msgspec.Struct, refused: str, stop_s: float
    ) -> None:
        self._name, self._module, self._order = name, module, order
        self._refused, self._stop_s = refused, stop_s
        self._process: Process | None = None
        self._stopping = asyncio.Event()
        self._backoff = Backoff(1.0, 30.0, health_s=60.0, floor=0.2)
        self._last = "starting"
        self._next_ns = 0
        self.restarts = 0

    @property
    def pid(self) -> int:
        """0: it does not run."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else 0

    async def run(self) -> None:
        """Until `stop`."""
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            try:
                self._process = await self._spawn()
            except OSError as error:
                self._last = f"cannot start: {error.strerror}"
            else:
                log.info("%s: started, process %d", self._name, self._process.pid)
                self._backoff.healthy(loop.time())
                self._last = self._words(await self._process.wait())
            if self._stopping.is_set():
                return
            delay = self._backoff.next(loop.time())
            self._next_ns = time_ns() + int(delay * 1e9)
            log.error("%s: %s; restarting in %.1f s", self._name, self._last, delay)
            self.restarts += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()

    async def _spawn(self) -> Process:
        process = await asyncio.create_subprocess_exec(
            *python_child.command(self._module),
            stdin=PIPE,
            env=python_child.environment(),
            process_group=0,  # a terminal's Ctrl-C is for us
        )
        assert process.stdin is not None
        with suppress(ConnectionError):
            process.stdin.write(msgspec.json.encode(self._order))
            process.stdin.close()
        if self._stopping.is_set():  # asked while it was started
            with suppress(ProcessLookupError):
                process.terminate()
        return process

    async def stop(self) -> None:
        """In order; by force what does not listen."""
        self._stopping.set()
        await ended(self._process, self._stop_s, self._name)

    def _words(self, code: int) -> str:
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return self._refused if code == 2 else f"exit code {code}"
