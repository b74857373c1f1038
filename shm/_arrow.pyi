"""Arrow capsules of numpy columns, without pyarrow."""

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

NULLS: dict[str, int]  #: what of a column may be null: "never", "zero", "none" (FH_NONE), "nan"
ROWS: int  #: of a batch, at most

Column = tuple[str, npt.NDArray[Any], str, str, Sequence[int] | None, Sequence[str] | None]
"""(name, values, format, null, codes, words) of one column.

`values`: one dimension, of 1, 4 or 8 bytes each, of any stride. `format`: as the Arrow C data
interface spells it ("g", "l", "C", "b", "tsn:UTC", ...); it has to be of the values' width, but for
"b", whose values are a byte each. `null`: one of NULLS. With `codes` and `words` it is a
dictionary, format "i": value v is `words[codes[v]]`; null where that is -1, or v has no code.
"""

def stream(columns: Sequence[Column], count: int) -> object:
    """A capsule "arrow_array_stream" of `count` rows, in batches of ROWS. The values are read when
    a batch is asked for, and held until the stream is released. Raises ValueError, MemoryError."""

def schema(columns: Sequence[Column], count: int) -> object:
    """A capsule "arrow_schema" of the same table."""

def drain(stream: object) -> int:
    """Read a stream to its end as a consumer would, and let each batch go; how many rows it had."""
