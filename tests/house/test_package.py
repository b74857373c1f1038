"""What an installed feedhandler is called: its two packages, its command, and a foreign `shm`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import feedhandler.shm
import shm
from setup import PACKAGES

ROOT = Path(__file__).parents[2]


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=cwd)


def test_nothing_else_of_ours_lies_beside_other_packages() -> None:
    """`cli` is too common a name: another package may have it. It is `feedhandler.cli`."""
    assert set(PACKAGES) == {"feedhandler", "shm"}
    assert (ROOT / "feedhandler" / "cli").resolve() == ROOT / "cli"
    bare = re.compile(r"^\s*(?:from|import) cli\b", re.MULTILINE)
    rooms = (ROOT / room for room in ("cli", "feedhandler", "shm", "tests", "scripts"))
    wrong = [path for room in rooms for path in room.rglob("*.py") if bare.search(path.read_text())]
    assert wrong == []


def test_the_memory_has_two_names_and_is_one_module() -> None:
    assert feedhandler.shm is shm
    done = run("-c", "from feedhandler import shm; import shm as same; print(shm is same)")
    assert done.stdout == "True\n", done.stderr


def test_the_command_runs_as_a_module() -> None:
    done = run("-m", "feedhandler", "--version")
    assert done.returncode == 0
    assert done.stdout.startswith("feedhandler")


def test_a_foreign_shm_is_named(tmp_path: Path) -> None:
    (tmp_path / "shm.py").write_text("x = 1\n")
    (tmp_path / "mine.py").write_text(
        f"import sys; sys.path.append({str(ROOT)!r})\nimport feedhandler\n"
    )
    done = run("mine.py", cwd=tmp_path)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert f"ImportError: `import shm` finds {tmp_path / 'shm.py'}" in last
    assert "rename that file" in last
