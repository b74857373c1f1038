"""Shells complete what there is: commands, options, venues that run and their instruments."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
_BASH = """
set -e
{setup}
for line in "$@"; do
    read -ra COMP_WORDS <<< "$line"
    case "$line" in *' ') COMP_WORDS+=('');; esac
    COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
    COMPREPLY=()
    _feedhandler_completion feedhandler
    echo "${{COMPREPLY[*]}}"
done
"""


def line_of(shell: str) -> str:
    """What the README has people write into their shell's file."""
    (found,) = [line for line in README.read_text().splitlines() if f"={shell}_source" in line]
    return found


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """One where `feedhandler` is a command."""
    command = tmp_path / "feedhandler"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m feedhandler "$@"\n')
    command.chmod(0o755)
    return os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


@pytest.mark.usefixtures("venue")
def test_bash_completes(environment: dict[str, str], namespace: str) -> None:
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    lines = {
        "feedhandler inspect bo": "book",
        "feedhandler inspect ls --fi": "--filter",
        "feedhandler inspect book o": "okx",
        "feedhandler inspect book okx ": "BTC-USD-PERP BTC-USD-SWAP",
        "feedhandler subscribe ": "okx",
        "feedhandler inspect book nonesuch ": "",
    }
    done = subprocess.run(
        ["bash", "-c", _BASH.format(setup=line_of("bash")), "bash", *lines],
        env=environment | {"FEEDHANDLER_NAMESPACE": namespace},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert dict(zip(lines, done.stdout.split("\n"), strict=False)) == lines


@pytest.mark.parametrize(("shell", "word"), [("zsh", "compdef"), ("fish", "complete")])
def test_other_shells_have_a_script(shell: str, word: str, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["feedhandler"], env=environment | {"_FEEDHANDLER_COMPLETE": f"{shell}_source"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"{word} " in done.stdout
    assert "feedhandler" in line_of(shell)
