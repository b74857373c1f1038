"""Where records come from: a recording, a capture, or the memory of a running feed.

All give the same: batches of ring records in order, the terms of their instruments, and what is
missing between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from shm import InstrumentKind, OptionType

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Progress = Callable[[int, int], None]  #: (done, in all) of whatever the source counts


class SourceError(ValueError):
    """A source that cannot be exported as it was asked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an export says of an instrument."""

    symbol: str
    name: str
    kind: InstrumentKind
    option_type: OptionType = OptionType.NONE
    strike: float = 0.0
    expiry_ns: int = 0
    active: bool = True  #: a pattern means what has ended, too


@dataclass(frozen=True, slots=True)
class Hole:
    """Records that the source does not have. `last`, `count` None: nobody knows how many."""

    epoch: int
    first: int
    last: int | None
    count: int | None
    why: str
    from_ns: int | None = None
    to_ns: int | None = None


@dataclass(slots=True)
class Batch:
    """Records of one epoch, whole messages in order, with the fields of `shm.Events(raw=True)`.

    Rows of a book's base may be among them, where books begin anew. `broken`: records are missing
    before it, or it begins an epoch: no book goes on.
    """

    rows: npt.NDArray[np.void]
    epoch: int
    broken: bool = False


@dataclass(slots=True)
class Asked:
    """What a source is asked for, so that it need not read the rest.

    `kinds`: of `shm.Kind`; `books`: whether books are made of them, which then have to begin before
    `start_ns`. Records outside of the times may come, too.
    """

    kinds: frozenset[int]
    books: bool
    start_ns: int | None = None
    end_ns: int | None = None
    matches: Callable[[Terms], bool] = field(default=lambda _: True)


class Source(Protocol):
    """`venue`: whose records; `holes`: what is missing, as far as it was read."""

    venue: str
    holes: list[Hole]

    def batches(self, asked: Asked) -> Iterator[Batch]:
        """The records. Once."""
        ...

    def terms(self, epoch: int, row: int) -> Terms:
        """Of the instrument in that row of that epoch's directory, of which a record came."""
        ...

    def end_ns(self) -> int:
        """The instant from which a time such as -30m counts back; raises SourceError."""
        ...
