"""The native half of `shm`: a thin layer over `include/feedhandler_shm.h`, which is the contract.

Strategies use `shm` itself; writers use `shm.segment.create`, whose result owns a :class:`Writer`.
Prices and sizes are integers scaled by the instrument's exponents, times are unix nanoseconds.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NoReturn, TypeVar, overload

import numpy as np
import numpy.typing as npt

from shm.board import Board
from shm.names import (
    ContractType,
    InstrumentKind,
    OptionType,
    Reason,
    Source,
    State,
    Status,
    TradeSide,
)

_B = TypeVar("_B", bound=Board)

VERSION: tuple[int, int]  #: (major, minor) of the contract
LAYOUT_HASH: int  #: FNV-1a of `layout_text()`, in every header
MAGIC_DATA: int
MAGIC_CONTROL: int
MAGIC_READERS: int
HEADER_BYTES: int
CONTROL_BYTES: int
HISTOGRAM_BUCKETS: int
EVENT: np.dtype[np.void]  #: rows of :class:`shm.Events`
RAW_EVENT: np.dtype[np.void]  #: the same with raw=True
TRADE: np.dtype[np.void]  #: rows of :class:`shm.Trades`
QUOTE: np.dtype[np.void]  #: rows of :class:`shm.Quotes`
SLOTS: np.dtype[np.void]  #: a ring slot, its sequence and its READ_* status
READ_OK: int
READERS: int  #: rows of the registry
READERS_ROWS: int  #: where they begin in the readers' object
READERS_BYTES: int  #: of that object
READER_CLAIMED: int  #: bit of the pid of a registry row that this process is filling
READ_EMPTY: int  #: never written; of a slot: not this record yet
READ_BUSY: int  #: being written, or damaged
READ_LAPPED: int  #: a later record is there
BOARD: np.dtype[np.void]  #: rows of :class:`shm.Board`
DEAD_NS: int  #: a heartbeat older than this: nothing is called live
NONE: int  #: FH_NONE, a price that is not there: -2**63
NO_INSTRUMENT: int  #: the instrument id of records that belong to none
KNOWN_WHOLE: int  #: a side of a book is known to its end
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

def constants() -> dict[str, int]:
    """The header's constants by their names in C."""

def geometry(
    instruments: int, depth: int, ring_slots: int, connections: int
) -> tuple[dict[str, tuple[int, int, int]], int]:
    """Regions, name -> (offset, stride, count), and the total size of a data object in bytes."""

def format_control(fd: int, venue: bytes, space: bytes, boot_id: bytes) -> None:
    """Fill a new control object, magic last. The caller holds the writer's lock on it."""

def format_readers(fd: int) -> None:
    """Fill a new readers' object. The caller holds the writer's lock."""

def claim_control(fd: int, pid: int, start_ticks: int) -> None:
    """Say in the control object who the writer is. The caller holds the writer's lock on it."""

def withdraw(fd: int) -> None:
    """Say in the control object that no epoch is there."""

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
    mirror: bool  #: its records are another host's, and none is its own
    def __init__(
        self,
        data_fd: int,
        control_fd: int,
        readers_fd: int,
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
        earlier: Sequence[int] = (),
        mirror: bool = False,
    ) -> None:
        """Map and fill a data object that was reserved. Use :func:`shm.segment.create`."""

    def ready(self) -> None:
        """Write the WRITER start record, unless it is a mirror's, and the magic: the object is
        whole."""

    def over(self) -> None:
        """Readers are told that nothing follows in this epoch: that of a mirror, whose source's
        ended. It stays the writer."""

    def mirrors(
        self,
        hops: int,
        source: str,
        link: str,
        *,
        clock_offset_ns: int,
        clock_error_ns: int,
        late_ns: int,
        heard_ns: int,
        lost: int,
        repaired: int,
    ) -> None:
        """Say in the header whose memory this is a mirror of, and how well."""

    def announce(self) -> None:
        """Name the epoch in the control object: who attaches from now on attaches to it."""

    @property
    def control_epoch(self) -> int:
        """The epoch that the control object names."""

    @property
    def readers_whole(self) -> bool:
        """Whether the readers' object has its full size and its magic: readers may write it."""

    def readers_renewed(self, fd: int) -> None:
        """Go over to another readers' object, whole, open for writing at `fd`."""

    def identify(self) -> bool:
        """Put right in the control object whose it is; whether it was wrong."""

    def reclaim(self, start_ticks: int) -> bool:
        """Put right who the control object says the writer is; whether it was wrong."""

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

    def counters(self) -> list[int]:
        """All venue counters, as they are."""

    def histogram_add(self, histogram: int, value: int) -> None:
        """Count a value, in ns, in a histogram (FH_HISTOGRAM_*)."""

    def heartbeat(self, last_receive_ns: int = 0) -> None:
        """Say that the writer is well; every 100 ms. Also when a byte last came, if it is known."""

    def set_state(self, state: int, reason: int, detail: str = "") -> None:
        """The venue's state and reason in the header; `detail` in words, cut at 127 bytes."""

    def _forget(self) -> None: ...
    def close(self, detail: str = "stopped") -> None:
        """The WRITER stop record, CLOSED(STOPPED), superseded, sleepers woken. Names stay."""

def histogram_floors() -> list[int]:
    """The smallest value, in ns, of each bucket of a histogram."""

def register_enums(
    state: type[State],
    reason: type[Reason],
    instrument_kind: type[InstrumentKind],
    contract_type: type[ContractType],
    option_type: type[OptionType],
    status: type[Status],
    source: type[Source],
) -> None:
    """The enums that attributes are given as. Called by `shm.names`."""

class Segment:
    """One data object mapped read-only, and its control object. Its memory stays valid as long as
    this lives, whatever happens to the names. Use :func:`shm.attach`."""

    def __init__(
        self,
        data_fd: int,
        control_fd: int,
        readers_fd: int,
        header: bytes,
        *,
        venue: str,
        namespace: str,
        owner: int,
    ) -> None:
        """`header`: a copy that the caller has checked against the object's real size; what it says
        is where things lie from then on. `owner`: the user whose feed it is. The descriptors may
        be closed afterwards; `control_fd` -1: there is none, to inspect dead memory; `readers_fd`
        -1: this reader may not write that object."""

    @property
    def owner(self) -> int:
        """The number of the user whose feed it is."""

    @property
    def truncated(self) -> bool:
        """The object became shorter while it was mapped, and a reader met its end."""

    @property
    def venue(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def epoch(self) -> int: ...
    @property
    def capacity(self) -> int:
        """Rows of the directory."""

    @property
    def depth(self) -> int:
        """Levels a side of a book cell."""

    @property
    def regrouped(self) -> int:
        """How often a row was found to be of another chain than before."""

    @property
    def instruments(self) -> int:
        """Rows of the directory in use."""

    @property
    def published(self) -> int:
        """The last record that readers see."""

    @property
    def earlier(self) -> tuple[int, ...]:
        """The epochs before this one, newest first: at most twelve of them."""

    @property
    def created_ns(self) -> int:
        """When its writer made it, unix ns."""

    @property
    def connection_capacity(self) -> int:
        """Rows of the connection table."""

    @property
    def life(self) -> tuple[int, int, int, int]:
        """What no other data object has, of whatever writer: a mirror that was started again has
        the epoch that it had before, in new memory."""

    @property
    def mirror(self) -> dict[str, Any] | None:
        """Of a mirror: "hops" (links from the feed itself), "source" and "link" in words, "late_ns"
        (from the source's publication to here, the most of the last second), "heard_ns" (by this
        host's clock), "clock_offset_ns" (the clock of all times here less this host's), by how
        much that may be wrong ("clock_error_ns"), "lost" (records), "repaired". None: a feed's
        own."""

    @property
    def now_ns(self) -> int:
        """The time, unix ns, by the clock of all times in this memory: a mirror's is its
        source's."""

    def capsule(self) -> object:
        """A capsule "feedhandler.mapped" (`shm/mapped.h`), for native code of other rooms that
        reads. It keeps the mapping; whoever reads looks at `truncated` afterwards."""

    def wait(self, seen: int, timeout_ns: int) -> None:
        """Sleep until something after record `seen` is published, at most that long (<= 100 ms)."""

    @property
    def replay(self) -> bool:
        """It is filled from a capture or a recording: its times are of then."""

    @property
    def slots(self) -> int:
        """Records in the ring."""

    @property
    def heartbeat_ns(self) -> int:
        """When the writer last said that it is well, unix ns."""

    @property
    def venue_state(self) -> tuple[State, Reason]:
        """The venue's state and reason."""

    @property
    def can_wake(self) -> bool:
        """Whether this reader may ask to be woken: it may write the readers' object."""

    def gone(self) -> str | None:
        """None while the writer lives, else "stopped", "superseded" or "died". A system call."""

    def instrument(self, row: int) -> Instrument:
        """A directory row. Raises IndexError, DamagedSegment."""

    def changed(self, instrument: Instrument) -> bool:
        """Whether the directory row was stored again since `instrument` was made of it."""

    def names(self, first: int) -> list[tuple[str, str]]:
        """(symbol, name) of the directory's rows from `first` on."""

    def cell(self, region: str, row: int) -> tuple[int, bytes]:
        """(READ_*, the current copy of a cell) of "directory", "quotes", "books", "connections"."""

    def ring(self, first: int, count: int) -> npt.NDArray[np.void]:
        """Ring records by their sequence: SLOTS rows; where status is not READ_OK the fields are
        what the place holds now."""

    def counters(self) -> list[int]:
        """All of the header's counters."""

    def histogram(self, row: int) -> list[int]:
        """The counts of a histogram's buckets; see `histogram_floors`."""

class Instrument:
    """A row of a venue's directory, as it was when it was read. Frozen; equal and hashed by venue
    and symbol, so that it stays good over a writer's restarts."""

    @property
    def id(self) -> int:
        """Its row in the directory of `epoch`: `instrument` in events and in the board."""

    @property
    def epoch(self) -> int: ...
    @property
    def venue(self) -> str: ...
    @property
    def symbol(self) -> str:
        """The venue's name."""

    @property
    def name(self) -> str:
        """The normalised name."""

    @property
    def kind(self) -> InstrumentKind: ...
    @property
    def option(self) -> OptionType: ...
    @property
    def contract_type(self) -> ContractType: ...
    @property
    def status(self) -> Status:
        """What the venue did with orders when this was read; quotes and books have it of now."""

    @property
    def definition(self) -> int:
        """The number of these terms in `epoch`: from 1, one more with each change. 0: unsaid."""

    @property
    def has_book(self) -> bool: ...
    @property
    def precision(self) -> int:
        """Which pair of exponents is in force: widening appends one."""

    @property
    def price_exponent(self) -> int:
        """A price is an integer * 10^price_exponent; the one in force."""

    @property
    def size_exponent(self) -> int: ...
    @property
    def price_exponents(self) -> tuple[int, ...]:
        """All eight, by a record's `precision`."""

    @property
    def size_exponents(self) -> tuple[int, ...]: ...
    @property
    def tick(self) -> float:
        """The step of prices; of the lowest ones, where there are `tick_bands`."""

    @property
    def tick_bands(self) -> tuple[tuple[float, float], ...]:
        """(price from which on, tick), ascending: ticks that grow with the price."""

    def tick_at(self, price: float) -> float:
        """The tick of a price; 0 where the venue does not say."""

    @property
    def lot(self) -> float: ...
    @property
    def contract_size(self) -> float: ...
    @property
    def strike(self) -> float:
        """0 for what is not an option."""

    @property
    def expiry_ns(self) -> int:
        """When it ends, unix ns: expiry, delivery, or a delisting that the venue has announced,
        of any kind of instrument. 0: nothing is known of an end."""

    @property
    def expiry(self) -> datetime | None:
        """`expiry_ns` as a time in UTC; None: nothing is known of an end."""

    def days_to_expiry(self, now_ns: int | None = None) -> float:
        """From now, or from `now_ns` (unix ns), in days of 24 hours; NaN without an expiry."""

    def to_coins(self, size: Any, price: Any = None) -> Any:
        """A size of the venue's units in base currency: `shm.Feed.coins` says of which kinds."""

    def to_contracts(self, coins: Any, price: Any = None) -> Any:
        """Base currency in the venue's units, not rounded to a lot: the inverse of `to_coins`."""

    def notional(
        self, size: Any, price: Any, currency: Literal["settle", "quote"] = "settle"
    ) -> Any:
        """What a size is worth at a price, in the currency of settlement or of quotes."""

    def round_price(self, price: float, side: int | None = None) -> float:
        """A price on a tick: the nearest, or with a side (`shm.Side`) the next that is not better
        for us than asked: down for a bid, up for an ask. Without a tick, the price as it is."""

    def round_size(self, size: float) -> float:
        """A size in whole lots, towards 0. Without a lot, the size as it is."""

    @property
    def base(self) -> str: ...
    @property
    def quote(self) -> str: ...
    @property
    def settle(self) -> str: ...

class _Cell:
    """What quotes and books have in common. Frozen; times are unix ns."""

    @property
    def instrument(self) -> Instrument:
        """What was asked for, under its newest definition: its tick and lot are those of now."""

    @property
    def definition(self) -> int:
        """The definition that it is under: `instrument.definition`, or the one before it."""

    @property
    def epoch(self) -> int:
        """The epoch that it was read in."""

    @property
    def state(self) -> State: ...
    @property
    def reason(self) -> Reason: ...
    @property
    def live(self) -> bool:
        """State LIVE, and the writer's heartbeat less than a second old when this was read: the
        book is the venue's. Whether the venue takes orders is another question: `status`."""

    @property
    def status(self) -> Status:
        """What the venue does with orders."""

    @property
    def tradable(self) -> bool:
        """`live`, and the status is ACTIVE."""

    @property
    def exchange_ns(self) -> int:
        """When it was so at the venue, by its clock: the time of its matching engine where it says
        one, else when it sent it; 0: it says none."""

    @property
    def sent_ns(self) -> int:
        """When the venue sent it, by its clock, where it says so apart; 0: it does not."""

    @property
    def receive_ns(self) -> int: ...
    @property
    def publish_ns(self) -> int: ...
    @property
    def state_ns(self) -> int:
        """Since when it is in this state."""

    @property
    def age_ns(self) -> int:
        """How old it was when it was read. Of a quote: since the last message about the instrument
        on any channel; of a book: since the last change of the book. A time that lies ahead, since
        the clock was set back, is as old as it is ahead: never young for that."""

    @property
    def heartbeat_age_ns(self) -> int:
        """How old the writer's last sign of life was when this was read."""

    @property
    def ring_sequence(self) -> int:
        """The last ring record that it reflects: later ones are news."""

    @property
    def venue_sequence(self) -> int: ...
    @property
    def price_exponent(self) -> int: ...
    @property
    def size_exponent(self) -> int: ...

class _QuoteBase(_Cell):
    """Statistics, NaN for what the venue has not sent. IVs are fractions: 0.65 is 65 %."""

    @property
    def mark(self) -> float: ...
    @property
    def index(self) -> float: ...
    @property
    def underlying(self) -> float: ...
    @property
    def bid_iv(self) -> float: ...
    @property
    def ask_iv(self) -> float: ...
    @property
    def mark_iv(self) -> float: ...
    @property
    def delta(self) -> float: ...
    @property
    def gamma(self) -> float: ...
    @property
    def vega(self) -> float: ...
    @property
    def theta(self) -> float: ...
    @property
    def rho(self) -> float: ...
    @property
    def funding(self) -> float:
        """Of the interval that ends next: 0.0001 is 0.01 %."""

    @property
    def predicted_funding(self) -> float:
        """Of the interval after that, as the venue expects it."""

    @property
    def next_funding_ns(self) -> int:
        """When `funding` is due, unix ns; 0: the venue does not say."""

    @property
    def open_interest(self) -> float:
        """In units of size."""

    @property
    def volume(self) -> float:
        """Traded in the last 24 hours, in units of size."""

    @property
    def last_ns(self) -> int:
        """When the last trade was."""

    @property
    def last_side(self) -> TradeSide | None:
        """What the taker of the last trade did; None: there was no trade yet."""

    @property
    def source(self) -> Source:
        """What bid and ask are of: the book, or a channel of quotes that is ahead of it."""

    @property
    def stats_ns(self) -> int:
        """When the last statistic was received."""

    @property
    def data_ns(self) -> int:
        """When the last message on any channel was received."""

class Quote(_QuoteBase):
    """Top of book and last trade as floats, NaN for what is not there."""

    @property
    def mid(self) -> float:
        """Half-way between bid and ask; NaN where one of them is missing."""

    @property
    def spread(self) -> float:
        """Ask less bid; NaN where one of them is missing."""

    @property
    def microprice(self) -> float:
        """Bid and ask, each weighted with the other side's size: where the next trade leans to."""

    @property
    def bid(self) -> float: ...
    @property
    def bid_size(self) -> float: ...
    @property
    def ask(self) -> float: ...
    @property
    def ask_size(self) -> float: ...
    @property
    def last(self) -> float: ...
    @property
    def last_size(self) -> float: ...

class RawQuote(_QuoteBase):
    """The same as integers, scaled by 10^price_exponent and 10^size_exponent; None: not there."""

    @property
    def bid(self) -> int | None: ...
    @property
    def bid_size(self) -> int | None: ...
    @property
    def ask(self) -> int | None: ...
    @property
    def ask_size(self) -> int | None: ...
    @property
    def last(self) -> int | None: ...
    @property
    def last_size(self) -> int | None: ...

class Book(_Cell):
    """Levels of a book, best first. The arrays are copies and yours."""

    @property
    def bids(self) -> npt.NDArray[np.float64]:
        """(n, 2): price, size."""

    @property
    def asks(self) -> npt.NDArray[np.float64]: ...
    @property
    def sequence(self) -> int:
        """The venue's number of the last update: `venue_sequence`."""

    @property
    def mid(self) -> float:
        """Half-way between the best levels, in the unit of `bids`; NaN where a side is empty."""

    @property
    def spread(self) -> float: ...
    @property
    def microprice(self) -> float:
        """The best levels, each price weighted with the other side's size."""

    @property
    def bids_total(self) -> int:
        """Levels of the full book, which the writer keeps."""

    @property
    def asks_total(self) -> int: ...
    @property
    def bids_known(self) -> int | None:
        """How many bids are known, from the best one on: none between them is missing. It may be
        more than `bids` has. None: the whole side is known, all `bids_total` of them."""

    @property
    def asks_known(self) -> int | None: ...

class RawBook(Book):
    """The same with (n, 2) int64, scaled by 10^price_exponent and 10^size_exponent."""

    @property
    def bids(self) -> npt.NDArray[np.int64]: ...  # type: ignore[override]
    @property
    def asks(self) -> npt.NDArray[np.int64]: ...  # type: ignore[override]

class FeedBase:
    """The native half of :class:`shm.Feed`."""

    @property
    def segment(self) -> Segment | None: ...
    def _set_segment(self, segment: Segment | None) -> None: ...
    def _current(self) -> Segment: ...
    @overload
    def quote(self, instrument: Instrument | str, raw: Literal[False] = False) -> Quote:
        """The instrument's quote cell: one consistent reading.

        Raises :class:`shm.WriterLost`, :class:`shm.UnknownInstrument`.
        """

    @overload
    def quote(self, instrument: Instrument | str, raw: Literal[True]) -> RawQuote: ...
    @overload
    def book(
        self, instrument: Instrument | str, depth: int | None = None, raw: Literal[False] = False
    ) -> Book:
        """The best `depth` levels a side of the instrument's book cell (None: all that is shared).

        Fewer where the venue has no more, or where no more are known: `bids_known`, `asks_known`.
        Raises ValueError for more levels than cells have (`depth` in the configuration),
        :class:`shm.WriterLost`, :class:`shm.UnknownInstrument`.
        """

    @overload
    def book(
        self, instrument: Instrument | str, depth: int | None = None, *, raw: Literal[True]
    ) -> RawBook: ...
    def _id_of(self, segment: Segment, symbol: str) -> int | None: ...
    def _ids(
        self, segment: Segment, instruments: Iterable[Instrument | str]
    ) -> npt.NDArray[np.uint32]: ...

def collect(segment: Segment, cls: type[_B], ids: npt.NDArray[np.uint32] | None = None) -> _B:
    """Rows of the quote cells `ids` (None: all) as `cls(count, BOARD)`, its attributes filled in:
    see :class:`shm.Board`. Raises IndexError, DamagedSegment."""

class Cursor:
    """The native half of :class:`shm.Events`."""

    @property
    def segment(self) -> Segment | None: ...
    @property
    def raw(self) -> bool: ...
    @property
    def delivered(self) -> int:
        """Ring records handed out, over all epochs."""

    @property
    def filtered(self) -> int:
        """Ring records passed over: not asked for, or part of a state that was handed out."""

    @property
    def lost(self) -> int:
        """Ring records overwritten before they were read."""

    @property
    def overruns(self) -> int:
        """How often that happened."""

    @property
    def sequence(self) -> int:
        """The next ring record that will be read."""

    @property
    def lag(self) -> int:
        """Ring records published and not yet read."""

    def poll(self) -> npt.NDArray[np.void] | None:
        """What has come since the last call, or None. Never sleeps.

        Raises :class:`shm.Overrun`, :class:`shm.WriterLost`, :class:`shm.DamagedSegment`,
        :class:`shm.ConcurrentUse`.
        """

    def _configure(self, kinds: int, raw: bool, resync: bool) -> None: ...
    def _open(self, segment: Segment, select: bool) -> None: ...
    def _drop(self) -> None: ...
    def _start_now(self) -> None: ...
    def _start_state(self) -> None: ...
    def _start_oldest(self) -> None: ...
    def _start_at(self, first: int) -> None: ...
    def _occupy(self, on: bool) -> None: ...
    def _resolve(self, segment: Segment, first: int) -> list[int]: ...
    def _reattach(self) -> None: ...
    def _lost_writer(self, segment: Segment, reason: str) -> NoReturn: ...
    def _register(self, name: bytes, start_ticks_of: Callable[[int], int]) -> bool: ...
    def _wait(self, timeout_ns: int) -> bool: ...

def ring_oldest(segment: Segment) -> int:
    """The oldest record that may still be in the ring; 1: the ring has all since it was made."""

def ring_begin(segment: Segment, first: int, last: int, from_ns: int) -> int:
    """A record from `first` on before which none was received at `from_ns` or later: one of 256 is
    looked at, by when it was written. `last` + 1: none was at all."""

def ring_rows(
    segment: Segment,
    first: int,
    last: int,
    kinds: int,
    wanted: npt.NDArray[np.uint8] | None,
    from_ns: int,
    to_ns: int,
) -> tuple[npt.NDArray[np.void], int]:
    """(rows of RAW_EVENT, the next record): of `first` to `last`, those of the kinds (a bit each),
    of instruments that have a 1 in `wanted` (None: all), received from `from_ns` to before `to_ns`.

    The next record is `last` + 1; less: it was overwritten before it could be read. Raises
    ValueError for a `last` that is not published, DamagedSegment.
    """

def trade_rows(
    records: npt.NDArray[np.void],
    epoch: int,
    numbers: npt.NDArray[np.uint32] | None = None,
    announced: bool = False,
) -> npt.NDArray[np.void]:
    """The trades among records that have the fields of RAW_EVENT in their places, as TRADE rows.
    `numbers`: what an instrument is called, by its row. `announced`: with the orders of
    liquidation that a venue announces beside the trades."""

def quote_rows(
    records: npt.NDArray[np.void], epoch: int, numbers: npt.NDArray[np.uint32] | None = None
) -> npt.NDArray[np.void]:
    """The same of quotes, as QUOTE rows: bid and ask in one."""

def scaled_values(integers: npt.NDArray[np.int64], exponent: int) -> npt.NDArray[np.float64]:
    """Integers times 10^exponent, each correctly rounded as all values of `shm` are."""

def event_rows(
    records: npt.NDArray[np.void], numbers: npt.NDArray[np.uint32] | None = None
) -> npt.NDArray[np.void]:
    """Records that have the fields of RAW_EVENT in their places as EVENT rows. `numbers`: what an
    instrument is called, by its row."""
