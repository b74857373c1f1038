"""A market in the test's own namespace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.recording.market import Market


@pytest.fixture
def market(namespace: str) -> Iterator[Market]:
    with Market(namespace) as made:
        yield made
