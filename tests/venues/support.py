"""What the venue tests share."""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def recorded(name: str) -> Path:
    """A file of the recordings; the test is skipped where it is not there."""
    folder = os.environ.get("FEEDHANDLER_RECORDINGS")
    root = Path(folder) if folder else Path(__file__).parents[3] / "shared" / "recordings"
    if not (root / name).is_file():
        pytest.skip(f"no recording {root / name}; FEEDHANDLER_RECORDINGS names their folder")
    return root / name


def recorded_lines(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(recorded(name), "rt") as source:
        for line in source:
            yield json.loads(line)
