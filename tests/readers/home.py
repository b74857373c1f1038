"""The environment of the readers, and one run of a program in it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from feedhandler.bench.peers.homes import NoPeer, default_folder, interpreter

READERS: Final = (
    "hftbacktest==2.4.4",
    "nautilus_trader==1.221.0",
    "polars==2.1.0",
    "duckdb==2.0.1",
    "pandas==2.3.3",
    "pyarrow==26.0.1",
)
_PROGRAMS = Path(__file__).parent / "programs"
_RUN_S = 300.0


def python(*, install: bool = False) -> Path:
    """The interpreter. Raises NoPeer."""
    return interpreter(
        default_folder() / "export-readers", READERS[0], *READERS[1:], least=11, install=install
    )


def read(program: str, *words: Path | str) -> Any:
    """What a program says of these files, as JSON; the test is skipped where it is not there."""
    try:
        there = python()
    except NoPeer:
        pytest.skip("readers of exports are not there: python -m tests.readers --install")
    done = subprocess.run(
        [str(there), str(_PROGRAMS / program), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=_RUN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])
