"""What shapes say beside their values: a status, a book's first change, grouped prices, control."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from feedhandler.engine import _engine as native
from feedhandler.shape import Frame
from shm import Kind, State
from tests.engine.support import engine_book, memory
from tests.engine.test_shaped import LEVEL, feed, shaped

TICKER = Frame("ticker", '{"t":"t","s":"$symbol","m":$mark,"w?":"$status"}')


def ticker(**more: Any) -> dict[str, Any]:
    return {"t": "t", "s": "X", "m": 1} | more


def test_a_status_is_told_once() -> None:
    with shaped(TICKER) as e:
        for said, wanted in (("open", "open"), ("open", None), (None, None), ("closed", "closed")):
            feed(e, ticker(w=said))
            told = [e.word(row) for row, event, _ in e.attention() if event == native.STATED]
            assert told == ([wanted] if wanted else [])


@pytest.mark.parametrize("word", [7, "x" * 32, True, {}])
def test_a_status_that_nobody_can_know_costs_the_frame(word: Any) -> None:
    with shaped(TICKER) as e:
        row = e.add_instrument("X", has_book=False)
        assert feed(e, ticker(w=word)) & native.MALFORMED
        assert e.word(row) == ""
        assert e.state(row)[0] == State.STALE


CHANGE = Frame(
    "book",
    '{"t":"b","s":"$symbol","u":$final,"p":$previous,"b":$bids,"a":$asks}',
    level=LEVEL,
    begins=True,
)
CHANGE_BEGUN = Frame(
    "snapshot", '{"t":"w","s":"$symbol","u":$final,"b":$bids,"a":$asks}', level=LEVEL
)


def change(final: int, previous: int, **sides: Any) -> dict[str, Any]:
    return {"t": "b", "s": "X", "u": final, "p": previous, "b": [], "a": []} | sides


def test_the_first_change_ever_begins_an_empty_book_and_no_other() -> None:
    with shaped(CHANGE, rule=native.RULE_PREVIOUS) as e:
        assert feed(e, change(5, 0, b=[["1", "2"]])) == native.DATA
        assert e.state(0)[0] == State.LIVE
        assert feed(e, change(6, 5, a=[["3", "2"]])) == native.DATA
        assert len(engine_book(e, 0)[0]) == len(engine_book(e, 0)[1]) == 1
        assert feed(e, change(7, 0)) == native.MALFORMED
        assert e.state(0)[0] == State.STALE


def test_a_change_that_moves_no_number_is_a_whole_book() -> None:
    """Also where changes are learned by then, and what came before is gone."""
    with shaped(replace(CHANGE, begins=False, still=True), rule=native.RULE_PREVIOUS) as e:
        sides = {"b": [["1", "2"]], "a": [["3", "2"]]}
        for start in (10, 500):
            assert feed(e, change(start, start, **sides)) == native.DATA
            assert [len(side) for side in engine_book(e, 0)] == [1, 1]
            for number in range(start, start + 50):
                assert feed(e, change(number + 1, number, b=[[f"0.{number}", "2"]])) == native.DATA
            assert e.state(0)[0] == State.LIVE
        assert e.connection(0).slow < 8
        assert feed(e, change(700, 600)) == native.DATA
        assert e.state(0)[0] == State.STALE


def test_of_others_it_is_a_quiet_one_and_learned_as_changes_are() -> None:
    with shaped(replace(CHANGE, begins=False), CHANGE_BEGUN, rule=native.RULE_PREVIOUS) as e:
        feed(e, {"t": "w", "s": "X", "u": 10, "b": [["1", "2"]], "a": [["3", "2"]]})
        for number in range(10, 60):
            assert feed(e, change(number, number)) == native.DATA
            assert feed(e, change(number + 1, number, b=[[f"0.{number}", "2"]])) == native.DATA
        assert e.state(0)[0] == State.LIVE
        assert len(engine_book(e, 0)[0]) == 51
        assert e.connection(0).slow < 8
        assert feed(e, change(700, 700)) == native.DATA
        assert e.state(0)[0] == State.STALE


@pytest.mark.parametrize("rounded", [False, True])
def test_the_best_of_rounded_prices_is_no_quote(rounded: bool) -> None:
    full = Frame(
        "full", '{"t":"f","s":"$symbol","b":$bids,"a":$asks}', level=LEVEL, rounded=rounded
    )
    with shaped(full) as e:
        e.add_instrument("X", has_book=False)
        assert feed(e, {"t": "f", "s": "X", "b": [["1", "2"]], "a": [["3", "2"]]}) == native.DATA
        kinds = [one[0] for one in memory(e).records()]
        assert (Kind.QUOTE in kinds) == (not rounded)


def test_what_python_reads_is_not_unknown() -> None:
    other = Frame("other", '{"c":"$_","d":$_}')
    with shaped(TICKER, other, Frame("control", '{"c":"notices.$_"}')) as e:
        assert feed(e, {"c": "notices.of.x", "d": {}}) == native.CONTROL
        assert feed(e, {"c": "tea", "d": {}}) == native.DATA | native.UNKNOWN
