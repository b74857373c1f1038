"""Processes of ours that need not import: forked from one that has.

A simulator or an IO process spends half a second of CPU on imports, a command a quarter, and the
tests start hundreds.
`Forked` is a `subprocess.Popen` whose process is a copy of a nursery, which has imported what they
run and nothing else. The copy is this process's own child, and runs `python -m MODULE` as a new one
would. That they start from nothing, too, is tested where a supervisor or the command starts them.

`python -m tests.kit.forked FD` is the nursery: it has one thread and no file but its socket, and
ends when the other end is closed.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import runpy
import socket
import subprocess
import sys
import time
from functools import cache
from importlib import import_module
from inspect import signature
from pathlib import Path
from threading import Lock
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36
_MODULES = ("feedhandler.io_process.main", "feedhandler.sim.__main__")
#: what most commands import when they run, and `start`
_ITS = ("rich.console", "rich.table", "shm.inspect", "feedhandler.supervisor.supervisor")
_ORDER = 1 << 18  #: bytes at most
_PARENT_S = 10.0
_SESSION = -2  #: instead of a group: a session of its own


class Forked(subprocess.Popen[bytes]):
    """`python -m MODULE ARGUMENT...` without its imports. Of Popen's options: `stdin`, `stdout`,
    `stderr`, `env`, `text`, `process_group`, `start_new_session`."""

    def __init__(self, module: str, *arguments: str, **options: Any) -> None:
        self._order = [module, *arguments]
        super().__init__([sys.executable, "-m", module, *arguments], **options)

    def _execute_child(self, *given: Any) -> None:
        ours = subprocess.Popen._execute_child  # type: ignore[attr-defined]
        told = signature(ours).bind(self, *given).arguments
        theirs = [told[name] for name in ("p2cread", "c2pwrite", "errwrite")]
        fds = [own if fd == -1 else fd for own, fd in enumerate(theirs)]
        env = dict(os.environ if told["env"] is None else told["env"])
        group = _SESSION if told["start_new_session"] else told["process_group"]
        order = [os.getpid(), self._order, env, str(Path.cwd()), group]
        self.pid = _nursery(os.getpid()).born(order, fds)
        self._child_created = True
        pipes = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        self._close_pipe_fds(*(told[name] for name in pipes))  # type: ignore[attr-defined]


@cache
def _nursery(_owner: int) -> _Nursery:
    """One of each process: a fork of it has its own."""
    return _Nursery()


class _Nursery:
    def __init__(self) -> None:
        self._one_at_a_time = Lock()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        paths = os.pathsep.join(path or "." for path in sys.path)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                env=os.environ
                | {"PYTHONPATH": paths, "PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1"},
                pass_fds=[theirs.fileno()],
                process_group=0,
            )

    def born(self, order: list[Any], fds: list[int]) -> int:
        """Its process id. What loses its parent meanwhile becomes a child of this process."""
        prctl = ctypes.CDLL(None).prctl
        with self._one_at_a_time:
            prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            try:
                socket.send_fds(self._socket, [json.dumps(order).encode()], fds)
                answer = self._socket.recv(64)
                self._socket.recv(64)  # it is our child now
            finally:
                prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        if not answer:
            raise RuntimeError(f"the nursery ended with status {self._process.wait()}")
        return int(answer)


def _order(channel: socket.socket) -> tuple[list[Any], list[int]]:
    """What to run, in the process that was born for it; the nursery itself never comes back."""
    while True:
        message, fds, _, _ = socket.recv_fds(channel, _ORDER, 3)
        if not message:
            os._exit(0)
        between = os.fork()
        if between:
            os.waitpid(between, 0)  # what has no parent any more is its orderer's child
            channel.send(b".")
            for fd in fds:
                os.close(fd)
            continue
        if born := os.fork():
            channel.send(str(born).encode())
            os._exit(0)
        return json.loads(message), fds


def _become(order: list[Any], fds: list[int]) -> None:
    """A process as Popen would have started it."""
    parent, sys.argv, environment, directory, group = order
    for own, fd in enumerate(fds):
        os.dup2(fd, own)
    os.closerange(3, 1 << 16)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    if group == _SESSION:
        os.setsid()
    elif group >= 0:
        os.setpgid(0, group)
    until = time.monotonic() + _PARENT_S
    while os.getppid() != parent and time.monotonic() < until:
        os.sched_yield()


def main() -> None:
    for module in _MODULES:
        import_module(module)
        del sys.modules[module]  # it is to be run as if nobody had imported it
    commands = (
        place.partition(":")[0]
        for place in import_module("feedhandler.cli.main")._COMMANDS.values()
    )
    for module in (*commands, *_ITS):
        import_module(module)
    gc.collect()
    gc.freeze()
    _become(*_order(socket.socket(fileno=int(sys.argv[1]))))
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
