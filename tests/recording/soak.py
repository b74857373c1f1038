"""The soak of recordings: venues with random faults, processes that are killed and stopped, and one
question.

    python -m tests.recording.soak --minutes 30 --kills 5 --seed 7

Is exactly that missing which the recording says is missing, and is every book that it makes the one
that the feed held? A reader of the test's own, which nobody kills, knows how many records each
epoch had.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

import shm
from feedhandler.config.record_keys import RecordConfig
from feedhandler.recording.verify import verify
from feedhandler.supervisor.control_socket import NotRunning, request
from shm.recording import manifest
from shm.recording.manifest import Manifest
from tests.kit.rig import SYMBOLS, Rig, rig, until
from tests.kit.tool import tool
from tests.soak.disorder import io_processes
from tests.soak.menu import orders

VENUES = ("deribit", "okx", "binance")
SHORT = {"okx": 1024}  #: rings that go round while a recorder is dead
_STOP_S = 1.0


@dataclass
class Outcome:
    """What happened. `problems`: what should not have."""

    problems: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    records: int = 0
    lost: int = 0
    windows: int = 0
    marks: int = 0


class _Observer(threading.Thread):
    """`last`: by venue and epoch, the last record that was published."""

    def __init__(self, r: Rig) -> None:
        super().__init__(daemon=True)
        self.last: dict[str, dict[int, int]] = {venue: {} for venue in VENUES}
        self._over = threading.Event()
        self._events = {
            venue: shm.attach(venue, namespace=r.namespace, timeout=30.0).events(start="oldest")
            for venue in VENUES
        }

    def run(self) -> None:
        while not self._over.is_set():
            self._look()
            time.sleep(0.01)
        self._look()

    def _look(self) -> None:
        for venue, events in self._events.items():
            try:
                while events.poll() is not None:
                    pass
            except shm.Overrun:
                pass
            except shm.WriterLost as lost:
                self.last[venue][lost.epoch] = lost.published
            segment = events.segment
            if segment is not None:
                self.last[venue][segment.epoch] = segment.published

    def finish(self) -> None:
        """After the writers have ended."""
        self._over.set()
        self.join()


def run(seconds: float, kills: int, seed: int, root: Path) -> Outcome:
    """For so long; the recorder is killed so often, and stopped for a second as often."""
    rng, found = random.Random(seed), Outcome()
    with rig(*VENUES) as r:
        for venue, slots in SHORT.items():
            r.change(venue, ring_slots=slots)
        record = RecordConfig(
            to=str(root), rotate_s=1.0, base_s=3.0, mark_s=0.3, free_mib=1, compact=False
        )
        r.config = msgspec.structs.replace(r.config, record=record)
        supervisor = r.supervisor()
        for venue in VENUES:
            r.attach(venue).close()
        observer = _Observer(r)
        observer.start()
        until(lambda: _recorder(r)["pid"], "a recorder")
        _disorder(r, rng, seconds, kills, found, observer)
        until(lambda: _records_all(r), "the recorder has taken up each venue where it ended")
        supervisor.send_signal(signal.SIGTERM)
        if supervisor.wait(60) != 0:
            found.problems.append("the supervisor did not stop in order")
        observer.finish()
    _judge(root, observer.last, found)
    return found


def _recorder(r: Rig) -> dict[str, Any]:
    try:
        return dict(request(r.namespace, {"do": "status"}, 5.0)["recorders"][0])
    except (NotRunning, IndexError):
        return {"pid": 0, "state": ""}


def _records_all(r: Rig) -> bool:
    """One that has read nothing yet does not know what was lost: the next one would say it."""
    venues = _recorder(r).get("venues", [])
    return len(venues) == len(VENUES) and all(each["records"] for each in venues)


def _disorder(
    r: Rig, rng: random.Random, seconds: float, kills: int, found: Outcome, observer: _Observer
) -> None:
    began = time.monotonic()
    each = seconds / (kills + 1)
    due = [(number * each, "kill") for number in range(1, kills + 1)]
    due += [((number + 0.5) * each, "stop") for number in range(kills)]
    due += [((number + 0.7) * each, "io") for number in range(0, kills, 2)]
    due += [((number + 0.8) * each, "unseen") for number in range(2, kills, 2)]
    due.sort()
    while (now := time.monotonic() - began) < seconds:
        if due and due[0][0] <= now:
            what = due.pop(0)[1]
            found.done[what] += 1
            _strike(r, rng, what, observer)
        venue = rng.choice(VENUES)
        for order in orders(rng, venue, rng.choice(SYMBOLS[venue])):
            with suppress(OSError):
                r.sims[venue].fault(**order)
                found.done["fault"] += 1
        time.sleep(rng.uniform(0.2, 0.8))


def _strike(r: Rig, rng: random.Random, what: str, observer: _Observer) -> None:
    if what == "io":
        processes = io_processes(r.namespace, VENUES)
        if processes:
            os.kill(rng.choice(sorted(processes.values())), signal.SIGKILL)
        return
    pid = _recorder(r)["pid"]
    if not pid:
        return
    with suppress(ProcessLookupError):
        if what == "kill":
            os.kill(pid, signal.SIGKILL)
            until(lambda: _recorder(r)["pid"] not in (0, pid), "another recorder")
        else:
            os.kill(pid, signal.SIGSTOP)
            try:
                if what == "unseen":
                    _restart_twice(r, rng.choice(VENUES), observer)
                else:
                    time.sleep(_STOP_S)
            finally:
                os.kill(pid, signal.SIGCONT)


def _restart_twice(r: Rig, venue: str, observer: _Observer) -> None:
    """An epoch that begins and ends while the recorder does not look."""
    for _ in range(2):
        process, seen = io_processes(r.namespace, VENUES).get(venue), len(observer.last[venue])
        if process is None:
            return
        os.kill(process, signal.SIGKILL)
        until(partial(_has_more, observer, venue, seen), "another epoch")


def _has_more(observer: _Observer, venue: str, epochs: int) -> bool:
    return len(observer.last[venue]) > epochs


def _judge(root: Path, last: dict[str, dict[int, int]], found: Outcome) -> None:
    report = verify(root)
    found.problems += [f"{each.what}: {each.venue}: {each.text}" for each in report.findings]
    found.marks = report.total.marks
    told = manifest.read(root)
    for venue in VENUES:
        want = _missing(told, venue, last[venue])
        said = sorted(
            (each.epoch, each.first, _end(each.last, each.epoch, last[venue]))
            for each in report.lost
            if each.venue == venue
        )
        said = [window for window in said if window[1] <= window[2]]
        if said != want:
            found.problems.append(f"{venue}: missing are {want}, and said are {said}")
        found.windows += len(want)
        found.lost += sum(end + 1 - first for _, first, end in want)
        found.records += sum(segment.records for segment in told.segments(venue))


def _end(last: int | None, epoch: int, of: dict[int, int]) -> int:
    """Of a loss of which nobody could say how much it was: to the end of its epoch."""
    return of.get(epoch, 0) if last is None else last


def _missing(told: Manifest, venue: str, last: dict[int, int]) -> list[tuple[int, int, int]]:
    """What is in no segment, of the epochs since the first of which there is one."""
    found = []
    kept: dict[int, list[tuple[int, int]]] = {}
    for segment in told.segments(venue):
        kept.setdefault(segment.epoch, []).append((segment.first, segment.last))
    begun = min(kept, default=0)
    for epoch in sorted(epoch for epoch in last if epoch >= begun):
        ranges = kept.get(epoch, [])
        next_one = ranges[0][0] if epoch == begun else 1
        for first, end in ranges:
            if first > next_one:
                found.append((epoch, next_one, first - 1))
            next_one = end + 1
        if next_one <= last[epoch]:
            found.append((epoch, next_one, last[epoch]))
    return found


@tool()
def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    with TemporaryDirectory() as folder:
        found = run(60 * chosen.minutes, chosen.kills, chosen.seed, Path(folder))
    print(found)
    sys.exit(bool(found.problems))


if __name__ == "__main__":
    main()
