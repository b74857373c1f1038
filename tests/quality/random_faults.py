"""Random faults on a simulated venue, and a ledger of what they must have done to its data.

    python -m tests.quality.random_faults --minutes 10 --seed 7

The ledger has the simulator's word for gaps, for what they lacked and for checksums that it spoilt.
How long books were LIVE, and how often again, say the records in the ring, of each process that
there was.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from feedhandler import venues as registry
from feedhandler.bench.kit import leftovers
from feedhandler.quality.report import report
from feedhandler.sim.config import SimOptions
from feedhandler.sim.faults.order import FaultError
from feedhandler.sim.runner import make_server
from feedhandler.view.status import heartbeat, venue_status
from shm import Reason, ShmError
from tests.kit.rig import Rig, Sim, rig
from tests.kit.tool import tool
from tests.quality.ledger import Forms, Ledger, Lives, differences, left_by, lives

VENUES: Final = ("bybit-linear", "kraken-futures", "okx", "binance", "bitfinex")
_HEAL_S = 240.0  # with the backoff of a book that is lost again and again
_UNSEEN_NS = 500_000_000
_STOPS = (0.5, 3.0)
_LATE_NS = 2_000_000_000  # who stood still for longer was not LIVE meanwhile
_ABOUT_NS = 300_000_000  # from one sign of life to the next, and a busy machine

_BOOK = {"gap": 8, "reorder": 3, "crossed": 3, "bad_checksum": 3, "duplicate": 3}
_BOOK |= {"garbage": 3, "far": 1, "renumber": 1}
_VENUE = {"drop": 3, "half_open": 1, "freeze": 1, "stop": 1, "kill": 1}
_MORE: Final[Mapping[str, Mapping[str, Any]]] = {
    "garbage": {"form": "truncated"},
    "renumber": {"lost": True},
}
_KEPT = ("gap", "reorder", "garbage")  # numbers are missing


def _kinds(venue: str, forms: Forms, symbol: str) -> dict[str, int]:
    """The faults of books that a venue can have, and whose harm is certain."""
    check = make_server(venue, SimOptions(checksums=True)).chaos.check
    found = {}
    for kind, weight in _BOOK.items():
        proven = forms.numbered or forms.connection or forms.whole
        if kind in _KEPT and not proven:  # whether a checksum shows it hangs on what was in it
            continue
        if kind == "duplicate" and forms.keyed:  # the end of a level that is gone costs the book
            continue
        # A whole book that is late costs it, if nothing else comes for a second.
        if kind in ("garbage", "reorder") and forms.whole:
            continue
        try:
            check({"kind": kind, "symbol": symbol, **_MORE.get(kind, {})})
        except FaultError:
            continue
        found[kind] = weight
    return found


class Play:
    """One venue's faults, each begun when the one before is healed."""

    def __init__(self, r: Rig, venue: str, rng: random.Random, only: Collection[str] = ()) -> None:
        """`only`: these faults."""
        self.ledger = Ledger()
        self.venue, self._forms = venue, Forms(venue)
        self._r, self._rng = r, rng
        self._sim: Sim = r.sims[venue]
        self._symbols: Sequence[str] = r.config.venues[venue].instruments
        kinds = _kinds(venue, self._forms, self._symbols[0]) | _VENUE
        self._kinds = {kind: kinds[kind] for kind in kinds if not only or kind in only}
        self._process: subprocess.Popen[bytes] = r.io_process(venue)
        self._still: list[tuple[int, int]] = []
        self._its: dict[str, Any] = {}
        self._beat, self._looked = (0, 0), 0

    # ---- what is asked

    def told(self) -> dict[str, Any]:
        """Its quality."""
        return report(self._r.namespace, self.venue) or {"messages": 0, "heals": 0, "gaps": 0}

    def _live(self) -> bool:
        try:
            its = venue_status(self._r.namespace, self.venue)
        except (ShmError, OSError):
            return False
        return bool(its["live"] == its["instruments"] == len(self._symbols))

    def _until(self, condition: Callable[[], Any], what: str) -> Iterator[None]:
        end = time.monotonic() + _HEAL_S
        while not condition():
            assert time.monotonic() < end, f"{self.venue}: {what}: {self.told()}, {self.ledger}"
            yield

    def _healed(self, heals: int, what: str) -> Iterator[None]:
        """So many books were lost and are LIVE again, and it is counted."""
        yield from self._until(lambda: self.told()["heals"] >= heals and self._live(), what)

    def watch(self) -> None:
        """Whether its process runs: one that gave no sign of life for long stood still, for it was
        stopped, or for this machine had other things to do."""
        pid, beat = heartbeat(self._r.namespace, self.venue) or (0, 0)
        before, self._beat = self._beat, (pid, beat)
        looked, self._looked = self._looked, time.time_ns()
        if self._looked - looked > _UNSEEN_NS and looked:
            self.ledger.unseen_ns += self._looked - looked
        elif pid == before[0] and beat - before[1] > _LATE_NS - _ABOUT_NS:
            if beat - before[1] > _LATE_NS:
                self._still.append((before[1], beat))
            if beat - before[1] < _LATE_NS + _ABOUT_NS:
                self.ledger.unseen_ns += beat - before[1]

    def _counted(self) -> Iterator[None]:
        """All of it is in the day's file: what came, twice, for the first time may have begun
        before."""
        for _ in range(2):
            seen = self.told()["messages"]
            yield from self._until(partial(self._counts_more, seen), "all is counted")

    def _counts_more(self, seen: int) -> bool:
        return bool(self.told()["messages"] != seen)

    # ---- what is done

    def play(self, seconds: float) -> Iterator[None]:
        """Faults for so long, the last of them healed."""
        yield from self._until(self._live, "it begins")
        end = time.monotonic() + seconds
        while time.monotonic() < end or sum(self.ledger.ordered.values()) < 2:
            [kind] = self._rng.choices(list(self._kinds), list(self._kinds.values()))
            if not self.ledger.ordered and "gap" in self._kinds:
                kind = "gap"
            self.ledger.ordered[kind] += 1
            if kind in _BOOK:
                yield from self._book(kind)
            else:
                yield from getattr(self, f"_{kind}")()
        yield from self._counted()
        self._its = self.told()
        self.ledger.close(self._lives())

    def problems(self) -> list[str]:
        """What the quality says otherwise than the ledger."""
        return differences(self.venue, self._its, self.ledger)

    def _left_by(self, symbol: str, since: int) -> Reason | None:
        return left_by(self.venue, self._r.namespace, symbol, since)

    def _lives(self) -> dict[str, Lives]:
        return lives(self.venue, self._r.namespace, time.time_ns(), self._still)

    def _book(self, kind: str) -> Iterator[None]:
        """A fault of one book, or at once of several, where they are each for itself."""
        forms, ledger = self._forms, self.ledger
        connection = forms.connection
        struck = self._rng.sample(self._symbols, 1 if connection else self._rng.randint(1, 2))
        before = self.told()
        several = (
            kind in ("gap", "duplicate") and not connection
        )  # it has a session of its own after
        count = self._rng.randint(1, 4) if several else 1
        more = {**_MORE.get(kind, {}), **({} if kind == "renumber" else {"count": count})}
        numbers = [self._sim.fault(kind, symbol=each, **more) for each in struck]

        def ended() -> list[dict[str, Any]]:
            found = [self._sim.told(number) for number in numbers]
            return found if all(each["ended_ns"] for each in found) else []

        yield from self._until(ended, f"{kind} strikes")
        hits = sum(each["hits"] for each in ended())
        # What is cut off costs the book at once: maybe nothing follows on this subscription.
        quick = kind == "garbage" and forms.resubscribes and not connection
        sure = 0 if quick else len(struck)
        if kind == "duplicate" and not connection:
            return
        if forms.whole and kind in ("gap", "reorder"):
            return
        if kind == "duplicate":  # a number that repeats, of a connection
            ledger.unsized += hits
        elif kind in ("far", "renumber"):
            ledger.unsized += len(struck)
        elif kind in _KEPT and not forms.chain:
            kept = sum(each["numbers"] for each in ended())
            ledger.missing += kept
            ledger.unheard += kept - sure if quick or (count > 1 and forms.resubscribes) else 0
        if kind in (*_KEPT, "duplicate", "far", "renumber"):
            ledger.gaps += sure
            ledger.holes += max(hits, len(struck))
        if kind == "bad_checksum" or (kind == "crossed" and forms.summed):
            ledger.checksums += hits
        every = connection and kind in ("gap", "reorder", "garbage", "duplicate")
        lost = len(self._symbols) if every else len(struck)
        yield from self._healed(before["heals"] + lost, f"{kind} heals")
        if kind in _KEPT and not connection:
            for symbol, fault in zip(struck, ended(), strict=True):
                if self._left_by(symbol, fault["first_ns"]) is Reason.SUBSCRIPTION:
                    # It stood still while others moved on, and was subscribed to anew before the
                    # next message could show what lacks.
                    ledger.gaps -= min(1, sure)
                    ledger.unheard += fault["numbers"]

    def _all(self, kind: str, **keys: Any) -> Iterator[None]:
        """One of the connection: all books are lost."""
        before = self.told()
        self._sim.fault(kind, **keys)
        yield from self._healed(before["heals"] + len(self._symbols), f"{kind} heals")

    def _drop(self) -> Iterator[None]:
        yield from self._all("drop", how=self._rng.choice(["rst", "fin", "close"]))

    def _half_open(self) -> Iterator[None]:
        yield from self._all("half_open", seconds=4.0)

    def _freeze(self) -> Iterator[None]:
        number = self._sim.fault("freeze", ms=self._rng.randint(100, 1500))
        yield from self._until(lambda: self._sim.told(number)["ended_ns"], "it goes on")
        yield from self._until(self._live, "it is LIVE")
        yield from self._counted()

    def _pause(self, seconds: float) -> Iterator[None]:
        end = time.monotonic() + seconds
        yield from self._until(lambda: time.monotonic() >= end, "time passes")

    def _stop(self) -> Iterator[None]:
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield from self._pause(self._rng.choice(_STOPS))
        finally:
            os.kill(self._process.pid, signal.SIGCONT)
        ended = time.time_ns()
        yield from self._until(lambda: self.told()["updated_ns"] > ended, "it goes on")
        yield from self._until(self._live, "it is LIVE")
        yield from self._counted()

    def _kill(self) -> Iterator[None]:
        yield from self._counted()
        self._process.kill()
        self._process.wait()
        self.ledger.close(self._lives())
        self._still = []
        yield from self._pause(self._rng.uniform(0.0, 1.0))
        self._process = self._r.io_process(self.venue)
        yield from self._until(self._live, "it is LIVE again")


@contextmanager
def _watched(plays: Sequence[Play]) -> Iterator[None]:
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            for each in plays:
                each.watch()

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()


def _symbols(venue: str, most: int) -> tuple[str, ...]:
    """Of instruments whose books move often enough."""
    listed = make_server(venue, SimOptions()).market.instruments
    named = [one for one in registry.load(venue).default_instruments if one in listed]
    others = [name for name, its in listed.items() if name not in named and its.kind != "option"]
    return tuple([*named, *others, *listed][:most])


def run(
    seconds: float, seed: int, names: Sequence[str] = VENUES, only: Collection[str] = ()
) -> list[tuple[Play, list[str]]]:
    """Of all venues at once: what was played, and what their quality says otherwise."""
    with rig(*names, rate=100.0, checksums=True, seed=seed) as r:
        plays = []
        for venue in names:
            symbols = _symbols(venue, 4)
            r.change(venue, instruments=symbols, ring_slots=1 << 20, audit_s=0.0)
            plays.append(Play(r, venue, random.Random(f"{seed} {venue}"), only))
        going = [each.play(seconds) for each in plays]
        with _watched(plays):
            while going:
                going = [one for one in going if next(one, True) is None]
                time.sleep(0.02)
        return [(each, each.problems()) for each in plays]


@tool()
def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.quality.random_faults")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--venue", action="append", help="these venues; again for more")
    parser.add_argument("--kind", action="append", help="only these faults")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as state:
        os.environ["FEEDHANDLER_STATE"] = state
        os.environ["FEEDHANDLER_BUDGETS"] = leftovers.memory(f"test-quality-{os.getpid()}", "")
        try:
            found = run(asked.minutes * 60, asked.seed, asked.venue or VENUES, asked.kind or ())
        finally:
            Path("/dev/shm", os.environ["FEEDHANDLER_BUDGETS"]).unlink(missing_ok=True)
    for play, problems in found:
        ledger = play.ledger
        live = sum(each.live_ns for each in ledger.books.values()) / 1e9
        print(f"{play.venue}: {sum(ledger.ordered.values())} faults {dict(ledger.ordered)}: "
              f"{ledger.gaps} gaps, {ledger.missing} missing, {live:.1f} s LIVE, "
              f"{ledger.unseen_ns / 1e9:.1f} s unseen")  # fmt: skip
        print("".join(f"  {problem}\n" for problem in problems), end="")
    return 1 if any(problems for _, problems in found) else 0


if __name__ == "__main__":
    sys.exit(main())
