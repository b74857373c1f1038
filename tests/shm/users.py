"""Code run as another user of this host. Only root can become one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STRANGER = 65534  #: "nobody", who runs no feed
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become somebody else")


def as_user(
    code: str, uid: int = STRANGER, gid: int = STRANGER, groups: tuple[int, ...] = ()
) -> str:
    """What `code` prints, run by that user; root imports `shm` before, from a home of its own."""
    become = f"import os, shm\nos.setgroups({list(groups)}); os.setgid({gid}); os.setuid({uid})\n"
    done = subprocess.run(
        [sys.executable, "-c", become + code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
