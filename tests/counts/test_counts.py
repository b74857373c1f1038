"""The hot paths take no more instructions than they did, and one that does is named."""

from __future__ import annotations

import pytest

from tests.counts import measure
from tests.counts.measure import TOLERANCE, complaint


@pytest.fixture(scope="module")
def now() -> dict[str, float]:
    if reason := measure.missing():
        pytest.skip(reason)
    return measure.counted()


def test_no_hot_path_takes_more_instructions_than_before(now: dict[str, float]) -> None:
    kind, known = measure.toolchain(), measure.committed()
    if kind not in known:
        pytest.skip(f"counts are those of {', '.join(known)}, not of {kind}: {measure.RENEW}")
    wrong = complaint(known[kind], now)
    assert not wrong, wrong


def test_counts_repeat_and_a_path_that_does_more_is_named(now: dict[str, float]) -> None:
    more = round(now["okx trade"] * (TOLERANCE + 0.01))
    slower = measure.counted(extra=more, path="okx trade")
    others = {path: count for path, count in now.items() if path != "okx trade"}
    assert {path: slower[path] for path in others} == others  # to the last instruction
    found = complaint(now, slower)
    assert "\n  okx trade: " in found
    assert found.count(" -> ") == 1
    assert measure.RENEW in found


@pytest.mark.soak
def test_a_slower_build_of_the_engine_is_noticed_on_every_path_through_it(
    now: dict[str, float],
) -> None:
    slower = measure.counted(options=["-fno-inline"])
    found = complaint(now, slower)
    assert all(f"\n  {path}: " in found for path in now if not path.startswith("read "))


def test_what_a_complaint_says() -> None:
    before = {"a": 1000.0, "b": 500.0}
    assert complaint(before, {"a": 1029.0, "b": 100.0}) == ""
    assert "a: 1,000 -> 1,031 instructions (+3.1%)" in complaint(before, {"a": 1031.0, "b": 500.0})
    assert "b: is not counted any more" in complaint(before, {"a": 1000.0})
    assert "c: 7 instructions, never counted before" in complaint(before, before | {"c": 7.0})
