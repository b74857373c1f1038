"""The header's vocabularies, for type checkers; a test compares them with the header."""

from enum import IntEnum, IntFlag

class Kind(IntEnum):
    """What a ring record is."""

    LEVEL = 1
    CLEAR = 2
    TRADE = 3
    LIQUIDATION = 4
    QUOTE = 5
    STAT = 6
    STATE = 7
    WRITER = 8
    DEFINITION = 9
    ABSENT = 10

class State(IntEnum):
    """State of an instrument, a connection's instruments, or a venue."""

    NONE = 0
    SYNCING = 1
    LIVE = 2
    STALE = 3
    CROSSED = 4
    DEGRADED = 5
    CLOSED = 6

class Reason(IntEnum):
    """Why a state is what it is."""

    NONE = 0
    START = 1
    GAP = 2
    CHECKSUM = 3
    PRECISION = 4
    CROSSED = 5
    DISCONNECTED = 6
    SILENT = 7
    SUBSCRIPTION = 8
    NO_SNAPSHOT = 9
    MALFORMED = 10
    REJECTED = 11
    OVERFLOW = 12
    EXPIRED = 13
    UNSUBSCRIBED = 14
    STOPPED = 15
    FAILED = 16
    HEARTBEAT = 17
    LIFETIME = 18
    RATE_LIMIT = 19
    AUDIT = 20
    CAPACITY = 21
    UNANSWERED = 22
    NO_DATA = 23
    UNCONFIRMED = 24
    NO_ROW = 25
    LINK = 26

class Stat(IntEnum):
    """What a STAT record's value is: its `aux` field."""

    MARK = 1
    INDEX = 2
    UNDERLYING = 3
    BID_IV = 4
    ASK_IV = 5
    MARK_IV = 6
    DELTA = 7
    GAMMA = 8
    VEGA = 9
    THETA = 10
    RHO = 11
    FUNDING = 12
    OPEN_INTEREST = 13
    VOLUME = 14
    PREDICTED_FUNDING = 15
    NEXT_FUNDING = 16

class Counter(IntEnum):
    """Venue counters."""

    FRAMES = 0
    BYTES = 1
    LEVELS = 2
    MESSAGES = 3
    CONTROL = 4
    MALFORMED = 5
    UNKNOWN = 6
    GAPS = 7
    CHECKSUM_BAD = 8
    CHECKSUM_OK = 9
    CROSSED = 10
    PRECISION = 11
    DUPLICATES = 12
    RESYNCS = 13
    SNAPSHOTS = 14
    BUFFERED = 15
    BUFFER_DROPPED = 16
    TRADES = 17
    CONNECTS = 18
    DISCONNECTS = 19
    RESUBSCRIBES = 20
    REST_REQUESTS = 21
    REST_ERRORS = 22
    STALE_SNAPSHOTS = 23
    WAKES = 24
    REJECTED = 25
    AUDITS = 26
    AUDIT_BAD = 27
    SPLITS = 28
    BEHIND = 29

class Histogram(IntEnum):
    """Latency histograms, in ns."""

    RECEIVE_PUBLISH = 0
    EXCHANGE_RECEIVE = 1
    RTT = 2

class InstrumentKind(IntEnum):
    """Kind of an instrument."""

    UNKNOWN = 0
    SPOT = 1
    PERPETUAL = 2
    FUTURE = 3
    OPTION = 4
    COMBO = 5

class ContractType(IntEnum):
    """What a contract is on, and how it settles."""

    NONE = 0
    LINEAR = 1
    INVERSE = 2
    QUANTO = 3

class OptionType(IntEnum):
    """Call or put; NONE for what is not an option."""

    NONE = 0
    CALL = 1
    PUT = 2

class Status(IntEnum):
    """What the venue does with orders; only ACTIVE is open."""

    ACTIVE = 0
    EXPIRED = 1
    HALTED = 2
    UNKNOWN = 3
    PRE_OPEN = 4
    AUCTION = 5
    POST_ONLY = 6
    CANCEL_ONLY = 7
    SETTLING = 8

class Source(IntEnum):
    """What a quote's bid and ask are of."""

    NONE = 0  #: there are none yet
    BOOK = 1  #: the best levels of the book
    QUOTE = 2  #: a channel of best bids and offers, ahead of the book or without one

class Change(IntFlag):
    """What another definition of an instrument has changed."""

    STATUS = 1
    TICK = 2
    LOT = 4
    CONTRACT_SIZE = 8
    EXPIRY = 16
    IDENTITY = 32

class Flag(IntFlag):
    """Flags of a ring record."""

    FIRST = 1
    LAST = 2
    SNAPSHOT = 4
    REPLAY = 8
    MORE = 16

class TradeSide(IntEnum):
    """Of a trade: what its taker did. Equal to `Side`'s numbers, and printed as traders say it."""

    BUY = 0
    SELL = 1

class Side(IntEnum):
    """Of a book, and of a trade the taker's: BUY is BID, SELL is ASK."""

    BID = 0
    ASK = 1
    BUY = 0
    SELL = 1
