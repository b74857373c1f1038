import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

_numbers = itertools.count()


@pytest.fixture
def namespace() -> Iterator[str]:
    """A shared-memory namespace of one test's own, gone afterwards whatever happened."""
    name = f"replay-{os.getpid()}-{next(_numbers)}"
    yield name
    for left in Path("/dev/shm").glob(f"{name}.*"):
        left.unlink(missing_ok=True)
