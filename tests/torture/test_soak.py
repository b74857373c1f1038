"""Random kills: a few seconds always, as long as one likes with `-m soak`."""

from __future__ import annotations

import os

import pytest

from tests.torture.kills import HAPPENED, run
from tests.torture.soak_reader import STYLES


def test_random_kills() -> None:
    """Every style of reader, and every kind of end; nothing is found, and nothing was left out."""
    soak = run(seconds=3, readers=len(STYLES), seed=1)
    assert soak.bad == {}
    assert [name for name in HAPPENED if not soak.total[name]] == []


@pytest.mark.soak
def test_random_kills_long() -> None:
    """FEEDHANDLER_SOAK_SECONDS, or ten minutes; eight readers."""
    soak = run(float(os.environ.get("FEEDHANDLER_SOAK_SECONDS", "600")), readers=8, seed=2)
    print(dict(soak.total))
    assert soak.bad == {}
    assert [name for name in HAPPENED if not soak.total[name]] == []


@pytest.mark.soak
def test_what_a_word_less_does_is_found() -> None:
    broken = "fh_slot_write: store slot + 5 = (uint64_t)price"
    assert run(seconds=5, readers=4, seed=3, broken=broken).bad["torn"] > 0
