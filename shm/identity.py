"""Which boot this is, and which process one was: numbers that are not given twice."""

from __future__ import annotations

import uuid
from pathlib import Path


def boot_id() -> bytes:
    """This boot's identity, 16 bytes: memory of another boot is nobody's."""
    return uuid.UUID(Path("/proc/sys/kernel/random/boot_id").read_text().strip()).bytes


def start_ticks(pid: int) -> int:
    """When a process started, in clock ticks since boot; 0 if there is none. Tells reused pids."""
    try:
        about = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0
    return int(about[about.rindex(b")") + 2 :].split()[19])
