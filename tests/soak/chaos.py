"""The chaos soak: random faults on four venues, eight reader processes, and one question.

    python -m tests.soak.chaos --minutes 30 --seed 7

Was anything ever shown as good that was not? Every message that the ring readers rebuild, every
book and quote that others look at, what of it is called known and open to orders, and whatever a
guard before an order vouches for, is held against the simulator's own word. Besides: does
everything heal, is memory flat, and the log short? Prints what happened; exits with 1 if something
is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import shm
from feedhandler.sim.market.expiries import deribit_name, quarters
from feedhandler.view.status import venue_status
from shm import State
from tests.kit.rig import Rig, assert_true_book, end, rig, until
from tests.kit.tool import tool
from tests.soak.disorder import Disorder, io_processes
from tests.soak.memory import Watch, shared_kb
from tests.soak.menu import orders
from tests.soak.report import MUST_SEE, Findings, by_kind

_QUARTER = deribit_name(quarters(datetime.now(UTC).date(), 1)[0])
SYMBOLS = {
    "deribit": ("BTC-PERPETUAL", "ETH-PERPETUAL", f"BTC-{_QUARTER}", f"ETH-{_QUARTER}"),
    "okx": ("BTC-USDT", "ETH-USDT", "BTC-USDT-SWAP", "ETH-USDT-SWAP"),
    "binance": ("BTCUSDT", "ETHUSDT"),  # a snapshot costs a fifth of the budget
    "bybit-linear": ("BTCUSDT", "ETHUSDT"),
}
#: (kind of reader, venues)
READERS = (
    ("ring", ("deribit", "binance")), ("ring", ("okx", "bybit-linear")),
    ("cell", ("deribit", "binance")), ("cell", ("okx", "bybit-linear")),
    ("guard", ("deribit", "binance")), ("guard", ("okx", "bybit-linear")),
    ("sleepy", tuple(SYMBOLS)), ("quote", tuple(SYMBOLS)),
)  # fmt: skip
DEPTH = 400  #: levels a side in the cell: more than the simulators have, so that cells are whole
WINDOWS = {"bybit-linear": 50}  #: a channel of the best levels alone
HEAL_S = 90.0  #: what any fault's end may take: backoffs, and keys that were refused
FLAT = 1.10  #: memory may be so much more at the end
FLAT_KB = 4096  #: or so much
LINES = 160  #: of the log in half an hour; half as many are beginnings
DEAD = "refused, writer dead"  #: what is not seen unless one is killed
MORE_S = 90.0  #: a run goes on for so long until all has been seen that must be
#: a run begins with these: (part of it, what); two kills, since a reader may stand still at one
_OPENING = (
    (0.08, "restate"), (0.12, "kill"), (0.25, "stop"), (0.3, "kill"), (0.35, "silence"),
    (0.5, "stop"), (0.7, "stop"),
)  # fmt: skip


class _Readers:
    """The eight processes."""

    def __init__(self, r: Rig, seed: int, halts: Path) -> None:
        self.processes: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._seen: list[tuple[str, Path]] = []
        for number, (kind, venues) in enumerate(READERS):
            seen = halts.with_name(f"seen {number}")
            seen.touch()
            self._seen.append((kind, seen))
            controls = {venue: r.sims[venue].endpoint.control_url for venue in venues}
            order = {
                "kind": kind, "venues": controls, "namespace": r.namespace,
                "seed": seed * 100 + number, "windows": WINDOWS, "halts": str(halts),
                "seen": str(seen),
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
        for _, process in self.processes:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"

    def lack(self) -> set[str]:
        """What must be seen, and was not yet."""
        seen = {(kind, what) for kind, path in self._seen for what in path.read_text().splitlines()}
        return {what for kind, what in set(MUST_SEE) - seen}

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
        kind = name.split()[0]
        verdicts = findings.verdicts.setdefault(kind, Counter())
        seen = findings.seen.setdefault(kind, Counter())
        for venue, found in told["venues"].items():
            worst = max(seen["worst ms behind"], found["seen"].get("worst ms behind", 0))
            seen.update(found["seen"])
            if worst:
                seen["worst ms behind"] = worst
            for key in ("checked", "unknown", "wrong"):
                verdicts[key] += found[key]
            if not found["checked"]:
                findings.problems.append(f"the {name} had nothing of {venue} to check")
            for first in found["first"]:
                findings.problems.append(f"{name}, {venue}: {first}")
            if kind == "cell":
                looks = Counter({k: v for k, v in found["seen"].items() if k.startswith("looks ")})
                findings.live_share[venue] = looks["looks LIVE"] / max(1, sum(looks.values()))


def _configure(r: Rig) -> None:
    for venue, symbols in SYMBOLS.items():
        r.change(
            venue, instruments=symbols, depth=WINDOWS.get(venue, DEPTH), rhythm_floor_s=2.0,
            audit_s=2.0, refresh_s=5.0,
        )  # fmt: skip
    r.change("okx", redundancy=2)
    r.change("binance", lifetime_s=20.0)
    r.change("deribit", ring_slots=2048, degraded_after_s=2.0)


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


def run(seconds: float, seed: int, *, every_s: float = 2.0, rate: float = 250.0) -> Findings:
    """The whole soak. `every_s`: mean time between two faults of a venue."""
    rng = random.Random(seed)
    findings = Findings(seed)
    warm_s = min(120.0, seconds / 4)
    with (
        rig(*SYMBOLS, rate=rate, depth=60, digests=True, checksums=True, seed=seed) as r,
        TemporaryDirectory() as directory,
    ):
        _configure(r)
        halts, log = Path(directory, "halts"), Path(directory, "log")
        halts.touch()
        r.supervisor(r.stack.enter_context(log.open("wb")))
        feeds = {venue: r.attach(venue, HEAL_S) for venue in SYMBOLS}
        readers = _Readers(r, seed, halts)
        disorder = Disorder(r, SYMBOLS, rng, findings, halts)
        memory = Watch(warm_s)
        began = time.monotonic()
        kills_until = began + seconds / 3  # what lives on after that is measured
        due = {venue: began + rng.expovariate(1 / every_s) for venue in SYMBOLS}
        next_kill = began + 60.0
        next_look = began
        opening = [(began + part * seconds, what) for part, what in _OPENING]
        stalled: dict[int, float] = {}
        ends = began + seconds
        while (now := time.monotonic()) < ends:
            if ends - now < 1.0 and ends < began + seconds + MORE_S and (lack := readers.lack()):
                # A busy machine: the same once more, for half a minute each time.
                anew = [one for one in _OPENING if one[1] != "kill" or DEAD in lack]
                opening = [(now + part * 30, what) for part, what in anew]
                ends += 30.0
            while opening and now >= opening[0][0]:
                disorder.open_with(opening.pop(0)[1], seconds)
            for venue in SYMBOLS:
                if now >= due[venue]:
                    due[venue] = now + rng.expovariate(1 / every_s)
                    for order in orders(rng, venue, rng.choice(SYMBOLS[venue])):
                        disorder.order(venue, order)
            disorder.go_on(now)
            if next_kill <= now < kills_until:
                next_kill = now + rng.uniform(30, 120)
                if rng.random() < 0.5:
                    disorder.kill()
                else:
                    disorder.stop(rng.uniform(0.1, 3.0))
            if now >= next_look:
                next_look = now + 1.0
                _measure(r, memory, readers, now)
            _stall(rng, readers, stalled, now)
            time.sleep(0.05)
        disorder.go_on(now + HEAL_S)
        for pid in stalled:
            os.kill(pid, signal.SIGCONT)
        with halts.open("a") as file:
            file.write(json.dumps(["", "", time.time_ns(), 0, False]) + "\n")
        _heal(r, feeds, findings)
        findings.seconds = time.monotonic() - began
        readers.finish(findings)
        findings.memory |= memory.grown()
        findings.counters = {
            venue: venue_status(r.namespace, venue)["counters"] for venue in SYMBOLS
        }
        findings.log = by_kind(log)
        if kept := os.environ.get("SOAK_LOG"):
            shutil.copy(log, kept)
    _judge(findings)
    return findings


def _measure(r: Rig, memory: Watch, readers: _Readers, now: float) -> None:
    for venue, pid in io_processes(r.namespace, SYMBOLS).items():
        memory.look(f"IO process of {venue}", pid, now)
    for name, process in readers.processes:
        memory.look(name, process.pid, now)
    memory.look("/dev/shm", 0, now, lambda _: shared_kb(r.namespace))


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
                assert_true_book(r.sims[venue], feed, symbol, WINDOWS.get(venue, DEPTH))
        except (AssertionError, shm.ShmError) as error:
            status = venue_status(r.namespace, venue)
            findings.problems.append(f"{venue}: {error}; {status['state']}: {status['detail']}")


def _judge(findings: Findings) -> None:
    for name, it in findings.memory.items():
        if it.last > max(it.first * FLAT, it.first + FLAT_KB):
            findings.problems.append(f"memory of {name} grew from {it.first} to {it.last} kB")
    for key in ("unknown", "wrong"):
        if count := sum(each[key] for each in findings.verdicts.values()):
            findings.problems.append(f"{count} of what was checked is {key}")
    for kind, what in MUST_SEE:
        if not findings.seen.get(kind, Counter())[what]:
            findings.problems.append(f"no {kind} reader has seen: {what}")
    lines = sum(findings.log.values())
    if lines > LINES * (1 + min(findings.seconds / 1800, 1.0)) / 2:
        findings.problems.append(f"{lines} lines in the log in {findings.seconds:.0f} s")


@tool()
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
