"""A names file of this process's own: what resolves, and when it does no more.

    python -m tests.io.hosts MODULE:FUNCTION

The file is mounted over /etc/hosts, in the mount namespace that `in_own_names` makes: for this
process and its children alone.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

_UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")


class Names:
    """Names that resolve to this host."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.set()

    def set(self, *names: str) -> None:
        """These, and no others. In place: the file stays the one that is mounted."""
        self._path.write_text(f"127.0.0.1 {' '.join(['localhost', *names])}\n")


def possible() -> bool:
    """Whether this host lets us have names of our own."""
    try:
        done = subprocess.run(
            [*_UNSHARE, "mount", "--bind", "/etc/hosts", "/etc/hosts"],
            capture_output=True, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def in_own_names(function: Callable[[Names], None]) -> None:
    """Call a function of a module in a process with names of its own; it fails as that does."""
    what = f"{function.__module__}:{function.__qualname__}"
    done = subprocess.run(
        [*_UNSHARE, sys.executable, "-m", "tests.io.hosts", what],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
    )  # fmt: skip
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-2000:]


def main() -> None:
    module, _, name = sys.argv[1].partition(":")
    with TemporaryDirectory() as folder:
        path = Path(folder, "hosts")
        names = Names(path)
        subprocess.run(["mount", "--bind", str(path), "/etc/hosts"], check=True)
        try:
            getattr(importlib.import_module(module), name)(names)
        finally:
            subprocess.run(["umount", "/etc/hosts"], check=True)


if __name__ == "__main__":
    main()
