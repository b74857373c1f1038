"""The virtual environments of peers: each has one of its own, of its own Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_NEWEST_PYTHON = 14
_INSTALL_S = 600.0


class NoPeer(RuntimeError):  # noqa: N818
    """The peer cannot be measured here; the text says why, and what to do."""


def default_folder() -> Path:
    """Where the environments are kept: in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "feedhandler" / "peers"


def interpreter(home: Path, requirement: str, *beside: str, least: int, install: bool) -> Path:
    """The Python of the environment `home`, which has `requirement`, as pip takes it, and what is
    `beside` it.

    Made first if asked to `install`, with a Python 3.`least` or newer. Raises NoPeer.
    """
    python, whole = home / "bin" / "python", home / "installed"
    if whole.exists():
        return python
    if not install:
        raise NoPeer(f"{requirement} is not there: --install puts it into {home}")
    base = newest_python(least)
    try:
        _run([base, "-m", "venv", "--clear", str(home)])
        _run([str(python), "-m", "pip", "install", "--quiet", requirement, *beside])
    except (subprocess.SubprocessError, OSError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        raise NoPeer(f"{requirement} cannot be installed: {said[-1] if said else error}") from None
    whole.touch()
    return python


def newest_python(least: int) -> str:
    """An interpreter of 3.`least` or newer; it is run, since a name on PATH may lead nowhere.

    Raises NoPeer.
    """
    if sys.version_info >= (3, least):
        return sys.executable
    for minor in range(least, _NEWEST_PYTHON + 1):
        found = shutil.which(f"python3.{minor}")
        if found is not None:
            tried = subprocess.run([found, "-c", ""], capture_output=True, check=False)
            if tried.returncode == 0:
                return found
    raise NoPeer(f"it needs Python 3.{least} or newer, and none is on PATH")


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALL_S)
