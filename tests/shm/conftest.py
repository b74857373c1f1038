"""A namespace of its own for every test, cleaned whatever happens."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shm import dev_shm, segment

EXPONENTS = {"price_exponents": [-2] * 8, "size_exponents": [-3] * 8}
CELL_EXPONENTS = {"price_exponent": -2, "size_exponent": -3}


@pytest.fixture
def namespace() -> Iterator[str]:
    name = f"test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        yield name
    finally:
        for left in dev_shm.objects(name):
            dev_shm.unlink(left.path)


Create = Callable[..., segment.WriterSegment]


@pytest.fixture
def create(namespace: str) -> Iterator[Create]:
    """`segment.create` in the test's namespace, small; closed at the end."""
    made: list[segment.WriterSegment] = []

    def create(venue: str = "v", **geometry: Any) -> segment.WriterSegment:
        geometry = {"instruments": 8, "depth": 5, "ring_slots": 64, **geometry}
        made.append(segment.create(venue, namespace=namespace, **geometry))
        return made[-1]

    try:
        yield create
    finally:
        for owner in made:
            owner.close()
