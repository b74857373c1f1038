"""Whether a process hangs, or only gets no core: to kill it then would give the host more to do."""

from __future__ import annotations

from pathlib import Path

HANG_NS = 5_000_000_000  #: without a new heartbeat, of the time in which it could have run
STARVED = 6  #: times as long altogether, whatever it waits for


class Pulse:
    """Of one process. Times are of a clock that nobody sets; a heartbeat is only told from the one
    before."""

    def __init__(self, pid: int, now_ns: int) -> None:
        self._pid = pid
        self._beat = 0
        self._heard_ns, self._waited_ns = now_ns, waited_ns(pid)

    def silent_ns(self, beat: int, now_ns: int) -> int:
        """Since when there was no new one."""
        if beat != self._beat:
            self._beat = beat
            self._heard_ns, self._waited_ns = now_ns, waited_ns(self._pid)
        return now_ns - self._heard_ns

    def hangs(self, beat: int, now_ns: int) -> bool:
        silent = self.silent_ns(beat, now_ns)
        if silent <= HANG_NS:
            return False
        starved = waited_ns(self._pid) - self._waited_ns
        return silent - starved > HANG_NS or silent > STARVED * HANG_NS


def waited_ns(pid: int) -> int:
    """How long its main thread has been ready to run and had no core; 0 where nobody says."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
