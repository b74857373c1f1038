"""The simulated venues, started once for all tests that ask for their lists."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from feedhandler import venues
from feedhandler.sim.runner import SimEndpoint, SimOptions
from tests.kit.rig import ForkedSims


@pytest.fixture(scope="package")
def sims() -> Iterator[dict[str, SimEndpoint]]:
    with ForkedSims(
        venues.names(), SimOptions(rate=1.0, instruments=40, batch_interval=0.5)
    ) as running:
        yield running.endpoints
