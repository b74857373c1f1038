"""`scripts/venv.sh`: an interrupted first run leaves nothing that the next one trips over."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def bash(clone: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"set -euo pipefail; source scripts/venv.sh; {script}"],
        cwd=clone, env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable}, text=True,
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "venv.sh", tmp_path / "scripts")
    return tmp_path


def test_a_venv_that_was_interrupted_before_it_had_pip_is_made_anew(clone: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", clone / ".venv"], check=True)
    done = bash(clone, 'make_venv; "$venv/bin/python" -m pip --version; make_venv')
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pip ")
    assert done.stderr.count("making .venv") == 1


def test_what_pip_is_at_is_shown_and_what_it_said_is_kept(clone: Path) -> None:
    pip = clone / ".venv" / "bin" / "python"
    pip.parent.mkdir(parents=True)
    pip.write_text(
        '#!/bin/bash\necho "Collecting numpy>=2"\n'
        'echo "native module 3 of 13: shm._native" >>"$FEEDHANDLER_PROGRESS"\nsleep 1.5\nexit 7\n'
    )
    pip.chmod(0o755)
    done = bash(clone, 'pip_install "$root/log" --editable . || echo "status $?"')
    assert done.stdout == "status 7\n", done.stderr
    lines = [line.strip() for line in done.stderr.splitlines()]
    assert sorted(lines) == ["building native module 3 of 13: shm._native", "fetching numpy>=2"]
    assert (clone / "log").read_text() == "Collecting numpy>=2\n"
