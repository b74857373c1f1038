"""docs/cookbook.md and docs/glossary.md run as they stand, each block by itself; docs/recording.md,
one block after the other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.support import run
from tests.examples.conftest import DEADLINE, EXAMPLES, World, run_blocks

DOCS = EXAMPLES.parents[1] / "docs"


@pytest.mark.parametrize(("page", "least"), [("cookbook", 16), ("glossary", 2)])
def test_every_block_runs(world: World, page: str, least: int) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / f"{page}.md").read_text(), re.DOTALL)
    assert len(blocks) >= least
    assert not [block for block in blocks if "import shm\n" not in block]  # a program, to be copied
    run_blocks(world, blocks, __name__="__main__")


def test_every_title_is_in_the_list_of_its_page() -> None:
    for page in ("cookbook", "glossary"):
        head, *rest = (DOCS / f"{page}.md").read_text().split("\n## ")
        assert re.findall(r"^- \[(.*)\]", head, re.MULTILINE) == [
            part.partition("\n")[0] for part in rest
        ]


def test_how_a_recording_is_read(world: World, tmp_path: Path) -> None:
    """The blocks of docs/recording.md, one after the other, on what a recorder has kept."""
    pytest.importorskip("pyarrow")
    done = run(
        "record", "--to", str(tmp_path / "feed"), "--seconds", "3", "--venue", "deribit",
        namespace=world.namespace,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "recording.md").read_text(), re.DOTALL)
    assert len(blocks) >= 2
    program = "\n".join(blocks).replace('"/data/feed"', repr(str(tmp_path / "feed")))
    program = program.replace("1_796_000_000_000_000_000", "0")  # whenever it was kept
    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True, text=True, timeout=DEADLINE, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert said.stdout.count("[") >= 1  # a book's best level


def test_the_simulator_from_python(tmp_path: Path) -> None:
    """The block of docs/simulator.md, with the script of that page."""
    text = (DOCS / "simulator.md").read_text()
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (script,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "chaos.toml").write_text(script)
    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=tmp_path,
        capture_output=True, text=True, timeout=DEADLINE, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert re.fullmatch(r"ws://\S+ http://\S+ http://\S+/sim\n", said.stdout)
