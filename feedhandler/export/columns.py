"""Columns of an export, as text and as Arrow: numbers stay integers and exponents until then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from feedhandler.export import _text
from feedhandler.export._text import NONE as NONE

if TYPE_CHECKING:
    import pyarrow as pa

Numbers: TypeAlias = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Names:
    """One of a few texts each; below 0: none."""

    table: Sequence[str]
    which: Numbers

    def text(self) -> _text.Column:
        return _text.names([quoted(name) for name in self.table], self.which)

    def arrow(self, pa: Any) -> pa.Array:
        codes = pa.array(self.which.astype(np.int32), mask=self.which < 0)
        return pa.DictionaryArray.from_arrays(codes, pa.array(self.table, pa.string()))


@dataclass(frozen=True, slots=True)
class Integers:
    """Whole numbers; NONE: none."""

    values: npt.NDArray[np.int64]

    def text(self) -> _text.Column:
        return _text.integers(self.values)

    def arrow(self, pa: Any) -> pa.Array:
        return pa.array(self.values, pa.int64(), mask=self.values == NONE)


@dataclass(frozen=True, slots=True)
class Unsigned:
    """Whole numbers without a sign; 0: none."""

    values: npt.NDArray[np.uint64]

    def text(self) -> _text.Column:
        return _text.unsigned(self.values)

    def arrow(self, pa: Any) -> pa.Array:
        return pa.array(self.values, pa.uint64(), mask=self.values == 0)


@dataclass(frozen=True, slots=True)
class Decimals:
    """values * 10^exponents: exactly as text, the nearest double as Arrow; NONE: none."""

    values: npt.NDArray[np.int64]
    exponents: Numbers

    def text(self) -> _text.Column:
        return _text.decimals(self.values, self.exponents)

    def arrow(self, pa: Any) -> pa.Array:
        none = self.values == NONE
        return pa.array(doubles(self.values, self.exponents), pa.float64(), mask=none)


@dataclass(frozen=True, slots=True)
class Truths:
    """`true` or `false`."""

    values: npt.NDArray[np.bool_]

    def text(self) -> _text.Column:
        return _text.names([b"false", b"true"], self.values.view(np.int8))

    def arrow(self, pa: Any) -> pa.Array:
        return pa.array(self.values, pa.bool_())


Column: TypeAlias = Names | Integers | Unsigned | Decimals | Truths
_POWERS = 10.0 ** np.arange(23)


def doubles(values: npt.NDArray[np.int64], exponents: Numbers) -> npt.NDArray[np.float64]:
    """values * 10^exponents, correctly rounded; NaN for NONE."""
    exponents = np.broadcast_to(exponents, values.shape).astype(np.int64)
    size = _POWERS[np.minimum(np.abs(exponents), 22)]
    made = values.astype(np.float64)
    np.divide(made, size, out=made, where=exponents < 0)
    np.multiply(made, size, out=made, where=exponents > 0)
    far = (np.abs(exponents) > 22) | (np.abs(values) > 1 << 53)
    for at in np.flatnonzero(far):
        made[at] = float(f"{int(values[at])}e{int(exponents[at])}")
    made[values == NONE] = np.nan
    return made


def quoted(name: str) -> bytes:
    """A text as a field of CSV: in quotes where it needs them."""
    if any(character in name for character in ',"\r\n'):
        name = '"' + name.replace('"', '""') + '"'
    return name.encode()
