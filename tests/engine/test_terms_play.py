"""Terms that change while a market trades: no reader ever sees two halves of different ones."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.engine.terms_play import DEADLINE_S, bits, play

ROOT = Path(__file__).parents[2]
READERS = ("quotes", "books", "boards", "events")
CHANGES = 6000


def started(what: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.engine.terms_play", what, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", process.communicate()[1]


@pytest.mark.parametrize("seed", [1, 2])
def test_every_reader_sees_whole_terms_and_each_change_once(namespace: str, seed: int) -> None:
    arguments = namespace, str(seed), str(CHANGES)
    writer = started("writer", *arguments)
    readers: dict[str, subprocess.Popen[str]] = {}
    try:
        ready(writer)
        readers = {what: started(what, *arguments) for what in READERS}
        for reader in readers.values():
            ready(reader)
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
        seen = {}
        for what, reader in readers.items():
            out, err = reader.communicate(timeout=2 * DEADLINE_S)
            assert reader.returncode == 0, f"{what}: {err[-2000:]}"
            seen[what] = json.loads(out)
        assert seen["events"] == CHANGES - 1
        assert min(seen.values()) > 5, seen
    finally:
        for process in (writer, *readers.values()):
            process.kill()
            process.communicate()


def test_the_play_changes_every_field_and_never_nothing() -> None:
    terms = play(1, 300)
    changes = {bits(old, new) for old, new in pairwise(terms)}
    assert 0 not in changes
    assert sum({bit for change in changes for bit in change}) == 63
    assert len(changes) > 30
