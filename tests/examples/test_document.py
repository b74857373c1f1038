"""docs/strategy.md, docs/tutorial.md and README.md run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.examples.conftest import DEADLINE, EXAMPLES, World

README = EXAMPLES.parents[1] / "README.md"
DOCUMENT = README.parent / "docs" / "strategy.md"
TUTORIAL = DOCUMENT.with_name("tutorial.md")


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


def test_the_tutorial(world: World) -> None:
    """Its blocks, and the strategy until it has looked at its options a hundred times."""
    blocks = re.findall(r"```python\n(.*?)```", TUTORIAL.read_text(), re.DOTALL)
    *looks, strategy = blocks
    environment = os.environ | {"FEEDHANDLER_NAMESPACE": world.namespace}
    whole = "\n".join(f"exec({block!r}, {{}})" for block in looks)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", whole],
        env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "all of one instant: True" in done.stdout
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", strategy],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        for line in process.stdout:
            assert line.startswith(("buy BTC-", "no order", "100 looks"))
            if line.startswith("100 looks"):
                break
        else:
            raise AssertionError(process.stderr and process.stderr.read())
    finally:
        process.kill()
        process.communicate()
