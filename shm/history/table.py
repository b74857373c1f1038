"""Rows as a table: a structured numpy array with columns by name, and for Arrow and pandas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from shm.history.columns import TIMES, Rows, Symbol, columns, used

if TYPE_CHECKING:
    from shm._arrow import Column


class Table:
    """Rows of a venue: `table["price"]` is a column, `table.array` all of it, a structured array.

    Besides its fields, `table["symbol"]` is the venue's symbol of each row, and of a field
    `..._ns` that is an instant there is `..._time` as datetime64[ns]. `table[10:20]`,
    `table[table["size"] > 1]` and the like are tables of some of the rows.

    Every library that speaks Arrow takes it in one line, without a copy in Python and without
    pyarrow here: `polars.DataFrame(table)`, `pyarrow.table(table)`, `duckdb.sql("from table")`,
    `pandas.DataFrame.from_arrow(table)`. There codes are words ("buy", "live"), symbols are text,
    times are there as ns and as timestamps in UTC, and what is not there is null: NaN, a price that
    is none, a time of 0.
    """

    _words: ClassVar[Mapping[str, Mapping[int, str]]] = {}
    _first: ClassVar[Sequence[str]] = ("receive_time", "symbol")

    def __init__(self, venue: str, array: Rows, symbol: Symbol) -> None:
        self.venue = venue
        self.array = array
        self._symbol = symbol

    # ---- numpy ----

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[np.void]:
        return iter(self.array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is None:
            return np.asarray(self.array, dtype)
        return np.array(self.array, dtype, copy=copy)

    def __getitem__(self, key: Any) -> Any:
        """A column by its name; a row by its number; some rows, as a table, by a slice or mask."""
        if isinstance(key, str):
            return self._column(key)
        rows = self.array[key]
        return self._some(rows) if isinstance(rows, np.ndarray) and rows.ndim else rows

    def _some(self, rows: Rows) -> Any:
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__, array=rows)
        return made

    def _column(self, name: str) -> npt.NDArray[Any]:
        if name == "symbol":
            return self._symbols()
        instant = f"{name.removesuffix('_time')}_ns"
        if name not in self.columns and instant in TIMES & set(self.columns):
            ns = self.array[instant]
            return np.where(ns == 0, np.datetime64("NaT", "ns"), ns.astype("M8[ns]"))
        if name not in self.columns:
            there = ", ".join(self.columns)
            raise KeyError(f"no column {name!r}; there are symbol, {there}")
        return self.array[name]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the fields."""
        return self.array.dtype.names or ()

    def _symbols(self) -> npt.NDArray[np.object_]:
        ids = self.array["instrument"]
        there = used(ids)
        names = np.full(max(there, default=-1) + 2, None, object)
        for each in there:
            names[each] = self._symbol(each)
        found: npt.NDArray[np.object_] = names[np.minimum(ids, len(names) - 1)]
        return found

    @property
    def symbols(self) -> list[str]:
        """The instruments that have a row, by their venue's symbols."""
        named = (self._symbol(each) for each in used(self.array["instrument"]))
        return [name for name in named if name is not None]

    # ---- Arrow ----

    def _arrow(self) -> list[Column]:
        return columns(self.array, self._words, self._symbol, self._first)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A new stream of the rows, 65,536 a batch, with the columns that :class:`shm.Table` tells.

        `requested_schema` is not followed: who asked for another one casts.
        """
        from shm._arrow import stream

        return stream(self._arrow(), len(self.array))

    def __arrow_c_schema__(self) -> object:
        """The schema of that stream."""
        from shm._arrow import schema

        return schema(self._arrow(), len(self.array))

    def to_arrow(self) -> Any:
        """A pyarrow.Table. Raises ImportError that says how to get pyarrow."""
        return _needed("pyarrow", "to_arrow()").table(self)

    def to_pandas(self) -> Any:
        """A pandas.DataFrame: codes are categories, whole numbers stay exact. Needs pyarrow."""
        pandas, pyarrow = _needed("pandas", "to_pandas()"), _needed("pyarrow", "to_pandas()")
        exact = {pyarrow.int64(): pandas.Int64Dtype()}  # a null would make floats of them
        return pyarrow.table(self).to_pandas(types_mapper=exact.get)

    def to_polars(self) -> Any:
        """A polars.DataFrame."""
        return _needed("polars", "to_polars()").DataFrame(self)

    # ---- for people ----

    def _told(self) -> str:
        many = len(self.array)
        rows = f"{many:,} row{'s' * (many != 1)}"
        symbols = self.symbols
        if not symbols:
            return rows
        named = ", ".join(symbols[:3]) if len(symbols) <= 3 else f"{len(symbols)} instruments"
        return f"{rows} of {named}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.venue}: {self._told()}>"


def _needed(name: str, what: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(f"{what} needs {name}, which is not here: pip install {name}") from error
