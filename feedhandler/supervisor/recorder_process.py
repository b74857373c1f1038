"""The recorder of a feed, again and again: started, restarted when it ends, stopped, told of."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from time import time_ns
from typing import Any

import msgspec

from feedhandler import number_text, python_child
from feedhandler.budgets.backoff import Backoff
from feedhandler.config.keys import Config
from feedhandler.log import log
from feedhandler.recording.process import Exit, Order
from feedhandler.recording.status_file import recorders
from feedhandler.supervisor.ended import ended

STOP_S = 30.0  #: what is open then is written out, and a disk may be slow


class RecorderProcess:
    """Of a configuration with a table [record]."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._process: Process | None = None
        self._stopping = asyncio.Event()
        self._backoff = Backoff(1.0, 30.0, health_s=60.0, floor=0.2)
        self._last = "starting"
        self._next_ns = 0
        self.restarts = 0

    async def run(self) -> None:
        """Until `stop`."""
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            try:
                self._process = await self._spawn()
            except OSError as error:
                self._last = f"cannot start: {error.strerror}"
            else:
                log.info("recorder: started, process %d", self._process.pid)
                self._backoff.healthy(loop.time())
                self._last = _words(await self._process.wait())
            if self._stopping.is_set():
                return
            delay = self._backoff.next(loop.time())
            self._next_ns = time_ns() + int(delay * 1e9)
            log.error("recorder: %s; restarting in %.1f s", self._last, delay)
            self.restarts += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()

    async def _spawn(self) -> Process:
        record = self._config.record
        assert record is not None
        order = Order(
            self._config.namespace,
            record.only or tuple(self._config.venues),
            record,
            os.getpid(),
        )
        process = await asyncio.create_subprocess_exec(
            *python_child.command("feedhandler.recording.process"),
            stdin=PIPE,
            env=python_child.environment(),
            process_group=0,  # a terminal's Ctrl-C is for us
        )
        assert process.stdin is not None
        with suppress(ConnectionError):
            process.stdin.write(msgspec.json.encode(order))
            process.stdin.close()
        if self._stopping.is_set():  # asked while it was started
            with suppress(ProcessLookupError):
                process.terminate()
        return process

    async def stop(self) -> None:
        """In order, so that all that came counts; by force what does not listen."""
        self._stopping.set()
        await ended(self._process, STOP_S, "recorder")

    def status(self) -> dict[str, Any]:
        """What it says of itself, or what became of it."""
        pid = self._process.pid if self._process and self._process.returncode is None else 0
        said = next((one for one in recorders(self._config.namespace) if one["pid"] == pid), None)
        if said is not None:
            return said | {"restarts": self.restarts}
        left = (self._next_ns - time_ns()) / 1e9
        state = "STARTING" if pid else "ENDED"
        detail = "" if pid else self._last
        if not pid and left > 0:
            detail += f"; restarting in {number_text.seconds(left)}"
        record = self._config.record
        return {
            "pid": pid,
            "directory": record.to if record is not None else "",
            "state": state,
            "detail": detail,
            "venues": [],
            "restarts": self.restarts,
        }


def _words(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    if code == Exit.REFUSED:
        return "the directory was refused, see the log"
    return f"exit code {code}"
