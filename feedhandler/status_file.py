"""How a process beside a feed is: a small file in the user's runtime directory, for others.

It is replaced once a second, and believed as long as the process that wrote it holds a lock on it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Any

import orjson

from feedhandler.runtime_directory import runtime_directory

RECORD, SERVE = "record", "serve"  #: what it does


class StatusFile:
    """Of this process. What cannot be written is not: nothing depends on it."""

    def __init__(self, does: str, namespace: str) -> None:
        self._path = runtime_directory() / f"{does}.{namespace}.{os.getpid()}"
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    def write(self, status: dict[str, Any]) -> None:
        """Its length first: what is left of a longer one before it is no part of it."""
        data = orjson.dumps(status)
        with contextlib.suppress(OSError):
            os.pwrite(self._fd, b"%020d\n%s\n" % (len(data), data), 0)

    def close(self) -> None:
        """It is over."""
        self._path.unlink(missing_ok=True)
        os.close(self._fd)


def recorders(namespace: str) -> list[dict[str, Any]]:
    """The status of each recorder of a namespace that runs now, by its process."""
    return beside(RECORD, namespace)


def beside(does: str, namespace: str) -> list[dict[str, Any]]:
    """The status of each process that does this for a namespace now."""
    try:
        paths = sorted(runtime_directory().glob(f"{does}.{namespace}.*"))
    except OSError:
        return []
    found = (_read(path, namespace) for path in paths)
    return [each for each in found if each is not None]


def _read(path: Path, namespace: str) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            if not _is_held(file.fileno()):
                path.unlink(missing_ok=True)  # of one that was killed
                return None
            data = file.read()
        size, _, rest = data.partition(b"\n")
        found: dict[str, Any] = orjson.loads(rest[: int(size)])
    except (OSError, ValueError):
        return None
    return found if found.get("namespace") == namespace else None


def _is_held(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
