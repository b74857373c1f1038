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
    """`number` for FH_MUTANT; modules at `places`; `root`: of the sources that the proofs read;
    `first`: a test that noticed it once; `deadline_s`: of one test."""

    number: int
    places: Mapping[str, str]
    root: str
    tests: Sequence[str]
    deadline_s: float
    first: str = ""


class Outcome(NamedTuple):
    """`test`: the last that ran."""

    status: int  #: of pytest, or minus a signal
    hung: bool
    seconds: float
    test: str
    said: str

    @property
    def killed(self) -> bool:
        """Whether some test noticed."""
        return self.hung or self.status != PASSED


class Tests:
    """A plugin of pytest: says in a file which test runs, and when it began by the file's time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.path.write_text(nodeid)


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
                (folder / f"{index}.test").write_text("")
                running[_start(task, folder / f"{index}")] = (index, time.monotonic())
            time.sleep(0.005)
            for pid, (index, begun) in list(running.items()):
                seconds, test = time.monotonic() - begun, folder / f"{index}.test"
                done, status = os.waitpid(pid, os.WNOHANG)
                hung = not done and time.time() - test.stat().st_mtime > tasks[index].deadline_s
                if not done and not hung:
                    continue
                del running[pid]
                _sweep(pid, hung)
                code = 0 if hung else os.waitstatus_to_exitcode(status)
                said = (folder / f"{index}.log").read_text(errors="replace")
                if code == OURS:
                    raise RuntimeError(said)
                yield index, Outcome(code, hung, seconds, test.read_text(), said)
    finally:
        for pid in running:
            _sweep(pid, True)


def _start(task: Task, path: Path) -> int:
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    status = OURS
    try:
        os.setsid()
        out = os.open(path.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        for stream in (1, 2):
            os.dup2(out, stream)
        status = _child(task, path.with_suffix(".test"))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _child(task: Task, current: Path) -> int:
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
    plugins = [Tests(current)]
    if task.first and pytest.main([*_OPTIONS, task.first], plugins) == pytest.ExitCode.TESTS_FAILED:
        return pytest.ExitCode.TESTS_FAILED
    for test in task.tests:  # one by one: most mutants fall to the first, and the rest is not read
        status = int(pytest.main([*_OPTIONS, test], plugins))
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
