"""Venues whose requests have lists of one, or of one object for each key, and whose answers have
other words and no ids."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar

from feedhandler.adapter.declared import Answer, Topic, Words
from feedhandler.adapter.venue import ControlKind
from tests.adapter.declared_venues import Listed
from tests.adapter.test_declared_words import kinds, said

ACK, AGAIN, REJECTED = ControlKind.ACK, ControlKind.AGAIN, ControlKind.REJECTED


class Plain(Listed):
    """Lists of one in what is said, other words in answers, refusals without an id."""

    name = "plain"
    answers_each = False
    topics: ClassVar[dict[str, Topic | Sequence[str | Topic]]] = {
        "book": Topic("level2_batch:$symbol", answered="level2_50"),
        "trades": Topic("matches:$symbol"),
    }
    words = Words(
        subscribe='{"type":"subscribe","product_ids":$symbols,"channels":["$channel"]}',
        unsubscribe='{"type":"unsubscribe","product_ids":$symbols,"channels":["$channel"]}',
        answers=(
            Answer(ACK, '{"channels":[{"name":"$channel","product_ids":$symbols}]}'),
            Answer(REJECTED, '{"reason":"$symbol is not known"}'),
            Answer(ControlKind.ERROR, '{"reason":"$text"}'),
        ),
    )


def test_a_list_of_one_is_said_as_it_stands() -> None:
    assert json.loads(Plain().subscribe(["matches:A-B", "matches:C-D"], 1)) == {
        "type": "subscribe",
        "product_ids": ["A-B", "C-D"],
        "channels": ["matches"],
    }


def test_a_channel_may_have_another_word_in_answers() -> None:
    rows = [{"name": "level2_50", "product_ids": ["A-B"]}, {"name": "status", "product_ids": ["X"]}]
    assert kinds(said(Plain(), {"channels": rows})) == [(ACK, ("level2_batch:A-B",))]


def test_a_refusal_without_an_id_is_of_the_first_request_for_its_symbol() -> None:
    asked = {3: ("matches:A-B",), 4: ("matches:A-B", "matches:BAD"), 5: ("level2_batch:BAD",)}
    refusal = b'{"reason":"BAD is not known"}'
    found = Plain().control(refusal, asked)
    assert kinds(found) == [(REJECTED, ("matches:BAD",)), (AGAIN, ("matches:A-B",))]
    assert {one.request_id for one in found} == {4}
    assert kinds(Plain().control(refusal, {3: ("matches:A-B",)})) == [(ControlKind.ERROR, ())]


class Each(Listed):
    """An object for each key, with what the instrument is one of."""

    name = "each"
    topics: ClassVar[dict[str, Topic | Sequence[str | Topic]]] = {
        "book": "books:$family:$symbol",
        "trades": "fills:$family:$symbol",
    }
    words = Words(
        subscribe='{"op":"subscribe","args":[{"in":"$family","topic":"$channel.$symbol"}]}',
        unsubscribe='{"op":"unsubscribe","args":[{"in":"$family","topic":"$channel.$symbol"}]}',
        answers=(Answer(ACK, '{"in":"$family","topic":"$channel.$symbol"}'),),
    )


def test_a_list_of_one_object_has_one_for_each_key() -> None:
    keys = ["books:coin:A-B", 'fills:usd:"C']
    assert json.loads(Each().subscribe(keys, 1)) == {
        "op": "subscribe",
        "args": [{"in": "coin", "topic": "books.A-B"}, {"in": "usd", "topic": 'fills."C'}],
    }
    assert json.loads(Each().unsubscribe(keys[:1], 1))["args"] == [
        {"in": "coin", "topic": "books.A-B"}
    ]
    assert Each().together(keys[0]) == Each().together(keys[1]) is not None


def test_an_answer_names_what_the_instrument_is_one_of() -> None:
    answer = {"in": "coin", "topic": "fills.A-B"}
    assert kinds(said(Each(), answer)) == [(ACK, ("fills:coin:A-B",))]
