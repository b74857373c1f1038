"""docs/research.md runs as it stands, block by block, on a recording of a simulated feed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from feedhandler.bench.peers.homes import NoPeer
from tests.examples.conftest import EXAMPLES, World
from tests.readers import home

DOCUMENT = EXAMPLES.parents[1] / "docs" / "research.md"
NOTEBOOK = EXAMPLES / "research.ipynb"
BLOCKS: list[tuple[str, str]] = re.findall(
    r"```(sh|python)\n(.*?)```", DOCUMENT.read_text(), re.DOTALL
)
#: that a block may import besides ours
LIBRARIES = ("duckdb", "polars", "matplotlib", "hftbacktest", "numpy")
DEADLINE = 120.0


def needed(block: str) -> list[str]:
    return [name for name in LIBRARIES if re.search(rf"^(import|from) {name}\b", block, re.M)]


def interpreter(block: str) -> str:
    """One that has what the block imports: this one, or that of the readers."""
    names = needed(block)
    try:
        others = [str(home.python())]
    except NoPeer:
        others = []
    for python in (sys.executable, *([] if "shm" in block else others)):
        look = f"import importlib.util as i; assert all(map(i.find_spec, {names!r}))"
        probe = subprocess.run(
            [python, "-c", look],
            capture_output=True,
            timeout=DEADLINE,
            check=False,
        )
        if probe.returncode == 0:
            return python
    pytest.skip(f"{', '.join(names)}: not there together; python -m tests.readers --install")


@pytest.fixture(scope="module")
def folder(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the session is; its shell blocks have run in it, but for what installs and what starts
    a feed: there is one. The recording is shorter than the page's."""
    folder = tmp_path_factory.mktemp("research")
    ran = 0
    for language, block in BLOCKS:
        if language != "sh" or block.startswith(("pip ", "feedhandler start")):
            continue
        block = block.replace("--seconds 10", "--seconds 3")
        script = f'set -e\nfeedhandler() {{ {sys.executable} -m feedhandler "$@"; }}\n{block}'
        done = subprocess.run(
            ["sh", "-c", script],
            cwd=folder,
            env=os.environ | {"FEEDHANDLER_NAMESPACE": world.namespace},
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == 0, (block, done.stdout, done.stderr)
        ran += 1
    assert ran == 3
    return folder


@pytest.mark.parametrize(
    "number", [n for n, (language, _) in enumerate(BLOCKS) if language == "python"]
)
def test_each_block_runs(number: int, request: pytest.FixtureRequest, world: World) -> None:
    block = BLOCKS[number][1]
    python = interpreter(block)
    folder: Path = request.getfixturevalue("folder")  # only where there is what to run in it
    done = subprocess.run(
        [python, "-c", block],
        cwd=folder,
        env=os.environ
        # hftbacktest is compiled when it runs, which takes longer than the run: not optimised
        | {"FEEDHANDLER_NAMESPACE": world.namespace, "MPLBACKEND": "Agg", "NUMBA_OPT": "0"},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for name in re.findall(r'savefig\("(.*?)"\)', block):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")


def test_the_notebook_is_the_page() -> None:
    """Each block is a cell, in the same order."""
    notebook = json.loads(NOTEBOOK.read_text())
    assert notebook["nbformat"] == 4
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert cells == [cell_of(language, block) for language, block in BLOCKS]


def cell_of(language: str, block: str) -> str:
    """A block as a notebook has it: a shell's as its magic, but for what must go on beside it."""
    text = block.removesuffix("\n")
    if language == "python":
        return text
    if text.startswith("feedhandler start"):
        return f"# in a terminal of its own: {text}"
    return f"%%sh\n{text}"
