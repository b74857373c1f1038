"""Both ends of the link. See `source.h`, `judged.h` and `mirrored.h`."""

from collections.abc import Callable, Iterable
from typing import Any

from shm._native import Segment, Writer

WIRE: int  #: the version of the format
HEAD_BYTES: int

class Lapped(Exception):  # noqa: N818
    """Records were overwritten before they were sent: `go_on`."""

class BadMessage(ValueError):  # noqa: N818
    """What came is no message for this memory; nothing of it was written."""

def head(data: bytes) -> tuple[bool, bool, int, int, int, int, int, int, int, int]:
    """Of a message: whether it is a repair, and its last one; life, epoch, number, first, last,
    until, since, sent_ns. Raises :class:`BadMessage`."""

class Attached:
    """A callback for a thread that Python did not begin: of it, Python keeps what it needs."""

    def __init__(self, callback: Callable[[Any], object]) -> None: ...
    def __call__(self, one: Any) -> object: ...

class Source:
    """One stream of what a segment carries: batches, each with what changed since the one before.

    `life` is its name in messages; `kinds`: bits by kind of record: a message without any of these
    is left out (states, definitions and the writer's records never are); without LEVEL, so are
    books. `choose`: only instruments that were judged to be wanted. One thread at a time.
    """

    def __init__(
        self,
        segment: Segment,
        *,
        life: int,
        kinds: int,
        choose: bool = False,
        first: int | None = None,
    ) -> None: ...
    @property
    def segment(self) -> Segment: ...
    @property
    def number(self) -> int:
        """Of the last batch; 0: none yet."""

    @property
    def next_sequence(self) -> int:
        """The next record to be sent."""

    @property
    def judged(self) -> int:
        """Of so many rows it is known whether they are wanted."""

    def judge(self, wanted: Iterable[bool]) -> None:
        """Whether the next rows are."""

    def batch(
        self, limit: int, *, beat: bool = False, verdict: int = 0, histograms: bool = False
    ) -> bytes | None:
        """The next batch, about `limit` bytes of records; None: there is nothing new.

        `beat`: in any case, with all that changed without a record, and with what the source's
        header says: `verdict` is 0 while its writer lives, else how it ended (`link_verdict`).
        Raises :class:`Lapped`, :class:`shm.DamagedSegment`.
        """

    def go_on(self) -> int:
        """After :class:`Lapped`: so many records are left out."""

    def repair(self, first: int, since: int, behind: int) -> list[bytes]:
        """All that batches after number `since` brought, and records from `first` on (0: the last
        ones, about `behind` of them), as far as they are there."""

class Mirrored:
    """Writes messages of a source into the memory of `writer`, which is a mirror's."""

    def __init__(self, writer: Writer, *, connections: int) -> None: ...
    def apply(self, data: bytes, *, counts: bool = True) -> None:
        """Write a message: what it skips is `lost` if that `counts`. Raises :class:`BadMessage`."""

    def call(self, state: int, reason: int, since_ns: int, detail: str = "") -> None:
        """Every book, and the venue, are called so; state 0: as the source calls them."""

    @property
    def called(self) -> tuple[int, int]: ...
    @property
    def lost(self) -> int: ...
    @property
    def next_sequence(self) -> int: ...
    @property
    def venue(self) -> tuple[int, int, int, int, int, int, int, str]:
        """Of the source: state, reason, verdict, hops, clock_offset_ns, clock_error_ns, late_ns,
        and whose mirror it is itself."""
