"""Random faults of all between a source and its mirror: a phase always, ten minutes seldom."""

from __future__ import annotations

import pytest

from tests.link import soak


def test_a_phase_of_faults_leaves_both_memories_the_same() -> None:
    found = soak.run(0.0, seed=4)
    assert found.phases == 1
    assert sum(found.faults.values()) > 1


@pytest.mark.soak
def test_ten_minutes_of_faults_leave_both_memories_the_same() -> None:
    found = soak.run(600.0, seed=7)
    assert set(found.faults) == set(soak.FAULTS)
