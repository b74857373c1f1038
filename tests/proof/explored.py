"""Compiles and runs the explorer (`explored.c`) on the header, or on one with a mistake in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.kit.natives import compiler, place, run
from tests.proof.header import HEADER

HERE = Path(__file__).parent
_OPTIONS = ("-O1", "-std=gnu11", "-U_FORTIFY_SOURCE", "-Wall", "-Wextra", "-Wno-unused-function")
TIMEOUT = 600.0


class Explored(NamedTuple):
    """What came of a scenario. `cut`: runs that were ended since a reader read too much."""

    runs: int
    states: int
    cut: int
    verdict: str


def program(edits: Mapping[str, str] | None = None) -> Path:
    """The explorer, compiled. `edits`: texts of the header, each there once, and others."""
    header = HEADER.read_text()
    for old, new in (edits or {}).items():
        assert header.count(old) == 1, f"{header.count(old)} times in the header: {old}"
        header = header.replace(old, new)
    words, source, *others = (
        HERE / name
        for name in ("explored_words.h", "explored.c", "explorer.h", "explorer_search.h")
    )
    command = [*compiler().split(), *_OPTIONS, f'-DFH_KILL_POINTS="{words}"']
    folder = place("explored", header, words, source, others, *command)
    target = folder / "explored"
    if not target.exists():
        (folder / HEADER.name).write_text(header)
        run(*command, f"-I{folder}", "-o", str(target), str(source))
    return target


def explore(explorer: Path, scenario: str, preemptions: int | None = None) -> Explored:
    """Every execution. `preemptions`: at most so many times a thread is held up for another."""
    bound = [] if preemptions is None else [str(preemptions)]
    words = run(str(explorer), scenario, *bound, timeout=TIMEOUT).split(maxsplit=3)
    runs, states, cut = map(int, words[:3])
    return Explored(runs, states, cut, words[3].strip())
