"""The shared table of budgets (`budget_table.h`) over a writable buffer.

Times are nanoseconds of CLOCK_MONOTONIC. A budget is named by bytes; `cost` is the time in which it
earns what is spent, `tolerance` the time in which an empty one fills. MemoryError: every row is in
use by a budget that is not full.
"""

from typing_extensions import Buffer

SIZE: int  #: of the object, bytes
ROWS: int

class Table:
    def __init__(self, buffer: Buffer) -> None:
        """ValueError: not of this size, or another version's. A `mmap` is guarded: see `broken`."""

    @property
    def broken(self) -> bool:
        """The mapped object was truncated: zeros are in its place, in this process alone."""

    def take(self, name: bytes, now: int, cost: int, tolerance: int) -> int:
        """Spend if it is there: 0; else the nanoseconds until it may be."""

    def wait(self, name: bytes, now: int, cost: int, tolerance: int) -> int:
        """What `take` would answer; changes nothing."""

    def spend(self, name: bytes, now: int, cost: int) -> None:
        """Spend in any case."""

    def hold(self, name: bytes, now: int, until: int, full: int, why: int) -> None:
        """Grant nothing before `until`; the bucket is full at `full`. `why`: the HTTP status."""

    def rows(self) -> list[tuple[str, int, int, int]]:
        """(name, full at, held until, why) of every row ever used and not yet taken by another."""
