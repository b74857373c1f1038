"""The chaos soak: random faults on three venues, eight reader processes, and one question.

    python -m tests.soak.chaos --minutes 30 --seed 7

Was any book ever shown as LIVE that is not the venue's at that sequence? Every message that the
ring readers rebuild, and every book and quote that the cell readers look at, is held against the
simulator's own books. Besides: does everything heal, and is memory flat? Prints what happened;
exits with 1 if something is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import shm
from feedhandler.sim.expiries import deribit_name, quarters
from feedhandler.status import venue_status
from shm import State
from tests.io.rig import Rig, assert_true_book, end, rig, until
from tests.soak.memory import Watch
from tests.soak.menu import Order, orders

_QUARTER = deribit_name(quarters(datetime.now(UTC).date(), 1)[0])
SYMBOLS = {
    "deribit": ("BTC-PERPETUAL", "ETH-PERPETUAL", f"BTC-{_QUARTER}", f"ETH-{_QUARTER}"),
    "okx": ("BTC-USDT", "ETH-USDT", "BTC-USDT-SWAP", "ETH-USDT-SWAP"),
    "binance": ("BTCUSDT", "ETHUSDT"),  # a snapshot costs a fifth of the budget
}
#: (kind of reader, venues)
READERS = (
    ("ring", ("deribit",)), ("ring", ("okx",)), ("ring", ("binance",)),
    ("cell", ("deribit",)), ("cell", ("okx",)), ("cell", ("binance",)),
    ("sleepy", tuple(SYMBOLS)), ("quote", tuple(SYMBOLS)),
)  # fmt: skip
DEPTH = 400  #: levels a side in the cell: more than the simulators have, so that cells are whole
HEAL_S = 90.0  #: what any fault's end may take: backoffs, and keys that were refused
FLAT = 1.10  #: memory may be so much more at the end
FLAT_KB = 4096  #: or so much


@dataclass
class Findings:
    """What happened, and what is wrong with it."""

    seed: int
    seconds: float = 0.0
    ordered: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    counters: dict[str, dict[str, int]] = field(default_factory=dict)
    memory: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    live_share: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def told(self) -> str:
        """For people."""
        lines = [
            f"seed {self.seed}, {self.seconds:.0f} s, {sum(self.ordered.values())} faults: "
            + _counts(self.ordered),
            "books, messages and quotes checked: " + _counts(self.verdicts),
            "readers saw: " + _counts(self.seen),
        ]
        for venue, counters in self.counters.items():
            said = {key: value for key, value in counters.items() if value}
            lines.append(
                f"{venue}: LIVE {self.live_share.get(venue, 0):.1%} of all looks; {_counts(said)}"
            )
        for name, (first, last, samples) in self.memory.items():
            lines.append(f"memory of {name}: {first} kB, {last} kB at the end ({samples} samples)")
        lines += [f"PROBLEM: {problem}" for problem in self.problems] or ["nothing is wrong"]
        return "\n".join(lines)


def _counts(counts: Any) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


class _Readers:
    """The eight processes."""

    def __init__(self, r: Rig, seed: int) -> None:
        self.processes: list[tuple[str, subprocess.Popen[bytes]]] = []
        for number, (kind, venues) in enumerate(READERS):
            controls = {venue: r.sims[venue].endpoint.control_url for venue in venues}
            order = {
                "kind": kind, "venues": controls, "namespace": r.namespace,
                "seed": seed * 100 + number,
            }  # fmt: skip
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.soak.readers"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(p or "." for p in sys.path)},
            )
            r.stack.callback(end, process)
            assert process.stdin is not None
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
            self.processes.append((f"{kind} reader of {' '.join(venues)}", process))

    def finish(self, findings: Findings) -> None:
        """Have them check what waits, and tell."""
        for _, process in self.processes:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
        for name, process in self.processes:
            try:
                out, _ = process.communicate(timeout=120)
            except subprocess.TimeoutExpired:
                findings.problems.append(f"the {name} does not end")
                continue
            if process.returncode != 0 or not out:
                findings.problems.append(f"the {name} ended with status {process.returncode}")
                continue
            self._take(name, json.loads(out), findings)

    def _take(self, name: str, told: dict[str, Any], findings: Findings) -> None:
        looks: Counter[str] = Counter()
        for venue, found in told["venues"].items():
            findings.seen.update(found["seen"])
            for key in ("checked", "unknown", "wrong"):
                findings.verdicts[key] += found[key]
            if not found["checked"]:
                findings.problems.append(f"the {name} had nothing of {venue} to check")
            for first in found["first"]:
                if first["what"] != "unknown":
                    findings.problems.append(f"{name}, {venue}: {first}")
            if name.startswith("cell"):
                looks = Counter({k: v for k, v in found["seen"].items() if k.startswith("looks ")})
                findings.live_share[venue] = looks["looks LIVE"] / max(1, sum(looks.values()))


def _configure(r: Rig) -> None:
    for venue, symbols in SYMBOLS.items():
        r.change(venue, instruments=symbols, depth=DEPTH, rhythm_floor_s=2.0, audit_s=2.0)
    r.change("okx", redundancy=2)
    r.change("binance", lifetime_s=20.0)
    r.change("deribit", ring_slots=2048, degraded_after_s=2.0)


def _pids(r: Rig) -> dict[str, int]:
    found = {}
    for venue in SYMBOLS:
        with suppress(shm.ShmError):
            pid = int(venue_status(r.namespace, venue)["pid"])
            if _is_ours(pid):
                found[venue] = pid
    return found


def _is_ours(pid: int) -> bool:
    """Whether it is an IO process: the number of one that died may be another's by now."""
    try:
        return b"feedhandler.io_process" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _kill(r: Rig, rng: random.Random, findings: Findings) -> None:
    """An IO process is killed, or stopped for a while."""
    pids = _pids(r)
    if not pids:
        return
    venue = rng.choice(sorted(pids))
    if rng.random() < 0.5:
        findings.ordered["IO process killed"] += 1
        with suppress(ProcessLookupError):
            os.kill(pids[venue], signal.SIGKILL)
        return
    findings.ordered["IO process stopped"] += 1
    with suppress(ProcessLookupError):
        os.kill(pids[venue], signal.SIGSTOP)
        time.sleep(rng.uniform(0.1, 2.0))
        os.kill(pids[venue], signal.SIGCONT)


def _stall(rng: random.Random, readers: _Readers, stopped: dict[int, float], now: float) -> None:
    """Readers stall, and go on."""
    for pid, until_ in list(stopped.items()):
        if now >= until_:
            del stopped[pid]
            os.kill(pid, signal.SIGCONT)
    if rng.random() < 0.01:
        _, process = rng.choice(readers.processes)
        if process.pid not in stopped and process.poll() is None:
            stopped[process.pid] = now + rng.uniform(0.1, 3.0)
            os.kill(process.pid, signal.SIGSTOP)


def _order(r: Rig, venue: str, chosen: list[Order], findings: Findings) -> None:
    for order in chosen:
        r.sims[venue].fault(**order)
        findings.ordered[order["kind"]] += 1


def run(seconds: float, seed: int, *, every_s: float = 2.0, rate: float = 250.0) -> Findings:
    """The whole soak. `every_s`: mean time between two faults of a venue."""
    rng = random.Random(seed)
    findings = Findings(seed)
    warm_s = min(120.0, seconds / 4)
    with rig(*SYMBOLS, rate=rate, depth=60, digests=True, checksums=True, seed=seed) as r:
        _configure(r)
        r.supervisor()
        feeds = {venue: r.attach(venue, HEAL_S) for venue in SYMBOLS}
        readers = _Readers(r, seed)
        memory = Watch(warm_s)
        began = time.monotonic()
        kills_until = began + seconds / 3  # what lives on after that is measured
        due = {venue: began + rng.expovariate(1 / every_s) for venue in SYMBOLS}
        next_kill = began + rng.uniform(0.05, 0.25) * seconds
        next_look = began
        stopped: dict[int, float] = {}
        while (now := time.monotonic()) < began + seconds:
            for venue in SYMBOLS:
                if now >= due[venue]:
                    due[venue] = now + rng.expovariate(1 / every_s)
                    symbol = rng.choice(SYMBOLS[venue])
                    _order(r, venue, orders(rng, venue, symbol), findings)
            if next_kill <= now < kills_until:
                next_kill = now + rng.uniform(10, 60)
                _kill(r, rng, findings)
            if now >= next_look:
                next_look = now + 1.0
                for venue, pid in _pids(r).items():
                    memory.look(f"IO process of {venue}", pid, now)
                for name, process in readers.processes:
                    memory.look(name, process.pid, now)
            _stall(rng, readers, stopped, now)
            time.sleep(0.05)
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        _heal(r, feeds, findings)
        findings.seconds = time.monotonic() - began
        readers.finish(findings)
        findings.memory |= memory.grown()
        findings.counters = {
            venue: venue_status(r.namespace, venue)["counters"] for venue in SYMBOLS
        }
    _judge(findings)
    return findings


def _heal(r: Rig, feeds: dict[str, shm.Feed], findings: Findings) -> None:
    """All faults end: every book is LIVE and right again, in time."""
    for sim in r.sims.values():
        sim.fault("none")
    for venue, feed in feeds.items():

        def live(venue: str = venue) -> bool:
            with suppress(shm.ShmError):
                return bool(venue_status(r.namespace, venue)["state"] == "LIVE")
            return False

        try:
            until(live, f"{venue} is LIVE again", HEAL_S)
            with suppress(shm.WriterLost):
                feed.reattach()
            for symbol in SYMBOLS[venue]:
                assert feed.quote(symbol).state == State.LIVE
                assert_true_book(r.sims[venue], feed, symbol, DEPTH)
        except (AssertionError, shm.ShmError) as error:
            status = venue_status(r.namespace, venue)
            findings.problems.append(f"{venue}: {error}; {status['state']}: {status['detail']}")


def _judge(findings: Findings) -> None:
    for name, (first, last, _) in findings.memory.items():
        if last > max(first * FLAT, first + FLAT_KB):
            findings.problems.append(f"memory of {name} grew from {first} to {last} kB")
    if findings.verdicts["unknown"]:
        findings.problems.append(
            f"{findings.verdicts['unknown']} books at sequences that the venue never had"
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between faults, mean")
    parser.add_argument("--rate", type=float, default=250.0, help="updates a second of each venue")
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    findings = run(asked.minutes * 60, asked.seed, every_s=asked.every, rate=asked.rate)
    print(findings.told())
    return 1 if findings.problems else 0


if __name__ == "__main__":
    sys.exit(main())
