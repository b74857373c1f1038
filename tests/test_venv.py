"""`scripts/venv.sh`: an interrupted first run leaves nothing that the next one trips over."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def begin(clone: Path, script: str) -> subprocess.Popen[str]:
    """Run a script that has sourced ours, by itself: no signal of its group reaches it."""
    return subprocess.Popen(
        ["bash", "-c", f"set -euo pipefail; source scripts/venv.sh; {script}"],
        cwd=clone, env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def end(running: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    out, errors = running.communicate(timeout=120)
    return subprocess.CompletedProcess(running.args, running.returncode, out, errors)


def bash(clone: Path, script: str) -> subprocess.CompletedProcess[str]:
    return end(begin(clone, script))


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


def test_a_venv_that_was_cut_off_while_packages_came_is_not_whole(clone: Path) -> None:
    venv = clone / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to("/bin/true")
    assert bash(clone, "is_whole").returncode == 0
    (venv / ".unfinished").touch()
    assert bash(clone, "is_whole").returncode != 0
    (venv / ".installed").touch()  # packages came to others that were there: pip is asked again
    assert bash(clone, "is_whole").returncode == 0
    (venv / ".installed").write_text(f"{clone}\n")
    (venv / "bin" / "feedhandler").symlink_to("/bin/true")
    for name in ("pyproject.toml", "setup.py", "shm", "feedhandler"):
        (clone / name).touch()
        shutil.copystat(venv / ".unfinished", clone / name)
    assert bash(clone, "is_installed").returncode != 0
    (venv / ".unfinished").unlink()
    assert bash(clone, "is_installed").returncode == 0


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_all_that_an_installation_has_at_work_ends_with_it(
    clone: Path, sent: signal.Signals
) -> None:
    """A build that went on would write the same files as that of the next run."""
    (clone / "job").write_text("sleep 600 & echo $! >&3; exec 3>&-; wait\n")
    running = begin(clone, 'exec 3>&1; at_work "$root/log" bash job')
    assert running.stdout is not None
    child = int(running.stdout.readline())
    running.send_signal(sent)
    done = end(running)
    assert done.returncode == 128 + sent
    assert "interrupted: run it again" in done.stderr
    stat = Path(f"/proc/{child}/stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_two_installations_take_turns(clone: Path) -> None:
    (clone / "hold").write_text("echo begun; read -r; echo first >>order\n")
    first = subprocess.Popen(
        ["bash", "-c", "source scripts/venv.sh; alone bash hold"],
        cwd=clone, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert first.stdin is not None
    assert first.stdout is not None
    assert first.stdout.readline() == "begun\n"
    second = begin(clone, "alone bash -c 'echo second >>order'")
    assert second.stderr is not None
    assert "another installation is at work" in second.stderr.readline()
    first.communicate("go\n", timeout=60)
    assert end(second).returncode == 0
    assert (clone / "order").read_text() == "first\nsecond\n"


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        ("<pip._vendor.urllib3.connection.HTTPSConnection>: NameResolutionError", "HTTPS_PROXY"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "PIP_CERT"),
        ("ERROR: No space left on device", "No space left on device"),
    ],
)
def test_what_pip_failed_by_is_said_with_its_cure(clone: Path, said: str, cure: str) -> None:
    (clone / "log").write_text(f"{said}\n")
    done = bash(clone, 'die_of_pip "$root/log"')
    assert done.returncode == 2
    assert cure in done.stderr
