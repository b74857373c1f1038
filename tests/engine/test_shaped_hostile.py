"""Frames that nobody should send, to the general reader: refused at their byte, soon, and whole."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhandler.engine import _engine as native
from feedhandler.shape import Frame, compiled
from shm import Reason, State
from tests.engine.support import engine_of
from tests.engine.test_skeletons import mutated
from tests.shape.ten_venues import FRAMES

NOW = 1_800_000_000_000_000_000
ROW = '{"s":"$symbol","b":$bids,"a":$asks,"u?":$final}'
PAIR = '["$price","$size"]'
BOOKS = tuple(
    Frame(kind, f'{{"t":"{kind}","d":{ROW},"x?":$time_ms}}', level=PAIR)
    for kind in ("snapshot", "book")
)
ROWS = tuple(
    Frame(kind, f'{{"t":"{kind}","d":[{ROW}]}}', level=PAIR) for kind in ("snapshot", "book")
)
MALFORMED = (State.STALE, Reason.MALFORMED)
LIVE = (State.LIVE, Reason.NONE)


def reader(frames: tuple[Frame, ...] = BOOKS, **options: Any) -> Any:
    options = {"rule": native.RULE_NONE, "base": native.BASE_STREAM} | options
    return engine_of(native.shape_decoder(compiled(frames)), **options)


def book(symbol: str = "X", kind: str = "snapshot", **more: Any) -> dict[str, Any]:
    return {"t": kind, "d": {"s": symbol, "b": [["1", "1"]], "a": [["9", "1"]], **more}}


def feed(e: native.Engine, frame: Any) -> int:
    payload = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    return int(e.connection(0).feed(payload, NOW)) & ~native.ATTENTION


def sides(e: native.Engine, row: int = 0) -> tuple[Any, Any]:
    bids, asks = e.book(row)[:2]
    return bids.tolist(), asks.tolist()


@pytest.mark.parametrize(
    ("frame", "at", "error"),
    [
        ('{"t":"book","d":{"s":"X","b":[["1","1"]]}}', '}}', "missing"),
        ('{"t":"book","d":{"s":"X","b":[["1","1"]],"a":5}}', "5}", "type"),
        ('{"t":"book","d":{"s":"X","b":[["1"]],"a":[]}}', "]],", "missing"),
        ('{"t":"book","d":{"s":"X","b":[["1",null]],"a":[]}}', "null", "type"),
        ('{"t":"book","d":{"s":"X","b":[["1",""]],"a":[]}}', '"]]', "not a number"),
        ('{"t":"book","d":{"s":"X","b":[["1","-2"]],"a":[]}}', '["1', "out of range"),
        ('{"t":"book","d":{"s":"X","b":[["0","2"]],"a":[]}}', "0", "out of range"),
        ('{"t":"book","d":{"s":"X","b":[["1","2"],7],"a":[]}}', "7]", "type"),
        ('{"t":"book","d":{"s":"X","b":[],"a":[],"u":-1}}', "-1", "out of range"),
        ('{"t":"book","d":{"s":"X","b":[],"a":[],"u":5e18}}', "5e18", "out of range"),
        ('{"t":"book","d":{"s":"X","b":[],"a":[]},"x":-1}', "-1", "out of range"),
        ('{"t":"book","d":{"s":5,"b":[],"a":[]}}', "5", "type"),
        ('{"t":"book","d":{"s":"X","b":[],"a":[],"b":[]}}', 'b":[]}}', "unexpected"),
        ('{"t":"book","d":{"s":"X","b":[],"a":[]},"d":{}}', 'd":{}}', "unexpected"),
        ('{"t":"book","d":[]}', "[]", "type"),
        ('{"t":"book"}', "}", "missing"),
        ('{"t":"book","d":{"s":"X","b":[],"a":[]}}}', "}", "follows"),
        ('{"t":"book","d":{"s":"X","b":[],"a":[],}}', "}}", "unexpected"),
        ('{"t":"book","d":{"s":"X","b":[] "a":[]}}', '"a"', "unexpected"),
        ('{"t":"book","d":{"s":"X","b":[01],"a":[]}}', "01", "number"),
        ('{"t":"book","d":{"s":"X","b":["\\ud800"],"a":[]}}', "\\ud8", "escape"),
    ],
)  # fmt: skip
def test_an_error_names_the_byte_and_costs_the_book(frame: str, at: str, error: str) -> None:
    with reader() as e:
        feed(e, book())
        assert e.state(0) == LIVE
        assert feed(e, frame.encode()) == native.MALFORMED
        where = frame.rindex(at)
        assert error in e.last_error()
        assert e.last_error().endswith(f"at byte {where}"), e.last_error()
        assert e.state(0) == MALFORMED


def test_half_a_frame_changes_no_book() -> None:
    frame = json.dumps(book(kind="book", b=[["2", "2"], ["1", "0"]])).encode()
    for length in range(len(frame)):
        with reader() as e:
            feed(e, book())
            assert feed(e, frame[:length]) == native.MALFORMED
            assert e.state(0) == MALFORMED
            assert sides(e) == ([[1, 1]], [[9, 1]])


def test_keys_and_symbols_may_have_escapes() -> None:
    frame = (
        r'{"\u0074":"\u0062ook","d":{"\u0073":"\u0425\/\ud83d\ude00","b":[["\u0031","1"]],"a":[]}}'
    )
    with reader() as e:
        feed(e, book("Х/😀"))
        assert feed(e, frame.encode()) == native.DATA
        assert e.symbols() == ["Х/😀"]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def json_of(frame: bytes) -> Any:
    """By two readers: Python's lets some text pass, orjson no number that a double cannot hold."""
    found = json.loads(frame.decode(), parse_constant=int)
    try:
        orjson.loads(frame)
    except orjson.JSONDecodeError as error:
        if "infinity" not in str(error):
            raise
    return found


@settings(max_examples=100, deadline=None)
@given(value=VALUES, seed=st.integers(0, 1 << 30), times=st.integers(0, 3))
def test_what_is_json_is_read_and_nothing_else(value: Any, seed: int, times: int) -> None:
    rng = random.Random(seed)
    frame = json.dumps({"z": value}, ensure_ascii=seed % 2 == 0, indent=seed % 3 or None).encode(
        errors="replace"
    )
    for _ in range(times):
        frame = mutated(frame, rng) or b"{"
    try:
        valid = isinstance(json_of(frame), dict) or frame.isalpha()  # as its shapes are
    except (ValueError, UnicodeDecodeError):
        valid = frame.isalpha()
    with reader() as e:
        assert feed(e, frame) == (native.CONTROL if valid else native.MALFORMED), frame


def test_deep_nesting_is_refused_where_it_is_too_deep() -> None:
    with reader() as e:
        feed(e, book())
        inside = {"t": "book", "d": book()["d"]}
        for depth, answer in ((200, native.DATA), (300, native.MALFORMED)):
            frame = json.dumps(inside)[:-1] + ',"z":' + "[" * depth + "]" * depth + "}"
            assert feed(e, frame.encode()) == answer
        assert "nested too deep" in e.last_error()


@pytest.mark.parametrize("level", [["1", "1"], 5, {}, [[[]]]])
def test_more_levels_than_a_book_has_are_refused_soon(level: Any) -> None:
    with reader() as e:
        feed(e, book())
        frame = json.dumps(book(kind="book", b=[level] * 700_000)).encode()
        began = time.thread_time()
        assert feed(e, frame) == native.MALFORMED
        assert time.thread_time() - began < 2
        assert e.state(0) == MALFORMED
        assert sides(e) == ([[1, 1]], [[9, 1]])
        assert feed(e, book()) == native.DATA
        assert e.state(0) == LIVE


def test_one_of_many_books_that_is_none_costs_all_that_may_have_been_in_the_frame() -> None:
    with reader(ROWS) as e:
        for symbol in ("A", "B", "C"):
            feed(e, {"t": "snapshot", "d": [book(symbol)["d"]]})
        rows = [book("A", b=[["2", "1"]])["d"], book("B", a=5)["d"]]
        assert feed(e, {"t": "book", "d": rows}) == native.MALFORMED
        assert [e.state(row) for row in range(3)] == [MALFORMED] * 3
        assert sides(e) == ([[1, 1]], [[9, 1]])
        for symbol in ("A", "B", "C"):
            feed(e, {"t": "snapshot", "d": [book(symbol)["d"]]})
        assert feed(e, {"t": "book", "d": rows[1:]}) == native.MALFORMED
        assert [e.state(row) for row in range(3)] == [LIVE, MALFORMED, LIVE]
        assert feed(e, {"t": "book", "d": []}) == native.MALFORMED


def test_a_frame_about_none_of_ours_costs_nothing() -> None:
    with reader(auto_add=False) as e:
        e.add_instrument("X")
        feed(e, book())
        assert feed(e, book("Y", kind="book", b=7)) == native.MALFORMED
        assert feed(e, b'{"t":"book","d":{"s":"Y","b":') == native.MALFORMED
        assert e.state(0) == LIVE
        assert feed(e, book("Y", kind="book")) == native.DATA | native.UNKNOWN
        assert feed(e, b'{"t":"book","d":') == native.MALFORMED  # it may be about any
        assert e.state(0) == MALFORMED


def test_a_book_with_another_word_is_not_taken_for_control() -> None:
    """What it would have changed is not known. Without levels it is an answer, or another thing."""
    said = '{"c":"books","t":"%s","d":{"s":"$symbol","b":$bids,"a":$asks}}'
    frames = tuple(Frame(kind, said % kind, level=PAIR) for kind in ("snapshot", "book"))
    with reader(frames) as e:
        assert feed(e, {"c": "books", **book()}) == native.DATA
        for frame in (
            {"c": "books", "t": "gone", "d": {"s": "X", "b": [], "a": []}},
            {"c": "books", "t": "subscribed", "d": {"s": "X"}},
            {"c": "trades", "t": "gone", "d": book()["d"]},
            {"c": "books", "t": "gone", "d": {"s": "X", "b": [5], "a": []}},
        ):
            assert feed(e, frame) == native.CONTROL
        assert e.state(0) == LIVE
        assert feed(e, {"c": "books", **book(kind="gone")}) == native.MALFORMED
        assert "out of range" in e.last_error()
        assert e.state(0) == MALFORMED


def test_what_is_for_python_is_no_market_data_that_nobody_knows() -> None:
    frames = (
        *BOOKS,
        Frame("control", '{"t":"listed","d":$_}'),
        Frame("other", '{"t":"$_","d":$_}'),
    )
    with reader(frames) as e:
        assert feed(e, {"t": "listed", "d": [book()["d"]]}) == native.CONTROL
        assert e.counters()["unknown"] == 0
        assert feed(e, {"t": "index", "d": []}) == native.DATA | native.UNKNOWN
        assert feed(e, {"t": "listed"}) == native.CONTROL
        assert feed(e, b'{"t":"listed","d":') == native.MALFORMED


@pytest.mark.parametrize("venue", FRAMES)
@pytest.mark.parametrize(
    "frame",
    [b"", b"pong", b"tru", b"null", b"5", b"-", b'"x"', b"[]", b"{}", b"[[]]", b'[5,"hb"]', b"\xff",
     b"[" * 5000, b'{"a":' * 300, b"{" + b'"a":1,' * 1000 + b'"b":2}', b'[0,[1,2,3,4,5],"x",{}]'],
)  # fmt: skip
def test_any_frame_is_answered(venue: str, frame: bytes) -> None:
    """An object that is nothing of ours is control; anything else is malformed."""
    with reader(FRAMES[venue]) as e:
        try:
            wanted = native.CONTROL if isinstance(json.loads(frame), dict) else native.MALFORMED
        except (ValueError, RecursionError):
            wanted = native.MALFORMED
        if venue == "bitfinex" and frame[:1] == b"[":
            assert feed(e, frame)
        else:
            assert feed(e, frame) == wanted


_RUN = """
import sys
from pathlib import Path
from feedhandler import heap
from tests.engine.test_shaped_hostile import book, feed, reader

def own_kb():
    rows = Path("/proc/self/status").read_text().splitlines()
    return int(next(row for row in rows if row.startswith("RssAnon")).split()[1])

heap.keep_large_apart()
sent = b'{"z":[' + b"1," * 400_000 + b'"\\\\u0041' + b"a" * (20 << 20) + b'"]}'
with reader() as e:
    feed(e, book())
    before = own_kb()
    for turn in range(3):
        feed(e, sent)
        most = own_kb()
        for _ in range(3):
            feed(e, book())
    del sent
    print(most - before, own_kb() - before)
"""


@pytest.mark.skipif("asan" in os.environ.get("LD_PRELOAD", ""), reason="it keeps what is freed")
def test_what_one_huge_frame_needed_is_not_kept() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _RUN],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    most, left = map(int, done.stdout.split())
    assert most > 30 << 10, "it was copied, and has a tape"
    assert left < 3 << 10
