"""Read a venue's order books, quotes and events from shared memory.

    feed = shm.attach("deribit")
    perp = feed.instrument("BTC-PERPETUAL")
    quote = feed.quote(perp)
    book = feed.book(perp, depth=10)
    for batch in feed.events(instruments=[perp], kinds=["trade", "level"]): ...

Imports numpy and posix_ipc, no networking and no event loop.
"""

from shm import gil  # noqa: F401 - first of all: refuses an interpreter that has none
from shm._native import (
    NO_INSTRUMENT,
    NONE,
    Book,
    Instrument,
    Quote,
    RawBook,
    RawQuote,
)
from shm.board import Board
from shm.consolidated import Best, BestSide, LeftOut, best
from shm.contracts import coins, notional
from shm.errors import (
    BadGeometry,
    BadName,
    ConcurrentUse,
    DamagedSegment,
    NoRoom,
    NoSuchVenue,
    NotLive,
    NotReady,
    NotTrusted,
    NotWriter,
    Overrun,
    PermissionDenied,
    ShmError,
    UnknownInstrument,
    VersionMismatch,
    WriterLost,
    WriterRunning,
)
from shm.events import Events
from shm.feed import Feed, attach
from shm.general_names import general_name
from shm.history.books import PastBook
from shm.history.missing import Missing, OutOfReach
from shm.history.results import Bars, History, Quotes, Trades
from shm.history.table import Table
from shm.names import (
    Change,
    ContractType,
    Counter,
    Flag,
    Histogram,
    InstrumentKind,
    Kind,
    OptionType,
    Reason,
    Side,
    Source,
    Stat,
    State,
    Status,
    TradeSide,
)
from shm.native_users import get_cmake_dir, get_include, get_pkgconfig_dir
from shm.sent import sent_ns

__all__ = [
    "NONE",
    "NO_INSTRUMENT",
    "BadGeometry",
    "BadName",
    "Bars",
    "Best",
    "BestSide",
    "Board",
    "Book",
    "Change",
    "ConcurrentUse",
    "ContractType",
    "Counter",
    "DamagedSegment",
    "Events",
    "Feed",
    "Flag",
    "Histogram",
    "History",
    "Instrument",
    "InstrumentKind",
    "Kind",
    "LeftOut",
    "Missing",
    "NoRoom",
    "NoSuchVenue",
    "NotLive",
    "NotReady",
    "NotTrusted",
    "NotWriter",
    "OptionType",
    "OutOfReach",
    "Overrun",
    "PastBook",
    "PermissionDenied",
    "Quote",
    "Quotes",
    "RawBook",
    "RawQuote",
    "Reason",
    "ShmError",
    "Side",
    "Source",
    "Stat",
    "State",
    "Status",
    "Table",
    "TradeSide",
    "Trades",
    "UnknownInstrument",
    "VersionMismatch",
    "WriterLost",
    "WriterRunning",
    "attach",
    "best",
    "coins",
    "general_name",
    "get_cmake_dir",
    "get_include",
    "get_pkgconfig_dir",
    "notional",
    "sent_ns",
]
