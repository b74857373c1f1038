"""The command as its user runs it: in a process of its own, with or without a terminal."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from subprocess import PIPE
from types import MappingProxyType
from typing import Any, TypeVar, cast

import orjson

from tests.kit import rig
from tests.kit.forked import Forked

COMMAND = [sys.executable, "-m", "feedhandler"]
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
T = TypeVar("T")


def _environment(**more: str) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in ("FEEDHANDLER_BUDGETS", "FEEDHANDLER_STATE")
        or (not name.startswith("FEEDHANDLER_") and name not in ("COLUMNS", "LINES", "NO_COLOR"))
    }
    return inherited | {"PYTHONUTF8": "1"} | more


def run(
    *arguments: str, namespace: str | None = None, timeout: float = 30.0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run one command without a terminal. That it starts from nothing, too, `start` on a
    `Terminal` and the words of `PYTHONPATH` show: here it is a copy of one that has imported it."""
    if namespace is not None:
        environment["FEEDHANDLER_NAMESPACE"] = namespace
    env = _environment(**environment)
    if "PYTHONPATH" in environment:
        process = subprocess.Popen([*COMMAND, *arguments], stdout=PIPE, stderr=PIPE, env=env)
    else:
        process = Forked("feedhandler", *arguments, stdout=PIPE, stderr=PIPE, env=env)
    with process:
        try:
            said = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    out, errors = (text.decode().replace("\r\n", "\n") for text in said)
    return subprocess.CompletedProcess(arguments, process.returncode, out, errors)


def json_of(result: subprocess.CompletedProcess[str]) -> Any:
    """The one JSON document that a command printed."""
    return orjson.loads(result.stdout)


def spawn(*arguments: str, namespace: str, **pipes: Any) -> subprocess.Popen[str]:
    """Start a command that goes on, in a process group of its own; a copy, as with `run`."""
    env = _environment(FEEDHANDLER_NAMESPACE=namespace)
    process: Any = Forked("feedhandler", *arguments, env=env, text=True, process_group=0, **pipes)
    return cast("subprocess.Popen[str]", process)


class Terminal:
    """A command on a terminal of so many columns; a context manager."""

    def __init__(
        self,
        *arguments: str,
        namespace: str,
        columns: int,
        lines: int = 50,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), slave)
        env = _environment(
            FEEDHANDLER_NAMESPACE=namespace, **{"TERM": "xterm-256color", **environment}
        )
        if environment or arguments[0] == "start":  # an interpreter reads it; and from nothing, too
            self.process = subprocess.Popen(
                [*COMMAND, *arguments], **pipes, env=env, start_new_session=True
            )
        else:
            self.process = Forked(
                "feedhandler", *arguments, **pipes, env=env, start_new_session=True
            )
        os.close(slave)
        os.set_blocking(self._master, False)
        self.raw = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a bar may come in parts

    def read(self) -> str:
        """What is on the way now, and all before it, with its escapes."""
        with contextlib.suppress(BlockingIOError, OSError):
            while chunk := os.read(self._master, 1 << 16):
                self.raw += self._decoder.decode(chunk)
        return self.raw

    def type(self, keys: str) -> None:
        """As somebody at the keyboard does."""
        os.write(self._master, keys.encode())

    def lines(self) -> list[str]:
        """All that was printed, without escapes."""
        plain = _ESCAPES.sub("", self.read()).replace("\r\n", "\n")
        return plain.replace("\r", "\n").split("\n")

    def finish(self, timeout: float = 120.0) -> int:
        """Wait for its end; its exit code."""
        end = time.monotonic() + timeout
        while self.process.poll() is None and time.monotonic() < end:
            self.read()
            time.sleep(0.01)
        code = self.process.wait(1.0)
        self.read()
        return code

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)


def until(condition: Callable[[], T | None], what: str, deadline_s: float = 60.0) -> T:
    """As the rig's; commands have a minute."""
    return rig.until(condition, what, deadline_s)
