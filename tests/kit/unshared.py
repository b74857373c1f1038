"""Parts of a test in a process with namespaces of its own: its names, or its network.

    python -m tests.kit.unshared MODULE:FUNCTION

As `run` starts it, with `unshare`: what is changed there is changed for that process and its
children alone.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from tests.kit.tools import missing

_UNSHARE: Final = ("unshare", "--user", "--map-root-user")
NAMES: Final = "--mount"
NETWORK: Final = "--net"
_TOOLS: Final = {NAMES: ("unshare",), NETWORK: ("unshare", "ip", "tc")}
_TRIAL: Final = {
    NAMES: "mount --bind /etc/hosts /etc/hosts",
    NETWORK: "ip link set lo up && tc qdisc show dev lo",
}


def impossible(what: str) -> str:
    """Why this host does not let us have NAMES or a NETWORK of our own; empty if it does."""
    if why := missing(*_TOOLS[what]):
        return why
    command = [*_UNSHARE, what, "sh", "-c", _TRIAL[what]]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return f"{' '.join(command)}: not within 10 s"
    return f"this user may not: {done.stderr.strip()}" if done.returncode else ""


def needs_own(what: str) -> pytest.MarkDecorator:
    """A mark: the test runs only with NAMES or a NETWORK of its own."""
    why = impossible(what)
    return pytest.mark.skipif(bool(why), reason=why)


def run(what: str, function: Callable[[], None]) -> None:
    """Call a function of a module in a process with NAMES or a NETWORK of its own.

    It fails as that does; what it prints is printed.
    """
    name = f"{function.__module__}:{function.__qualname__}"
    done = subprocess.run(
        [*_UNSHARE, what, sys.executable, "-m", "tests.kit.unshared", name],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600,
    )  # fmt: skip
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-2000:]


class Names:
    """Names that resolve to this host."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.set()

    def set(self, *names: str) -> None:
        """These, and no others. In place: the file stays the one that is mounted."""
        self._path.write_text(f"127.0.0.1 {' '.join(['localhost', *names])}\n")


@contextmanager
def own_names() -> Iterator[Names]:
    """A names file over /etc/hosts; in a process with NAMES of its own."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "hosts")
        names = Names(path)
        subprocess.run(["mount", "--bind", str(path), "/etc/hosts"], check=True)
        try:
            yield names
        finally:
            subprocess.run(["umount", "/etc/hosts"], check=True)


def network(command: str) -> bool:
    """`ip` or `tc`, in a process with a NETWORK of its own; whether this kernel can do it."""
    done = subprocess.run(command.split(), capture_output=True, text=True)
    if done.returncode:
        print(f"{command}: {done.stderr.strip()}")
    return done.returncode == 0


def main() -> None:
    module, _, name = sys.argv[1].partition(":")
    getattr(importlib.import_module(module), name)()


if __name__ == "__main__":
    main()
