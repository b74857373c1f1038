"""Medians, spreads and ratios; and what counts as a change."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from feedhandler.bench.kit import policy
from feedhandler.bench.kit.compare import ReportError, changes, load, other_host
from feedhandler.bench.kit.result import FIELDS, Result


def test_the_ratio_is_the_median_of_the_pairs_ratios() -> None:
    # The host slows down threefold for half of the run: both sides pay, the ratio does not.
    pairs = [(12.0, 10.0), (12.1, 10.0), (36.0, 30.0), (36.3, 30.0), (36.0, 30.0)]
    found = policy.summary("b", "c", "m", "ns", pairs)
    assert found.ratio == 1.2
    assert found.value == 36.0
    assert found.floor == 30.0
    assert not found.noisy
    assert found.spread > 10


def test_one_bad_repetition_moves_nothing() -> None:
    pairs = [(10.0, 5.0)] * 8 + [(900.0, 5.0)]
    found = policy.summary("b", "c", "m", "ns", pairs)
    assert (found.value, found.ratio, found.spread) == (10.0, 2.0, 0.0)


def test_noise_is_told_and_left_out_of_the_json() -> None:
    pairs = [(10.0, 5.0), (20.0, 5.0), (30.0, 5.0), (12.0, 5.0), (25.0, 5.0)]
    found = policy.summary("b", "c", "m", "ns", pairs)
    assert found.noisy
    assert tuple(found.asdict()) == FIELDS


def test_without_a_floor_there_is_no_ratio() -> None:
    found = policy.summary("b", "c", "m", "ns", [(10.0, None), (11.0, None), (12.0, None)])
    assert (found.value, found.floor, found.ratio, found.spread) == (11.0, None, None, 1.0)


def test_spread_is_half_the_interquartile_range() -> None:
    assert policy.spread([1, 2, 3, 4, 5, 6, 7]) == 2.0
    assert policy.spread([1.0, 5.0]) == 2.0


def test_sides_take_turns_in_both_orders() -> None:
    order: list[str] = []
    told: list[int] = []

    def side(name: str) -> int:
        order.append(name)
        return len(order)

    sides = {name: lambda name=name: side(name) for name in "ab"}
    taken = policy.in_turns(sides, 3, told.append)
    assert "".join(order) == "abbaab"
    assert taken == {"a": [1, 4, 5], "b": [2, 3, 6]}
    assert told == [1, 2, 3]


@pytest.mark.parametrize(
    ("value", "kept"),
    [(0.0, 0.0), (123456.0, 123500.0), (0.00123456, 0.001235), (-7.77777, -7.778)],
)
def test_no_more_digits_than_a_measurement_has(value: float, kept: float) -> None:
    assert policy.significant(value) == kept


def result(
    value: float, spread: float = 0.0, ratio: float | None = None, unit: str = "ns", case: str = "c"
) -> Result:
    floor = None if ratio is None else value / ratio
    return Result("b", case, "m", unit, value, spread, floor, ratio)


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (result(100, 1), result(104, 1), "same"),  # less than LEAST
        (result(100, 1), result(108, 1), "worse"),
        (result(100, 1), result(92, 1), "better"),
        (result(100, 10), result(120, 10), "same"),  # within three spreads
        (result(100, 1, 2.0), result(300, 3, 2.02), "same"),  # a slower host, the same ratio
        (result(300, 3, 2.0), result(100, 1, 2.4), "worse"),
        (result(100, 1, 2.0), result(120, 1), "worse"),  # the floor is missing: values
        (result(1000, 1, unit="frames/s"), result(800, 1, unit="frames/s"), "worse"),
        (result(1000, 1, unit="frames/s"), result(1300, 1, unit="frames/s"), "better"),
        (result(0, 0, unit="records"), result(1, 0, unit="records"), "worse"),
        (result(5, 0, unit="records"), result(0, 0, unit="records"), "better"),
        (result(0, 0, unit="records"), result(0, 0, unit="records"), "same"),
        (result(0, 5, unit="KiB/h"), result(12, 5, unit="KiB/h"), "same"),
        (result(-3, 5, unit="KiB/h"), result(40, 5, unit="KiB/h"), "worse"),
    ],
)
def test_what_counts_as_a_change(old: Result, new: Result, verdict: str) -> None:
    assert [change.verdict for change in changes([old], [new])] == [verdict]


def test_new_and_gone_figures_are_named_but_not_those_of_benchmarks_that_did_not_run() -> None:
    elsewhere = Result("other", "c", "m", "ns", 1.0)
    found = changes([result(1, case="old"), elsewhere], [result(1, case="fresh")])
    assert [(change.key[1], change.verdict) for change in found] == [
        ("fresh", "new"),
        ("old", "gone"),
    ]


def test_another_host_is_told() -> None:
    old = {"cpu": "A", "cpus": 2, "governor": "x", "kernel": "6"}
    assert other_host(old, dict(old)) == ""
    assert other_host(old, old | {"cpu": "B"}) == "cpu A -> B"


def test_a_report_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_bytes(orjson.dumps({"host": {"cpu": "A"}, "results": [result(3, 1, 2.0).asdict()]}))
    assert load(path) == ({"cpu": "A"}, [result(3, 1, 2.0)])


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("no json", "no JSON"),
        ("[]", "no list `results`"),
        ('{"results": [{"bench": "b"}]}', "result 1 has no case"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "old.json"
    path.write_text(text)
    with pytest.raises(ReportError, match=word):
        load(path)
    with pytest.raises(ReportError, match=r"[Nn]o such file"):
        load(tmp_path / "missing.json")
