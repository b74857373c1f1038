"""What is done to the venues and to the IO processes, and written down for the readers."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import shm
from feedhandler.view.status import venue_status
from tests.kit.rig import Rig
from tests.soak.cells import STATUS_S
from tests.soak.menu import WORDS, Order
from tests.soak.report import Findings


def io_processes(namespace: str, venues: Iterable[str]) -> dict[str, int]:
    """Those that live, by venue."""
    found = {}
    for venue in venues:
        with suppress(shm.ShmError):
            pid = int(venue_status(namespace, venue)["pid"])
            if _is_of(venue, pid):
                found[venue] = pid
    return found


def _is_of(venue: str, pid: int) -> bool:
    """Whether it is its IO process: the number of one that died may be another's by now."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() == f"fh:{venue}"[:15]
    except OSError:
        return False


class Disorder:
    """What is done to the venues and to the IO processes."""

    def __init__(
        self,
        r: Rig,
        symbols: Mapping[str, Sequence[str]],
        rng: random.Random,
        findings: Findings,
        halts: Path,
    ) -> None:
        self._r = r
        self._symbols = symbols
        self._rng = rng
        self._findings = findings
        self._halts = halts
        self._halted_until: dict[tuple[str, str], float] = {}
        self._stopped: tuple[int, float] | None = None

    def kill(self) -> None:
        """An IO process dies."""
        if pids := io_processes(self._r.namespace, self._symbols):
            self._findings.ordered["IO process killed"] += 1
            with suppress(ProcessLookupError):
                os.kill(pids[self._rng.choice(sorted(pids))], signal.SIGKILL)

    def stop(self, seconds: float) -> None:
        """An IO process stands still for a while."""
        if (pids := io_processes(self._r.namespace, self._symbols)) and self._stopped is None:
            self._findings.ordered["IO process stopped"] += 1
            pid = pids[self._rng.choice(sorted(pids))]
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                self._stopped = pid, time.monotonic() + seconds

    def go_on(self, now: float) -> None:
        """Whoever stood still long enough goes on."""
        if self._stopped is not None and now >= self._stopped[1]:
            with suppress(ProcessLookupError):
                os.kill(self._stopped[0], signal.SIGCONT)
            self._stopped = None

    def order(self, venue: str, order: Order) -> None:
        """A fault of the venue."""
        if order["kind"] == "restate" and not self._halt(venue, order):
            return
        self._r.sims[venue].fault(**order)
        self._findings.ordered[order["kind"]] += 1

    def _halt(self, venue: str, order: Order) -> bool:
        """Write down what readers are to be held to; False: it is halted already."""
        key, now = (venue, order["symbol"]), time.monotonic()
        if now < self._halted_until.get(key, 0.0):
            return False
        self._halted_until[key] = now + order["seconds"] + 5.0
        begin = time.time_ns()
        line = [*key, begin, begin + int(order["seconds"] * 1e9), order["signs"] == "both"]
        with self._halts.open("a") as file:
            file.write(json.dumps(line) + "\n")
        return True

    def open_with(self, what: str, seconds: float) -> None:
        """One of those things that each run has."""
        venue = self._rng.choice(sorted(self._symbols))
        if what == "kill":
            self.kill()
        elif what == "stop":
            self.stop(3.5)
        elif what == "silence":
            self.order(venue, {"kind": "silence", "seconds": 9.0})
        else:
            for each, symbols in self._symbols.items():
                order = {"kind": "restate", "symbol": symbols[-1], "signs": "both"}
                lasts = {"word": WORDS[each][0], "seconds": _halted_s(seconds)}
                self.order(each, order | lasts)


def _halted_s(seconds: float) -> float:
    """So long that what readers show of it counts: they may be late by `STATUS_S`."""
    return min(60.0, max(0.8 * seconds, STATUS_S + 8.0))
