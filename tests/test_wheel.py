"""A wheel for this interpreter: built from what is handed out, and run outside the clone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.soak
def test_a_wheel_is_built_and_runs_in_a_clean_environment(tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "wheels", "--out", tmp_path, sys.executable],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert "manylinux" in wheel.name
    assert wheel.name in done.stdout
    assert str(ROOT) not in done.stdout.replace(str(tmp_path), "")
    assert "stopped in order, nothing left behind: True" in done.stdout


def test_an_old_python_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "wheels", "--out", tmp_path, "/nowhere/python3.9"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "/nowhere/python3.9 is not a Python 3.11 or newer that runs" in done.stderr
