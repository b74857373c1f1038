"""Which columns Arrow sees of rows: words for codes, times, and null for what is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from shm._arrow import Column

Rows: TypeAlias = "npt.NDArray[np.void]"
Symbol: TypeAlias = "Callable[[int], str | None]"
"""What the instrument of a row is called at its venue."""

TIMES = frozenset(
    f"{name}_ns"
    for name in (
        *("receive", "exchange", "start", "publish", "sent", "expiry", "last", "stats"),
        *("state", "data"),
    )
)
"""Fields that are instants: each has a column `..._time` beside it; 0 says that there is none."""
_FORMATS = {
    "<f8": "g", "<i8": "l", "<u8": "L", "<u4": "I", "|u1": "C", "|i1": "c", "|b1": "b",
}  # fmt: skip
_SCALED = frozenset(
    f"{name}_scaled" for name in ("price", "size", "bid", "ask", "bid_size", "ask_size")
)


def plain(name: str, values: npt.NDArray[Any]) -> Column:
    """Numbers as they are. Null: NaN, a time of 0, a price that is none."""
    null = "never"
    if values.dtype.kind == "f":
        null = "nan"
    elif name in TIMES:
        null = "zero"
    elif name in _SCALED:
        null = "none"
    return name, values, _FORMATS[values.dtype.str], null, None, None


def time_of(name: str, values: npt.NDArray[np.int64]) -> Column:
    """The timestamp beside a field of TIMES."""
    return f"{name.removesuffix('_ns')}_time", values, "tsn:UTC", "zero", None, None


def words_of(name: str, values: npt.NDArray[np.uint8], words: Mapping[int, str]) -> Column:
    """Codes as words; a code that has none, of a newer writer, as its number."""
    there = np.flatnonzero(np.bincount(values, minlength=1)) if len(values) else ()
    said = dict(words) | {int(code): str(code) for code in there if int(code) not in words}
    codes = [-1] * (max(said, default=-1) + 1)
    for number, code in enumerate(said):
        codes[code] = number
    return name, values, "i", "never", codes, list(said.values())


def members(kind: type[IntEnum]) -> dict[int, str]:
    """An enum's words: in lower case."""
    return {member.value: member.name.lower() for member in kind}


def symbols_of(values: npt.NDArray[np.uint32], symbol: Symbol) -> Column:
    """The instruments of rows, by their venue's symbol; null: a record of none."""
    codes: list[int] = []
    words: list[str] = []
    for id_ in used(values):
        name = symbol(id_)
        if name is not None:
            codes.extend([-1] * (id_ + 1 - len(codes)))
            codes[id_] = len(words)
            words.append(name)
    return "symbol", values, "i", "never", codes, words


def used(values: npt.NDArray[np.uint32]) -> list[int]:
    """The instruments of rows, each once, without that of records of none."""
    known = values[values < 1 << 24]
    if not len(known):
        return []
    seen = np.zeros(int(known.max()) + 1, np.bool_)
    seen[known] = True
    return [int(each) for each in np.flatnonzero(seen)]


def columns(
    rows: Rows, words: Mapping[str, Mapping[int, str]], symbol: Symbol, first: Sequence[str]
) -> list[Column]:
    """All columns of rows: those named in `first`, then the others in the order of the fields."""
    made = {column[0]: column for column in _all(rows, words, symbol)}
    order = dict.fromkeys([*(name for name in first if name in made), *made])
    return [made[name] for name in order]


def _all(rows: Rows, words: Mapping[str, Mapping[int, str]], symbol: Symbol) -> Iterable[Column]:
    for name in rows.dtype.names or ():
        values = rows[name]
        if name == "instrument":
            yield symbols_of(values, symbol)
        if name in words:
            yield words_of(name, values, words[name])
        else:
            yield plain(name, values)
        if name in TIMES:
            yield time_of(name, values)
