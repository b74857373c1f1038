"""The quick readers of decimals, that of x86-64 and that of all others, against Decimal."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.kit.natives import ROOT, library

SOURCE = f"""
#include "{ROOT}/feedhandler/wire/decimal_exponent.h"
/* Bytes of the number at `at`, or -1: it is not for this reader. */
int read_plain(const uint8_t *at, int exponent, int64_t *out)
{{
    decimal_scale scale = decimal_scale_of(exponent);
    const uint8_t *past = scale.plain ? decimal_plain(at, &scale, out) : NULL;
    return past == NULL ? -1 : (int)(past - at);
}}
int read_raised(const uint8_t *at, int exponent, int64_t *out)
{{
    const uint8_t *past = decimal_raised(at, exponent, out);
    return past == NULL ? -1 : (int)(past - at);
}}
"""
BEFORE = 32
Reader = Callable[[bytes, int], tuple[int, int]]


def reader(folder: Path, *flags: str, name: str = "read_plain") -> Reader:
    source = folder / "plain.c"
    source.write_text(SOURCE)
    native = ctypes.CDLL(str(library(source, "-std=gnu11", "-O2", *flags)))

    def read(text: bytes, exponent: int) -> tuple[int, int]:
        room = ctypes.create_string_buffer(b"7" * BEFORE + text + bytes(48))
        value = ctypes.c_int64()
        at = ctypes.addressof(room) + BEFORE
        length = getattr(native, name)(ctypes.c_void_p(at), exponent, ctypes.byref(value))
        return length, value.value

    return read


@pytest.fixture(scope="module", params=["all", "this"])
def read(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    flags = ("-DWITHOUT_SIXTEEN",) if request.param == "all" else ()
    return reader(tmp_path_factory.mktemp("plain"), *flags)


def usual(text: str, exponent: int) -> bool:
    """What no venue's books go beyond: both readers have to take it."""
    whole, _, part = text.partition(".")
    lost = part[-exponent:].strip("0")
    return len(whole) <= 6 and len(part) <= 8 and -8 <= exponent <= 0 and not lost


@given(
    st.from_regex(r"(0|[1-9][0-9]{0,16})(\.[0-9]{1,17})?", fullmatch=True),
    st.integers(-18, 6),
    st.sampled_from([b'"', b",", b"]", b"", b"e5", b"0", b".", b"x"]),
)
@example("65123.40000000", -2, b'"')
@example("65123.41000001", -2, b'"')
@example("0.00000001", -8, b'"')
@example("1.0", 0, b'"')
@example("123456789012345", 0, b'"')
@example("12345678901234567", 0, b'"')
@example("99999999999999", -18, b'"')
def test_right_or_not_for_them(read: Reader, text: str, exponent: int, after: bytes) -> None:
    length, value = read(text.encode() + after, exponent)
    if length == len(text):
        assert Decimal(value).scaleb(exponent) == Decimal(text)
    elif after in (b'"', b",", b"]", b""):
        assert not usual(text, exponent)
        assert length == -1 or text[length].isdigit()  # who looks at that sees that there is more


@given(st.binary(max_size=20), st.integers(-18, 6))
@example(b"", -2)
@example(b".5", -2)
@example(b"01", -2)
@example(b"1.", -2)
@example(b"-1", -2)
def test_what_is_no_number_is_none(read: Reader, text: bytes, exponent: int) -> None:
    length, value = read(text, exponent)
    if length >= 0:
        number = text[:length].decode("ascii")
        assert number == "0" or number.startswith("0.") or number[0] in "123456789"
        assert number[-1] != "."
        assert Decimal(value).scaleb(exponent) == Decimal(number)


@pytest.fixture(scope="module")
def raised(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return reader(tmp_path_factory.mktemp("raised"), name="read_raised")


@given(
    st.from_regex(r"(0|[1-9][0-9]{0,10})(\.[0-9]{1,10})?[eE][+-]?[0-9]{1,3}", fullmatch=True),
    st.integers(-18, 6),
)
@example("1.0002e6", -2)
@example("1.00021e4", 0)
@example("3.0e6", 0)
@example("1e-7", -8)
@example("9.9e18", 0)
@example("0.0e9", -18)
def test_an_exponent_is_right_or_not_for_it(raised: Reader, text: str, exponent: int) -> None:
    length, value = raised(text.encode() + b"]", exponent)
    number = Decimal(text)
    if length == len(text):
        assert Decimal(value).scaleb(exponent) == number
        return
    assert length == -1 or text[length].isdigit()
    digits, _, power = text.lower().partition("e")
    scaled = number.scaleb(-exponent)
    exact = scaled == scaled.to_integral_value() and abs(scaled) < 2**63
    short = max(map(len, digits.split("."))) <= 9 and len(power.lstrip("+-")) <= 2
    assert not (exact and short and abs(int(power) - exponent) <= 9)


@given(st.binary(max_size=20), st.integers(-18, 6))
@example(b"e6", 0)
@example(b"1.e6", 0)
@example(b"01e6", 0)
@example(b"1e", 0)
@example(b"1e+", 0)
@example(b"1.5", -1)
def test_what_has_no_exponent_is_not_for_it(raised: Reader, text: bytes, exponent: int) -> None:
    length, value = raised(text, exponent)
    if length >= 0:
        number = text[:length].decode("ascii").lower()
        whole, _, part = number.partition("e")[0].partition(".")
        assert whole == "0" or whole[0] in "123456789"
        assert "." not in number or part
        assert Decimal(value).scaleb(exponent) == Decimal(number)
