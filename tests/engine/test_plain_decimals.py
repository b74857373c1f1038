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
#include "{ROOT}/feedhandler/wire/decimal.h"
/* Bytes of the number at `at`, or -1: it is not for this reader. */
int read_plain(const uint8_t *at, int exponent, int64_t *out)
{{
    decimal_scale scale = decimal_scale_of(exponent);
    const uint8_t *past = scale.plain ? decimal_plain(at, &scale, out) : NULL;
    return past == NULL ? -1 : (int)(past - at);
}}
"""
BEFORE = 32
Reader = Callable[[bytes, int], tuple[int, int]]


def reader(folder: Path, *flags: str) -> Reader:
    source = folder / "plain.c"
    source.write_text(SOURCE)
    native = ctypes.CDLL(str(library(source, "-std=gnu11", "-O2", *flags)))

    def read(text: bytes, exponent: int) -> tuple[int, int]:
        room = ctypes.create_string_buffer(b"7" * BEFORE + text + bytes(32))
        value = ctypes.c_int64()
        at = ctypes.addressof(room) + BEFORE
        return native.read_plain(ctypes.c_void_p(at), exponent, ctypes.byref(value)), value.value

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
