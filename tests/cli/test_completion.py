"""Shells complete what there is: commands, options, venues that run and their instruments."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Venue
from tests.kit.tools import need

README = Path(__file__).parents[2] / "README.md"
_DEADLINE_S = 45.0
#: what is typed, and what stands there after Tab
LINES = {
    "inspect bo": "inspect book",
    "inspect ls --fi": "inspect ls --filter",
    "inspect book o": "inspect book okx",
    "inspect book okx BTC-USD-S": "inspect book okx BTC-USD-SWAP",
    "inspect book okx tBTCF0:U": "inspect book okx tBTCF0:USTF0",  # bash has words end at a colon
    "inspect book nonesuch BTC": "inspect book nonesuch BTC",
}


def line_of(shell: str) -> str:
    """What the README has people write into their shell's file."""
    (found,) = [line for line in README.read_text().splitlines() if f"={shell}_source" in line]
    return found.partition("  #")[0]


@pytest.fixture
def environment(tmp_path: Path, venue: Venue) -> dict[str, str]:
    """One where `feedhandler` answers a shell that completes, and else prints what it was given."""
    cell = {"price_exponents": [-2] * 8, "size_exponents": [-3] * 8}
    names = {"symbol": b"tBTCF0:USTF0", "name": b"BTC-USDT-PERP"}
    venue.writer.directory_add(names | {"kind": 2, "has_book": 1} | cell)
    command = tmp_path / "feedhandler"
    command.write_text(
        '#!/bin/sh\n[ -n "$_FEEDHANDLER_COMPLETE" ] || { echo "[$*]"; exit; }\n'
        f"exec {sys.executable} -m feedhandler\n"
    )
    command.chmod(0o755)
    (tmp_path / "home").mkdir()
    return os.environ | {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "TERM": "xterm",
        "FEEDHANDLER_NAMESPACE": venue.segment.namespace,
    }


def typed(command: list[str], lines: list[str], environment: dict[str, str], last: str) -> str:
    """All that a shell shows on its terminal while somebody types, until `last` is there."""
    terminal, inner = pty.openpty()
    running = subprocess.Popen(
        ["setsid", "--ctty", *command],
        stdin=inner, stdout=inner, stderr=inner, env=environment, cwd=environment["HOME"],
    )  # fmt: skip
    os.close(inner)
    seen, end = "", time.monotonic() + _DEADLINE_S
    try:
        os.write(terminal, "".join(f"{line}\r" for line in lines).encode())
        while last not in seen and time.monotonic() < end:
            if select.select([terminal], [], [], 1.0)[0]:
                seen += os.read(terminal, 65536).decode(errors="replace")
    except OSError:  # it has ended
        pass
    finally:
        running.kill()
        running.wait()
        os.close(terminal)
    return seen


@pytest.mark.parametrize(
    ("shell", "plain"), [("bash", ["--norc", "--noprofile", "-i"]), ("zsh", ["-f", "-i"])]
)
def test_bash_and_zsh_complete(shell: str, plain: list[str], environment: dict[str, str]) -> None:
    """Typed into the shell itself, which has the README's line and nothing else."""
    need(shell)
    lines = [line_of(shell), *(f"feedhandler {line}\t" for line in LINES)]
    seen = typed([shell, *plain], lines, environment, f"[{[*LINES.values()][-1]}]")
    for line, completed in LINES.items():
        assert f"[{completed}]" in seen, f"{line}: {seen}"


def test_fish_completes(environment: dict[str, str]) -> None:
    need("fish")
    lines = [f"complete -C 'feedhandler {line}'; echo =" for line in LINES]
    done = subprocess.run(
        ["fish", "--no-config", "-c", "\n".join([line_of("fish"), *lines])],
        env=environment, cwd=environment["HOME"], capture_output=True, text=True,
        timeout=_DEADLINE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = [part.strip().partition("\t")[0] for part in done.stdout.split("=\n")]
    words = [line.split()[-1] if line != typed else "" for typed, line in LINES.items()]
    assert shown == [*words, ""]
