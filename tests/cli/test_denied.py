"""What a user may not touch is said with whose it is, who he is, and what would help."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from shm.permissions import whose
from tests.cli.conftest import Venue
from tests.cli.support import COMMAND, run

NOBODY = 65534
#: of root without these, permissions are as anybody's
BOUND = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-net_bind_service")
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root and setpriv"
)


def bound(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command of root's, who may no more than others."""
    return subprocess.run(
        [*BOUND, *COMMAND, *arguments],
        capture_output=True, text=True, timeout=120, check=False, env=os.environ | environment,
    )  # fmt: skip


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A directory of another user's, with a file that only he reads."""
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o755)
    (folder / "file.toml").write_text("")
    (folder / "file.toml").chmod(0o600)
    for path in (folder, folder / "file.toml"):
        os.chown(path, NOBODY, NOBODY)
    return folder


def test_of_what_is_not_there_the_directory_above_is_told(tmp_path: Path) -> None:
    said = whose(tmp_path / "a" / "b")
    assert said.startswith(f"{tmp_path} belongs to user ")
    assert "; this is user " in said
    (tmp_path / "c").touch(mode=0o640)
    assert whose(tmp_path / "c").startswith("it belongs to user ")
    assert "mode 0640" in whose(tmp_path / "c")


@needs_root
@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (("check", "{}/file.toml"), "cannot be read: Permission denied: it belongs to"),
        (("replay", "{}/file.toml"), "cannot be read: Permission denied: it belongs to"),
        (("record", "-v", "okx", "--to", "{}/recording"), "give a directory that this user may"),
        (("start", "--sim", "-v", "okx", "--sim-script", "{}/file.toml"), "belongs to"),
        (("capture", "okx", "-o", "{}/a.ndjson"), "have it given to you"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_files_of_others(
    arguments: tuple[str, ...], cure: str, theirs: Path, namespace: str
) -> None:
    done = bound(*(each.format(theirs) for each in arguments), FEEDHANDLER_NAMESPACE=namespace)
    assert done.returncode == 2, done.stderr
    assert str(theirs) in done.stderr
    assert f"belongs to user nobody ({NOBODY})" in done.stderr
    assert cure in done.stderr
    assert "Traceback" not in done.stderr


@needs_root
def test_a_port_that_is_roots(tmp_path: Path, namespace: str) -> None:
    path = tmp_path / "feed.toml"
    path.write_text('status_address = "127.0.0.1:81"\n[venues.okx]\n')
    done = bound("start", str(path), "--sim", FEEDHANDLER_NAMESPACE=namespace)
    assert done.returncode == 2
    assert "127.0.0.1:81 cannot be had: permission denied: ports below 1024" in done.stderr


@needs_root
def test_a_runtime_directory_and_quality_of_others(theirs: Path, namespace: str) -> None:
    done = bound("start", "--sim", XDG_RUNTIME_DIR=str(theirs), FEEDHANDLER_NAMESPACE=namespace)
    assert done.returncode == 2
    assert "set XDG_RUNTIME_DIR to a directory that user 0 may write to" in done.stderr
    theirs.chmod(0o700)
    told = bound("status", "--quality", FEEDHANDLER_STATE=str(theirs), FEEDHANDLER_NAMESPACE="x")
    assert told.returncode == 2
    assert f"belongs to user nobody ({NOBODY})" in told.stderr


@needs_root
def test_memory_that_others_may_not_read(venue: Venue, namespace: str) -> None:
    """Of a feed that names no group, to another user; here to a root that may no more than he."""
    for path in (f"/dev/shm/{namespace}.okx", f"/dev/shm{venue.segment.path}"):
        os.chown(path, NOBODY, NOBODY)
    environment = {"FEEDHANDLER_NAMESPACE": namespace, "FEEDHANDLER_OWNER": str(NOBODY)}
    done = bound("inspect", "book", "okx", "BTC-USD-SWAP", **environment)
    assert done.returncode == 2
    assert f"permission denied: it belongs to user nobody ({NOBODY})" in done.stderr
    assert "be in a group that the feed names (its key `group`)" in done.stderr
    seen = bound("status", **environment).stdout
    assert "on their way" not in seen
    assert "permission denied" in seen.replace("\n  ", " ")
    assert run("inspect", "ls", namespace=namespace).returncode == 0
