"""Processes of ours that need not import: forked from one that has.

A simulator or an IO process spends half a second of CPU on imports, a command a quarter, and the
tests start hundreds.
`Forked` is a `subprocess.Popen` whose process is a copy of a nursery, which has imported what they
run and nothing else. The copy is this process's own child, and runs `python -m MODULE` as a new one
would. A copy that is a supervisor has a nursery of its own, a copy again, for what it starts. That
all of them start from nothing, too, is tested where terminals and scripts start a feed.

`python -m tests.kit.forked FD` is the nursery: it has one thread and no file but its socket, and
ends when the other end is closed.
"""

from __future__ import annotations

import ctypes
import fcntl
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
_COPIED = ("feedhandler.io_process.main", "feedhandler.sim")  #: of what a supervisor starts
#: what most commands import when they run, and `start`
_ITS = ("rich.console", "rich.table", "shm.inspect", "feedhandler.supervisor.supervisor")
_ORDER = 1 << 18  #: bytes at most
_PARENT_S = 10.0
_SESSION = -2  #: instead of a group: a session of its own
_FDS, _ABOVE = 8, 512  #: files at most, and what no number of one that is kept reaches
_USUAL = subprocess.Popen


class Forked(subprocess.Popen[bytes]):
    """`python -m MODULE ARGUMENT...` without its imports. Of Popen's options: `stdin`, `stdout`,
    `stderr`, `env`, `text`, `process_group`, `start_new_session`."""

    def __init__(self, module: str, *arguments: str, **options: Any) -> None:
        self._order = [module, *arguments]
        super().__init__([sys.executable, "-m", module, *arguments], **options)

    def _execute_child(self, *given: Any) -> None:
        _birth(self, _told(self, given), self._order, _nursery(os.getpid()))


class _Handed(subprocess.Popen[bytes]):
    """What a supervisor starts: venues and simulators are copies, all else is started as ever."""

    nursery: _Nursery

    def _execute_child(self, *given: Any) -> None:
        told = _told(self, given)
        usual, module = list(told["args"][:3]), list(told["args"][3:])
        if usual == [sys.executable, "-P", "-m"] and module[0] in _COPIED:
            _birth(self, told, module, self.nursery)
        else:
            super()._execute_child(*given)  # type: ignore[misc]


def _told(popen: subprocess.Popen[bytes], given: tuple[Any, ...]) -> dict[str, Any]:
    """What Popen tells its `_execute_child`, by name."""
    ours = _USUAL._execute_child  # type: ignore[attr-defined]
    return dict(signature(ours).bind(popen, *given).arguments)


def _birth(popen: Any, told: dict[str, Any], order: list[str], nursery: _Nursery) -> None:
    """Make it the process that its Popen asks for."""
    theirs = [told[name] for name in ("p2cread", "c2pwrite", "errwrite")]
    fds = [own if fd == -1 else fd for own, fd in enumerate(theirs)]
    env = dict(os.environ if told["env"] is None else told["env"])
    group = _SESSION if told["start_new_session"] else told["process_group"]
    kept = list(told["pass_fds"])
    asked = [os.getpid(), order, env, str(Path.cwd()), group, kept]
    popen.pid = nursery.born(asked, [*fds, *kept])
    popen._child_created = True
    pipes = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
    popen._close_pipe_fds(*(told[name] for name in pipes))


@cache
def _nursery(_owner: int) -> _Nursery:
    """One of each process: a fork of it has its own."""
    return _started()


def _started() -> _Nursery:
    """One that begins with nothing."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    paths = os.pathsep.join(path or "." for path in sys.path)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": paths, "PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1"},
            pass_fds=[theirs.fileno()],
            process_group=0,
        )
    return _Nursery(ours, process)


class _Nursery:
    """The end of who orders. `process`: kept, since it is waited for where it is dropped."""

    def __init__(self, channel: socket.socket, process: object = None) -> None:
        self._one_at_a_time = Lock()
        self._socket, self._process = channel, process

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
            raise RuntimeError("the nursery is gone")
        return int(answer)


def _order(channel: socket.socket) -> tuple[list[Any], list[int]]:
    """What to run, in the process that was born for it; the nursery itself never comes back."""
    while True:
        message, fds, _, _ = socket.recv_fds(channel, _ORDER, _FDS)
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
    parent, sys.argv, environment, directory, group, kept = order
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, _ABOVE) for fd in fds]
    os.closerange(3, _ABOVE)
    for own, fd in zip((0, 1, 2, *kept), high, strict=True):
        os.dup2(fd, own)
    os.closerange(_ABOVE, 1 << 16)
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


def _hand_down() -> socket.socket | None:
    """Have what this process starts be copies of it as it is now. The nursery's channel in the
    nursery, which is a copy as well."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork():
        theirs.close()
        _Handed.nursery = _Nursery(ours)
        subprocess.Popen = _Handed  # type: ignore[misc, assignment]
        return None
    ours.close()
    os.setpgid(0, 0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for own in range(3):
        os.dup2(nothing, own)
    os.close(nothing)
    return theirs


def _supervises(order: list[str]) -> bool:
    return order[0] == "tests.kit.supervised" or (order[0] == "feedhandler" and "start" in order)


def main() -> None:
    for module in _MODULES:
        import_module(module)
    commands = (
        place.partition(":")[0]
        for place in import_module("feedhandler.cli.main")._COMMANDS.values()
    )
    for module in (*commands, *_ITS):
        import_module(module)
    gc.collect()
    gc.freeze()
    channel: socket.socket | None = socket.socket(fileno=int(sys.argv[1]))
    while channel is not None:
        _become(*_order(channel))
        channel = _hand_down() if _supervises(sys.argv) else None
    ours = sys.modules.get(sys.argv[0])
    package = ours is not None and hasattr(ours, "__path__")
    # It is to be run as if nobody had imported it.
    sys.modules.pop(f"{sys.argv[0]}.__main__" if package else sys.argv[0], None)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
