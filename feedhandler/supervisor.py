"""Starts an IO process a venue, watches them, restarts them, and ends in order.

Everything between a venue and shared memory is in those processes: the supervisor may be killed
without a wrong book (they end with it) and restarted at any time.
"""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import suppress
from time import monotonic_ns, time_ns
from typing import Any

import msgspec

from feedhandler import preflight
from feedhandler.backoff import Backoff
from feedhandler.config import Config
from feedhandler.io_process import Exit, Order
from feedhandler.leftovers import remove_dead
from feedhandler.log import log, setup
from feedhandler.status import heartbeat, venue_status
from feedhandler.status_server import StatusServer
from feedhandler.supervisor_socket import AlreadyRunning, NamespaceLock, Server
from shm import NoSuchVenue, ShmError

HANG_S = 5.0  #: a heartbeat in memory older than this: the process hangs
STOP_S = 5.0
WATCH_S = 0.5
FINE, CONFIGURATION = 0, 2

Report = Callable[[str], None]


def run(config: Config, *, keep: bool = False, report: Report | None = None) -> int:
    """Run a configuration until SIGINT, SIGTERM or a stop over the socket; in the foreground.

    `keep` leaves the shared memory for inspection. `report` gets the problems that keep it from
    starting, a line each (without it they go to the log). Returns 0, or 2: refused, nothing
    started.
    """
    setup("supervisor")
    tell = report or log.error
    try:
        lock = NamespaceLock(config.namespace)
    except (AlreadyRunning, OSError) as error:
        tell(str(error))
        return CONFIGURATION
    try:
        return asyncio.run(Supervisor(config, keep=keep).run(tell))
    finally:
        lock.release()


class Supervisor:
    """One run of one configuration. The caller holds the namespace's lock."""

    def __init__(self, config: Config, *, keep: bool = False) -> None:
        self.config = config
        self._keep = keep
        self._children: dict[str, Child] = {}
        self._stop = asyncio.Event()
        self._started = monotonic_ns()

    async def run(self, tell: Report) -> int:
        """Until told to stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        if not await self._preflight(tell):
            return CONFIGURATION
        socket = Server(self.config.namespace, self.answer)
        status = StatusServer(self.config.status, self.status) if self.config.status else None
        await socket.start()
        if status is not None:
            await status.start()
        for venue in self.config.venues:
            self._children[venue] = Child(self.config, venue, self._keep)
        try:
            tasks = [loop.create_task(child.run()) for child in self._children.values()]
            stopped = loop.create_task(self._stop.wait())
            await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            log.info("stopping")
            stopped.cancel()
            await asyncio.gather(*(child.stop() for child in self._children.values()))
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            await socket.stop()
            if status is not None:
                await status.stop()
            if not self._keep:
                self._clean()
        log.info("stopped")
        return FINE

    async def _preflight(self, tell: Report) -> bool:
        check = asyncio.create_task(preflight.check(self.config))
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait({check, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not check.done():
            check.cancel()
            return True  # stopped before it began: the rest ends at once
        findings = check.result()
        for warning in findings.warnings:
            log.warning("%s", warning)
        for problem in findings.problems:
            tell(problem)
        return not findings.problems

    def _clean(self) -> None:
        """Remove what killed processes left."""
        for venue in self.config.venues:
            with suppress(ShmError, OSError):
                remove_dead(self.config.namespace, venue)

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """One message of the socket."""
        match message.get("do"):
            case "status":
                return self.status()
            case "config":
                built: dict[str, Any] = msgspec.to_builtins(self.config)
                return built
            case "stop":
                self._stop.set()
                return {"stopping": True, "pid": os.getpid()}
            case other:
                return {"error": f"unknown request {other!r}: status, config or stop"}

    def status(self) -> dict[str, Any]:
        """What runs, from memory, and what the supervisor knows besides."""
        supervisor = {"pid": os.getpid(), "uptime_ns": monotonic_ns() - self._started}
        venues = [child.status() for child in self._children.values()]
        return {"namespace": self.config.namespace, "supervisor": supervisor, "venues": venues}


class Child:
    """The IO process of one venue, again and again."""

    def __init__(self, config: Config, venue: str, keep: bool) -> None:
        self.venue = venue
        self.restarts = 0
        self._namespace = config.namespace
        self._order = msgspec.json.encode(
            Order(venue, config.namespace, config.venues[venue], keep, os.getpid())
        )
        self._backoff = Backoff(1.0, 30.0, health_s=60.0, floor=0.2)
        self._process: Process | None = None
        self._stopping = asyncio.Event()
        self._last = "starting"

    async def run(self) -> None:
        """Until `stop`."""
        while not self._stopping.is_set():
            now = asyncio.get_running_loop().time()
            try:
                self._process = await self._spawn()
            except OSError as error:
                self._last = f"cannot start: {error.strerror}"
            else:
                log.info("%s: started, process %d", self.venue, self._process.pid)
                self._backoff.healthy(now)
                self._last = await self._watch(self._process)
            if self._stopping.is_set():
                return
            delay = self._backoff.next(asyncio.get_running_loop().time())
            log.error("%s: %s; restarting in %.1f s", self.venue, self._last, delay)
            self.restarts += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)

    async def _spawn(self) -> Process:
        paths = [path or "." for path in sys.path]  # the child must find what we found
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "feedhandler.io_process",
            stdin=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            process_group=0,  # a terminal's Ctrl-C is for us, who stop the children in order
        )  # fmt: skip
        assert process.stdin is not None
        with suppress(ConnectionError):  # it died: that is seen by who watches it
            process.stdin.write(self._order)
            await process.stdin.drain()
            process.stdin.close()
        return process

    async def _watch(self, process: Process) -> str:
        """Until it ends; why it did, in words. A process that hangs is killed."""
        hung = False
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), WATCH_S)
            code = process.returncode
            if code is not None:
                break
            beat = heartbeat(self._namespace, self.venue)
            if beat is not None and beat[0] == process.pid:
                age = (time_ns() - beat[1]) / 1e9
                if age > HANG_S and not self._stopping.is_set():
                    log.error("%s: no heartbeat for %.1f s, killing it", self.venue, age)
                    hung = True
                    process.kill()
        if hung:
            return "it hung"
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
        known = {int(each) for each in Exit}
        return f"exit code {code} ({Exit(code).name if code in known else 'unknown'})"

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for one that does not listen."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            log.error("%s: does not stop, killing it", self.venue)
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def status(self) -> dict[str, Any]:
        """This venue's part of the status."""
        try:
            found = venue_status(self._namespace, self.venue)
        except (NoSuchVenue, ShmError, OSError) as error:
            found = {
                "venue": self.venue, "state": "NONE", "reason": "START",
                "detail": self._last if isinstance(error, NoSuchVenue) else str(error),
                "epoch": 0, "pid": 0, "instruments": 0, "live": 0, "heartbeat_age_ns": None,
                "connections": {"total": 0, "live": 0}, "frames": 0, "uptime_ns": 0,
            }  # fmt: skip
        return found | {"restarts": self.restarts}
