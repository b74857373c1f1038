"""Market data that is an answer as well: the engine reads it, and Python is told of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from feedhandler.adapter.declared import words
from feedhandler.adapter.declared.words import Answer
from feedhandler.adapter.venue import ControlKind
from feedhandler.engine import _engine as native
from feedhandler.shape import Frame, ShapeError, compiled
from shm import State
from tests.engine.support import engine_of, memory

ACK = Answer(ControlKind.ACK, '{"id":$id,"r":{"key":"$key"}}', data=True)
SAID = [Frame("control", sample) for sample in words.for_python([ACK])]
LEVEL = '["$price","$size"]'
FRAMES = (
    Frame("snapshot", '{"id":$word,"r":{"c":"w","s":"$symbol","b":$bids,"a":$asks}}', level=LEVEL),
    Frame("trade", '{"id":-1,"r":{"c":"t","s":"$symbol","p":"$price","q":"$size","d":"$taker"}}'),
    Frame("none", '{"id":$digits,"r":{"c":"t"}}'),
    Frame("ticker", '{"id":$word,"r":{"c":"m","s":"$symbol","v":"$mark"}}'),
    *SAID,
)
TOLD = native.DATA | native.CONTROL


def feed(e: native.Engine, number: int, **row: Any) -> int:
    frame = {"id": number, "r": {**row, "key": "k"}}
    return int(e.connection(0).feed(json.dumps(frame).encode(), 10**18)) & ~native.ATTENTION


def test_it_is_read_and_told_by_its_request_and_by_no_other() -> None:
    decoder = native.shape_decoder(compiled(FRAMES))
    with engine_of(decoder, rule=native.RULE_NONE, base=native.BASE_STREAM) as e:
        row = e.add_instrument("X")
        book: dict[str, Any] = {"c": "w", "s": "X", "b": [["1", "2"]], "a": [["3", "4"]]}
        assert feed(e, 7, **book) == TOLD
        assert e.state(row)[0] == State.LIVE
        assert feed(e, -1, **book) == native.DATA
        trade = {"c": "t", "s": "X", "p": "1", "q": "2", "d": "buy"}
        assert feed(e, 8, **trade) == TOLD
        assert not e.counters()["trades"]  # of before
        assert feed(e, -1, **trade) == native.DATA
        assert e.counters()["trades"] == 1


@pytest.mark.parametrize("kind", ["w", "m"])
def test_what_was_learned_reads_none_that_is_to_be_told(kind: str) -> None:
    frames = FRAMES if kind == "w" else FRAMES[3:]
    decoder = native.shape_decoder(compiled(frames))
    with engine_of(decoder, rule=native.RULE_NONE, base=native.BASE_STREAM) as e:
        e.add_instrument("X")
        row: dict[str, Any] = {"c": kind, "s": "X", "v": "5", "b": [["1", "2"]], "a": [["3", "4"]]}
        assert [feed(e, -1, **row) for _ in range(20)] == [native.DATA] * 20
        assert [feed(e, number, **row) for number in (1, 2, 2, 3)] == [TOLD] * 4
        assert [feed(e, -1, **row) for _ in range(3)] == [native.DATA] * 3
        slow = e.connection(0).slow
        assert feed(e, -1, **row) == native.DATA
        assert e.connection(0).slow == slow
        assert len(memory(e).records()) > 0


def test_one_that_would_be_of_every_frame_is_refused() -> None:
    with pytest.raises(ShapeError, match="nothing in it says which frames it is of"):
        compiled([Frame("control", '{"id":$_}')])
    with pytest.raises(ShapeError, match="a word in quotes, or an object"):
        compiled([Frame("control", "[$_,1]")])


def test_digits_tell_shapes_apart() -> None:
    one, other = (Frame("none", f'{{"id":{hole},"c":"t"}}') for hole in ("-1", "$digits"))
    compiled([one, other])
    with pytest.raises(ShapeError, match="cannot be told apart"):
        compiled([Frame("none", '{"id":17,"c":"t"}'), other])
