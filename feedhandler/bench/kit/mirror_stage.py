"""A source, its `serve` and mirrors, each on a host of its own, for the benchmark `mirror`."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

import shm
from feedhandler import python_child
from feedhandler.bench.kit import board_source, cores, zenoh_peer
from feedhandler.bench.kit.board_frames import VENUE
from feedhandler.bench.kit.board_source import Done, Pace
from feedhandler.bench.kit.children import Child, child, recorder
from feedhandler.bench.kit.hosts import Host, NoHosts, Wire, joined
from feedhandler.bench.kit.latency_reader import Order
from feedhandler.bench.kit.receiving import expect, line
from feedhandler.bench.kit.stage import StageError, cpu_ns, end, environment, namespace, until
from feedhandler.bench.native import programs
from shm import State

PORT = 7447
_LIVE_S = 120.0  # dozens of mirrors start on two cores
_PATIENCE_S, _FIRST_S = 0.7, 30.0
_WARM_S = 0.3
Times = npt.NDArray[np.int64]


@dataclass
class Net:
    """Where they run: `source`, `mirrors`, and the middle. Without namespaces all are loopback."""

    source: Host | None
    mirrors: Sequence[Host | None]
    wire: Wire | None

    @property
    def address(self) -> str:
        """The source's."""
        return self.source.address if self.source else "127.0.0.1"

    @property
    def middle(self) -> str:
        """Of a router."""
        return self.wire.address if self.wire else "127.0.0.1"

    def sent(self) -> int:
        """Bytes that the source's host has sent, headers and all; 0 on loopback."""
        if self.source is None:
            return 0
        command = self.source.command("cat", "/proc/net/dev")
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        (row,) = (row for row in told.splitlines() if row.strip().startswith("eth0:"))
        return int(row.split(":")[1].split()[8])


@contextmanager
def net(mirrors: int) -> Iterator[tuple[Net, str]]:
    """Hosts, and why there are none: then everything is on loopback."""
    with ExitStack() as stack:
        try:
            wire, made = stack.enter_context(joined(1 + mirrors))
        except NoHosts as error:
            yield Net(None, [None] * mirrors, None), str(error)
        else:
            yield Net(made[0], made[1:], wire), ""


@dataclass
class Run:
    """What came of a paced run. `took`: from the source's publication until a reader held it, ns,
    each record of each reader. CPU: of serve, of the first mirror, of the router. `sent`: bytes."""

    done: Done
    took: Times
    lost: int
    serve_ns: int
    mirror_ns: int
    router_ns: int
    sent: int


@dataclass
class Stage:
    """Everything LIVE. `records`: a frame's, on average."""

    net: Net
    where: cores.Cores
    space: str
    far: list[str]
    source: Child
    serve: subprocess.Popen[bytes] | None = None
    mirrors: list[subprocess.Popen[bytes]] = field(default_factory=list)
    router: subprocess.Popen[bytes] | None = None
    records: float = 1.0

    def pace(self, rate: float, batch_s: float, frames: int) -> Done:
        """So many frames, and then none; what was done, once it is."""
        self._say(Pace(rate, batch_s, frames))
        time.sleep(frames / rate)
        return self._say(Pace(0.0, 0.1))

    def _say(self, pace: Pace) -> Done:
        assert self.source.stdin is not None
        self.source.stdin.write(msgspec.json.encode(pace) + b"\n")
        return msgspec.json.decode(line(self.source), type=Done)

    @property
    def polls(self) -> str:
        """How somebody spins who only follows: on a core of its own, or on the mirror's while that
        sleeps."""
        return "idle" if self.where.shared else "spin"

    def warm(self, rate: float, batch_s: float) -> None:
        """Records that nobody times."""
        self.pace(rate / self.records, batch_s, max(1, int(rate * _WARM_S / self.records)))

    def run(self, rate: float, seconds: float, batch_s: float, *, asleep: bool = False) -> Run:
        """Records at a rate, and when they could be read of the first mirror and the last: by who
        polls its memory, in C; or when a strategy in Python held them that sleeps meanwhile. Raises
        StageError, NoProgram."""
        held = {far: programs.scratch(far) for far in (self.far[0], self.far[-1])}
        reader = self._asleep if asleep else self._polling
        with ExitStack() as stack:
            readers = [stack.enter_context(reader(far, path)) for far, path in held.items()]
            before = self._spent()
            frames = max(1, int(rate * seconds / self.records))
            done = self.pace(rate / self.records, batch_s, frames)
            for each in readers:
                expect(each, "done")
            after = self._spent()
        took, lost = [], 0
        for path in held.values():
            times, gone = _slept(path) if asleep else _polled(path)
            took.append(times)
            lost += gone
        spent = [late - early for early, late in zip(before, after, strict=True)]
        if not all(map(len, took)):
            raise StageError("mirror: a reader held no record")
        return Run(done, np.concatenate(took), lost, *spent)

    def _asleep(self, far: str, path: Path) -> AbstractContextManager[Child]:
        file = f"{path}.npz"
        order = Order(far, VENUE, "sleep", 1 << 62, file, patience_s=_PATIENCE_S, first_s=_FIRST_S)
        return recorder(order, self.where.reader)

    def _polling(self, far: str, path: Path) -> AbstractContextManager[Child]:
        program, patience = programs.build("mirror_reader"), str(int(_PATIENCE_S * 1e3))
        with shm.attach(VENUE, namespace=far) as feed:
            data = f"/dev/shm/{far}.{VENUE}.{feed.epoch}"
        last = ["idle"] if self.where.shared else []
        return child([program, data, path, patience, *last], self.where.reader)

    def _spent(self) -> list[int]:
        """CPU of serve, of the first mirror, of the router, and bytes that left the source."""
        assert self.serve is not None
        router = cpu_ns(self.router.pid) if self.router else 0
        return [cpu_ns(self.serve.pid), cpu_ns(self.mirrors[0].pid), router, self.net.sent()]


def _polled(path: Path) -> tuple[Times, int]:
    saw = np.fromfile(path, np.int64)
    return saw[1:], int(saw[0])


def _slept(path: Path) -> tuple[Times, int]:
    with np.load(f"{path}.npz") as saw:
        times, counts, losses = saw["seen"].T
        took = np.repeat(times, np.diff(counts, prepend=0)) - saw["published"]
    return took, int(losses[-1]) if len(losses) else 0


@contextmanager
def source_stage(on: Net, where: cores.Cores, ring_slots: int = 1 << 17) -> Iterator[Stage]:
    """Only the source, on the writer's core."""
    with ExitStack() as stack:
        space = stack.enter_context(namespace())
        far = [stack.enter_context(namespace()) for _ in on.mirrors]
        order = board_source.Order(space, ring_slots=ring_slots)
        first = msgspec.json.encode(order) + b"\n"
        command = python_child.command("feedhandler.bench.kit.board_source")
        source = stack.enter_context(child(command, where.writer, first))
        stage = Stage(on, where, space, far, source)
        done = stage.pace(20_000, 0.001, 4_000)
        stage.records = done.records / done.frames
        yield stage


@contextmanager
def mirror_stage(
    on: Net,
    where: cores.Cores,
    *,
    routed: bool = False,
    ring_slots: int = 1 << 17,
    serve_cpu: int | None = None,
) -> Iterator[Stage]:
    """The source on the writer's core, mirrors on the reader's, and `serve` with its source, unless
    it has another. `routed`: through `relay` in the middle. Raises StageError."""
    with ExitStack() as stack, source_stage(on, where, ring_slots) as stage:
        way = f"tcp/{on.address}:{PORT}"
        ours = ["--listen", way]
        if routed:
            way = f"tcp/{on.middle}:{PORT}"
            ours = ["--connect", way]
            stage.router = _command(stack, ["relay", "--listen", way], on.wire, where.writer)
        serve = ["serve", VENUE, "--namespace", stage.space, "--name", "bench", *ours]
        cpu = where.writer if serve_cpu is None else serve_cpu
        stage.serve = _command(stack, serve, on.source, cpu)
        for host, far in zip(on.mirrors, stage.far, strict=True):
            mirror = ["mirror", VENUE, "--from", way, "--namespace", far]
            mirror += ["--source-namespace", stage.space]
            stage.mirrors.append(_command(stack, mirror, host, where.reader))
        for far, process in zip(stage.far, stage.mirrors, strict=True):
            _live(far, process)
        yield stage


def _command(
    stack: ExitStack, arguments: Sequence[str], host: Host | Wire | None, cpu: int
) -> subprocess.Popen[bytes]:
    command: list[str | Path] = [*python_child.command("feedhandler", *arguments)]
    entered = host.command(*command) if host else command
    process = subprocess.Popen(
        ["taskset", "-c", str(cpu), *entered],
        stdout=subprocess.DEVNULL,
        env=environment(),
    )
    stack.callback(end, process)
    return process


def _live(space: str, process: subprocess.Popen[bytes]) -> None:
    def live() -> bool:
        if process.poll() is not None:
            raise StageError(f"mirror: it ended with {process.returncode}")
        time.sleep(0.02)
        with suppress(shm.ShmError), shm.attach(VENUE, namespace=space, timeout=0.05) as feed:
            return feed.state[0] == State.LIVE
        return False

    until(live, "a mirror is LIVE", _LIVE_S)


@contextmanager
def peer(order: zenoh_peer.Order, host: Host | Wire | None, cpu: int) -> Iterator[Child]:
    """One that speaks bare Zenoh, once it is ready."""
    command: list[str | Path] = [*python_child.command("feedhandler.bench.kit.zenoh_peer")]
    entered = host.command(*command) if host else command
    with child(entered, cpu, msgspec.json.encode(order) + b"\n") as made:
        yield made
