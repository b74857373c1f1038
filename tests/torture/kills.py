"""Writers that are killed and stopped at random while readers look on, for as long as one likes.

    python -m tests.torture.kills --seconds 600 --readers 8

A writer meets its end at a word of the protocol (the Nth that it comes by, at random), or at
whatever instruction a signal finds it; or it is stopped there for a while. Readers are killed,
too. What is counted at the end must be 0 of torn, hung, wrong and errors; then the exit status
is 0. `--break WORD` leaves a word of the writers' protocol out (its point's name): something must
be found.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO

from feedhandler.bench.kit import leftovers
from shm import inspect
from shm.errors import ShmError
from tests.conftest import remove_objects
from tests.kit.natives import ROOT
from tests.kit.tool import tool
from tests.torture import observe
from tests.torture.instrumented import build_with_points
from tests.torture.scenarios import SLOTS, VENUE
from tests.torture.soak_reader import COUNTS, STYLES
from tests.torture.victims import Victim, Victims

HUNG_S = 60.0  # without a word from a reader, which has one a second
BAD = ("torn", "hung", "wrong", "errors")
#: What has to be above 0 for a run to have tried it.
HAPPENED = (
    *("writers", "killed", "left", "stopped", "readers_killed"),
    *("looked", "epochs", "records", "cells", "lost"),
)
SHOWN = (*HAPPENED, *BAD)
LATEST_S = 120.0  #: so long does a short run go on for what has not happened yet


class Watched:
    """A reader's process, and what it said last."""

    def __init__(self, namespace: str, style: str, log: IO[bytes]) -> None:
        self.style = style
        self.counts: Counter[str] = Counter()
        self.epoch = 0
        self.heard = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.soak_reader", namespace, style],
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        self._rest = b""

    def listen(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(BlockingIOError):
            self._rest += os.read(self.process.stdout.fileno(), 1 << 16)
        *lines, self._rest = self._rest.split(b"\n")
        if lines:
            said = json.loads(lines[-1])
            self.epoch = said.pop("epoch")
            self.counts = Counter(said)
            self.heard = time.monotonic()

    @property
    def hung(self) -> bool:
        return time.monotonic() - self.heard > HUNG_S

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def dump(self) -> None:
        """Have the stacks of one that hangs in the log."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.send_signal(signal.SIGUSR1)
            self.process.wait(1)


class Soak:
    """A context manager: readers run inside, and nothing is left afterwards."""

    def __init__(self, readers: int, seed: int, broken: str, log: IO[bytes]) -> None:
        self.namespace = leftovers.memory(f"test-kills-{os.getpid()}-{seed}")
        self.random = random.Random(seed)
        self.total: Counter[str] = Counter()
        self._broken = broken
        self._log = log
        self._victims = Victims(build_with_points())
        self._readers: list[Watched] = []
        self._wanted = [STYLES[i % len(STYLES)] for i in range(readers)]

    def __enter__(self) -> Soak:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._victims.close()
        for reader in self._readers:
            reader.kill()
        remove_objects(self.namespace)

    # ---- writers ----

    def torment(self, seconds: float) -> None:
        """One writer after the other, for so long, and until everything has happened."""
        end = time.monotonic() + seconds
        latest = end + LATEST_S
        while time.monotonic() < (latest if self.missing else end):
            self.one_writer(armed=self.random.random() < 0.7)
            if self.random.random() < 0.6:
                self.look_at_the_dead()
            self.look_after_readers()

    def one_writer(self, armed: bool) -> None:
        """Start one, and see to its end."""
        pick = self.random
        order: dict[str, object] = {"seed": pick.randrange(1 << 30)}
        if armed:
            nth = int(10 ** pick.uniform(0, 6.5))
            order.update(point=("", nth), action=pick.choice(("kill", "kill", "leave", "stop")))
        if self._broken:
            order["broken"] = self._broken
        victim = self._victims.start("feed", self.namespace, **order)
        said = victim.heard()
        assert said is not None
        with open_pidfd(said["pid"]) as pidfd:
            victim.go()
            self.meet_end(victim, pidfd, time.monotonic() + pick.uniform(0.02, 1.2))
        self.total["writers"] += 1
        self.total[victim.status] += 1

    def meet_end(self, victim: Victim, pidfd: int, end: float) -> None:
        """Wait for the point; at `end` use a signal instead."""
        while True:
            while not self._victims.wait(min(0.5, end - time.monotonic())):
                self.look_after_readers()
                if time.monotonic() >= end:
                    stop = self.random.random() < 0.4
                    send(pidfd, signal.SIGSTOP if stop else signal.SIGKILL)
                    end = time.monotonic() + (self.random.uniform(0.05, 0.8) if stop else 60)
                    break
            if not self._victims.wait(0):
                continue
            victim.heard()
            if victim.status != "stopped":
                return
            self.total["stopped"] += 1
            time.sleep(self.random.uniform(0, 0.5))
            victim.resume()

    def look_at_the_dead(self) -> None:
        """What it left must be whole; a writer that never got ready left nothing to look at."""
        epoch, _ = inspect.control_state(self.namespace, VENUE)
        if epoch in inspect.epochs(VENUE, namespace=self.namespace):
            try:
                observe.check_memory(self.namespace, SLOTS)
            except (AssertionError, ShmError) as error:
                self.complain(error)
            self.total["looked"] += 1

    def complain(self, error: BaseException) -> None:
        self.total["torn" if "torn" in str(error) else "wrong"] += 1
        self._log.write(f"{error!r}\n".encode())

    def stop_in_order(self) -> None:
        """The last writer stops in order: every reader must come to see it."""
        before, _ = inspect.control_state(self.namespace, VENUE)
        victim = self._victims.start("feed", self.namespace, seed=1)
        assert victim.heard() is not None
        victim.go()
        end = time.monotonic() + HUNG_S
        while time.monotonic() < end:
            epoch, _ = inspect.control_state(self.namespace, VENUE)
            self.look_after_readers(kill=False)
            if epoch != before and all(reader.epoch == epoch for reader in self._readers):
                break
        victim.go(stop=True)
        victim.end()
        self.total["writers"] += 1
        for reader in self._readers:
            self.await_end(reader)

    # ---- readers ----

    def look_after_readers(self, kill: bool = True) -> None:
        """Hear them; replace those that hang, and now and then one that does not."""
        while len(self._readers) < len(self._wanted):
            style = self._wanted[len(self._readers)]
            self._readers.append(Watched(self.namespace, style, self._log))
        for at, reader in enumerate(self._readers):
            reader.listen()
            gone = reader.process.poll() is not None
            chance = 0.002 if self.total["readers_killed"] else 0.02
            unlucky = kill and self.random.random() < chance
            if not (reader.hung or gone or unlucky):
                continue
            if reader.hung:
                reader.dump()
                self.total["hung"] += 1
            self.total["errors"] += gone  # none ends before the writer stops
            self.total["readers_killed"] += unlucky
            self.close(reader)
            self._readers[at] = Watched(self.namespace, reader.style, self._log)

    def close(self, reader: Watched) -> None:
        reader.kill()
        reader.listen()
        self.total.update({name: reader.counts[name] for name in COUNTS})

    def await_end(self, reader: Watched) -> None:
        try:
            reader.process.wait(HUNG_S)
        except subprocess.TimeoutExpired:
            reader.dump()
            self.total["hung"] += 1
        else:
            self.total["errors"] += reader.process.returncode != 0
        self.close(reader)

    @property
    def missing(self) -> list[str]:
        """What has not happened yet, in what is summed up or what living readers have said."""
        counts = sum((reader.counts for reader in self._readers), self.total)
        return [name for name in HAPPENED if not counts[name]]

    @property
    def bad(self) -> dict[str, int]:
        """What was found that may not be."""
        return {name: self.total[name] for name in BAD if self.total[name]}


@contextlib.contextmanager
def open_pidfd(pid: int) -> Iterator[int]:
    fd = os.pidfd_open(pid)
    try:
        yield fd
    finally:
        os.close(fd)


def send(pidfd: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it met its end at its point meanwhile
        signal.pidfd_send_signal(pidfd, number)


def run(seconds: float, readers: int, seed: int, broken: str = "") -> Soak:
    """A whole soak; its counts are in `total`, its findings in `bad` and, in full, on stderr."""
    with tempfile.TemporaryFile() as log, Soak(readers, seed, broken, log) as soak:
        soak.torment(seconds)
        soak.stop_in_order()
        log.seek(0)
        sys.stderr.write(log.read().decode(errors="replace"))
    return soak


@tool()
def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.kills", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--break", dest="broken", default="", metavar="WORD")
    asked = parser.parse_args()
    soak = run(asked.seconds, asked.readers, asked.seed, asked.broken)
    print(json.dumps({"seed": asked.seed, **{name: soak.total[name] for name in SHOWN}}))
    if missing := [name for name in HAPPENED if not soak.total[name]]:
        print(f"not tried: {', '.join(missing)}", file=sys.stderr)
    return 1 if soak.bad or missing else 0


if __name__ == "__main__":
    assert Path.cwd() == ROOT, f"run it in {ROOT}"
    sys.exit(main())
