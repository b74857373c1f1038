"""The JSON cursor against orjson, the decimal reader against decimal.Decimal."""

from __future__ import annotations

import math
import random
import re
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from feedhandler.engine import _engine as native

from . import support

FRAMES = [
    support.deribit_book(5, previous=4, bids=[["new", 37392.5, 3000.0]], asks=[]),
    support.binance_depth(1, 2, [["61837.63000000", "0.1"]], [["61838", "0"]]),
    support.okx_book(2, 1, bids=[["9.617", "441", "0", "4"]]),
    b'{"a":"\\u00e9\\ud83d\\ude00\\n\xc3\xa9","b":[true,false,null,-1.5e-3,0,{}]}',
]


def ours(document: bytes) -> bool:
    try:
        length = native.scan_json(document)
    except ValueError as error:
        return "at byte" not in str(error)
    return length == len(document)


def theirs(document: bytes) -> bool:
    try:
        orjson.loads(document)
    except orjson.JSONDecodeError:
        return False
    return True


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)


@given(values, st.randoms(use_true_random=False))
def test_valid_documents_with_odd_white_space(value: Any, rng: random.Random) -> None:
    document = support.spaced(value, rng)
    assert theirs(document)
    assert ours(document)


@settings(max_examples=400)
@given(
    st.sampled_from(FRAMES),
    st.lists(st.tuples(st.integers(0, 2**16), st.binary(max_size=2)), max_size=3),
)
def test_mutated_frames(frame: bytes, edits: list[tuple[int, bytes]]) -> None:
    for where, what in edits:
        at = where % (len(frame) + 1)
        frame = frame[:at] + what + frame[at + where % 3 :]
    if not support.past_a_double(frame):
        assert ours(frame) == theirs(frame)


@settings(max_examples=400)
@given(st.text(alphabet='{}[]",:0123456789.eE+-tfn \\u/ax', max_size=24))
@example("[1,]")
@example("[,1]")
@example('{"a":1,}')
@example('{"a" 1}')
@example("01")
@example("-")
@example("1.")
@example("1e")
@example('"\\ud800"')
@example('"\\ud800\\u0041"')
@example('"\\udc00"')
def test_small_documents(text: str) -> None:
    document = text.encode()
    if not math.isfinite(_largest(text)):
        return  # numbers past a double are numbers to us: what is done with them is decided later
    assert ours(document) == theirs(document)


def _largest(text: str) -> float:
    try:
        return float(text) if text.strip() else 0.0
    except ValueError:
        return math.inf if "e" in text.lower() and any(c in text for c in "123456789") else 0.0


@given(st.binary(max_size=40))
def test_any_bytes_in_a_string(content: bytes) -> None:
    document = b'"' + content + b'"'
    assert ours(document) == theirs(document)
    if theirs(document) and isinstance(orjson.loads(document), str):
        assert native.parse_string(document) == orjson.loads(document)


@given(st.text(max_size=60))
def test_strings_come_back(text: str) -> None:
    assert native.parse_string(orjson.dumps(text)) == text


@pytest.mark.parametrize("frame", FRAMES)
def test_truncated_at_every_byte(frame: bytes) -> None:
    assert ours(frame)
    for end in range(len(frame)):
        assert not ours(frame[:end])
        assert not ours(frame + frame[: end + 1])


def test_depth_is_bounded() -> None:
    """By design: 256 levels; orjson goes to 1024."""
    assert ours(b"[" * 256 + b"]" * 256)
    assert not ours(b"[" * 257 + b"]" * 257)
    assert not ours(b"[" * 100_000)
    assert not ours(b'{"a":' * 100_000)


# ---- decimals -----------------------------------------------------------------------------------


def expected(text: str, exponent: int) -> int | str:
    value = Decimal(text)
    if value == 0:
        return 0
    sign, digits, power = value.as_tuple()
    assert isinstance(power, int)
    mantissa = int("".join(map(str, digits)))
    while mantissa % 10 == 0:
        mantissa //= 10
        power += 1
    if mantissa >= 2**63:
        return "overflow"
    if power < exponent:
        return f"precision: needs exponent {power}" if power >= -18 else "overflow"
    scaled = mantissa * 10 ** (power - exponent) if power - exponent < 40 else 2**70
    if scaled >= 2**63:
        return "overflow"
    return -scaled if sign else scaled


def parsed(text: bytes, exponent: int) -> int | str:
    try:
        return native.parse_decimal(text, exponent)
    except ValueError as error:
        return str(error)


numbers = st.from_regex(
    r"-?(0|[1-9][0-9]{0,21})(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,2})?", fullmatch=True
)


@settings(max_examples=400)
@given(numbers, st.integers(-18, 6))
@example("61837.63000000", -2)
@example("2.8e-4", -5)
@example("1E-8", -8)
@example("9223372036854775807", 0)
@example("9223372036854775808", 0)
@example("0.00000001", -8)
@example("12345678.12345678", -8)
@example("123456789.123456789", -9)
def test_decimals(text: str, exponent: int) -> None:
    assert parsed(text.encode(), exponent) == expected(text, exponent)


@given(st.text(alphabet="0123456789.eE+- x", max_size=12))
def test_what_is_no_number(text: str) -> None:
    number = re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", text)
    if not number:
        assert "syntax" in str(parsed(text.encode(), 0))


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.integers(-18, 6))
def test_formatting_goes_back(value: int, exponent: int) -> None:
    text = native.format_decimal(value, exponent)
    assert "e" not in text
    assert Decimal(text) == Decimal(value).scaleb(exponent)
    if "." in text:
        assert not text.endswith(("0", "."))


# levels go through readers of their own: every decimal shape as a level of a book


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(
            st.from_regex(r"(0|[1-9][0-9]{0,10})(\.[0-9]{1,12})?", fullmatch=True).filter(Decimal),
            st.from_regex(r"[1-9][0-9]{0,6}(\.[0-9]{1,9})?", fullmatch=True),
        ),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
)
def test_levels_are_exact(levels: list[tuple[str, str]], bare: bool) -> None:
    wanted: support.Levels = {}
    support.apply_levels(wanted, levels)
    rows = ",".join(f'["new",{p},{s}]' if bare else f'["{p}","{s}","0","7"]' for p, s in levels)
    with support.engine("deribit" if bare else "okx", ring_slots=256, instruments=1) as e:
        if bare:
            frame = support.deribit_book(1, kind="snapshot").replace(
                b'"bids":[]', f'"bids":[{rows}]'.encode()
            )
        else:
            frame = support.okx_book(1, -1, action="snapshot").replace(
                b'"bids":[]', f'"bids":[{rows}]'.encode()
            )
        result = e.connection(0).feed(frame)
        assert not result & native.MALFORMED, e.last_error()
        if e.state(0) == (3, 4):  # STALE(PRECISION): no exponents hold the largest and the smallest
            return
        assert support.engine_book(e, 0)[0] == wanted
