"""The native heart of an IO process: frames in, shared-memory records out.

An :class:`Engine` owns the full-depth books of one venue and the continuity state machine of each
of them, and is handed the venue's decoder. Market data never becomes Python objects on its way
through it. A :class:`Receiver` unframes what a socket brings. Nothing here knows venues, sockets,
clocks other than the system's, or event loops.
"""

from asyncio import BaseProtocol, BufferedProtocol
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from typing_extensions import Buffer

from shm._native import Writer

_Table = npt.NDArray[np.int64]
# What `Connection.feed` and `Engine.snapshot` answer: a sum of these bits.
DATA: int  #: market data, consumed
CONTROL: int  #: not market data: parse it with orjson (acks, heartbeats, errors, notices)
MALFORMED: int  #: not what the venue may send; counted, see `Engine.last_error`
UNKNOWN: int  #: well-formed, but of a symbol or channel that is not ours; counted
ATTENTION: int  #: `Engine.attention` has something to say
GAP: int  #: a message of the connection is missing, any book's: see `Connection.hole`

# Rules of continuity (`rule`).
RULE_NONE: int  #: the venue numbers nothing
RULE_PREVIOUS: int  #: the message's previous id equals the last one applied
RULE_RANGE: int  #: first <= last + 1 <= final
RULE_NEXT: int  #: n == last + 1
RULE_TIME: int  #: the number is the venue's time: later than the last one's

# Where the first full book comes from (`base`).
BASE_STREAM: int  #: a snapshot in the stream after every subscription
BASE_REQUEST: int  #: REST or socket request; deltas are buffered and joined
BASE_EVERY: int  #: every message is a full book

# Checksums of books.
CHECKSUM_PAIRS: int  #: the text of a checksum: bid, ask, bid, ask
CHECKSUM_ASKS: int  #: all asks, then all bids
CHECKSUM_BIDS: int  #: all bids, then all asks
NUMBER_PLAIN: int  #: 0.001
NUMBER_WRITTEN: int  #: 0.0010
NUMBER_DIGITS: int  #: 10
NUMBER_SCRIPT: int  #: as JavaScript does: 1e-7

# Events of `Engine.attention`.
NEED_RESYNC: int  #: the book is not usable: resubscribe (BASE_STREAM) or refetch (BASE_REQUEST)
NEED_SNAPSHOT: int  #: deltas arrive and are buffered; a requested snapshot is wanted
SNAPSHOT_TOO_OLD: int  #: the snapshot handed in does not reach the buffered deltas: fetch again
BECAME_LIVE: int  #: the book is in step
WIDENED: int  #: the exponents of the instrument were widened
ADDED: int  #: `auto_add` met a new symbol
UNCONFIRMED: int  #: a requested book is in, but the stream has not reached it; detail: its number
STATED: int  #: the stream's word for the instrument's status is another one: `Engine.word`
FOREIGN: int  #: the snapshot handed in has prices that are not the instrument's: fetch again
WORN: int  #: of a book in step few levels are known any more (the detail): `Engine.deepen`

# What `Engine.deepen` answers.
DEEPEN_DONE: int  #: the book reaches as far as the snapshot
DEEPEN_AHEAD: int  #: the stream has not come so far: hand it in again
DEEPEN_OLD: int  #: it is older than the request, or the book began anew: ask again
DEEPEN_OTHER: int  #: most of the levels that are known differ: of another book. Ask again
DEEPEN_MALFORMED: int  #: it makes no sense: see `Engine.last_error`

# Channels, the column of `Engine.activity`.
CHANNEL_BOOK: int
CHANNEL_TRADES: int
CHANNEL_TICKER: int
CHANNEL_QUOTE: int
CHANNEL_LIQUIDATIONS: int
CHANNEL_MARK: int
CHANNEL_FUNDING: int
CHANNEL_INTEREST: int
CHANNEL_GREEKS: int
CHANNEL_VOLUME: int
CHANNEL_INDEX: int

_Bytes = bytes

def full_sides(bids: int, asks: int, asked: int) -> tuple[bool, bool]:
    """Whether the venue may have more bids, and asks, than the so many levels that it answered with
    when `asked` a side were asked for (0: all)."""

class _Listener(Protocol):
    """Whom a `Receiver` tells of what is not for the engine alone."""

    def on_special(self, bits: int, payload: Any) -> None: ...
    def on_frame(self, kind: int, fin: bool, payload: _Bytes) -> None: ...
    def on_failed(self, error: Exception) -> None: ...
    def on_refused(self, why: str | None) -> None: ...

class Connection:
    """What arrives on one connection. Several may bring the same stream: of every message the first
    copy counts. Books are owned by the connection that last fed them."""

    frames: int
    bytes: int
    levels: int
    malformed: int
    unknown: int
    slow: int  #: frames of books, trades and quotes that were of no known skeleton
    last_receive_ns: int
    behind_ns: int  #: set by its owner: what it brings is so late; a hole that it may fill waits
    wins: int  #: book messages that it brought before another connection did
    lead_p50_ns: int  #: by how much, the median of the last ones; 0: none yet
    def feed(self, payload: Buffer, receive_ns: int = 0, wake: bool = True) -> int:
        """Decode one whole message; `receive_ns` 0 means now, or, behind a message with `wake`
        False, the time of that one: they were read at once. Never raises on bad input.

        `wake` False: more of what was received at once follows, and sleeping readers are woken with
        the last of it, or by `flush`.
        """

    hole: tuple[int, int]  #: of the last GAP: the number that was due, and the one that came
    def begin(self) -> None:
        """A session begins: the numbers and the channels of the one before say nothing."""

    def bind(self, channel: int, instrument: int, word: str) -> None:
        """The venue has said what comes on the channel of this number, until the session ends.

        `word`: the venue's for the channel. Raises ValueError (a word of no or over 15 bytes),
        MemoryError (thousands of channels).
        """

    def unbind(self, channel: int) -> None:
        """Nothing comes on the channel any more; if it is bound."""

    def take_late_ns(self) -> int | None:
        """The least age of a message, by the venue's clock, since the last call; None: none came.

        A connection that is behind brings nothing young. Clocks differ: it may be below 0.
        """

    def flush(self) -> None:
        """Wake sleeping readers if anything was published since they were last woken."""

    def receiver(self, listener: _Listener, before: BaseProtocol, longest: int) -> Receiver:
        """Who reads a socket whose WebSocket is open, instead of `before`.

        Frames of at most `longest` bytes; longer ones end the reading.
        """

    def feed_all(self, payloads: list[_Bytes], padding: int = 0) -> int:
        """Feed each of them, now, waking readers every few thousand bytes; the bits that any gave.

        `padding`: so many zeros behind each are no part of it. With 128 they are read where they
        lie, as a socket's are. The loop is native: for benchmarks.
        """

class Receiver(BufferedProtocol):
    """The protocol of a transport: reads WebSocket frames (RFC 6455) into the engine.

    Whole messages are fed where they lie, without a Python object; sleeping readers are woken once
    for what one read brought. The listener is told of messages that are more than records
    (`on_special`, as `Connection.feed` answers), of all other frames (`on_frame`: of the protocol,
    and parts, whose messages are the listener's to put together and feed), and of a frame after
    which nothing can be read any more (`on_refused`; None: it is too long). What it raises goes to
    its `on_failed`. The end of the session goes to the protocol before.
    """

    def mute(self) -> None:
        """Feed nothing more; other frames are told of as before."""

#: levels a side, CHECKSUM_*, NUMBER_*, separator, sizes of asks are negative, sent as an int32
ChecksumRule = tuple[int, int, int, str, bool, bool]

class Decoder:
    """What reads a venue's frames; where the venues are, there they are made."""

    def __init__(self, capsule: object, engine_bytes: int, frames: bytes = b"") -> None:
        """`capsule`: a PyCapsule "feedhandler.decoder" of an `fh_decoder *`, which was compiled for
        an engine of so many bytes: ImportError when that is not this one. `frames`: the table of
        the venue's shapes, from which skeletons are learned."""

    @property
    def frames(self) -> bytes: ...
    @property
    def name(self) -> str: ...
    @property
    def spreads(self) -> bool: ...
    @property
    def keeps_window(self) -> bool: ...
    @property
    def usual(self) -> bool: ...
    @property
    def names_trades(self) -> bool: ...
    @property
    def uncrosses(self) -> bool: ...

def shape_decoder(
    frames: bytes,
    *,
    spreads: bool = False,
    keeps_window: bool = False,
    names_trades: bool = False,
    uncrosses: bool = False,
    usual: bool = False,
    learned: bool = True,
) -> Decoder:
    """Reads a venue's frames by its shapes (`feedhandler.shape.compiled`) alone.

    `spreads`: it has instruments whose price may be 0 and below. `keeps_window`: documented: what
    enters the levels of a channel is sent, what leaves removed. `names_trades`: the ids of its
    trades are names, which do not count up. `uncrosses`: its books may be crossed, and are
    uncrossed by a rule. `learned`: frames are read by their skeletons too, as
    they come to be known.
    """

def holes(of: Engine) -> tuple[int, int, int]:
    """Of what connections count for all their books: gaps, numbers missing, gaps of which nobody
    knows how many."""

class Engine:
    def __init__(
        self,
        writer: Writer,
        decoder: Decoder,
        *,
        rule: int,
        base: int,
        rest_join: bool = False,
        checksum: ChecksumRule | None = None,
        auto_add: bool = False,
        replay: bool = False,
        buffer_bytes: int = 8 << 20,
        window: int = 0,
    ) -> None:
        """`rest_join`: BASE_STREAM venue whose snapshot may not come; deltas before it are buffered
        and `Engine.snapshot` may supply the base. `checksum`: how the venue makes that of its
        books; None: it has none, and what frames say of one is passed over. `auto_add`: unknown
        symbols are added as they come with exponents that widen as needed (captures without
        metadata).
        `replay`: records carry the REPLAY flag. `buffer_bytes`: bound of buffered deltas per
        instrument; past it the oldest are dropped and the book starts over. `window`: levels a side
        that the venue keeps without a word for what leaves them: books are cut to it; 0: not so.
        """

    def cut(self, window: int) -> None:
        """Books are cut to another window from now on."""

    def add_instrument(
        self,
        symbol: str,
        *,
        name: str = "",
        kind: int = 0,
        price_exponent: int = 0,
        size_exponent: int = 0,
        tick: float = 0.0,
        lot: float = 0.0,
        contract_size: float = 1.0,
        contract_type: int = 0,
        strike: float = 0.0,
        expiry_ns: int = 0,
        option: int = 0,
        base: str = "",
        quote: str = "",
        settle: str = "",
        status: int = 0,
        has_book: bool = True,
        written: tuple[int, int] | None = None,
        bands: Sequence[tuple[float, float]] = (),
    ) -> int:
        """Publish a directory entry; returns the instrument id (its row in every region).

        `written`: decimals of prices and sizes in the texts that checksums are made of; None: those
        of the exponents. `bands`: (price from which on, tick), ascending, at most 12. Of a known
        symbol the id is returned, nothing else done. Raises ValueError (symbol over 63 bytes,
        exponent outside -18..6, decimals outside 0..18, bands that do not ascend) and MemoryError
        when the segment's directory is full.
        """

    def redefine(
        self,
        instrument: int,
        *,
        kind: int,
        tick: float,
        lot: float,
        contract_size: float,
        contract_type: int,
        strike: float,
        expiry_ns: int,
        option: int,
        status: int,
        name: str,
        base: str,
        quote: str,
        settle: str,
        bands: Sequence[tuple[float, float]] = (),
    ) -> int:
        """Publish the instrument's terms as they are now; what has changed: FH_CHANGE_* bits.

        Another definition has the next number, in its directory row, in its cells, and in a
        DEFINITION record; without a change nothing is published. Its book is not touched.
        """

    def set_status(self, instrument: int, status: int) -> None:
        """The same of the status alone."""

    def follow(self, instrument: int, index: str) -> None:
        """What is said of this index is said of the instrument; "": it follows none that is named.
        Raises ValueError for a name of over 39 bytes."""

    def status(self, instrument: int) -> int: ...
    def word(self, instrument: int) -> str:
        """The venue's own word for its status, as its ticker said last; "": it said none."""

    def instrument_id(self, symbol: str) -> int:
        """Raises KeyError."""

    def symbols(self) -> list[str]: ...
    def connection(self, index: int) -> Connection:
        """The connection of that row in the connection table; always the same object."""

    def snapshot(
        self,
        instrument: int,
        payload: Buffer,
        receive_ns: int = 0,
        *,
        polled: bool = False,
        levels: int = 0,
    ) -> int:
        """Hand in the venue's answer to a snapshot request (its verbatim body).

        `levels`: how many a side were asked for, 0: all; a side with fewer has no others.
        `polled`: there is no stream to join it to. The book becomes DEGRADED(DISCONNECTED), never
        LIVE, and the stream's next base replaces it.
        """

    def deepen(self, instrument: int, payload: Buffer | None = None, *, levels: int = 0) -> int:
        """Let a book in step reach further: call it before the request and with its answer.

        The answer is brought to where the book is; what it has beyond the levels that are known is
        published as changes. The book stays in step and LIVE whatever comes of it. DEEPEN_*; before
        the request DEEPEN_OLD says that there is no book in step.
        """

    def known(self, instrument: int) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        """Of bids and asks (levels, scaled price of the last) that are known: none of the venue's
        is missing at that price or better. None: the side is known to its end."""

    def attention(self) -> list[tuple[int, int, int]]:
        """Drain (instrument id, event, detail). For NEED_RESYNC the detail is the reason."""

    def set_state(self, instrument: int, state: int, reason: int) -> None:
        """Publish a state from outside: SYNCING at subscription, STALE on silence, CLOSED at end.

        Any state but LIVE drops the book's claim to be in step; it needs a base again. Setting LIVE
        is refused with ValueError for an instrument with a book: only the book itself says so.
        """

    def silent(self, instrument: int, channel: int, reason: int) -> bool:
        """Of an instrument without a book: it is not LIVE until this channel speaks. False: of one
        with a book, which is right by itself, or that is CLOSED."""

    def disconnected(self, connection: int, reason: int) -> list[int]:
        """Every instrument that this connection alone fed goes STALE(reason); returns their ids."""

    def feeders(self, instrument: int) -> int:
        """A bit for each connection, by its row, whose further messages alone keep the book right.

        Of rows past 63 nothing is known. An instrument without a book: those it was fed by.
        """

    def begun(self, instrument: int) -> None:
        """A subscription to the book has begun: what the venue numbered before it, and after all
        that came, lacks nobody."""

    def adopt(self, instrument: int, connection: int) -> None:
        """Count the connection among the feeders, though it has brought nothing yet.

        The caller knows that nothing has happened since its subscription began. Without effect
        on a book that has no base.
        """

    def confirm(self, instrument: int) -> bool:
        """A book that waits UNCONFIRMED is the venue's, as the caller knows, and a connection that
        has said nothing of it since will continue it: it is LIVE. False: that is not so."""

    def overdue(self, now_ns: int = 0) -> int:
        """A few times a second: a book that one connection is ahead of, while no other brought what
        lies between within half a second, or of which only old messages came for a second, goes
        STALE(GAP). Returns how many. A quote that the book has not reached in a second makes way
        for the book. `now_ns`: unix time, the clock's without it."""

    def quality(self, rows: Iterable[int]) -> _Table:
        """(n, 9) of these rows, counted from the engine's start on: ns LIVE without the present
        interval, since when it is LIVE (0: it is not), times healed, gaps, numbers missing where
        that is known (of a book that is lost, once it has its next base), gaps where it is not,
        changes applied, times that it left LIVE by a fault, ns that it may have been wrong
        before."""

    def look(self) -> None:
        """A look begins, a few times a second: `looked` tells of it."""

    def looked(self, most: int) -> tuple[_Table, _Table, _Table, list[int]]:
        """(rows, activity, states, frozen) of up to so many instruments of which something came, or
        whose state changed, since the look before; each once a look, fewer at its end. activity:
        (n, channels); states: (n, 2); frozen: LIVE books that stand still while newer quotes or
        trades show that they changed, at five looks in a row, and again after."""

    def heard(self, instrument: int, channel: int) -> int:
        """When something of the channel last came, ns; 0: not yet."""

    def best(self, instrument: int) -> tuple[int, ...] | None:
        """Scaled price and size of the best bid, then ask, where they are; None: it is not LIVE."""

    def following(
        self, connection: int, rows: Iterable[int], since: Mapping[int, int], quiet_ns: int
    ) -> list[int]:
        """Those of these books that would stay right with the connection alone. `since`: when it
        began to subscribe to each; one that said nothing since then, for `quiet_ns`, is adopted."""

    def quiet(self, instrument: int) -> None:
        """One that stood still was right all the same: more looks are needed from now on."""

    def state(self, instrument: int) -> tuple[int, int]:
        """(state, reason)"""

    def activity(self) -> npt.NDArray[np.int64]:
        """(instruments, 4) receive times in ns of the last message per channel; 0 = none yet."""

    def brought(self) -> npt.NDArray[np.uint64]:
        """(instruments, channels), a bit for each connection that brought messages since then."""

    def load(self) -> npt.NDArray[np.uint64]:
        """(instruments,) bytes of the frames that each was in; one with several is shared."""

    def book(self, instrument: int) -> tuple[_Table, _Table, int, int, int]:
        """(bids, asks, venue_sequence, price_exponent, size_exponent), full depth, best first.

        bids and asks: (n, 2) scaled price and size. A copy.
        """

    def counters(self) -> dict[str, int]: ...
    def last_error(self) -> str:
        """The last malformed input in words: what, at which byte, of which channel."""

def parse_decimal(text: bytes, exponent: int) -> int:
    """The decimal reader by itself, for tests: scaled integer, or ValueError with the cause."""

def scan_json(payload: Buffer) -> int:
    """The cursor's `skip` over one whole document, for tests: its length, or ValueError."""

def parse_string(payload: Buffer) -> str:
    """The cursor's `string` by itself, for tests: one quoted JSON string, unescaped."""

def format_decimal(value: int, exponent: int) -> str:
    """A scaled integer as canonical decimal text, for tests: no exponent, no trailing zeros."""

class Continuity:
    """The continuity state machine by itself, for tests: no books, no buffer, no memory.

    Methods answer with the action: apply, replace, claim, duplicate, buffer, ignore, gap, too_old,
    ahead. `own`: on the connection that fed the book last; `others`: another one is in step too;
    `step`: this one is.
    """

    def __init__(self, *, rule: int, base: int, rest_join: bool = False) -> None: ...
    @property
    def last(self) -> int: ...
    @property
    def has_base(self) -> bool: ...
    def delta(
        self,
        first: int,
        final: int,
        previous: int = 0,
        numbered: bool = True,
        own: bool = True,
        others: bool = False,
        step: bool = True,
    ) -> str: ...
    def snapshot(self, final: int, own: bool = True, numbered: bool = True) -> str:
        """A full book in the stream; `own`: on the connection that feeds the book."""

    def answer(
        self,
        final: int,
        head: tuple[int, int, int] | None = None,
        tail: tuple[int, int, int] | None = None,
    ) -> str:
        """A full book that was asked for; `head`, `tail`: (first, final, previous) of what is
        buffered, one delta if no `tail` is given."""

    def confirmed(self, first: int, final: int, previous: int = 0) -> bool:
        """One more delta was buffered: whether a book that was claimed is the base by now."""

    def missed(self, first: int, final: int, previous: int = 0) -> bool:
        """The first delta was buffered: whether a book that was claimed is of no use."""

    def full(self, final: int, exchange_ns: int, own: bool = True) -> str: ...
