"""The floor of the api benchmark: reads of one data object in C, in native loops.

`capsule`: of :meth:`shm._native.Writer.capsule`. Each answers with the nanoseconds that `count`
reads took together.
"""

def poll(capsule: object, count: int) -> int:
    """Is there a record after the last one?"""

def records(capsule: object, records: int, count: int) -> int:
    """So many of the ring's last records, each checked."""

def quote(capsule: object, count: int) -> int:
    """The quote cell of instrument 0."""

def book(capsule: object, levels: int, count: int) -> int:
    """The best `levels` a side of instrument 0; ValueError: the cell has fewer."""

def board(capsule: object, most: int, count: int) -> int:
    """The quote cells of so many instruments, the first ones."""
