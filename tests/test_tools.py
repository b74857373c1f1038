"""What is taken from the machine: found, found by half, installed, and told."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kit import tools

ROOT = Path(__file__).parents[1]
ARM = "aarch64-linux-gnu-gcc"
TRIED = (
    "c++",
    ARM,
    "spin",
    "valgrind",
    "openssl",
    "ip",
    "tmux",
    "zsh",
    "fish",
    "chromium",
    "chromedriver",
    "promtool",
)


def fake(place: Path, name: str, does: str = "exit 0") -> None:
    """A command of that name."""
    (place / name).write_text(f"#!/bin/sh\n{does}\n")
    (place / name).chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with every tool, of root on Debian, whose installations are noted in `installed`."""
    for name in TRIED:
        fake(tmp_path, name)
    fake(tmp_path, "id", "echo 0")
    fake(tmp_path, "apt-get", f'[ "$1" != install ] || echo "$@" > {tmp_path}/installed')
    (tmp_path / "bash").symlink_to(shutil.which("bash") or "/bin/bash")
    monkeypatch.setenv("PATH", str(tmp_path))
    tools.missing.cache_clear()
    return tmp_path


def install(machine: Path) -> list[str]:
    """What `.ci/tools` installs."""
    done = subprocess.run([ROOT / ".ci" / "tools"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    noted = machine / "installed"
    words = noted.read_text().split()[1:] if noted.exists() else []
    return [word for word in words if not word.startswith("-")]


def test_where_all_is_there_nothing_is_installed(machine: Path) -> None:
    assert install(machine) == []


@pytest.mark.parametrize(
    ("name", "does", "packages"),
    [
        (ARM, "exit 1", ["libc6-dev-arm64-cross"]),  # there by half
        (ARM, None, ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"]),
        ("valgrind", "exit 1", ["valgrind"]),
        ("c++", "exit 1", ["g++"]),
        ("spin", None, ["spin"]),
        ("openssl", None, ["openssl"]),
        ("ip", None, ["iproute2"]),
        ("tmux", None, ["tmux"]),
        ("zsh", None, ["zsh"]),
        ("fish", None, ["fish"]),
        ("chromium", None, ["chromium"]),
        ("chromedriver", None, ["chromium-driver"]),
        ("promtool", None, ["prometheus"]),
    ],
)
def test_what_is_missing_or_there_by_half_is_installed(
    machine: Path, name: str, does: str | None, packages: list[str]
) -> None:
    (machine / name).unlink()
    if does is not None:
        fake(machine, name, does)
    assert install(machine) == packages


def test_a_compiler_by_half_skips_and_says_the_cure(machine: Path) -> None:
    assert tools.missing(ARM) == ""
    tools.missing.cache_clear()
    fake(machine, ARM, 'echo "limits.h:26: fatal error: bits/x.h: No such file" >&2; exit 1')
    with pytest.raises(pytest.skip.Exception, match=r"by half \(apt-get install libc6-dev-arm64-c"):
        tools.need(ARM)
    tools.missing.cache_clear()
    (machine / ARM).unlink()
    with pytest.raises(pytest.skip.Exception, match=r"not installed \(apt-get install gcc-aarch64"):
        tools.need(ARM)
    tools.missing.cache_clear()


def test_the_document_tells_all_of_it() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    _, _, part = text.partition("## What `.ci/run` takes from the machine")
    rows = [line for line in part.partition("\n## ")[0].splitlines() if line.startswith("|")]
    packages = {*tools.PACKAGES.values(), *tools.HEADERS.values()}
    told = {name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[2])}
    assert told == packages
    for row in rows[2:]:
        for path in re.findall(r"`(tests/[\w/.]+)`", row):
            assert (ROOT / path).exists(), path
    assert "\n\n|" not in text.replace("\n\n| word", "").replace("\n\n| from the", "")  # whole
    assert os.access(ROOT / ".ci" / "tools", os.X_OK)
