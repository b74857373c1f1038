"""Keep benchmark: frames onto disk, beside what users do otherwise.

The same book frames of a venue become rows of levels in a file: with us by decoder, books, shared
memory and export; with cryptofeed by its handler and a callback that writes. Neither has a socket.
Both run in turns, and CPU time, of all threads, is divided by the frames. Of nautilus_trader only
the last step is measured, its catalog that writes deltas which it has loaded already: its decoders
are within its client. The floor of each figure is ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

import shm
from feedhandler import venues
from feedhandler.adapter.engine import make_engine
from feedhandler.bench.kit import leftovers, policy
from feedhandler.bench.kit.feeding import add_known, begin
from feedhandler.bench.kit.frames import Case
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.kit.synthetic import synthetic
from feedhandler.bench.peers.homes import NoPeer, default_folder, interpreter
from feedhandler.export.of_live import terms_of
from feedhandler.export.run import Job, export
from feedhandler.export.source import Asked, Batch, Hole, SourceError, Terms
from shm import segment

BENCH = "keep"
FRAMES = 50_000
TABLE = "incremental_book_L2"
CRYPTOFEED, NAUTILUS = "cryptofeed==3.0.1", "nautilus_trader==1.231.0"
_PROGRAMS = Path(__file__).parent / "programs"
_SLOTS = 1 << 18
_AT_ONCE = 256  # frames
_RUN_S = 600.0


@dataclass
class FramesSource:
    """Frames, fed to an engine without a socket, as a source of an export."""

    case: Case
    holes: list[Hole] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.venue = self.case.venue
        self._terms: list[Terms] = []

    def end_ns(self) -> int:
        """Frames have no end in time."""
        raise SourceError("frames have no times")

    def terms(self, epoch: int, row: int) -> Terms:  # noqa: ARG002
        """Of the one epoch that there is."""
        return self._terms[row]

    def batches(self, asked: Asked) -> Iterator[Batch]:
        """The records of all frames."""
        namespace = leftovers.memory(f"keep-{os.getpid()}")
        with segment.create(
            self.venue, namespace=namespace, ring_slots=_SLOTS, connections=1
        ) as held:
            engine = make_engine(venues.load(self.venue), held.writer, auto_add=True)
            add_known(engine, self.case)
            begin(engine, self.case)
            feed, frames = engine.connection(0).feed_all, self.case.frames
            its = shm.attach(self.venue, namespace=namespace, timeout=0)
            with its.events(kinds=asked.kinds, start="oldest", raw=True, reattach=False) as events:
                for first in range(0, len(frames), _AT_ONCE):
                    feed(frames[first : first + _AT_ONCE])
                    held.writer.heartbeat()
                    if events.lag > _SLOTS // 4:
                        yield self._batch(events)
                yield self._batch(events)

    def _batch(self, events: shm.Events) -> Batch:
        parts = []
        while (rows := events.poll()) is not None:
            parts.append(rows)
        whole = events.segment
        assert whole is not None  # its writer is this process
        self._terms = [terms_of(whole.instrument(row)) for row in range(whole.instruments)]
        return Batch(np.concatenate(parts), whole.epoch)


def ours(case: Case, out: Path) -> tuple[float, int]:
    """(CPU seconds, rows) of all frames into that file."""
    out.unlink(missing_ok=True)
    began = time.process_time()
    done = export(FramesSource(case), Job(out, out.suffix[1:], TABLE))
    return time.process_time() - began, done.rows


def theirs(python: Path, program: str, *words: Path | str) -> tuple[float, int]:
    """The same, as a program of a peer's says it. Raises RuntimeError with its last words."""
    done = subprocess.run(
        [str(python), str(_PROGRAMS / program), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=_RUN_S,
        check=False,
    )
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()
        raise RuntimeError(f"{program}: {last[-1] if last else 'it said nothing'}")
    said = json.loads(done.stdout.splitlines()[-1])
    return float(said["cpu_s"]), int(said["rows"])


def capture_of(case: Case, path: Path) -> Path:
    """The frames as a capture, for programs of others."""
    with path.open("w") as out:
        for number, frame in enumerate(case.frames):
            line = {"t": 1_796_000_000_000_000_000 + number * 1_000_000, "data": frame.decode()}
            out.write(json.dumps(line) + "\n")
    return path


def run(
    findings: Findings,
    *,
    chosen_venues: Sequence[str] = (),
    environments: Path | None = None,
    install: bool = False,
    repetitions: int = 3,
    frames: int = FRAMES,
    pythons: Mapping[str, Path] | None = None,
) -> None:
    """Each venue, each kind of file, in turns with each peer that is there."""
    there = pythons if pythons is not None else _pythons(findings, environments, install)
    with leftovers.temporary() as made:
        for venue in chosen_venues or ("okx", "bybit-linear", "bybit-spot"):
            case = synthetic(venue, count=frames, live=True)
            for kind in ("csv", "parquet"):
                findings.progress(f"keep: {venue}, {kind}")
                _measure(findings, case, kind, Path(made), there, repetitions)


def _pythons(findings: Findings, environments: Path | None, install: bool) -> dict[str, Path]:
    found = {}
    for requirement, beside, least in ((CRYPTOFEED, ("pyarrow",), 13), (NAUTILUS, (), 12)):
        home = (environments or default_folder()) / f"{requirement}-keep"
        try:
            found[requirement] = interpreter(
                home, requirement, *beside, least=least, install=install
            )
        except NoPeer as error:
            findings.note(f"keep without {requirement}: {error}")
    return found


def _measure(
    findings: Findings,
    case: Case,
    kind: str,
    folder: Path,
    pythons: Mapping[str, Path],
    repetitions: int,
) -> None:
    out = folder / f"ours.{TABLE}.{kind}"
    capture = capture_of(case, folder / "frames.ndjson")
    sides: dict[str, Callable[[], tuple[float, int]]] = {"ours": partial(ours, case, out)}
    if CRYPTOFEED in pythons:
        sides[CRYPTOFEED] = partial(
            theirs, pythons[CRYPTOFEED], "keep_cryptofeed.py", capture, case.venue,
            folder / f"cryptofeed.{kind}",
        )  # fmt: skip
    if NAUTILUS in pythons and kind == "parquet":
        deltas = folder / "deltas.csv"
        ours_csv = export(FramesSource(case), Job(deltas, "csv", TABLE))
        assert ours_csv.rows
        sides[NAUTILUS] = partial(_nautilus, pythons[NAUTILUS], deltas, folder)
    try:
        taken = policy.in_turns(sides, repetitions)
    except RuntimeError as error:
        findings.note(f"keep on {case.name}: {error}")
        return
    count = len(case.frames)
    least = [1e6 * cpu / count for cpu, _ in taken.pop("ours")]
    name = f"{case.name} {kind}"
    findings.results.append(
        policy.summary(BENCH, name, "CPU a frame", "us", [(one, None) for one in least])
    )
    for peer, told in taken.items():
        pairs = [(1e6 * cpu / count, floor) for (cpu, _), floor in zip(told, least, strict=True)]
        case_name = f"{name} {peer}"
        findings.results.append(policy.summary(BENCH, case_name, "CPU a frame", "us", pairs))
    for path in folder.iterdir():
        if path.is_file():
            path.unlink()


def _nautilus(python: Path, deltas: Path, folder: Path) -> tuple[float, int]:
    with leftovers.temporary(folder) as catalog:
        return theirs(python, "keep_nautilus.py", deltas, catalog)
