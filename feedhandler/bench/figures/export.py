"""Export benchmark: a recording into each format, by the command that a user gives.

A recorder keeps what a writer publishes of one instrument: a book, whole at first and then by
changes, trades, quotes, statistics. Then `feedhandler export` makes a file of all of it, one format
after the other, each in a process of its own. There is no floor.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from feedhandler import python_child
from feedhandler.bench.figures.record import VENUE, recorder
from feedhandler.bench.kit import cores, leftovers
from feedhandler.bench.kit.policy import significant, spread
from feedhandler.bench.kit.result import Findings, Result
from feedhandler.bench.kit.stage import StageError
from feedhandler.status_file import recorders
from shm import Flag, Kind, Stat
from shm.registry import readers
from shm.segment import create

BENCH = "export"
RECORDS = 10_000_000
FILES = (
    *("incremental_book_L2.csv", "incremental_book_L2.csv.gz", "incremental_book_L2.csv.zst"),
    *("trades.csv.gz", "quotes.csv.gz", "book_snapshot_25.csv.gz", "derivative_ticker.csv.gz"),
    *("all.csv", "all.parquet", "all.arrow", "btc.npz"),
)
_UNITS = {"time": "s", "CPU": "s", "memory": "MiB", "size": "MiB", "rows": "rows"}
_SLOTS = 1 << 20
_AT_ONCE = 100  #: messages, before they are published
_EVERY_NS = 100_000  #: between two messages, by the clock of the market that is made
_SIDE = 400  #: levels of the whole book, a side
_MIDDLE = 1_000_000
_END_S = 60.0

Records = list[tuple[int, ...]]


class _Message(NamedTuple):
    records: Records
    flags: int
    late_ns: int = 2_000_000  #: from when it was so to its reception


def _market(seed: int = 7, count: int = 30_000) -> list[_Message]:
    """To be written again and again: the whole book, then what changes it, 1 to 23 levels each."""
    rng = np.random.default_rng(seed)
    book: Records = [(Kind.CLEAR, 0, 0, 0)]
    for side in (0, 1):
        book += [
            (Kind.LEVEL, side, _MIDDLE + (away if side else -away), int(rng.integers(1, 10**7)))
            for away in range(1, _SIDE)
        ]
    found = [_Message(book, Flag.SNAPSHOT)]
    for number in range(1, count):
        late = 2_000_000
        if number % 12 == 0:
            price, late = _MIDDLE + int(rng.integers(-3, 4)), 3_500_000
            its: Records = [(Kind.TRADE, number & 1, price, int(rng.integers(1, 10**6)))]
        elif number % 50 == 1:
            its = [(Kind.QUOTE, side, _MIDDLE + 2 * side - 1, number) for side in (0, 1)]
        elif number % 50 == 2:
            its = [(Kind.STAT, 0, 100 * _MIDDLE + number, -4, Stat.MARK)]
        else:
            its = []
            for _ in range(int(rng.integers(1, 24))):
                side, away = int(rng.integers(2)), int(rng.integers(1, _SIDE))
                size = 0 if rng.random() < 0.3 else int(rng.integers(1, 10**7))
                its.append((Kind.LEVEL, side, _MIDDLE + (away if side else -away), size))
        found.append(_Message(its, 0, late))
    return found


def record(to: Path, records: int) -> int:
    """Keep at least so many records of that market in a directory; how many it were."""
    market, namespace = _market(), leftovers.memory(f"bench-export-{os.getpid()}")
    with create(VENUE, namespace=namespace, instruments=1, ring_slots=_SLOTS) as held:
        writer = held.writer
        row = writer.directory_add(
            {
                "symbol": "BTC-PERPETUAL",
                "name": "BTC-USD-PERP",
                "kind": 2,
                "has_book": 1,
                "price_exponents": [-1] * 8,
                "size_exponents": [-4] * 8,
            }
        )
        with recorder(namespace, to, cores.choose().writer):
            sent, now = 0, time.time_ns()
            while int(writer.published) < records:
                for number in range(sent, sent + _AT_ONCE):
                    message = market[number % len(market)]
                    now += _EVERY_NS
                    writer.message(
                        row,
                        message.records,
                        flags=message.flags,
                        exchange_ns=(now - message.late_ns) // 1_000_000 * 1_000_000,
                        receive_ns=now,
                        venue_sequence=number + 1,
                    )
                sent += _AT_ONCE
                writer.publish()
                writer.wake()
                while int(writer.published) - _cursor(namespace) > _SLOTS // 2:
                    time.sleep(0.01)
            published, until = int(writer.published), time.monotonic() + _END_S
            while _cursor(namespace) <= published:
                if time.monotonic() > until:
                    raise StageError("the recorder does not come to the end")
                time.sleep(0.05)
            if recorders(namespace)[0]["venues"][0]["lost"]:
                raise StageError("the recorder lost records")
    return published


def _cursor(namespace: str) -> int:
    return int(readers(VENUE, namespace=namespace)[0]["cursor"])


def exported(recording: Path, out: Path) -> dict[str, float]:
    """Figures of one file, which is not kept."""
    command = python_child.command(
        "feedhandler", "export", str(recording), "-o", str(out), "--json"
    )
    began = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, env=python_child.environment())
    assert child.stdout is not None
    said = child.stdout.read()
    child.stdout.close()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise StageError(f"feedhandler export -o {out.name} ended with {child.returncode}")
    took = time.monotonic() - began
    done: dict[str, Any] = json.loads(said)
    out.unlink()
    return {
        "time": took,
        "CPU": used.ru_utime + used.ru_stime,
        "memory": used.ru_maxrss / 1024,
        "size": done["bytes"] / (1 << 20),
        "rows": done["rows"],
    }


def run(
    findings: Findings,
    *,
    records: int = RECORDS,
    files: Sequence[str] = FILES,
    repetitions: int = 1,
    to: Path | None = None,
) -> None:
    """`to`: where the recording and the files are, on the disk that is meant."""
    with leftovers.temporary(to) as folder:
        recording = Path(folder) / "recording"
        recording.mkdir()
        findings.progress(f"a recording of {records:,} records")
        count = record(recording, records)
        findings.note(f"the recording has {count:,} records of one instrument")
        for name in files:
            findings.progress(name)
            taken = [exported(recording, Path(folder) / name) for _ in range(repetitions)]
            for metric, unit in _UNITS.items():
                values = [each[metric] for each in taken]
                findings.results.append(
                    Result(
                        BENCH,
                        name,
                        metric,
                        unit,
                        significant(float(np.median(values))),
                        significant(spread(values)),
                    )
                )
    findings.wide.add(BENCH)
