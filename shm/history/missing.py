# ruff: noqa: N818 - the names say what happened
"""What a history does not have: windows, with how much and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shm.errors import ShmError
from shm.history.times import shown

#: why something is missing
RING = "the ring does not reach further back"
EPOCH_BEFORE = "it was before this writer began"
EPOCH_ENDED = "no writer ran"
GONE = "the writer is gone"
SILENT = "the writer says nothing"
OVERRUN = "overwritten while it was read"


@dataclass(frozen=True, slots=True)
class Missing:
    """A window of which a history has nothing, or not all.

    `from_ns` to `to_ns`: between which instants, unix ns; None: nobody knows since when. `count`:
    exactly so many ring records of all kinds, `first` to `last` of `epoch`; None: nobody knows how
    many. `reason`: why, in words.
    """

    from_ns: int | None
    to_ns: int | None
    reason: str
    epoch: int = 0
    first: int | None = None
    last: int | None = None

    @property
    def count(self) -> int | None:
        """How many ring records; None: nobody knows."""
        if self.first is None or self.last is None:
            return None
        return self.last - self.first + 1

    def __str__(self) -> str:
        begin = "?" if self.from_ns is None else shown(self.from_ns)
        end = "now" if self.to_ns is None else shown(self.to_ns)
        many = "" if self.count is None else f"{self.count:,} record{'s' * (self.count != 1)}, "
        return f"{begin} to {end} UTC ({many}{self.reason})"


def told(missing: Sequence[Missing]) -> str:
    """For a repr: whether it is complete, and if not, what is missing first."""
    if not missing:
        return "complete"
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return f"NOT complete: {missing[0]}{more}; see .missing"


class OutOfReach(ShmError):
    """Neither the ring nor a recording has what was asked for. `missing`: the windows."""

    def __init__(self, message: str, missing: Sequence[Missing] = ()) -> None:
        super().__init__(message)
        self.missing = tuple(missing)
