"""What is closed because a list lacks it, and which lists are none."""

from __future__ import annotations

import pytest

from feedhandler.instruments.delisting import DOUBTS, Delistings
from feedhandler.instruments.universe import CarriedInstrument
from tests.kit.facts import spec

RULES = ("*",)
SYMBOLS = [f"S{n}" for n in range(10)]


class Play:
    """Ten instruments that are carried; each list comes ten seconds after the one before it."""

    def __init__(self, symbols: list[str] = SYMBOLS) -> None:
        self.tracked = [
            CarriedInstrument(n, spec(symbol), symbol) for n, symbol in enumerate(symbols)
        ]
        self.delistings = Delistings()
        self.spoke = dict.fromkeys(symbols, 0)
        self.streams = True
        self.now = 0

    def list(self, *symbols: str, speaking: tuple[str, ...] = ()) -> list[str] | None:
        """A list; what is closed for it, None if it is not gone by. `speaking`: streams that did
        since the last one."""
        self.now += 10
        self.spoke.update(dict.fromkeys(speaking, self.now - 5))
        carried = [each for each in self.tracked if not each.closed]
        if not self.delistings.believed(RULES, set(symbols), carried):
            return None
        over = self.delistings.over(
            self.now, set(symbols), carried,
            lambda each: self.spoke[each.spec.symbol], lambda _: self.streams,
        )  # fmt: skip
        for each in over:
            each.closed = True
        return [each.spec.symbol for each in over]


def test_an_empty_list_never_closes_anything() -> None:
    play = Play()
    assert play.list(*SYMBOLS) == []
    for _ in range(20):
        assert play.list() is None
        assert play.delistings.problem == "the list of instruments is empty"
    assert play.list(*SYMBOLS) == []
    assert play.delistings.problem == ""


def test_an_instrument_is_over_when_two_lists_lack_it_and_its_stream_is_silent() -> None:
    play = Play()
    play.list(*SYMBOLS)
    assert play.list(*SYMBOLS[1:]) == []
    assert play.list(*SYMBOLS[1:], speaking=("S1",)) == ["S0"]


def test_an_instrument_whose_stream_speaks_is_not_over_whatever_lists_say() -> None:
    play = Play()
    play.list(*SYMBOLS)
    for _ in range(20):
        assert play.list(*SYMBOLS[1:], speaking=("S0",)) == []
    assert play.list(*SYMBOLS[1:]) == ["S0"]


def test_the_silence_of_a_connection_that_is_down_says_nothing() -> None:
    play = Play()
    play.list(*SYMBOLS)
    play.streams = False
    for _ in range(5):
        assert play.list(*SYMBOLS[1:]) == []
    play.streams = True
    assert play.list(*SYMBOLS[1:]) == []
    assert play.list(*SYMBOLS[1:]) == ["S0"]


@pytest.mark.parametrize("kept", [SYMBOLS[:4], ["S0"]])
def test_a_short_list_is_a_failed_one_until_it_is_said_again_and_again(kept: list[str]) -> None:
    play = Play()
    play.list(*SYMBOLS)
    for _ in range(DOUBTS - 1):
        assert play.list(*kept) is None
        assert "10" in play.delistings.problem
    assert play.list(*kept, speaking=("S9",)) == []
    assert play.list(*kept, speaking=("S9",)) == [each for each in SYMBOLS[:-1] if each not in kept]
    assert play.list(*kept) == ["S9"]


def test_a_list_that_lacks_most_of_what_is_followed_is_a_failed_one_however_long_it_is() -> None:
    play = Play()
    assert play.list(*SYMBOLS, *(f"T{n}" for n in range(90))) == []
    assert play.list(*SYMBOLS[:4], *(f"T{n}" for n in range(90))) is None
    assert play.delistings.problem == "the list of instruments lacks 6 of the 10 that are followed"


def test_other_rules_have_lists_of_other_lengths() -> None:
    play = Play(["A"])
    assert play.list("A", *SYMBOLS) == []
    assert play.delistings.believed(("A",), {"A"}, play.tracked)


def test_the_only_one_may_be_over_too() -> None:
    play = Play(["A"])
    assert play.list("A", "B", "C") == []
    assert play.list("B", "C") == []
    assert play.list("B", "C") == ["A"]
