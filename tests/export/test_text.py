"""Rows of text: decimals exactly, in the fewest digits; nothing where there is nothing."""

from __future__ import annotations

import csv
import io
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhandler.export import _text
from feedhandler.export.columns import Decimals, Names, doubles

INT64 = st.integers(-(2**63) + 1, 2**63 - 1)
EXPONENT = st.integers(-70, 70)


def text_of(value: int, exponent: int) -> str:
    column = _text.decimals(np.array([value]), np.array([exponent]))
    return _text.lines([column], 0, 1).decode().removesuffix("\n")


@given(INT64 | st.integers(-2000, 2000), EXPONENT)
def test_a_decimal_is_exact_and_short(value: int, exponent: int) -> None:
    text = text_of(value, exponent)
    with localcontext() as context:
        context.prec = 200
        assert Decimal(text) == Decimal(value).scaleb(exponent)
    if "." in text:
        assert text[-1] not in "0."
    assert not text.removeprefix("-").startswith(".")


@pytest.mark.parametrize(
    ("value", "exponent", "text"),
    [
        (0, -8, "0"), (150, -2, "1.5"), (15, 0, "15"), (-5, -3, "-0.005"), (7, 3, "7000"),
        (640987, -2, "6409.87"), (2**63 - 1, 0, "9223372036854775807"), (1, -8, "0.00000001"),
        (_text.NONE, 0, ""), (1, -70, "1e-70"),
    ],
)  # fmt: skip
def test_decimals_as_people_write_them(value: int, exponent: int, text: str) -> None:
    assert text_of(value, exponent) == text


@given(st.lists(st.tuples(INT64, EXPONENT), max_size=20))
def test_doubles_are_the_nearest(pairs: list[tuple[int, int]]) -> None:
    values = np.array([value for value, _ in pairs], np.int64)
    exponents = np.array([exponent for _, exponent in pairs], np.int8)
    right = [float(f"{value}e{exponent}") for value, exponent in pairs]
    assert doubles(values, exponents).tolist() == right


def test_rows_are_what_a_reader_of_csv_reads() -> None:
    symbols = ["BTC-PERPETUAL", 'a,b "c"', "币安人生USDT", ""]
    columns = [
        _text.constant(b"deribit"),
        Names(symbols, np.array([0, 1, 2, 3, -1])).text(),
        _text.integers(np.array([1, -1, 0, _text.NONE, 2**62])),
        _text.unsigned(np.array([0, 1, 2**64 - 1, 5, 6], np.uint64)),
        Decimals(np.array([5, 15, 0, _text.NONE, -1]), np.array([0, -1, -2, -3, 2])).text(),
    ]
    text = _text.lines(columns, 0, 5).decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert [row[1] for row in rows] == [*symbols, ""]
    assert [row[2] for row in rows] == ["1", "-1", "0", "", str(2**62)]
    assert [row[3] for row in rows] == ["", "1", str(2**64 - 1), "5", "6"]
    assert [row[4] for row in rows] == ["5", "1.5", "0", "", "-100"]
    assert _text.lines(columns, 1, 3).decode() == "".join(text.splitlines(True)[1:3])
    assert _text.lines(columns, 5, 5) == b""


def test_columns_that_do_not_fit_are_refused() -> None:
    three = _text.integers(np.arange(3))
    with pytest.raises(ValueError, match="has 3 rows"):
        _text.lines([three], 0, 4)
    with pytest.raises(ValueError, match="rows 2 to 1"):
        _text.lines([three], 2, 1)
    with pytest.raises(ValueError, match="of 0 columns"):
        _text.lines([], 0, 0)
    with pytest.raises(IndexError):
        _text.names([b"a"], np.array([1]))
