"""Why a frame is not of a shape: the place and the word."""

from __future__ import annotations

from typing import Any

import pytest

from feedhandler.shape.nearest import Likeness, likeness
from feedhandler.shape.tree import parsed

BOOK = parsed(
    '{"topic":"book.$symbol","type":"delta","full":$never,"data":[{"b":$bids,"n":$final,"t?":$time_ms}]}'
)
LEVEL = parsed('["$price","$size"]')


def of(data: Any = None, **top: Any) -> dict[str, Any]:
    row = {"b": [["1.5", "2"]], "n": 7} if data is None else data
    return {"topic": "book.A", "type": "delta", "data": [row]} | top


def like(value: Any) -> Likeness:
    return likeness(BOOK, value, LEVEL)


def test_a_frame_of_the_shape_stops_nowhere() -> None:
    assert like(of()).stops == []
    assert like(of({"b": [], "n": "7", "t": None, "more": 1})).stops == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (of(type="full"), '.type: "full", not "delta"'),
        (of(topic="trade.A"), '.topic: "trade.A", not "book.$symbol"'),
        (of(full=True), ".full: it comes, and should not"),
        (of({"b": []}), ".data[0].n: missing"),
        (of({"b": [], "n": "x7"}), '.data[0].n: "x7" is no number, for $final'),
        (of({"b": [], "n": None}), ".data[0].n: null is no number, for $final"),
        (of({"b": {}, "n": 7}), ".data[0].b: an object, not a list of levels"),
        (of({"b": [["1", "2"], ["1"]], "n": 7}), ".data[0].b[1]: 1 elements, not 2"),
        (of({"b": [["1", ""]], "n": 7}), '.data[0].b[0][1]: "" is no number, for $size'),
        (of(data={"b": [], "n": 7}) | {"data": 5}, ".data: 5, not a list"),
        ([], "the top: a list, not an object"),
        ({"type": "delta"}, ".topic: missing"),
    ],
)
def test_where_it_stops_and_why(value: Any, said: str) -> None:
    assert str(like(value).stop) == said


def test_of_two_shapes_the_one_with_more_of_its_words_is_nearer() -> None:
    trade = parsed('{"topic":"trade.$symbol","type":"delta","data":[{"p":"$price"}]}')
    frame = of({"p": "1"}, topic="trade.A")
    assert likeness(trade, frame).points > like(frame).points
    assert like(of({})).points > likeness(trade, of({})).points
