"""The unit for systemd and the files of a container name what is there; systemd takes them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from feedhandler.cli.main import feedhandler
from feedhandler.config.load import load
from tests.cli.support import run

ROOT = Path(__file__).parents[2]
UNIT = (ROOT / "deploy" / "systemd" / "feedhandler.service").read_text()
CONTAINER = ROOT / "deploy" / "container"


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze (Debian: apt install systemd)")
    unit = tmp_path / "feedhandler.service"
    unit.write_text(UNIT.replace("/opt/feedhandler/bin/feedhandler", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if "feedhandler" in line]
    assert said == []
    unit.write_text(unit.read_text().replace("KillMode=mixed", "KillMode=some"))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert "kill mode" in done.stderr


def test_the_unit_runs_commands_that_there_are() -> None:
    lines = re.findall(r"^Exec\w+=-?(/\S+) (\w+)", UNIT, re.MULTILINE)
    assert [word for path, word in lines if path.endswith("/feedhandler")] == [
        "doctor",
        "start",
        "reload",
    ]
    for _, word in lines:
        if word.isalpha():
            assert word in feedhandler.list_commands(None)  # type: ignore[arg-type]


def test_exit_codes_of_the_unit_are_the_commands(tmp_path: Path) -> None:
    """What systemd must not try again is what `start` answers to a configuration with mistakes."""
    (never,) = re.findall(r"^RestartPreventExitStatus=(\d+)$", UNIT, re.MULTILINE)
    wrong = tmp_path / "feeds.toml"
    wrong.write_text("nonsense = 1\n")
    assert run("start", str(wrong)).returncode == int(never)


def test_the_containers_configuration_is_one() -> None:
    config = load(CONTAINER / "feeds.toml")
    port = str(config.status_address).rpartition(":")[2]
    container = (CONTAINER / "Containerfile").read_text()
    assert f"EXPOSE {port}\n" in container
    assert f"http://127.0.0.1:{port}/ready" in container
    compose = (CONTAINER / "compose.yaml").read_text()
    for path in re.findall(r"^      - (\.\S+?):", compose, re.MULTILINE):
        assert (CONTAINER / path).exists(), path
    assert f"127.0.0.1:{port}:{port}" in compose


def test_an_image_is_built_from_the_sources_alone() -> None:
    """`COPY .` would take a clone's environment, and modules that were built for its Python."""
    ignored = (ROOT / ".gitignore").read_text().split()
    kept_out = (ROOT / ".dockerignore").read_text().split()
    assert {".git", *(f"**/{each.rstrip('/')}" for each in ignored)} <= set(kept_out)


def test_operations_copy_files_that_there_are() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    copied = re.findall(r"^(?:cp|install -D) (\S+/\S+) ", page, re.MULTILINE)
    assert copied
    assert [path for path in copied if not (ROOT / path).exists()] == []
