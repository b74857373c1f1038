"""The best bid and offer as lists of levels, beside a book; and numbers that begin anew with 1."""

from __future__ import annotations

import json
from typing import Any

import pytest

from feedhandler.engine import _engine as native
from feedhandler.shape import Frame, ShapeError, compiled
from shm import Reason, State
from tests.engine.support import engine_of, memory

NOW = 1_800_000_000_000_000_000
NONE = -(1 << 63)
LIVE = (State.LIVE, Reason.NONE)
SAMPLE = '{"c":"%s.$symbol","k":"%s","b":$bids,"a":$asks,"u":$final,"n":$place}'
FRAMES = tuple(
    Frame(kind, SAMPLE % said, level='["$price","$size"]', anew=True)
    for kind, said in (
        ("snapshot", ("book.$window", "whole")),
        ("book", ("book.$window", "change")),
        ("quote", ("book.1", "whole")),
    )
)
LEARNED = pytest.mark.parametrize("learned", [{"learned": False}, {}, {"usual": True}])


def book(number: int, bids: Any, asks: Any, *, kind: str = "change", depth: int = 50) -> bytes:
    said = {"c": f"book.{depth}.X", "k": kind, "b": bids, "a": asks, "u": number}
    return json.dumps(said | {"n": 100 + number}, separators=(",", ":")).encode()


def quote(number: int, bids: Any, asks: Any) -> bytes:
    return book(number, bids, asks, kind="whole", depth=1)


def shaped(learned: dict[str, bool]) -> Any:
    decoder = native.shape_decoder(compiled(FRAMES), **learned)
    return engine_of(decoder, rule=native.RULE_NEXT, base=native.BASE_STREAM, auto_add=False)


@LEARNED
def test_the_first_level_of_each_side_is_the_best(learned: dict[str, bool]) -> None:
    with shaped(learned) as e:
        e.add_instrument("X", has_book=False)
        c = e.connection(0)

        def top(bids: Any, asks: Any, number: int) -> tuple[int, ...]:
            assert c.feed(quote(number, bids, asks), NOW) & ~native.ATTENTION == native.DATA
            cell = memory(e).quote(0)
            assert cell["venue_sequence"] == 100 + number  # the place, not the number
            names = ("bid_price", "bid_size", "ask_price", "ask_size")
            return tuple(int(cell[name]) for name in names)

        assert top([["9", "1"]], [["11", "2"]], 5) == (9, 1, 11, 2)
        assert top([["8", "1"], ["7", "4"]], [["11", "2"]], 6) == (8, 1, 11, 2)
        assert top([], [["10", "3"], ["12", "1"]], 7) == (NONE, 0, 10, 3)
        assert top([["8", "0"]], [], 8) == (NONE, 0, NONE, 0)
        for number in range(9, 40):
            assert top([["8", "5"]], [["10", "6"]], number) == (8, 5, 10, 6)
        assert (c.slow < 8) is not (learned == {"learned": False})
        assert c.feed(quote(41, [["0", "1"]], []), NOW) & native.MALFORMED
        assert c.feed(quote(42, [["9", "-1"]], []), NOW) & native.MALFORMED
        spoilt = quote(43, [], []).replace(b'"whole"', b'"other"').replace(b"[],", b'[["1","1"]],')
        assert c.feed(spoilt, NOW) & native.MALFORMED  # all but one word


@LEARNED
def test_the_number_1_is_a_whole_book(learned: dict[str, bool]) -> None:
    with shaped(learned) as e:
        e.add_instrument("X")
        c = e.connection(0)
        c.feed(book(7, [["9", "1"]], [["11", "1"]], kind="whole"), NOW)
        for number in range(8, 20):
            c.feed(book(number, [["9", str(number)]], []), NOW)
        assert e.book(0)[0].tolist() == [[9, 19]]
        c.feed(quote(19, [["10", "1"]], [["11", "1"]]), NOW)  # ahead of nothing
        for number in range(1, 20):
            c.feed(book(number, [["5", str(number)]], [["6", "1"]]), NOW)
            assert e.state(0) == LIVE
            assert e.book(0)[0].tolist() == [[5, number]]
        assert c.feed(book(0, [["4", "1"]], []), NOW) & native.MALFORMED
        assert e.state(0) == (State.STALE, Reason.MALFORMED)


@LEARNED
def test_the_number_1_is_a_quote_that_is_not_too_old(learned: dict[str, bool]) -> None:
    with shaped(learned) as e:
        e.add_instrument("X", has_book=False)
        c = e.connection(0)
        for number in range(20, 30):
            c.feed(quote(number, [["9", "1"]], [["11", "1"]]), NOW)
        c.feed(quote(3, [["1", "1"]], [["2", "1"]]), NOW)
        assert memory(e).quote(0)["bid_price"] == 9
        c.feed(quote(1, [["5", "1"]], [["6", "1"]]), NOW)
        c.feed(quote(2, [["4", "1"]], [["6", "1"]]), NOW)
        assert memory(e).quote(0)["bid_price"] == 4


@pytest.mark.parametrize(("depth", "told"), [("1", True), ("0", True), ("2", False), ("50", False)])
def test_a_window_has_two_levels_or_more(depth: str, told: bool) -> None:
    best = Frame("quote", SAMPLE % (f"book.{depth}", "whole"), level='["$price","$size"]')
    if told:
        assert compiled((FRAMES[0], best))
    else:
        with pytest.raises(ShapeError, match="cannot be told apart"):
            compiled((FRAMES[0], best))


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (Frame("quote", '{"s":"$symbol","b":$bids,"a":$asks}'), "no level"),
        (Frame("quote", '{"s":"$symbol","b":$bids}', level='["$price","$size"]'), r"no \$asks"),
        (
            Frame(
                "quote",
                '{"s":"$symbol","b":$bids,"a":$asks,"c":$bid,"d":$bid_size,"e":$ask,"f":$ask_size}',
                level='["$price","$size"]',
            ),
            r"both \$bids and \$bid",
        ),
        (
            Frame(
                "book", '{"s":"$symbol","b":$bids,"a":$asks}', level='["$price","$size"]', anew=True
            ),
            r"anew, and no \$final",
        ),
    ],
)
def test_what_means_nothing_is_refused(frame: Frame, said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        compiled((frame,))
