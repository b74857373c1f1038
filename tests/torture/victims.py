"""Processes that are killed, stopped or made to leave at a point.

Run as a program, this has imported everything once, and forks a child for each order from its
standard input (a packet of JSON): the child runs a scenario and talks over the same two; when
it has ended or was stopped, a line with its "status" follows: "done", "killed", "left", "stopped",
or "failed" with the reason.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from tests.kit.natives import ROOT
from tests.torture.instrumented import LEFT, Points, replace

TIMEOUT = 60.0  # s; nothing that a victim does takes a tenth of it
#: Functions that touch nothing outside; of `objects`, how often depends on what lies in /dev/shm.
PURE = ("check_geometry", "objects", "<genexpr>", "<lambda>", "path")
#: For the control object and for the data object.
TWICE = {"create_object": 2, "reserve": 2, "_remove": 2}
_PR_SET_PDEATHSIG = 1
_ENDS = {0: "done", LEFT: "left"}
_SCENARIOS = tuple(
    f"tests.torture.{name}" for name in ("engine_scenario", "scenarios", "terms_scenario")
)


class Point(NamedTuple):
    """A point, and which pass of it."""

    name: str
    nth: int

    @property
    def is_line(self) -> bool:
        return self.name.startswith("line ")

    @property
    def is_load(self) -> bool:
        """Memory is as it was at the point before; whether there is a nap is up to the clock."""
        harmless = ("load", "acquire", "nap")
        return not self.is_line and self.name.split(": ")[1].split()[0] in harmless

    def __str__(self) -> str:
        return f"{self.name} #{self.nth}"


class Victim:
    """One child, from the order to its end."""

    def __init__(self, victims: Victims) -> None:
        self._victims = victims
        self.status = ""

    def heard(self) -> dict[str, Any] | None:
        """What it said next; None: its status is known now."""
        if self.status and self.status != "stopped":
            return None
        line: dict[str, Any] = json.loads(self._victims.line())
        if "status" in line:
            self.status = line["status"]
            assert self.status != "failed", line["why"]
            return None
        return line

    def go(self, **words: Any) -> None:
        """Answer what it asks."""
        self._victims.send(words)

    def resume(self) -> None:
        """Let one that was stopped go on."""
        assert self.status == "stopped"
        self.status = ""
        self._victims.send({"resume": True})

    def abandon(self) -> None:
        """Be done with one whose test failed."""
        while self.status in ("", "stopped"):
            self._victims.send({"abandon": True})
            self.status = ""
            while "status" not in (line := json.loads(self._victims.line())):
                pass
            self.status = line["status"]

    def end(self) -> dict[str, Any] | None:
        """To its end, answering whatever it asks; the last that it said."""
        said = None
        while (line := self.heard()) is not None:
            said = line
            if line.get("asks"):
                self.go()
        return said


class Victims:
    """The program of this file, and its pipes."""

    def __init__(self, native: Path, module: str = "shm._native") -> None:
        self._native, self._module = native, module
        self._last: Victim | None = None
        self._process = self._run()

    def _run(self) -> subprocess.Popen[bytes]:
        self._rest = b""
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.torture.victims", str(self._native), self._module],
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=ROOT,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )

    def close(self) -> None:
        """Kill it, and with it whatever victim it has."""
        self._process.kill()
        self._process.communicate()
        self._orders.close()

    def send(self, line: dict[str, Any]) -> None:
        self._orders.send(json.dumps(line).encode())

    def line(self) -> bytes:
        """The next line, within a minute: else something hangs."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + TIMEOUT
        while b"\n" not in self._rest:
            assert self.wait(deadline - time.monotonic()), "a victim hangs"
            some = os.read(self._process.stdout.fileno(), 65536)
            if not some:
                raise AssertionError(self._process.communicate()[1].decode())
            self._rest += some
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def wait(self, timeout: float) -> bool:
        """Whether something was said, after at most so many seconds."""
        assert self._process.stdout is not None
        fd = self._process.stdout.fileno()
        return b"\n" in self._rest or bool(select.select([fd], [], [], max(0.0, timeout))[0])

    def start(self, scenario: str, namespace: str, **order: Any) -> Victim:
        """A victim. `point` and `action`: where it meets its end; `broken`: a word that is left
        out, or a function that does nothing; `trace`: note the points, "lines" or "words"."""
        if self._last is not None:
            self._last.abandon()
        self.send({"scenario": scenario, "namespace": namespace, **order})
        self._last = Victim(self)
        return self._last

    def passed(self, victim: Victim, **words: Any) -> list[Point]:
        """The points that a victim with `trace` passes until its end, answered with `words`
        whatever it asks: of each the first passes and the last one."""
        return chosen(self.trace(victim, **words))

    def trace(self, victim: Victim, **words: Any) -> list[str]:
        """The same, by name, each as often as it is passed."""
        names: list[str] = []
        while (line := victim.heard()) is not None:
            names = line.get("points", names)
            if line.get("asks"):
                victim.go(**words)
        return names


def chosen(names: list[str]) -> list[Point]:
    """Of all that was passed the first passes and the last one."""
    return [
        Point(name, nth) for name, count in Counter(names).items() for nth in _passes(name, count)
    ]


def _passes(name: str, count: int) -> list[int]:
    if name.startswith("line "):
        function = name.split()[2].rstrip(":")
        return [] if function in PURE else [*range(1, min(count, TWICE.get(function, 1)) + 1)]
    return [*range(1, min(count, 3) + 1), *([count] if count > 3 else [])]


class _Pipe:
    """Standard input, which the children read, too: a packet a line, so that one that is killed
    while it reads has taken all of it or nothing."""

    def line(self) -> dict[str, Any]:
        packet = os.read(0, 1 << 16)
        if not packet:
            os._exit(0)
        read: dict[str, Any] = json.loads(packet)
        return read

    def answer(self) -> dict[str, Any]:
        """The next line, for a victim."""
        read = self.line()
        if "abandon" in read:
            os._exit(LEFT)
        return read

    def say(self, line: dict[str, Any]) -> None:
        os.write(1, json.dumps(line).encode() + b"\n")

    def ask(self, line: dict[str, Any]) -> dict[str, Any]:
        self.say({**line, "asks": True})
        return self.answer()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _child(pipe: _Pipe, points: Points, order: dict[str, Any]) -> None:
    from tests.torture.engine_scenario import feed_frames
    from tests.torture.scenarios import SCENARIOS, Context, break_it
    from tests.torture.terms_scenario import change_terms

    def arm() -> None:
        if order.get("trace"):
            points.trace(order["trace"] == "lines")
        elif order.get("point"):
            name, nth = order["point"]
            points.arm(name, nth, order["action"])

    def off() -> None:
        points.off()
        if order.get("trace"):
            pipe.say({"points": points.traced()})

    if name := order.get("broken"):
        break_it(points, name)
    _die_with_parent()
    engines = {"terms": change_terms}
    scenario = SCENARIOS.get(order["scenario"]) or engines.get(order["scenario"], feed_frames)
    scenario(Context(order, pipe.say, pipe.ask, arm, off))


def _ending(pid: int, why: int) -> dict[str, Any]:
    """Wait for a child, and say how it is."""
    _, status = os.waitpid(pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return {"status": "stopped"}
    with contextlib.closing(os.fdopen(why, "rb", closefd=False)) as reason:
        words = reason.read().decode()
    if os.WIFSIGNALED(status):
        killed = os.WTERMSIG(status) == signal.SIGKILL
        return {"status": "killed" if killed else "failed", "why": f"status {status:#x} {words}"}
    code = os.WEXITSTATUS(status)
    return {"status": _ENDS.get(code, "failed"), "why": words}


def _orders(pipe: _Pipe) -> Iterator[dict[str, Any]]:
    while True:
        order = pipe.line()
        if "scenario" in order:  # not to a victim that ended meanwhile
            yield order


def main() -> None:
    native = Path(sys.argv[1])
    replace({sys.argv[2]: native})
    points = Points(native)

    for scenarios in _SCENARIOS:  # what every victim would import, after `replace`
        import_module(scenarios)
    gc.collect()
    gc.freeze()

    _die_with_parent()
    pipe = _Pipe()
    for order in _orders(pipe):
        why, because = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                _child(pipe, points, order)
                os._exit(0)
            except BaseException:
                os.write(because, traceback.format_exc().encode()[-4000:])
                os._exit(1)
        os.close(because)
        ending = _ending(pid, why)
        while ending["status"] == "stopped":
            pipe.say(ending)
            resume = "resume" in pipe.line()
            os.kill(pid, signal.SIGCONT if resume else signal.SIGKILL)
            ending = _ending(pid, why)
        os.close(why)
        pipe.say(ending)


if __name__ == "__main__":
    main()
