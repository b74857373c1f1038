"""What a process of ours asks of the kernel for itself: a CPU, a name, its parent's end."""

from __future__ import annotations

import ctypes
import os
import signal

from feedhandler.log import log

_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15


def pin(cpu: int | None, where: str = "--cpu") -> None:
    """To a CPU; where that cannot be, the log says so, and `where` that was asked for."""
    if cpu is None:
        return
    try:
        os.sched_setaffinity(0, {cpu})
    except OSError as error:
        text = "%s: cannot run on CPU %d: %s; `feedhandler doctor` says what may be used"
        log.warning(text, where, cpu, error.strerror)


def child(name: str) -> None:
    """Called so where processes are listed, and ended when its parent is."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    libc.prctl(_PR_SET_NAME, ctypes.create_string_buffer(name.encode()), 0, 0, 0)
