"""What proves a book has to come: without it no book is LIVE, however well the rest is read."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest

from feedhandler.engine import _engine as native
from feedhandler.shape import Frame, compiled
from shm import Reason, State
from tests.engine.support import engine_of

NOW = 1_800_000_000_000_000_000
LEVEL = "[$price,$size]"
LIVE = (State.LIVE, Reason.NONE)
MALFORMED = (State.STALE, Reason.MALFORMED)
DIGITS = (10, native.CHECKSUM_ASKS, native.NUMBER_DIGITS, "", False, False)


def books(more: str) -> tuple[Frame, ...]:
    return tuple(
        Frame(kind, f'{{"t":"{kind}","s":"$symbol","b":$bids,"a":$asks{more}}}', level=LEVEL)
        for kind in ("snapshot", "book")
    )


def reader(*frames: Frame, **options: Any) -> Any:
    options = {"rule": native.RULE_NONE, "base": native.BASE_STREAM} | options
    return engine_of(native.shape_decoder(compiled(frames)), **options)


def feed(e: native.Engine, frame: dict[str, Any]) -> int:
    return int(e.connection(0).feed(json.dumps(frame).encode(), NOW)) & ~native.ATTENTION


def message(kind: str, size: int, **more: Any) -> dict[str, Any]:
    return {"t": kind, "s": "X", "b": [[1, size]], "a": [[2, 1]]} | more


def summed(kind: str, size: int) -> dict[str, Any]:
    return message(kind, size, c=zlib.crc32(f"211{size}".encode()))


@pytest.mark.parametrize("learned", [0, 3])
def test_where_a_checksum_is_all_there_is_0_is_a_wrong_one(learned: int) -> None:
    with reader(*books(',"c":$checksum'), checksum=DIGITS) as e:
        feed(e, summed("snapshot", 1))
        for size in range(2, 2 + learned):
            feed(e, summed("book", size))
        assert e.state(0) == LIVE
        feed(e, message("book", 9, c=0))
        assert e.state(0) == (State.STALE, Reason.CHECKSUM)


def test_the_checksum_of_an_empty_book_is_0() -> None:
    with reader(*books(',"c":$checksum'), checksum=DIGITS) as e:
        feed(e, {"t": "snapshot", "s": "X", "b": [], "a": [], "c": 0})
        assert e.state(0) == LIVE


def test_where_numbers_prove_the_book_a_checksum_of_0_has_been_given_up() -> None:
    with reader(*books(',"u":$final,"c":$checksum'), rule=native.RULE_NEXT, checksum=DIGITS) as e:
        for u, kind in enumerate(("snapshot", "book", "book", "book"), 5):
            feed(e, message(kind, u, u=u, c=0))
            assert e.state(0) == LIVE


def test_a_checksum_that_may_be_missing_proves_nothing_while_it_is() -> None:
    with reader(*books(',"c?":$checksum'), checksum=DIGITS) as e:
        feed(e, summed("snapshot", 1))
        assert feed(e, message("book", 2)) == native.MALFORMED
        assert e.state(0) == MALFORMED
        assert "missing" in e.last_error()


@pytest.mark.parametrize("checksum", [0, 77])
@pytest.mark.parametrize("learned", [0, 3])
def test_a_checksum_that_nobody_verifies_stands_for_no_number(checksum: int, learned: int) -> None:
    with reader(*books(',"u?":$final,"c?":$checksum'), rule=native.RULE_NEXT) as e:
        feed(e, message("snapshot", 1, u=5, c=checksum))
        for u in range(6, 6 + learned):
            feed(e, message("book", u, u=u, c=checksum))
        assert e.state(0) == LIVE
        assert feed(e, message("book", 2, c=checksum)) == native.MALFORMED
        assert e.state(0) == MALFORMED


@pytest.mark.parametrize("learned", [0, 3])
def test_a_book_of_a_numbered_connection_comes_with_its_number(learned: int) -> None:
    with reader(*books(""), Frame("number", '{"n":$conn}')) as e:
        feed(e, message("snapshot", 1, n=1))
        for n in range(2, 2 + learned):
            feed(e, message("book", n, n=n))
        assert e.state(0) == LIVE
        assert feed(e, message("book", 9)) == native.MALFORMED
        assert e.state(0) == MALFORMED


def test_two_ids_of_one_price_are_no_book_of_ours() -> None:
    level = '{"i":$id,"p?":$price,"q?":$size,"s":"$side"}'
    frames = [
        Frame(kind, f'{{"t":"{kind}","s":"$symbol","l":$levels}}', level=level)
        for kind in ("snapshot", "book")
    ]
    bid, ask = {"i": 1, "p": 5, "q": 1, "s": "bid"}, {"i": 2, "p": 6, "q": 7, "s": "ask"}
    with reader(*frames) as e:
        whole = {"t": "snapshot", "s": "X", "l": [bid, ask]}
        feed(e, whole)
        assert e.state(0) == LIVE
        feed(e, {"t": "book", "s": "X", "l": [bid | {"i": 3}]})
        assert e.state(0) == MALFORMED
        feed(e, whole)
        assert e.state(0) == LIVE
        feed(e, {"t": "snapshot", "s": "X", "l": [bid, bid | {"i": 3}, ask]})
        assert e.state(0) == MALFORMED


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({"u": 8, "p": 7}, LIVE),
        ({"u": 8, "c": zlib.crc32(b"2112")}, MALFORMED),  # a number that follows nothing
        ({"c": zlib.crc32(b"2112")}, LIVE),
        ({"p": 7}, MALFORMED),
        ({}, MALFORMED),
        ({"u": 9, "p": 8}, (State.STALE, Reason.GAP)),
    ],
)
def test_where_numbers_or_a_checksum_prove_it_one_of_them_has_to_come(
    more: dict[str, int], state: tuple[State, Reason]
) -> None:
    frames = books(',"c?":$checksum,"u?":$final,"p?":$previous')
    with reader(*frames, checksum=DIGITS, rule=native.RULE_PREVIOUS) as e:
        feed(e, message("snapshot", 1, u=7))
        feed(e, message("book", 2, **more))
        assert e.state(0) == state
