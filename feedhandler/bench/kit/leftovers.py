"""What is left of a measurement that was killed, and could not tidy up: processes, memory, folders.

`python -m feedhandler.bench.kit.leftovers MARK` is who tidies up, once its stdin ends. It is told
there what is to go, a line each: "memory PATTERN", "folder PATH"; and "done" by who ended in order,
and still has a use for the folders.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from feedhandler import python_child
from feedhandler.bench.native import programs

MARK: Final = "FEEDHANDLER_MEASURED"  #: in the environment of all processes that are started
_PATIENCE_S: Final = 5.0
_LOOK_S: Final = 0.02
_told: subprocess.Popen[bytes] | None = None


@contextmanager
def none() -> Iterator[None]:
    """However this process ends meanwhile, also by SIGKILL: the processes that it started end soon
    after it, and then what it said of memory and folders goes."""
    global _told
    if _told is not None:
        yield
        return
    mark = uuid.uuid4().hex
    _told = subprocess.Popen(
        python_child.command(__spec__.name, mark),
        stdin=subprocess.PIPE,
        env=python_child.environment(),
        start_new_session=True,  # a terminal's Ctrl-C is not for it
    )
    os.environ[MARK] = mark
    folder(programs.scratch(""))
    try:
        yield
    finally:
        del os.environ[MARK]
        _tell("done")
        ended, _told = _told, None
        assert ended.stdin is not None
        ended.stdin.close()
        ended.wait()


def memory(namespace: str, rest: str = ".*") -> str:
    """There is some, or will be. Returns the name. `rest`: of its files' names, as a pattern."""
    _tell(f"memory {namespace}{rest}")
    return namespace


def folder(path: str | Path) -> None:
    """This one is not to stay."""
    _tell(f"folder {path}")


@contextmanager
def temporary(where: Path | None = None) -> Iterator[str]:
    """A folder for as long."""
    with TemporaryDirectory(prefix="feedhandler-bench-", dir=where) as made:
        folder(made)
        yield made


def _tell(line: str) -> None:
    if _told is not None:
        assert _told.stdin is not None
        with suppress(BrokenPipeError):
            _told.stdin.write(line.encode() + b"\n")
            _told.stdin.flush()


def _marked(mark: bytes) -> list[int]:
    """Processes that have it in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def _end(mark: bytes) -> None:
    until = time.monotonic() + _PATIENCE_S
    while left := _marked(mark):
        number = signal.SIGTERM if time.monotonic() < until else signal.SIGKILL
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, number)
        time.sleep(_LOOK_S)


def main(mark: str) -> None:
    lines = [line.partition(" ") for line in sys.stdin.read().splitlines()]
    _end(f"{MARK}={mark}".encode())
    for what, _, name in lines:
        if what == "memory":
            for found in Path("/dev/shm").glob(name):
                found.unlink(missing_ok=True)
        elif what == "folder" and lines[-1][0] != "done":
            shutil.rmtree(name, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
