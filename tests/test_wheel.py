"""A wheel for this interpreter: built from what is handed out, and run outside the clone."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import setup
from tests.kit import natives

ROOT = Path(__file__).parents[1]


@pytest.mark.soak
def test_a_wheel_is_built_and_runs_in_a_clean_environment(tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "wheels", "--out", tmp_path, sys.executable],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("feedhandler-*.whl")
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


def test_nothing_ties_a_wheel_to_the_glibc_of_its_builder() -> None:
    """With the headers of glibc 2.38 these are functions that no older one has: manylinux_2_38."""
    if shutil.which("objdump") is None:
        pytest.skip("objdump is not installed (apt-get install binutils)")
    renamed = {f"{name}{kind}" for name in ("strto", "wcsto") for kind in ("l", "ul", "ll", "ull")}
    renamed |= {"sscanf", "fscanf", "scanf", "vsscanf", "vfscanf", "vscanf", "atoi", "atol"}
    for source in setup.modules().values():
        module = (ROOT / source).with_suffix(sysconfig.get_config_var("EXT_SUFFIX"))
        symbols = natives.run("objdump", "-T", str(module)).split()
        called = {name.removeprefix("__isoc23_").removeprefix("__isoc99_") for name in symbols}
        assert called & renamed == set(), f"{module.name}: strtod reads numbers everywhere"
