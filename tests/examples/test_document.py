"""docs/strategy.md, docs/tutorial.md and README.md run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.examples.conftest import DEADLINE, EXAMPLES, Example, World, run_blocks

README = EXAMPLES.parents[1] / "README.md"
DOCUMENT = README.parent / "docs" / "strategy.md"
TUTORIAL = DOCUMENT.with_name("tutorial.md")


def test_every_block_runs(world: World) -> None:
    # Of README.md the first follows the feed for ever: test_the_readmes_strategy_until_ctrl_c.
    _, *blocks = (
        block
        for document in (README, DOCUMENT)
        for block in re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL)
    )
    assert len(blocks) >= 6
    assert "no order" not in run_blocks(world, blocks)


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
    with Example(world, "-c", strategy) as example:
        example.lines("^100 looks")
        example.interrupt()
    said = ("buy BTC-", "no order", "100 looks", "200 looks", "Ctrl-C")
    assert all(line.startswith(said) for line in example.text.splitlines()), example.text


def test_the_readmes_strategy_until_ctrl_c(world: World) -> None:
    """The block that follows the feed for ever."""
    strategy = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[0]
    with Example(world, "-c", strategy) as example:
        example.lines(r"^LEVEL (BID|ASK) [\d.]+ [\d.]+$", 3)
        example.lines(r"^TRADE (BUY|SELL) [\d.]+ [\d.]+$")
        example.interrupt()
    quote = example.text.splitlines()[0]
    assert re.fullmatch(r"[\d.]+ x [\d.]+ \| [\d.]+ x [\d.]+  LIVE", quote)
    # not as a line: the interrupt may have come between another one and its end
    assert example.text.endswith("Ctrl-C: the feed goes on without us\n")
