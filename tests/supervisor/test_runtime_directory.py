"""The directory of sockets and locks is the user's alone, or nobody's."""

import os
from pathlib import Path

import pytest

from feedhandler.runtime_directory import runtime_directory
from feedhandler.supervisor.control_socket import NotRunning, request
from tests.cli.support import run
from tests.shm.users import STRANGER, needs_root


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def _taken(base: Path) -> Path:
    return base / f"feedhandler-{os.getuid()}"


def test_it_is_closed_to_others_even_where_it_was_open(base: Path) -> None:
    _taken(base).mkdir(mode=0o777)
    _taken(base).chmod(0o777)
    assert runtime_directory() == _taken(base)
    assert _taken(base).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "taken", ["file", "link", "dangling", pytest.param("user", marks=needs_root)]
)
def test_one_that_is_taken_is_said_with_the_cure(base: Path, tmp_path: Path, taken: str) -> None:
    at = _taken(base)
    match taken:
        case "file":
            at.touch()
        case "link":
            at.symlink_to(tmp_path)
        case "dangling":
            at.symlink_to("/nowhere")
        case "user":
            at.mkdir()
            os.chown(at, STRANGER, STRANGER)
    with pytest.raises(
        PermissionError, match=r"feedhandler-\d+ .*: remove it, or set XDG_RUNTIME_"
    ):
        runtime_directory()
    with pytest.raises(NotRunning, match="XDG_RUNTIME_DIR"):
        request("nobody", {"do": "status"})


def test_commands_say_so(base: Path) -> None:
    _taken(base).touch()
    for command, code in (("stop", 3), ("status", 3), ("start", 2)):
        arguments = [command, "--sim"] if command == "start" else [command]
        done = run(*arguments, namespace="nobody", XDG_RUNTIME_DIR=str(base))
        assert done.returncode == code, done
        assert "Traceback" not in done.stderr
        assert command == "status" or "XDG_RUNTIME_DIR" in done.stderr
