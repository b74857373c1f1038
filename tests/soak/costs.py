"""What each venue's process takes, on simulated venues: memory, CPU, frames.

    python -m tests.soak.costs --write          (`scripts/dev costs --write`)
    python -m tests.soak.costs --run 50:30 --run 1000:3 --seconds 20 --venue okx

`--run RATE:TOGETHER`: simulated book updates a second and venue, and how many venues run at once:
simulators take several times what the feed does. `--write` puts the table into docs/venues.md.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedhandler import venues as registry
from feedhandler.bench.kit import leftovers
from feedhandler.supervisor.control_socket import request
from feedhandler.view.status import namespace_status
from tests.kit.rig import end, until
from tests.kit.tool import tool

PAGE = Path(__file__).parents[2] / "docs" / "venues.md"
RUNS = ((50.0, 30), (1000.0, 3))
SECONDS = 20.0
START_S = 180.0  #: thirty processes and their simulators, on two cores that others want too

_MARKED = re.compile(r"(<!-- measured: costs -->\n).*?(<!-- end -->)", re.DOTALL)
_MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident, in bytes. `files`: of programs and libraries, which all processes share."""

    own: int
    shared: int
    files: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process for a while. `cpu`: of one core; `frames`: a second."""

    instruments: int
    connections: int
    cpu: float
    frames: float
    restarts: int
    memory: Memory


@dataclass(frozen=True, slots=True)
class Measured:
    """`live_s`: from the command to all LIVE."""

    live_s: float
    supervisor: Cost
    venues: dict[str, Cost]


@contextmanager
def started(venues: Sequence[str], rate: float) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`feedhandler start --sim` with these venues, in a namespace of its own."""
    namespace = leftovers.memory(f"t{uuid.uuid4().hex[:12]}")
    chosen = [word for venue in venues for word in ("--venue", venue)]
    command = ["start", "--sim", "--sim-rate", f"{rate:g}", "--namespace", namespace, *chosen]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "feedhandler", *command],
            env=os.environ | {"FEEDHANDLER_STATE": folder, "FEEDHANDLER_LOG": "WARNING"},
            process_group=0,
        )
        try:
            yield namespace, process
        finally:
            end(process)


def live(namespace: str, venues: Sequence[str]) -> list[dict[str, Any]]:
    """The status of each, once all are LIVE."""

    def found() -> list[dict[str, Any]] | None:
        told = namespace_status(namespace)["venues"]
        fine = [one for one in told if one["state"] == "LIVE" and one["live"]]
        time.sleep(0.2)
        return told if len(fine) == len(venues) else None

    return until(found, f"{len(venues)} venues are LIVE", START_S)


def measured(venues: Sequence[str], rate: float, seconds: float) -> Measured:
    began = time.monotonic()
    with started(venues, rate) as (namespace, supervisor):
        pids = {one["venue"]: int(one["pid"]) for one in live(namespace, venues)}
        pids = {venue: pids[venue] for venue in venues}
        live_s = time.monotonic() - began
        time.sleep(2.0)  # what a start leaves to do
        before, at = _looked(namespace, pids, supervisor.pid), time.monotonic()
        time.sleep(seconds)
        after, lasted = _looked(namespace, pids, supervisor.pid), time.monotonic() - at
        live(namespace, venues)
        now = {one["venue"]: one for one in request(namespace, {"do": "status"}, 10.0)["venues"]}
        costs = {
            name: Cost(
                now[name]["instruments"] if name in now else 0,
                now[name]["connections"]["total"] if name in now else 0,
                (after[name][0] - before[name][0]) / lasted,
                (after[name][1] - before[name][1]) / lasted,
                now[name]["restarts"] if name in now else 0,
                memory(pids.get(name, supervisor.pid)),
            )
            for name in before
        }
    return Measured(live_s, costs.pop(""), costs)


def _looked(namespace: str, pids: dict[str, int], supervisor: int) -> dict[str, tuple[float, int]]:
    """(CPU in seconds, frames) by venue; "" is the supervisor."""
    frames = {one["venue"]: one["frames"] for one in namespace_status(namespace)["venues"]}
    found = {name: (cpu(pid), frames[name]) for name, pid in pids.items()}
    return found | {"": (cpu(supervisor), 0)}


def cpu(pid: int) -> float:
    """Seconds on a core since its start."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> Memory:
    rows = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    own, shared, files = (
        int(rows[name].split()[0]) * 1024 for name in ("RssAnon", "RssShmem", "RssFile")
    )
    return Memory(own, shared, files)


def told(runs: Sequence[tuple[float, int, list[Measured]]], command: str, seconds: float) -> str:
    """The table, and what it was measured with."""
    every = [{k: v for one in found for k, v in one.venues.items()} for _, _, found in runs]
    rates = [f"{rate:,.0f}/s" for rate, _, _ in runs]
    head = ["venue", "instruments", "connections", "own MB", "shared MB"]
    head += [f"{what} at {rate}" for rate in rates for what in ("frames/s", "% of a core")]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for name, cost in every[0].items():
        lines.append([f"`{name}`", *_cells(cost), *(c for run in every for c in _rate(run[name]))])
    lines.append(["all", *_sums(list(every[0].values())), *(c for run in every for c in _all(run))])
    said = [f"| {' | '.join(line)} |" for line in lines]
    text = textwrap.fill(" ".join(_text(runs, command, seconds)), 118, break_on_hyphens=False)
    return "\n".join([*said, "", text]) + "\n"


def _cells(cost: Cost) -> list[str]:
    sizes = [f"{size / _MB:.1f}" for size in (cost.memory.own, cost.memory.shared)]
    return [str(cost.instruments), str(cost.connections), *sizes]


def _rate(cost: Cost) -> list[str]:
    return [f"{cost.frames:,.0f}", f"{cost.cpu * 100:.1f}"]


def _sums(costs: list[Cost]) -> list[str]:
    sizes = (sum(c.memory.own for c in costs), sum(c.memory.shared for c in costs))
    counts = (sum(c.instruments for c in costs), sum(c.connections for c in costs))
    return [*map(str, counts), *(f"{size / _MB:.0f}" for size in sizes)]


def _all(run: dict[str, Cost]) -> list[str]:
    frames, share = (sum(c.frames for c in run.values()), sum(c.cpu for c in run.values()))
    return [f"{frames:,.0f}", f"{share * 100:.0f}"]


def _text(
    runs: Sequence[tuple[float, int, list[Measured]]], command: str, seconds: float
) -> Iterator[str]:
    python = sys.version.split()[0]
    yield f"`{command}`: {os.cpu_count()} cores, Python {python}, {seconds:g} s a run."
    files = max(c.memory.files for _, _, run in runs for one in run for c in one.venues.values())
    yield (
        f"Beside that, each process has up to {files / _MB:.0f} MB of program files, which all "
        "processes share."
    )
    for rate, _, found in runs:
        slowest = max(one.live_s for one in found)
        watching = max((one.supervisor for one in found), key=lambda one: one.cpu)
        restarts = sum(cost.restarts for one in found for cost in one.venues.values())
        yield (
            f"At {rate:,.0f} updates/s, venues at once: {len(found[0].venues)}. All were LIVE "
            f"{slowest:.0f} s after the command, processes that were started again: {restarts}. "
            f"The supervisor: {watching.cpu * 100:.1f} % of a core, "
            f"{watching.memory.own / _MB:.0f} MB."
        )


def written(page: str, text: str) -> str:
    return _MARKED.sub(lambda marked: marked[1] + text + marked[2], page)


@tool()
def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--run", action="append", metavar="RATE:TOGETHER", default=[])
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--venue", action="append", default=[])
    parser.add_argument("--write", action="store_true", help="the table into docs/venues.md")
    asked = parser.parse_args()
    chosen = asked.venue or registry.names()
    parsed = [(float(rate), int(n)) for rate, _, n in (one.partition(":") for one in asked.run)]
    runs = [
        (
            rate,
            n,
            [measured(chosen[at : at + n], rate, asked.seconds) for at in range(0, len(chosen), n)],
        )
        for rate, n in parsed or RUNS
    ]
    text = told(runs, " ".join(["scripts/dev costs", *sys.argv[1:]]), asked.seconds)
    print(text)
    if asked.write:
        PAGE.write_text(written(PAGE.read_text(), text))


if __name__ == "__main__":
    main()
