"""Symbols with signs in them that their venue's names of channels are put together with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from feedhandler.engine import _engine as native
from feedhandler.shape import Frame, compiled, tree
from shm import Reason, State
from tests.engine.support import engine_of

NOW = 1_800_000_000_000_000_000
SYMBOLS = ("A", "A.B", "A.B.5", "B", ".A", "A..", "5", "é.€", "50")


def reader(channel: str) -> Any:
    frames = [
        Frame(kind, f'{{"t":"{kind}","c":"{channel}","b":$bids,"a":$asks}}', level="[$price,$size]")
        for kind in ("snapshot", "book")
    ]
    table = compiled(frames)
    return engine_of(native.shape_decoder(table), rule=native.RULE_NONE, base=native.BASE_STREAM)


def feed(e: native.Engine, kind: str, channel: str, size: int) -> int:
    frame = {"t": kind, "c": channel, "b": [[1, size]], "a": [[2, 1]]}
    return int(e.connection(0).feed(json.dumps(frame).encode(), NOW)) & ~native.ATTENTION


def named(channel: str, symbol: str) -> str:
    for hole, said in {"$digits": "50", "$word": "book", "$_": "any", "$symbol": symbol}.items():
        channel = channel.replace(hole, said)
    return channel


@pytest.mark.parametrize("channel", ["book.$symbol.$digits", "$word.$symbol", "$_.x.$symbol.book"])
def test_the_rest_of_the_channel_says_where_a_symbol_ends(channel: str) -> None:
    with reader(channel) as e:
        for size, symbol in enumerate(SYMBOLS, 1):
            for kind in ("snapshot", "book", "book"):
                assert feed(e, kind, named(channel, symbol), size) == native.DATA
        assert tuple(e.symbols()) == SYMBOLS
        for row, _ in enumerate(SYMBOLS):
            assert e.book(row)[0].tolist() == [[1, row + 1]]


@pytest.mark.parametrize("learned", [0, 3])
def test_a_channel_that_may_be_of_two_symbols_is_of_none(learned: int) -> None:
    with reader("book.$symbol.$_") as e:
        feed(e, "snapshot", "book.A.x", 1)
        for size in range(learned):
            feed(e, "book", "book.A.x", size + 1)
        before = e.book(0)[0].tolist()
        assert e.state(0) == (State.LIVE, Reason.NONE)
        assert feed(e, "book", "book.A.B.x", 9) == native.MALFORMED
        assert e.book(0)[0].tolist() == before
        assert e.state(0) == (State.STALE, Reason.MALFORMED)


def test_a_channel_without_end_is_refused_soon() -> None:
    with reader("book.$symbol.$_.$digits") as e:
        feed(e, "snapshot", "book.A.x.5", 1)
        assert feed(e, "book", "book" + ".A" * 100_000 + ".5", 9) == native.MALFORMED


@pytest.mark.parametrize("symbol", ["A\0", "A\0\0", "\0", "A\0B"])
def test_a_zero_is_a_part_of_a_symbol_like_any_other(symbol: str) -> None:
    with reader("book.$symbol") as e:
        feed(e, "snapshot", "book.A", 1)
        feed(e, "book", f"book.{symbol}", 9)
        assert e.book(0)[0].tolist() == [[1, 1]]


def test_an_answer_names_such_symbols_too() -> None:
    sample = tree.parsed('{"ok":"book.$symbol.$depth"}')
    for symbol in SYMBOLS:
        assert tree.matched(sample, {"ok": f"book.{symbol}.50"}) == {
            "symbol": symbol,
            "depth": "50",
        }
    assert tree.matched(sample, {"ok": "book." + "A." * 1000}) is None


def test_a_symbol_ends_as_soon_as_a_shape_has_it_so() -> None:
    frames = [
        Frame(kind, f'{{"c":"{channel}","b":$bids,"a":$asks}}', level="[$price,$size]")
        for kind, channel in (("snapshot", "a.$symbol.$word"), ("book", "a.$symbol.$word.$digits"))
    ]
    decoder = native.shape_decoder(compiled(frames))
    with engine_of(decoder, rule=native.RULE_NONE, base=native.BASE_STREAM) as e:
        feed(e, "", "a.X.b", 1)
        feed(e, "", "a.X.c.5", 2)
        assert e.book(0)[0].tolist() == [[1, 2]]
        assert e.symbols() == ["X"]
        assert feed(e, "", "a.X.Y.c.5", 3) == native.MALFORMED  # X.Y, or X.Y.c?
