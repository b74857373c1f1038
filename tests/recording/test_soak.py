"""The soak of recordings: short and always on, long and marked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recording import soak


def test_a_recorder_in_disorder_for_a_while(tmp_path: Path) -> None:
    found = soak.run(8.0, kills=2, seed=3, root=tmp_path)
    assert not found.problems, found
    assert found.done["kill"] == found.done["stop"] == 2
    assert found.windows > 0
    assert found.records > 2000
    assert found.marks > 20


@pytest.mark.soak
def test_a_recorder_in_disorder_for_half_an_hour(tmp_path: Path) -> None:
    found = soak.run(1800.0, kills=5, seed=11, root=tmp_path)
    print(found)
    assert not found.problems, found
    assert found.done["kill"] == 5
    assert found.windows > 0
    assert found.marks > 10_000
