"""The histogram's error is bounded, and a stall counts for everybody who waited."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhandler.bench.kit.histogram import Histogram


@settings(max_examples=200)
@given(st.lists(st.integers(0, 2**62), min_size=1, max_size=60), st.integers(1, 4))
def test_every_percentile_is_known_to_so_many_digits(values: list[int], digits: int) -> None:
    histogram = Histogram(digits)
    histogram.record(values)
    ordered = sorted(values)
    assert histogram.count == len(values)
    assert histogram.max == ordered[-1]
    for rank in range(1, len(values) + 1):
        exact = ordered[rank - 1]
        found = histogram.percentile(100 * rank / len(values))
        assert exact <= found <= exact + exact * 10**-digits


@settings(max_examples=100)
@given(st.lists(st.integers(0, 10**12), max_size=30), st.lists(st.integers(0, 10**12), max_size=30))
def test_merging_is_recording_both(first: list[int], second: list[int]) -> None:
    both, one, other = Histogram(), Histogram(), Histogram()
    both.record(first + second)
    one.record(first)
    other.record(second)
    one.merge(other)
    assert one.count == both.count
    assert one.max == both.max
    assert [a.tolist() for a in one.buckets()] == [a.tolist() for a in both.buckets()]


def test_small_values_are_exact() -> None:
    histogram = Histogram(3)
    histogram.record(np.arange(2048))
    highs, counts = histogram.buckets()
    assert highs.tolist() == list(range(2048))
    assert set(counts.tolist()) == {1}
    assert histogram.mean == 1023.5
    assert histogram.percentiles([0, 50, 99.9, 100]) == [0, 1023, 2045, 2047]


def test_a_stall_of_ten_intervals_counts_for_the_ten_that_waited() -> None:
    # 10 us each, one a 100 us; then one takes 1 ms, and nothing was sent meanwhile.
    plain, corrected = Histogram(), Histogram()
    values = [10_000] * 99 + [1_000_000]
    plain.record(values)
    corrected.record_corrected(values, 100_000)
    assert plain.count == 100
    assert corrected.count == 100 + 9  # 900, 800, ... 100 us
    assert plain.percentile(95) < 11_000
    highs, counts = corrected.buckets()
    missing = [int(high) for high in highs[1:-1]]
    assert [round(high / 100_000) for high in missing] == list(range(1, 10))
    assert counts.tolist() == [99, *[1] * 10]
    assert corrected.percentile(95) > 400_000


def test_values_near_the_interval_bring_nothing() -> None:
    histogram = Histogram()
    histogram.record_corrected([100, 150, 199], 100)
    assert histogram.count == 3
    histogram.record_corrected([200], 100)
    assert histogram.count == 5


def test_what_makes_no_sense_is_refused() -> None:
    histogram = Histogram()
    with pytest.raises(ValueError, match="-1: a time below 0"):
        histogram.record([5, -1])
    with pytest.raises(ValueError, match="interval 0"):
        histogram.record_corrected([5], 0)
    with pytest.raises(ValueError, match="digits 9"):
        Histogram(9)
    with pytest.raises(ValueError, match="different digits"):
        histogram.merge(Histogram(2))
    assert histogram.percentile(99) == 0
    assert histogram.mean == 0.0
