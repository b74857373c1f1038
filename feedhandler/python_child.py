"""Running a module of ours in another Python process."""

import os
import sys
from pathlib import Path


def command(module: str, *arguments: str) -> list[str]:
    """The command line. `-P`: a `shm.py` that lies where somebody types a command is not ours."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """The child finds what this process found, even where only `sys.path` knows it."""
    ours = str(Path(__file__).parents[1])
    paths = [path for path in sys.path if path]
    return os.environ | {"PYTHONPATH": os.pathsep.join([*paths, ours])}
