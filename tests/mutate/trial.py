"""Trying mutants: each in a process of its own, forked from one that has pytest and numpy already.

The process looks for the project's modules at the mutant's places, and so do those that it starts.
A failed test has noticed the mutant; so has a crash, and a hang, which the deadline ends.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.mutate.mutant import ROOT

_PRELOADED = ("pytest", "numpy", "hypothesis", "asyncio", "posix_ipc", "_pytest.assertion.rewrite")
# Enabled again with each file, `faulthandler` would take the readers' guard away.
_OPTIONS = ("-x", "-q", "--tb=line", "-p", "no:cacheprovider", "-p", "no:faulthandler")
PASSED, OURS = 0, 99  # exit status of pytest: all passed; of a trial: the tool itself failed


class Task(NamedTuple):
    """`number` for FH_MUTANT; modules at `places`; `root`: of the sources that the proofs read."""

    number: int
    places: Mapping[str, str]
    root: str
    tests: Sequence[str]
    deadline_s: float


class Outcome(NamedTuple):
    status: int  #: of pytest, or minus a signal
    hung: bool
    seconds: float
    said: str

    @property
    def killed(self) -> bool:
        """Whether some test noticed."""
        return self.hung or self.status != PASSED


def preload() -> None:
    """What every trial needs and no mutant changes. Before the first one."""
    for name in _PRELOADED:
        importlib.import_module(name)


def run(tasks: Sequence[Task], folder: Path, jobs: int) -> Iterator[tuple[int, Outcome]]:
    """Index of a task, and what came of it, as they end."""
    waiting = list(enumerate(tasks))[::-1]
    running: dict[int, tuple[int, float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                index, task = waiting.pop()
                running[_start(task, folder / f"{index}.log")] = (index, time.monotonic())
            time.sleep(0.005)
            for pid, (index, begun) in list(running.items()):
                seconds = time.monotonic() - begun
                done, status = os.waitpid(pid, os.WNOHANG)
                hung = not done and seconds > tasks[index].deadline_s
                if not done and not hung:
                    continue
                del running[pid]
                _sweep(pid, hung)
                code = 0 if hung else os.waitstatus_to_exitcode(status)
                said = (folder / f"{index}.log").read_text(errors="replace")
                if code == OURS:
                    raise RuntimeError(said)
                yield index, Outcome(code, hung, seconds, said)
    finally:
        for pid in running:
            _sweep(pid, True)


def _start(task: Task, log: Path) -> int:
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    status = OURS
    try:
        os.setsid()
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        for stream in (1, 2):
            os.dup2(out, stream)
        status = _child(task)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _child(task: Task) -> int:
    import pytest

    from tests.mutate import site_finder

    site = Path(site_finder.__file__).with_name("site")
    paths = [str(site), os.environ.get("PYTHONPATH", "")]
    os.environ.update(
        FH_MUTANT=str(task.number),
        FH_MUTATE=json.dumps(task.places),
        PYTHONPATH=os.pathsep.join(path for path in paths if path),
        PYTHONDONTWRITEBYTECODE="1",
    )
    site_finder.Finder.places = dict(task.places)
    site_finder.install()
    if task.root:
        from tests.proof import header

        header.ROOT = Path(task.root)
        header.INCLUDE = header.ROOT / "shm" / "include"
        header.HEADER = header.INCLUDE / "feedhandler_shm.h"
    os.chdir(ROOT)
    for test in task.tests:  # one by one: most mutants fall to the first, and the rest is not read
        status = int(pytest.main([*_OPTIONS, test]))
        if status != PASSED:
            return status
    return PASSED


def _sweep(pid: int, hung: bool) -> None:
    """End what is left of a trial's session, and its objects."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    if hung:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
    named = re.compile(rf"(?<!\d){pid}(?!\d)")
    for left in Path("/dev/shm").iterdir():
        if named.search(left.name):
            with contextlib.suppress(OSError):
                left.unlink()
