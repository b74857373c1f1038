# ruff: noqa: N818 - the names say what happened
"""Everything that `shm` raises. One root, :class:`ShmError`; each cause has its own class."""

from __future__ import annotations

from collections.abc import Sequence


class ShmError(Exception):
    """Root of all errors of this package."""


class BadName(ShmError, ValueError):
    """A venue's or a namespace's name has characters that a shared-memory name may not have."""


class BadGeometry(ShmError, ValueError):
    """A size asked for at creation is out of range (ring not a power of two, depth 0, ...)."""


class WriterRunning(ShmError):
    """Another process is this venue's writer. `pid` is its process id, 0 when it is not known."""

    def __init__(self, message: str, pid: int = 0) -> None:
        super().__init__(message)
        self.pid = pid


class NoRoom(ShmError):
    """/dev/shm is too full. `needed` and `free` are bytes."""

    def __init__(self, message: str, needed: int, free: int) -> None:
        super().__init__(message)
        self.needed = needed
        self.free = free


class NotWriter(ShmError):
    """This process may not write: it is a child of the writer, or the writer was closed."""


class ConcurrentUse(ShmError, RuntimeError):
    """Two threads or tasks read the same events: each would get a part of the stream."""


class NoSuchVenue(ShmError):
    """No such venue in this namespace. `available` lists those that are there."""

    def __init__(self, message: str, available: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.available = tuple(available)


class VersionMismatch(ShmError):
    """The memory follows another version of the contract. `theirs` and `ours`: (major, minor)."""

    def __init__(self, message: str, theirs: tuple[int, int], ours: tuple[int, int]) -> None:
        super().__init__(message)
        self.theirs = theirs
        self.ours = ours


class NotReady(ShmError):
    """The venue is there, but no writer has published anything to attach to within the timeout."""


class DamagedSegment(ShmError):
    """The memory contradicts itself. `field` names the header field, or the place, that does."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class PermissionDenied(ShmError, PermissionError):
    """The objects exist, but this user may not open them."""


class NotTrusted(PermissionDenied):
    """The objects are of a user whose feeds this reader does not believe. `uid`: that user."""

    def __init__(self, message: str, uid: int) -> None:
        super().__init__(message)
        self.uid = uid


class UnknownInstrument(ShmError, KeyError):
    """The venue's directory has no such instrument. `near` lists the names most like it."""

    def __init__(self, message: str, near: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.near = tuple(near)

    def __str__(self) -> str:
        return str(self.args[0])


class Overrun(ShmError):
    """The writer lapped this reader. `lost` is the exact number of ring records it will not see."""

    def __init__(self, lost: int) -> None:
        records = "1 record was" if lost == 1 else f"{lost:,} records were"
        super().__init__(f"overrun: {records} overwritten before being read")
        self.lost = lost


class WriterLost(ShmError):
    """The writer is gone. `reason` is "stopped" (in order), "died" or "superseded".

    `published` is the last record that this epoch ever published.
    """

    def __init__(self, venue: str, epoch: int, reason: str, published: int = 0) -> None:
        super().__init__(f"{venue}: the writer of epoch {epoch} is gone ({reason})")
        self.published = published
        self.venue = venue
        self.epoch = epoch
        self.reason = reason


class NotLive(ShmError):
    """Not every instrument asked for is LIVE and young enough. `findings`: a line for each."""

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__("not live: " + "; ".join(findings))
        self.findings = tuple(findings)
