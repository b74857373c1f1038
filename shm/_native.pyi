"""The native half of `shm`: a thin layer over `include/feedhandler_shm.h`, which is the contract.

Strategies use `shm` itself; writers use `shm.segment.create`, whose result owns a :class:`Writer`.
Prices and sizes are integers scaled by the instrument's exponents, times are unix nanoseconds.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

VERSION: tuple[int, int]  #: (major, minor) of the contract
LAYOUT_HASH: int  #: FNV-1a of `layout_text()`, in every header
MAGIC_DATA: int
MAGIC_CONTROL: int
HEADER_BYTES: int
CONTROL_BYTES: int
NONE: int  #: FH_NONE, a price that is not there: -2**63
NO_INSTRUMENT: int  #: the instrument id of records that belong to none
DTYPES: dict[str, np.dtype[np.void]]
"""numpy dtypes of the header's structures: slot, quote, book, instrument, connection, header,
control, reader."""

def layout_text() -> str:
    """FH_LAYOUT: every structure, field, type and offset as one line of text."""

def layout() -> dict[str, tuple[tuple[str, str, int], ...]]:
    """FH_LAYOUT taken apart: structure -> ((field, type, offset), ...)."""

def names() -> dict[str, dict[str, int]]:
    """The header's vocabularies: kind, state, reason, stat, counter, histogram, instrument,
    contract, option, status, flag; each name -> value."""

def geometry(
    instruments: int, depth: int, ring_slots: int, connections: int
) -> tuple[dict[str, tuple[int, int, int]], int]:
    """Regions, name -> (offset, stride, count), and the total size of a data object in bytes."""

def format_control(fd: int, venue: bytes, space: bytes, boot_id: bytes) -> None:
    """Fill a new control object, magic last. The caller holds the writer's lock on it."""

def claim_control(fd: int, pid: int, start_ticks: int) -> None:
    """Say in the control object who the writer is. The caller holds the writer's lock on it."""

def supersede(fd: int) -> None:
    """Mark the data object open for writing at `fd` superseded, and wake who sleeps on it."""

class Writer:
    """The writing end of one data object. One thread of one process owns it.

    A child of the process that made it may not write: every method raises
    :class:`shm.errors.NotWriter` there, as it does after `close()`. Code that holds the capsule
    has to keep that rule itself.

    The order that readers rely on: `message()` ..., `quote_store()` / `book_store()` with the
    sequence that the message returned, then `publish()`, then `wake()` once per batch.
    """

    venue: str
    namespace: str
    epoch: int
    closed: bool
    def __init__(
        self,
        data_fd: int,
        control_fd: int,
        *,
        venue: str,
        namespace: str,
        epoch: int,
        instruments: int,
        depth: int,
        ring_slots: int,
        connections: int,
        replay: bool,
        boot_id: bytes,
        start_ticks: int,
    ) -> None:
        """Map and fill a data object that was reserved. Use :func:`shm.segment.create`."""

    def ready(self) -> None:
        """Write the WRITER start record, the magic, and the epoch into the control object."""

    @property
    def control_epoch(self) -> int:
        """The epoch that the control object names."""

    @property
    def next_sequence(self) -> int:
        """The sequence that the next record will get."""

    @property
    def published(self) -> int:
        """The last sequence that readers see."""

    @property
    def depth(self) -> int:
        """Levels a side of a book cell."""

    @property
    def capacity(self) -> int:
        """Rows of the directory."""

    @property
    def instruments(self) -> int:
        """Rows of the directory in use."""

    def capsule(self) -> object:
        """A PyCapsule "feedhandler.writer" of the `fh_writer *`; it keeps this Writer alive."""

    def message(
        self,
        instrument: int | None,
        records: Iterable[Sequence[int]],
        *,
        flags: int = 0,
        precision: int = 0,
        exchange_ns: int = 0,
        receive_ns: int = 0,
        venue_sequence: int = 0,
    ) -> int:
        """Write one venue message; returns the sequence of its last record.

        A record is (kind, side, price, size[, aux]). `flags`: SNAPSHOT and REPLAY; FIRST, LAST and
        MORE are set by place. `receive_ns` 0 means now. Readers see it after `publish()`.
        `instrument` None: the message belongs to none. Raises IndexError for an unknown instrument.
        """

    def publish(self) -> None:
        """Make every message so far visible; call it after the cells that reflect them."""

    def wake(self) -> None:
        """Wake sleeping readers, if there are any. Once per batch."""

    def quote_store(self, instrument: int, fields: Mapping[str, Any] | np.void) -> None:
        """Store a quote cell: fields by their names in the header, or a scalar of its dtype.

        Missing prices are NONE, missing statistics NaN, all else 0; `publish_ns` 0 means now.
        """

    def book_store(
        self,
        instrument: int,
        fields: Mapping[str, Any] | np.void,
        bids: Iterable[Sequence[int]] | np.ndarray[Any, Any],
        asks: Iterable[Sequence[int]] | np.ndarray[Any, Any],
    ) -> None:
        """Store a book cell: head fields, and (price, size) levels, best first, cut at `depth`."""

    def directory_add(self, fields: Mapping[str, Any] | np.void) -> int:
        """Append an instrument; returns its id. Raises MemoryError when the directory is full."""

    def directory_update(self, instrument: int, fields: Mapping[str, Any] | np.void) -> None:
        """Store an instrument's row again (exponents widened, expired): all fields, not a patch."""

    def connection_store(self, row: int, **fields: Any) -> None:
        """Store a row of the connection table: all fields, not a patch."""

    def counter_add(self, counter: int, n: int = 1) -> None:
        """Add to a venue counter (FH_COUNTER_*)."""

    def histogram_add(self, histogram: int, value: int) -> None:
        """Count a value, in ns, in a histogram (FH_HISTOGRAM_*)."""

    def heartbeat(self, last_receive_ns: int = 0) -> None:
        """Say that the writer is well; every 100 ms. Also when a byte last came, if it is known."""

    def set_state(self, state: int, reason: int, detail: str = "") -> None:
        """The venue's state and reason in the header; `detail` in words, cut at 127 bytes."""

    def close(self, detail: str = "stopped") -> None:
        """The WRITER stop record, CLOSED(STOPPED), superseded, sleepers woken. Names stay."""
