"""docs/cookbook.md and docs/glossary.md run as they stand, each block by itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.examples.conftest import DEADLINE, EXAMPLES, World

DOCS = EXAMPLES.parents[1] / "docs"


@pytest.mark.parametrize(("page", "least"), [("cookbook", 16), ("glossary", 2)])
def test_every_block_runs(world: World, page: str, least: int) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / f"{page}.md").read_text(), re.DOTALL)
    assert len(blocks) >= least
    assert not [block for block in blocks if "import shm\n" not in block]  # a program, to be copied
    whole = "\n".join(
        f"exec({block!r}, {{'__name__': '__main__'}})\nprint('done', {n})"
        for n, block in enumerate(blocks)
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", whole],
        env=os.environ | {"FEEDHANDLER_NAMESPACE": world.namespace},
        capture_output=True, text=True, timeout=DEADLINE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("done")] == [
        f"done {n}" for n in range(len(blocks))
    ]


def test_every_title_is_in_the_list_of_its_page() -> None:
    for page in ("cookbook", "glossary"):
        head, *rest = (DOCS / f"{page}.md").read_text().split("\n## ")
        assert re.findall(r"^- \[(.*)\]", head, re.MULTILINE) == [
            part.partition("\n")[0] for part in rest
        ]
