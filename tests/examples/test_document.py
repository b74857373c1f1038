"""docs/strategy.md and README.md run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.examples.conftest import DEADLINE, EXAMPLES, World

README = EXAMPLES.parents[1] / "README.md"
DOCUMENT = README.parent / "docs" / "strategy.md"


def test_every_block_runs(world: World) -> None:
    # Of README.md the first follows the feed for ever; it has a test of its own.
    _, *blocks = (
        block
        for document in (README, DOCUMENT)
        for block in re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL)
    )
    assert len(blocks) >= 6
    whole = "\n".join(
        f"exec({block!r}, {{}})\nprint('done', {n})" for n, block in enumerate(blocks)
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
    assert "no order" not in done.stdout


def test_every_example_is_told() -> None:
    text = DOCUMENT.read_text()
    for path in EXAMPLES.iterdir():
        if path.is_file():
            assert f"`{path.name}`" in text, path.name
