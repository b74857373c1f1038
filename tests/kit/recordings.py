"""Frames that venues really sent: where they are, and what is skipped where they are not."""

import os
from pathlib import Path

import pytest


def folder() -> Path:
    """The one that FEEDHANDLER_RECORDINGS names, else `../shared/recordings` beside the project."""
    named = os.environ.get("FEEDHANDLER_RECORDINGS")
    return Path(named) if named else Path(__file__).parents[3] / "shared" / "recordings"


def recorded(name: str) -> Path:
    """A file, or a folder, of theirs; the test is skipped where it is not there."""
    path = folder() / name
    if not path.exists():
        pytest.skip(f"no recording {path}; FEEDHANDLER_RECORDINGS names their folder")
    return path
