"""What there is to know of a host, gathered once. Checks are made of it, and look nowhere else."""

from __future__ import annotations

import ctypes
import os
import resource
from dataclasses import dataclass, field
from pathlib import Path

from feedhandler import kernel
from feedhandler.kernel import CAP_IPC_LOCK, CAP_SYS_NICE, capable, cpu_list, fields, number, read

_SHM = "/dev/shm"
_CPUS = "sys/devices/system/cpu"
_SCHEDULER = "proc/sys/kernel"
_UNSYNCHRONISED = 0x40  # STA_UNSYNC, linux/timex.h
_FAILED = 5  # TIME_ERROR


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Sizes are bytes; a limit of None is no limit; "" and None are what the host does not tell."""

    shm_kind: str = "tmpfs"  #: of the file system at /dev/shm; "": there is none
    shm_bytes: int = 0
    shm_free: int = 0
    memory_free: int = 0
    memory_limit_free: int | None = None  #: what the control group leaves
    swap_bytes: int = 0
    files: int | None = None  #: open files that a process may have
    locked: int | None = None  #: bytes that it may lock
    realtime: int = 0  #: the highest priority that it may take
    cpus: tuple[int, ...] = (0,)  #: that it may be pinned to
    isolated: tuple[int, ...] = ()
    siblings: dict[int, tuple[int, ...]] = field(default_factory=dict)  #: of one core, by CPU
    governors: dict[int, str] = field(default_factory=dict)
    quota: float | None = None  #: CPUs' worth of time that the control group allows
    throttled: int = 0  #: times that it has held us back
    realtime_share: float = 0.95  #: of a second that such tasks may have together; 1: all
    clock_source: str = ""
    clock_sources: tuple[str, ...] = ()
    clock_synchronised: bool | None = None
    clock_error_s: float = 0.0  #: the most it may be off, by its own account
    load: float = 0.0


def gather(root: Path = kernel.ROOT) -> Facts:
    """Of this host and this process; `root`: where its files are, but for /dev/shm."""
    shm_bytes, shm_free = _room(_SHM)
    memory = fields(read("proc/meminfo", root))
    group = _Group(root)
    synchronised, error_s = _clock()
    realtime = _limit(resource.RLIMIT_RTPRIO)
    cpus = tuple(sorted(kernel.usable_cpus()))
    source = "sys/devices/system/clocksource/clocksource0"
    return Facts(
        shm_kind=_kind(_SHM, root),
        shm_bytes=shm_bytes,
        shm_free=shm_free,
        memory_free=_kib(memory.get("MemAvailable", "")),
        memory_limit_free=group.memory_left(),
        swap_bytes=_kib(memory.get("SwapTotal", "")),
        files=_limit(resource.RLIMIT_NOFILE),
        locked=None if capable(CAP_IPC_LOCK, root) else _limit(resource.RLIMIT_MEMLOCK),
        realtime=99 if capable(CAP_SYS_NICE, root) or realtime is None else min(99, realtime),
        cpus=cpus,
        isolated=cpu_list(read(f"{_CPUS}/isolated", root)),
        siblings={
            cpu: cpu_list(read(f"{_CPUS}/cpu{cpu}/topology/thread_siblings_list", root))
            for cpu in cpus
        },
        governors={
            cpu: name
            for cpu in cpus
            if (name := read(f"{_CPUS}/cpu{cpu}/cpufreq/scaling_governor", root))
        },
        quota=group.quota(),
        throttled=group.throttled(),
        realtime_share=_realtime_share(root),
        clock_source=read(f"{source}/current_clocksource", root),
        clock_sources=tuple(read(f"{source}/available_clocksource", root).split()),
        clock_synchronised=synchronised,
        clock_error_s=error_s,
        load=os.getloadavg()[0],
    )


def _kib(text: str) -> int:
    return int(text.split()[0]) * 1024 if text else 0


def _room(path: str) -> tuple[int, int]:
    try:
        found = os.statvfs(path)
    except OSError:
        return 0, 0
    return found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize


def _kind(path: str, root: Path) -> str:
    """Of the file system that is mounted there; the last one hides the others."""
    kind = ""
    for line in read("proc/self/mounts", root).splitlines():
        parts = line.split()
        if len(parts) > 2 and parts[1] == path:
            kind = parts[2]
    return kind


def _limit(what: int) -> int | None:
    """The one in force; None: no limit."""
    soft = resource.getrlimit(what)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def _realtime_share(root: Path) -> float:
    """sched(7), "Limiting the CPU usage of real-time and deadline processes"."""
    used = number(f"{_SCHEDULER}/sched_rt_runtime_us", root)
    period = number(f"{_SCHEDULER}/sched_rt_period_us", root)
    if used is None or not period:
        return 0.95
    return 1.0 if used < 0 else used / period


class _Timex(ctypes.Structure):
    """As far as it is looked at (adjtimex(2)); the kernel writes all of it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def _clock() -> tuple[bool | None, float]:
    """(whether something keeps the clock right, the most it may be off in s): adjtimex(2)."""
    told = _Timex()
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(told))
    if state < 0:
        return None, 0.0
    return state != _FAILED and not told.status & _UNSYNCHRONISED, told.maxerror / 1e6


class _Group:
    """The control group that this process is in, version 1 or 2 (cgroups(7)). What a container
    sees at the mount point is its own group."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._paths = {}
        for line in read("proc/self/cgroup", root).splitlines():
            _, controllers, path = line.split(":", 2)
            for controller in controllers.split(","):
                self._paths[controller] = path.strip("/")

    def _read(self, controller: str, name: str) -> str:
        """A file of ours. Version 2 has no folder for each controller."""
        for folder in (controller, "") if controller in self._paths else ("",):
            path = self._paths.get(folder, "")
            for place in (f"{folder}/{path}", folder):
                if text := read(f"sys/fs/cgroup/{place}/{name}".replace("//", "/"), self._root):
                    return text
        return ""

    def memory_left(self) -> int | None:
        """Bytes; None: no limit."""
        for limit, used in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            most, now = self._read("memory", limit), self._read("memory", used)
            if most.isdigit() and now.isdigit() and int(most) < 1 << 60:
                return int(most) - int(now)
        return None

    def quota(self) -> float | None:
        """CPUs; None: no limit."""
        parts = self._read("cpu", "cpu.max").split()
        if not parts:
            parts = [self._read("cpu", "cpu.cfs_quota_us"), self._read("cpu", "cpu.cfs_period_us")]
        if len(parts) == 2 and all(part.isdigit() for part in parts):
            return int(parts[0]) / int(parts[1])
        return None

    def throttled(self) -> int:
        """Times since the group was made."""
        return int(fields(self._read("cpu", "cpu.stat")).get("nr_throttled", "0"))
