"""Samples as trees: what they match, what they render, and that the two agree."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhandler.shape.errors import ShapeError
from feedhandler.shape.tree import holes, matched, parsed, rendered

BOOK = (
    '{"topic":"book.$digits.$symbol","d":[{"p":"$price","s":$size,"i?":$id}],"t?":$time_ms,"v":2}'
)
TRADE = '[$channel,"te",["$id",$_,"..."],"...",$number]'
WORDS = st.text("abcXYZ-_:/", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("sample", "value", "found"),
    [
        ('{"a":"$x"}', {"a": "1", "b": 2}, {"x": "1"}),
        ('{"a":"$x"}', {"b": 2}, None),
        ('{"a?":"$x"}', {"b": 2}, {}),
        ('{"a?":"$x"}', {"a": None}, {}),
        ('{"a":1}', {"a": True}, None),
        ('{"a":true}', {"a": 1}, None),
        ('{"a":1.5}', {"a": 1.5}, {}),
        ('{"a":$never,"b":$x}', {"b": 1}, {"x": 1}),
        ('{"a":$never,"b":$x}', {"a": 1, "b": 1}, None),
        ('{"a":"$x","b":"$x"}', {"a": 1, "b": 2}, None),
        ('{"a":"m.$symbol.k.$digits"}', {"a": "m.X.k.20"}, {"symbol": "X"}),
        ('{"a":"m.$symbol.k.$digits"}', {"a": "m.X.k.2o"}, None),
        ('{"a":"m.$symbol"}', {"a": "m."}, None),
        ('{"a":"m${symbol}_z"}', {"a": "mX_z"}, {"symbol": "X"}),
        (TRADE, [7, "te", [1, 2, 3], 9], {"channel": 7, "id": 1, "number": 9}),
        (TRADE, [7, "te", [1, 2], 5, 9], {"channel": 7, "id": 1, "number": 9}),
        (TRADE, [7, "te", [1], 9], None),
        ("[$x,$y]", [1, 2, 3], None),
        ('{"a":[{"x":$x}]}', {"a": [{"x": 1}, {"x": 2}]}, {"rows": [{"x": 1}, {"x": 2}]}),
        ('{"a":[{"x":$x}]}', {"a": [{"x": 1}, {}]}, None),
        ('{"a":[{"x":$x}]}', {"a": []}, {"rows": []}),
    ],
)
def test_what_matches(sample: str, value: Any, found: dict[str, Any] | None) -> None:
    assert matched(parsed(sample), value) == found


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        ('{"a":1,"a?":2}', "the key 'a' comes twice"),
        ('{"a":"$x$y"}', r"nothing is between \$x and \$y"),
        ('{"a":["...",1,"..."]}', r"\.a: a list is"),
        ('{"a":"$x}', "a string is not closed"),
        ('{"a":$x', "at its end: a bracket is missing"),
        ('{"a":$x]', "before ']'"),
    ],
)
def test_what_is_no_sample(sample: str, said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        parsed(sample, "here")


@given(WORDS, st.lists(st.tuples(WORDS, st.integers(1, 99), st.none() | st.integers(1, 99))))
def test_what_is_rendered_matches(symbol: str, rows: list[tuple[str, int, int | None]]) -> None:
    said = [
        {"price": price, "size": str(size)} | ({} if number is None else {"id": str(number)})
        for price, size, number in rows
    ]
    text = rendered(parsed(BOOK), {"symbol": symbol, "digits": "50"}, said)
    found = matched(parsed(BOOK), orjson.loads(text))
    wanted = [
        {"price": price, "size": size} | ({} if number is None else {"id": number})
        for price, size, number in rows
    ]
    assert found == {"symbol": symbol, "rows": wanted}


def test_holes_come_as_they_are_written() -> None:
    names = [hole.name for hole in holes(parsed(BOOK))]
    assert names == ["digits", "symbol", "price", "size", "id", "time_ms"]
