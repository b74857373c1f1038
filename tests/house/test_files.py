"""How long files may be, and where the names of venues may stand.

A venue is known by what it declares. Code outside its rooms that names one knows it by more; what
is still so is listed here with the reason, and a line that is no longer needed fails.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST = 400
#: what is one thing however long: the contract and its face, a reader that is one file on purpose
LONGER = (
    "shm/include/feedhandler_shm.h",
    "shm/_native.pyi",
    "feedhandler/engine/_engine.pyi",
    "scripts/examples/reader.rs",
)
SOURCES = (".py", ".pyi", ".pyx", ".pxi", ".pxd", ".h", ".c", ".cpp", ".rs", ".sh")
VENUES = re.compile(r"deribit|okx|binance|bybit", re.IGNORECASE)
HOMES = ("feedhandler/venues/", "feedhandler/sim/venues/")
#: (file's name, why venues are named there): benchmarks and faults that exist for one venue only
NAMED = {
    "_floor.pyx": "the floor reads what each venue sends",
    "floor.h": "the same",
    "floor_frames.h": "the same",
    "receiver.c": "the same",
    "frames.py": "which recording is whose",
    "synthetic.py": "the same frames, made",
    "board_frames.py": "the same, of a whole board",
    "hop_cost.py": "what is measured is one venue's frame",
    "latency_plan.py": "what is played",
    "memory.py": "what is played",
    "peers.py": "what peers know of",
    "run_ccxt.py": "the peer's own names",
    "run_cryptofeed.py": "the same",
    "keep.py": "what peers know of",
    "keep_cryptofeed.py": "the peer's own names",
    "run_nautilus.py": "the same",
    "registry.py": "the registry of simulated venues",
    "expiries.py": "how one venue writes dates",
}


def sources(*folders: str) -> list[Path]:
    """The files of this house, by git."""
    told = subprocess.run(
        ["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if told.returncode:
        pytest.skip("this is no clone of a repository")
    return [Path(line) for line in told.stdout.splitlines() if line.endswith(SOURCES)]


def code(path: Path) -> str:
    """Without comments and documentation."""
    text = (ROOT / path).read_text()
    if path.suffix in (".h", ".c"):
        return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)
    if path.suffix in (".py", ".pyi"):
        return "\n".join(_words(text))
    return re.sub(r"#[^\n]*|\"\"\".*?\"\"\"", "", text, flags=re.DOTALL)


def _words(text: str) -> Iterator[str]:
    tree = ast.parse(text)
    told = {
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        documents = token.type == tokenize.STRING and token.start[0] in told
        if token.type != tokenize.COMMENT and not documents:
            yield token.string


def test_files_are_short() -> None:
    lengths = {path: len((ROOT / path).read_text().splitlines()) for path in sources()}
    long = {str(path): lines for path, lines in lengths.items() if lines > LONGEST}
    assert sorted(long) == sorted(LONGER)


def test_venues_are_named_at_home() -> None:
    """In `venues`, `sim/venues`, documents and tests."""
    found = {
        path
        for path in sources("cli", "feedhandler", "shm")
        if not str(path).startswith(HOMES) and VENUES.search(code(path))
    }
    assert {path.name for path in found} == set(NAMED), sorted(map(str, found))


def test_what_only_tells_of_a_venue_is_no_code() -> None:
    assert "okx" not in "\n".join(_words('"""Of okx."""\n# okx\ndef f():\n    """okx"""\n'))
    assert "okx" in "\n".join(_words('"""Of a venue."""\nx = "okx"\n'))
