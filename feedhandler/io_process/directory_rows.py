"""The rows of the directory, which are never taken again: how long those that are left will last.

Every instrument that is ever carried takes one for the life of the memory; daily expiries of
options take hundreds a day. Pure logic.
"""

from collections import deque

DAY_S = 86_400.0
DAYS = 3.0  #: fewer days' worth of rows are few
_SHARE = 1 / 8  #: of all rows: fewer are few, whatever was needed lately


class DirectoryRows:
    """`rows`: how many there are. Times are seconds of a monotonic clock."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.taken = 0
        self.closed = 0
        self._grown: deque[tuple[float, int]] = deque()

    def count(self, now: float, taken: int, closed: int) -> None:
        """So many are taken, and so many of these belong to instruments that are closed."""
        if self.taken and taken > self.taken:  # the first ones are no measure
            self._grown.append((now, taken - self.taken))
        while self._grown and now - self._grown[0][0] > DAY_S:
            self._grown.popleft()
        self.taken, self.closed = taken, closed

    @property
    def free(self) -> int:
        return self.rows - self.taken

    @property
    def are_short(self) -> bool:
        """Whether it is time to do something about it."""
        lately = sum(more for _, more in self._grown)
        return self.free < max(_SHARE * self.rows, DAYS * lately)

    @property
    def worth_renewing(self) -> bool:
        """Whether a directory without the closed ones would not be short of rows, or hardly."""
        return self.closed >= _SHARE * self.rows

    def __str__(self) -> str:
        """In few bytes: what follows of it in a venue's detail is the cure."""
        return f"{self.free} of {self.rows} rows for instruments left, {self.closed} of closed ones"
