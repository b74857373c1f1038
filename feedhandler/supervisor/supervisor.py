"""Starts an IO process a venue (`venue_process.py` keeps each running), and ends them in order.

Everything between a venue and shared memory is in those processes: the supervisor may be killed
without a wrong book (they end with it) and restarted at any time.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic_ns
from typing import Any, Final

import msgspec

from feedhandler.config.document import ConfigError
from feedhandler.config.keys import Config
from feedhandler.instruments.handed_list import Answers, Lists
from feedhandler.log import log, setup
from feedhandler.log_lines import FORMAT, about
from feedhandler.status_file import SERVE, beside, recorders
from feedhandler.suggest import near
from feedhandler.supervisor import preflight
from feedhandler.supervisor.control_socket import ANSWER_S, AlreadyRunning, NamespaceLock, Server
from feedhandler.supervisor.helpers import Helpers
from feedhandler.supervisor.reload import (
    HELPERS,
    Difference,
    difference,
    in_words,
    read_settled,
)
from feedhandler.supervisor.starts import Starts
from feedhandler.supervisor.status_http import StatusServer, serve
from feedhandler.supervisor.venue_process import VenueProcess
from shm import ShmError
from shm.clean import sweep_venue

FINE, CONFIGURATION = 0, 2

Report = Callable[[str], None]
Load = Callable[[], Config]


def run(
    config: Config,
    *,
    keep: bool = False,
    report: Report | None = None,
    load: Load | None = None,
    say: Report | None = None,
    notes: Sequence[str] = (),
) -> int:
    """Run a configuration until SIGINT, SIGTERM or a stop over the socket; in the foreground.

    `keep` leaves the shared memory for inspection. `report` gets the problems that keep it from
    starting, a line each (without it they go to the log). `load`: reads the configuration again,
    when it is asked to; may raise ConfigError. `say`: is told, besides the log, what it was asked
    to do and does. `notes`: lines for the beginning of the log. Returns 0, or 2: refused, nothing
    started.
    """
    if config.log:
        os.environ[FORMAT] = config.log  # the venues' processes write as this one
    setup("supervisor")
    for note in notes:
        log.info("%s", note)
    tell = report or log.error
    try:
        lock = NamespaceLock(config.namespace)
    except (AlreadyRunning, OSError) as error:
        tell(str(error))
        return CONFIGURATION
    try:
        return asyncio.run(Supervisor(config, keep=keep, load=load, say=say).run(tell))
    finally:
        lock.release()


class Supervisor:
    """One run of one configuration. The caller holds the namespace's lock."""

    def __init__(
        self,
        config: Config,
        *,
        keep: bool = False,
        load: Load | None = None,
        say: Report | None = None,
    ) -> None:
        self._config = config
        self._keep = keep
        self._load = load
        self._say = say or (lambda _: None)
        self._children: dict[str, VenueProcess] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._helpers = Helpers(self._ended)
        self._status_server: StatusServer | None = None
        self._starts = Starts()
        self._stop = asyncio.Event()
        self._why = ""  # it stops
        self._reload = asyncio.Event()
        self._waiting: list[asyncio.Future[dict[str, Any]]] = []  # for what a reload says
        self._terminal = _has_terminal()
        self._started = monotonic_ns()

    @property
    def config(self) -> Config:
        """What is followed now, with what was subscribed to and left out since the start."""
        venues = {name: child.config for name, child in self._children.items()}
        return msgspec.structs.replace(self._config, venues=venues or self._config.venues)

    async def run(self, tell: Report) -> int:
        """Until told to stop."""
        loop = asyncio.get_running_loop()
        for number, why in ((signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")):
            loop.add_signal_handler(number, self._end, why)
        loop.add_signal_handler(signal.SIGHUP, self._hung_up)
        try:
            self._status_server = await self._serve_status(self._config)
        except OSError as error:
            tell(error.strerror or str(error))
            return CONFIGURATION
        socket = Server(self._config.namespace, self.answer)
        lists = await self._preflight(tell)
        if lists is None:
            await self._hush()
            return CONFIGURATION
        try:
            await socket.start()
        except OSError as error:
            tell(f"the supervisor's socket cannot be had: {error}")
            await self._hush()
            return CONFIGURATION
        for venue in self._config.venues:
            self._launch(venue, self._config, lists.get(venue))
        self._helpers.start(self._config)
        try:
            await self._until_stopped()
            log.info("stopping (%s)", self._why)
            self._say(f"stopping {', '.join(self._children)} ({self._why})")
            await asyncio.gather(*(child.stop() for child in self._children.values()))
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            await self._helpers.stop()  # after the venues: what they said last is kept, too
        finally:
            await socket.stop()
            await self._hush()
            if not self._keep:
                for venue in self._children:
                    self._clean(venue)
        log.info("stopped")
        return FINE

    def _end(self, why: str) -> None:
        self._why = self._why or why
        self._stop.set()

    async def _until_stopped(self) -> None:
        stopped = asyncio.create_task(self._stop.wait())
        while not stopped.done():
            asked = asyncio.create_task(self._reload.wait())
            await asyncio.wait({stopped, asked}, return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            if self._reload.is_set() and not stopped.done():
                self._reload.clear()
                waiting, self._waiting = self._waiting, []
                _tell(waiting, await self.reload())
        _tell(self._waiting, _STOPPING)

    async def _serve_status(self, config: Config) -> StatusServer | None:
        return await serve(
            config.status_address,
            config.address_named,
            self.status,
            per_symbol=config.metrics_per_symbol,
            where=config.places.of("status_address"),
        )

    async def _hush(self) -> None:
        if self._status_server is not None:
            await self._status_server.stop()
            self._status_server = None

    def _launch(self, venue: str, config: Config, listed: Answers | None) -> None:
        its = config.venues[venue]
        child = VenueProcess(
            config.namespace, venue, its, self._keep, config.group, listed, self._starts
        )
        task = asyncio.get_running_loop().create_task(child.run())
        task.add_done_callback(partial(self._ended, venue))
        self._children[venue], self._tasks[venue] = child, task

    def _ended(self, venue: str, task: "asyncio.Task[None]") -> None:
        """A child's watch never ends by itself: if it does, all has to."""
        if not task.cancelled() and task.exception() is not None:
            text = "%s: nobody watches it any more"
            log.error(text, venue, exc_info=task.exception(), extra=about(venue=venue))
            self._end("see the log")

    async def _preflight(self, tell: Report) -> Lists | None:
        """What the venues list; None: nothing may start."""
        check = asyncio.create_task(preflight.check(self._config))
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait({check, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not check.done():
            check.cancel()
            return {}  # stopped before it began: the rest ends at once
        findings = check.result()
        for venue, text in findings.warnings:
            log.warning("%s", text, extra=about(venue=venue))
        for problem in findings.problems:
            tell(problem)
        return None if findings.problems else findings.lists

    def _clean(self, venue: str) -> None:
        """Remove what killed processes left."""
        with suppress(ShmError, OSError):
            sweep_venue(self._config.namespace, venue)

    # ---- another configuration

    def _hung_up(self) -> None:
        """SIGHUP: read the configuration again; or the terminal that we belong to was closed."""
        if self._terminal and not _has_terminal():
            self._end("its terminal was closed")
        else:
            self._reload.set()

    async def reload(self) -> dict[str, Any]:
        """Follow the configuration as it is now, or refuse it as a whole: what may fail is done
        first, and undone if it does. {"changed": lines, "warnings"}, or {"error", "refused"}."""
        if self._load is None:
            return _refused("started without a configuration that could be read again")
        try:
            config = await read_settled(self._load)
            change = difference(self.config, config)
            changed = in_words(change, self.config, config)
            findings = await preflight.check(change.fresh(config))
            if findings.problems:
                raise ConfigError(findings.problems)
            moved = config.status_address != self._config.status_address
            server = await self._serve_status(config) if moved else self._status_server
            try:
                await self._follow(config, change)
            except ConfigError:
                if moved and server is not None:
                    await server.stop()
                raise
        except (ConfigError, OSError) as error:
            return _refused(
                error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            )
        except Exception as error:  # whatever it is, the feed goes on
            log.exception("configuration refused, the old one goes on")
            return {"error": f"{type(error).__name__}: {error}", "refused": True}
        for venue, text in findings.warnings:
            log.warning("%s", text, extra=about(venue=venue))
        if moved:
            await self._hush()
            self._status_server = server
        await self._apply(config, change, findings.lists)
        self._say("\n  ".join(["configuration read again:", *(changed or ["nothing changed"])]))
        return {"changed": changed, "warnings": [text for _, text in findings.warnings]}

    async def _follow(self, config: Config, change: Difference) -> None:
        """Other instruments, on all venues or on none. Raises ConfigError."""
        done: list[tuple[VenueProcess, tuple[str, ...]]] = []
        for venue in change.rules:
            child = self._children[venue]
            before = child.config.instruments
            problem = await child.follow(config.venues[venue].instruments)
            if not problem:
                done.append((child, before))
                continue
            for other, rules in done:
                await other.follow(rules)
            where = config.venues[venue].places.of("instruments")
            raise ConfigError([f"{where}: {problem}"])

    async def _apply(self, config: Config, change: Difference, lists: Lists) -> None:
        """What cannot fail: processes that end, start, or start again."""
        for venue in change.removed:
            log.info("%s: no longer configured", venue, extra=about(venue=venue))
            await self._children[venue].stop()
            await asyncio.gather(self._tasks.pop(venue), return_exceptions=True)
            del self._children[venue]
            if not self._keep:
                self._clean(venue)
        others = [each for each in HELPERS if change.helper(each, self._config, config)]
        self._config = config
        await self._helpers.again(config, others)
        if self._status_server is not None:
            self._status_server.show_symbols(config.metrics_per_symbol)
        for venue in change.restarted:
            log.info("%s: other settings, starting it again", venue, extra=about(venue=venue))
            await self._children[venue].renew(config.venues[venue])
        kept = [name for name in self._children if name not in change.restarted]
        for venue in change.added:
            self._launch(venue, config, lists.get(venue))
        await asyncio.gather(
            *(self._children[one].moved(config.venues[one].places) for one in kept)
        )
        log.info("configuration read again: %s", change)

    # ---- what people ask

    async def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """One message of the socket."""
        match message.get("do"):
            case "status":
                return self.status()
            case "config":
                built: dict[str, Any] = msgspec.to_builtins(self.config)
                return built
            case "subscribe" | "unsubscribe":
                return await self._instruments(message)
            case "reload":
                if self._stop.is_set():
                    return dict(_STOPPING)
                said: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
                self._waiting.append(said)
                self._reload.set()
                return await said
            case "stop":
                self._end("feedhandler stop")
                return {"stopping": True, "pid": os.getpid()}
            case other:
                known = "status, config, subscribe, unsubscribe, reload or stop"
                return {"error": f"unknown request {other!r}: {known}"}

    async def _instruments(self, message: dict[str, Any]) -> dict[str, Any]:
        child = self._children.get(message.get("venue", ""))
        if child is None:
            name = str(message.get("venue"))
            running = ", ".join(self._children) or "none"
            hint = near(name, self._children) or ";"
            text = f"no venue {name!r} runs here{hint} running: {running}"
            return {"error": text, "refused": True}
        patterns = message.get("patterns")
        if not isinstance(patterns, list) or not all(isinstance(each, str) for each in patterns):
            return {"error": "`patterns` is a list of texts", "refused": True}
        return await child.ask({"do": message["do"], "patterns": patterns}, ANSWER_S)

    def status(self) -> dict[str, Any]:
        """What runs, from memory, and what the supervisor knows besides. Any thread may ask."""
        supervisor = {
            "pid": os.getpid(),
            "uptime_ns": monotonic_ns() - self._started,
            "http": self._status_server.url if self._status_server is not None else "",
        }
        venues = [child.status() for child in tuple(self._children.values())]
        found = {"namespace": self._config.namespace, "supervisor": supervisor, "venues": venues}
        ours = self._helpers.recorder()
        others = [
            each
            for each in recorders(self._config.namespace)
            if each["pid"] not in [its["pid"] for its in ours]
        ]
        served = beside(SERVE, self._config.namespace)
        return found | {"recorders": ours + others, "serving": served}


_STOPPING: Final[Mapping[str, Any]] = {"error": "the supervisor is stopping", "refused": False}


def _refused(text: str) -> dict[str, Any]:
    for line in text.splitlines():
        log.error("configuration refused, the old one goes on: %s", line)
    return {"error": text, "refused": True}


def _tell(waiting: Sequence[asyncio.Future[dict[str, Any]]], answer: Mapping[str, Any]) -> None:
    for one in waiting:
        if not one.done():  # who asked may have given up
            one.set_result(dict(answer))


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
