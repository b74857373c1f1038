"""Start simulated venues: in this event loop, or each in a child process of its own."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from select import select
from time import monotonic
from types import TracebackType
from typing import Any

import orjson

from feedhandler import python_child, venues
from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.sim import registry
from feedhandler.sim.config import SimOptions
from feedhandler.sim.faults.script import ScriptError, entry_error, load_script
from feedhandler.sim.registry import RULES, names
from feedhandler.sim.server.certificates import CertificateError
from feedhandler.sim.server.server import VenueServer
from feedhandler.sim.venues.beside import BESIDE
from feedhandler.sim.venues.declared.beside import NOTHING, Beside
from feedhandler.sim.venues.declared.server import DeclaredServer

__all__ = [
    "ScriptError",
    "SimEndpoint",
    "SimError",
    "SimOptions",
    "SimProcess",
    "check_script",
    "load_script",
    "make_server",
    "names",
    "serve",
]

_READY_TIMEOUT = 30.0
_AT_ONCE = 6  #: that start at the same time: each wants a core for most of a second
_STOP_TIMEOUT = 5.0
_PR_SET_PDEATHSIG = 1


class SimError(RuntimeError):
    """A simulated venue did not come up; the text says why, as far as it told."""


@dataclass(frozen=True)
class SimEndpoint:
    """Where a simulated venue listens."""

    venue: str
    ws_url: str
    """What an adapter connects to."""
    rest_url: str
    """Base of the REST paths, without a slash at the end."""
    control_url: str
    """Base of the ``/sim/`` paths, without a slash at the end; on a port that no fault touches."""
    ca_file: str = ""
    """PEM file that a client has to trust; empty without TLS."""


def make_server(venue: str, options: SimOptions) -> VenueServer:
    """A venue's server, not started. Raises ValueError for an unknown venue."""
    _check(venue)
    declared = venues.load(venue)
    if not isinstance(declared, DeclaredVenue):
        raise ValueError(f"{venue} is not declared as data, and has no simulator of its own")
    server: type[DeclaredServer] = _at(RULES[venue]) if venue in RULES else DeclaredServer
    return server(options, declared, beside_of(venue))


def _check(venue: str) -> None:
    if venue not in names():
        raise ValueError(f"no simulated venue {venue!r}; one of {', '.join(names())}")


def beside_of(venue: str) -> Beside:
    """What it sends beside what is declared of it."""
    found: Beside = _at(registry.BESIDE[venue]) if venue in registry.BESIDE else NOTHING
    return BESIDE.get(venue, found)


def _at(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(f"{__package__}.venues.{module}"), name)


async def serve(
    venues: Sequence[str],
    options: SimOptions,
    *,
    ports: Mapping[str, int] | None = None,
    ready: Callable[[list[SimEndpoint]], None],
) -> None:
    """Serve venues in this event loop until cancelled.

    ``ports``: by venue, 0 or absent for any free one. ``ready`` is called once with all
    endpoints, in the order asked for. Raises ValueError for an unknown venue, OSError for a
    port that cannot be had, CertificateError, ScriptError, and whatever stops a venue's market.
    """
    servers = [make_server(venue, options) for venue in venues]
    running = []
    try:
        endpoints = []
        for server in servers:
            runner, port, task = await server.start((ports or {}).get(server.venue, 0))
            running.append((server, runner, task))
            endpoints.append(_endpoint(server, port))
        ready(endpoints)
        await asyncio.gather(*(task for _, _, task in running))
    finally:
        for server, runner, task in running:
            await server.stop(runner, task)


def _endpoint(server: VenueServer, port: int) -> SimEndpoint:
    host, s = server.options.host, "s" if server.options.tls else ""
    return SimEndpoint(
        venue=server.venue,
        ws_url=f"ws{s}://{host}:{port}{server.ws_path}",
        rest_url=f"http{s}://{host}:{port}",
        control_url=f"http://{host}:{server.control_port}/sim",
        ca_file=server.ca_file,
    )


def check_script(venues: Sequence[str], options: SimOptions) -> None:
    """Check a script against the venues that are to run it, down to symbols and channels.

    Raises ScriptError, which names the entry and what is allowed.
    """
    for number, entry in enumerate(options.script, 1):
        named = entry.get("venue")
        if named is not None and named not in venues:
            raise entry_error(number, f"venue: {named} is not started, only {', '.join(venues)}")
    for venue in venues if options.script else ():
        make_server(venue, options).chaos.read_script()


def die_with_parent(parent: int) -> None:
    """Have the kernel end this process when its parent's starting thread ends (Linux)."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        # It died before the kernel was told.
        sys.exit(0)


class SimProcess:
    """Simulated venues in child processes, one each; a context manager.

    The children end with `stop`, with the ``with`` block, and with the thread that started them.
    """

    def __init__(
        self,
        venues: Sequence[str],
        options: SimOptions | None = None,
        *,
        ports: Mapping[str, int] | None = None,
    ) -> None:
        self.endpoints: dict[str, SimEndpoint] = {}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._options = options or SimOptions()
        self._ports = dict(ports or {})
        self._venues = list(venues)

    def start(self) -> SimProcess:
        """Start the children and wait until all listen.

        Raises ValueError for an unknown venue, ScriptError for a script that they cannot do,
        SimError if a child does not come up.
        """
        for venue in self._venues:
            _check(venue)
        check_script(self._venues, self._options)
        try:
            for at, venue in enumerate(self._venues):
                if at >= _AT_ONCE:
                    self._await(self._venues[at - _AT_ONCE])
                self._children[venue] = self._spawn(venue)
            for venue in self._venues[-_AT_ONCE:]:
                self._await(venue)
        except BaseException:
            self.stop()
            raise
        return self

    def _await(self, venue: str) -> None:
        self.endpoints[venue] = _await_endpoint(venue, self._children[venue])

    def _spawn(self, venue: str) -> subprocess.Popen[bytes]:
        port, parent = str(self._ports.get(venue, 0)), str(os.getpid())
        child = self._start(
            "--venue", venue, "--port", port, "--options", "-", "--parent", parent
        )  # fmt: skip
        assert child.stdin is not None
        # A script may be longer than an argument can be.
        with suppress(BrokenPipeError), child.stdin as pipe:
            pipe.write(orjson.dumps(asdict(self._options)))
        return child

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            python_child.command("feedhandler.sim", *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=python_child.environment(),
            # A terminal's Ctrl-C is for the parent, which then stops the venue last.
            process_group=0,
        )

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by venue."""
        return {venue: child.pid for venue, child in self._children.items()}

    def stop(self) -> None:
        """End the children; safe to call twice."""
        for child in self._children.values():
            child.terminate()
        for child in self._children.values():
            try:
                child.wait(_STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            if child.stdout is not None:
                child.stdout.close()
        self._children.clear()
        self.endpoints.clear()

    def __enter__(self) -> SimProcess:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _await_endpoint(venue: str, child: subprocess.Popen[bytes]) -> SimEndpoint:
    assert child.stdout is not None
    deadline = monotonic() + _READY_TIMEOUT
    ready, _, _ = select([child.stdout], [], [], max(0.0, deadline - monotonic()))
    line = child.stdout.readline() if ready else b""
    if not line:
        child.kill()
        raise SimError(f"the simulated {venue} did not start (exit status {child.wait()})")
    found = orjson.loads(line)
    if "error" in found:
        child.wait()
        raise SimError(f"the simulated {venue} did not start: {found['error']}")
    return SimEndpoint(**found["endpoints"][0])


def run(
    venues: Sequence[str], options: SimOptions, ports: Mapping[str, int], parent: int | None
) -> None:
    """Serve until SIGTERM or SIGINT, printing one JSON line with the endpoints when ready.

    A venue that cannot start prints one with the error instead and exits with status 1.
    """

    def say(line: object) -> None:
        sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
        sys.stdout.buffer.flush()

    def ready(endpoints: list[SimEndpoint]) -> None:
        say({"endpoints": [asdict(endpoint) for endpoint in endpoints]})

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        if parent is not None:
            die_with_parent(parent)
        with suppress(asyncio.CancelledError):
            await serve(venues, options, ports=ports, ready=ready)

    import uvloop  # only the process form needs it

    try:
        uvloop.run(main())
    except (CertificateError, ScriptError, OSError) as error:
        say({"error": str(error)})
        sys.exit(1)
