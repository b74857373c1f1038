"""The C receiver as a process: the floor of `wire` and `latency`."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select

from feedhandler.bench.kit.frames import Case
from feedhandler.bench.kit.scenario import Scenario
from feedhandler.bench.kit.server import Server
from feedhandler.bench.kit.stage import DEADLINE_S, StageError, end
from feedhandler.bench.native import programs
from feedhandler.bench.native.programs import NoProgram


def no_floor(case: Case, *, tls: bool = False) -> str:
    """Why the C receiver cannot read it; empty: it can."""
    if not case.floor:
        return "a floor is spelled by hand, and a venue that is declared has none"
    try:
        programs.build("receiver", tls=tls)
    except NoProgram as error:
        return str(error)
    return ""


@contextmanager
def floor_process(
    program: Path,
    server: Server,
    scenario: Scenario,
    cpu: int,
    *,
    count: int | None = None,
    spin: bool = False,
    times: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """The C receiver on a core, for `count` frames after those that warm; None: for all."""
    snapshots = programs.scratch("snapshots")
    pairs = scenario.case.snapshots.items()
    snapshots.write_bytes(b"".join(s.encode() + b"\n" + b + b"\n" for s, b in pairs))
    frames = len(scenario.measured) if count is None else count
    command = [
        *("taskset", "-c", str(cpu), program, str(server.port), scenario.case.venue),
        *(str(scenario.warm), str(frames), "spin" if spin else "block", snapshots, times or "-"),
    ]
    child = subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield child
    finally:
        end(child)


def line(child: subprocess.Popen[bytes], deadline_s: float = DEADLINE_S, what: str = "") -> str:
    """The next line of a child, which was started with `bufsize=0`. Raises StageError for none in
    time; `what`: was expected."""
    assert child.stdout is not None
    if not select([child.stdout], [], [], deadline_s)[0]:
        raise StageError(f"not within {deadline_s:g} s: {what or 'a line'} from {child.args!r}")
    return child.stdout.readline().decode().strip()


def expect(child: subprocess.Popen[bytes], word: str, deadline_s: float = DEADLINE_S) -> bool:
    """The next word of a child. Raises StageError for another one, or none in time."""
    said = line(child, deadline_s, repr(word))
    if said != word:
        raise StageError(f"{said!r} where {word!r} was due, from {child.args!r}")
    return True
