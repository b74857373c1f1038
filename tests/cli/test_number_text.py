"""Numbers for people: in units that people use, and never less than they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhandler import number_text
from shm.state_words import lasting

DECIMALS = st.decimals(0, 10**6, places=4).map(lambda number: f"{number.normalize():f}")


@given(st.lists(DECIMALS, min_size=1), st.integers(0, 8))
def test_lined_up_they_are_the_same_numbers(texts: list[str], least: int) -> None:
    lined = number_text.aligned(texts, least)
    assert [text.rstrip() for text in lined] == texts
    behind = {len(text) - len(text.rstrip().partition(".")[0]) for text in lined}
    assert len(behind) == 1  # as much stands behind each point


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (31.4, "31 s"), (1121.7, "18 min"), (9000.0, "2 h 30 min")],
)
def test_a_time_is_told_as_people_say_it(value: float, text: str) -> None:
    assert number_text.seconds(value) == text


@given(st.integers(1_000_000, 10**18))
def test_both_halves_of_the_house_say_it_alike(ns: int) -> None:
    assert lasting(ns) == number_text.duration(ns)


def test_one_is_not_many() -> None:
    assert number_text.plural(1, "venue") == "1 venue"
    assert number_text.plural(2000, "match", "matches") == "2,000 matches"
