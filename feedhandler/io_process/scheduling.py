"""What an IO process asks of the kernel, so that it is disturbed less: a core, its turn, its pages.

None of it is needed to be right. What is refused is said, and the process runs without it;
`feedhandler doctor` tells the cure.
"""

from __future__ import annotations

import ctypes
import os
import resource

from feedhandler import kernel
from feedhandler.config.keys import VenueConfig
from feedhandler.log import log

_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4  # mlockall(2)


def ask(config: VenueConfig) -> None:
    """As configured, for the calling thread; before it starts others, and maps its memory."""
    if config.cpu is not None:
        try:
            os.sched_setaffinity(0, {config.cpu})
        except OSError as error:
            _say(config, "cpu", f"cannot run on CPU {config.cpu}: {error.strerror}")
    if config.realtime:
        # Helper threads (name resolution) must not inherit it: they are in no hurry.
        policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
        try:
            os.sched_setscheduler(0, policy, os.sched_param(config.realtime))
        except OSError as error:
            _say(config, "realtime", f"no priority {config.realtime}: {error.strerror}")
    if config.lock_memory and (problem := _lock()):
        _say(config, "lock_memory", f"memory is not locked: {problem}")


def _say(config: VenueConfig, key: str, problem: str) -> None:
    log.warning("%s: %s; `feedhandler doctor` says how to allow it", config.places.of(key), problem)


def _lock() -> str:
    """Lock all pages that are used, those to come as well; why not, or "". Under a limit nothing is
    locked: a mapping that is past it would fail."""
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    if limit != resource.RLIM_INFINITY and not kernel.capable(kernel.CAP_IPC_LOCK):
        return f"RLIMIT_MEMLOCK is {limit:,} bytes"
    flags = _MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT  # not the unused stacks of helper threads
    if ctypes.CDLL(None, use_errno=True).mlockall(flags) != 0:
        return os.strerror(ctypes.get_errno())
    return ""
