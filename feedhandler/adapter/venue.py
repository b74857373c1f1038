"""What a venue states about itself. The engine and the connections act on it; a venue does nothing.

A new venue is one module with one :class:`Venue` subclass made of these facts, and a decoder. What
else it takes, "Adding a venue" in docs/architecture.md goes through.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

from feedhandler.adapter.checksum import Checksum
from feedhandler.adapter.connect import Token, Welcome
from feedhandler.adapter.promise import NONE, Promise
from feedhandler.adapter.proof import NOTHING, Proof
from feedhandler.adapter.request import Request
from feedhandler.engine._engine import Decoder
from shm import ContractType, InstrumentKind, OptionType, Status

#: what `channels` of the configuration may say, and what each brings
CHANNELS: Mapping[str, str] = {
    "book": "every change of the order book, from a full one on",
    "trades": "trades, and liquidations where the venue tells them",
    "ticker": "what the venue says beside the book: mark and index, IVs and greeks, funding, open "
    "interest; of pairs the best bid and offer",
    "quote": "the best bid and offer at once, ahead of the book",
}


class Continuity(Enum):
    """How the messages of one book follow each other."""

    NONE = "none"  #: the venue numbers nothing
    PREVIOUS = "prev == last"
    RANGE = "first <= last + 1 <= final"
    NEXT = "n == last + 1"
    TIME = "its time is later than the last one's"


class Base(Enum):
    """Where the first full book comes from."""

    STREAM = "a snapshot in the stream after each subscription"
    REQUEST = "a snapshot on request, joined to buffered deltas"
    EVERY = "every message is a full book"


class Speaker(Enum):
    """Who speaks first in a heartbeat, and in which words."""

    SERVER_FRAME = "the server sends WebSocket pings"  # answered by the WebSocket library
    SERVER_JSON = "the server asks in JSON, or says that it is there"
    CLIENT_TEXT = "we send a text"
    CLIENT_JSON = "we send JSON"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """How the two ends of a connection know of each other.

    `period_s`: how often the speaker speaks. `cut_s`: silence after which the venue cuts, or after
    which we hold the socket for dead. `ping`, `pong`: the texts of CLIENT_TEXT and CLIENT_JSON;
    `$time_s` in a ping is the unix second in which it is sent.
    """

    speaker: Speaker
    period_s: float
    cut_s: float
    ping: str = ""
    pong: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the venue allows; 0 = no limit known."""

    keys_per_message: int = 0
    bytes_per_message: int = 0
    keys_per_connection: int = 0
    messages_per_second: float = 0.0
    subscribes_per_hour: int = 0  #: keys, per connection
    connects_per_second: float = 0.0
    connects_per_window: tuple[int, float] = (0, 0.0)  #: (count, seconds)
    connections: int = 0
    rest_per_second: float = 0.0  #: in units of `Request.weight`
    lifetime_s: float = 0.0
    #: what REST may spend at once, in the same units; 0: two seconds' worth
    rest_burst: float = 0.0
    #: HTTP status -> seconds without a request, where the venue names none (REST and handshakes)
    bans: Mapping[int, float] = field(default_factory=lambda: {429: 10.0, 418: 120.0})
    #: (header, weight, seconds): answers say how much of this weight the address has spent in the
    #: window of the venue's clock that runs, be it ours or another program's
    rest_used: tuple[str, float, float] = ("", 0.0, 0.0)
    bytes_per_connection: int = 0  #: of all keys together
    warmup_s: float = 0.0  #: after the socket opened, before the first subscription
    #: messages that subscribe, on all connections to a host together; `burst` at once (0: strictly
    #: no more than that in any second)
    host_messages_per_second: float = 0.0
    host_messages_burst: float = 0.0
    host_subscribes_per_hour: int = 0  #: keys, on all connections to a host together


@dataclass(frozen=True, slots=True)
class ListedInstrument:
    """One instrument as its venue lists it.

    `tick`, `lot`: 0 where the venue does not say. `contract_size`: what a size of 1 is worth, in
    base; of inverse perpetuals and futures in quote, of quanto contracts in `settle` for each unit
    of the price. `quote` of an inverse option is the currency of its strike; its prices are in
    `settle`. `expiry_ns`: when it ends, also of what is no dated contract: the delisting that the
    venue has announced; 0: nothing is known of an end. `stated`: the venue's own word for its
    status. `written`: how many decimals prices and sizes of its book have, trailing zeros counted;
    None: as many as tick and lot need. `tick_bands`: (price from which on, tick), ascending.
    """

    symbol: str
    name: str  #: normalised: BTC-USDT, BTC-USDT-PERP, BTC-USD-20261225, BTC-USD-20261225-80000-C
    kind: InstrumentKind
    base: str
    quote: str
    settle: str = ""
    tick: Decimal = Decimal(0)
    lot: Decimal = Decimal(0)
    contract_size: Decimal = Decimal(1)
    contract_type: ContractType = ContractType.NONE
    strike: Decimal = Decimal(0)
    expiry_ns: int = 0
    option: OptionType = OptionType.NONE
    status: Status = Status.ACTIVE
    family: str = ""  #: what the venue groups it by in its channels (OKX instFamily)
    index_name: str = ""  #: the index that it follows, where that has channels of its own
    stated: str = field(default="", compare=False)
    written: tuple[int, int] | None = None
    tick_bands: tuple[tuple[Decimal, Decimal], ...] = ()

    @property
    def active(self) -> bool:
        """Whether orders may be placed, so that sets of instruments take it up."""
        return self.status in _AWAKE

    def over(self, now_ns: int) -> bool:
        """Whether it has ended: as the venue says, or a dated contract by its date. Of others the
        date is an announcement: that it came true, the venue says."""
        dated = self.kind in (InstrumentKind.FUTURE, InstrumentKind.OPTION)
        return self.status is Status.EXPIRED or (dated and 0 < self.expiry_ns <= now_ns)

    @property
    def price_exponent(self) -> int:
        """The power of ten of which every tick is a whole multiple; never above 0."""
        return min(map(_exponent, (self.tick, *(tick for _, tick in self.tick_bands))))

    @property
    def size_exponent(self) -> int:
        """The power of ten of which the lot is a whole multiple; never above 0."""
        return _exponent(self.lot)


_AWAKE = (Status.ACTIVE, Status.AUCTION, Status.POST_ONLY)


def _exponent(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    return min(0, exponent) if isinstance(exponent, int) else 0


@dataclass(frozen=True, slots=True)
class BookAnswer:
    """A book that was asked for: the venue's sequence, and (price, size) a level, best first, as
    the venue writes them."""

    sequence: int
    bids: Sequence[tuple[str, str]]
    asks: Sequence[tuple[str, str]]


class ControlKind(Enum):
    """What a frame that carries no market data says."""

    ACK = "subscribed"  #: `keys` are ours from now on
    UNSUBSCRIBED = "unsubscribed"
    REJECTED = "rejected"  #: `keys` were refused, `text` says why
    AGAIN = "ask again"  #: `keys` were passed over, since another of the same request was refused
    SPOILED = "refused whole"  #: the request for `keys`; no word says for which of them
    PONG = "pong"  #: an answer to our heartbeat
    ASKED = "asked"  #: the venue's heartbeat question; `reply` is to be sent at once
    NOTICE = "notice"  #: the venue is about to end the session; `text` says why
    ERROR = (
        "error"  #: the venue complains; `text`; `keys` were not accepted, but may be asked again
    )
    STATED = "stated"  #: `stated`: what the venue does with orders, or all terms, of instruments
    RELIST = "listed anew"  #: `text`: what the venue lists has changed: it is to be asked for
    ANSWER = "answered"  #: to a request over the socket, `request_id`; `text`: why it was refused
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Stated:
    """What a stream says of one instrument: its status, in the venue's `word`, or all its terms."""

    symbol: str
    status: Status
    word: str
    spec: Callable[[], ListedInstrument | None] | None = None  #: all terms; raises as parsing


@dataclass(frozen=True, slots=True)
class Control:
    kind: ControlKind
    keys: tuple[str, ...] = ()
    text: str = ""
    reply: str = ""
    request_id: int = 0
    stated: Iterable[Stated] = ()
    channel: int = 0  #: of an ACK: by which number the venue names its key from now on
    symbol: str = ""  #: of an ANSWER with a book: whose


class Venue(ABC):
    """The facts of one venue: one symbol space with one set of endpoints."""

    name: str
    decoder: Decoder
    rule: Continuity
    base: Base
    proof: Proof = NOTHING  #: by what the loss of a book's message would be noticed
    rest_join: bool = False
    checksum: Checksum | None = None  #: that its books come with
    left_by_number: bool = False  #: unsubscriptions name a key by its `Control.channel`
    answers_each: bool = False  #: each key of a request is answered by itself
    socket_requests: bool = False  #: takes requests over the socket that carries the streams
    #: books are asked for over the socket that streams them, also before it is LIVE, and not over
    #: REST: requests for them name the `symbol`
    socket_books: bool = False
    hosts: tuple[str, ...] = ()  #: further hosts whose frames are of this venue, for captures
    ws_urls: Mapping[str, str]  #: endpoint name -> URL; a venue with one endpoint calls it "public"
    #: other addresses of an endpoint, in the order in which they are tried
    ws_alternatives: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    #: endpoint name -> headers of the WebSocket handshake
    ws_headers: Mapping[str, Mapping[str, str]] = MappingProxyType({})
    rest_headers: Mapping[str, str] = MappingProxyType({})  #: of each REST request
    token: Token | None = None  #: what a connection has to ask for, where `ws_urls` do not do
    welcome: Welcome | None = None
    #: "gzip": messages are gzip members, each for itself; what is none is taken as it is
    encoding: str = "text"
    rest_url: str
    heartbeat: Heartbeat
    limits: Limits
    promises: Mapping[str, Promise] = MappingProxyType({})  #: by topic
    channels: tuple[str, ...] = ("book", "trades", "ticker")  #: those of CHANNELS that it has
    default_instruments: tuple[str, ...]  #: without a configuration
    #: the venue's words for what it does with orders on an instrument; any other is UNKNOWN
    statuses: Mapping[str, Status] = {}
    #: levels a side that readers want: a venue with books of several depths takes the least that
    #: has them
    depth: int = 50

    def endpoint(self, key: str) -> str:  # noqa: ARG002
        """Which endpoint serves a key."""
        return "public"

    def on_connect(self) -> Sequence[str]:
        """Messages to send as soon as the socket is open, before any subscription."""
        return ()

    @abstractmethod
    def keys(self, instrument: ListedInstrument, channels: Sequence[str]) -> list[str]:
        """The subscription keys of one instrument, with that of its status where the venue has one;
        keys of a whole family repeat and are merged."""

    @abstractmethod
    def key_symbols(self, key: str) -> tuple[str, str]:
        """(channel: book | trades | ticker | quote | status, symbol or family) of a key."""

    def topic(self, key: str) -> str:
        """The venue's word for a key's channel, by which `promises` go."""
        return self.key_symbols(key)[0]

    def promise(self, key: str) -> Promise:
        """What the key's channel promises."""
        return self.promises.get(self.topic(key), NONE)

    @property
    def window(self) -> int:
        """Levels a side that a book is cut to after each message, where the venue does so without
        a word for what falls out; 0: it does not."""
        return 0

    def key_window(self, key: str) -> int:  # noqa: ARG002
        """The same of what this key subscribes to."""
        return self.window

    def together(self, key: str) -> str | None:  # noqa: ARG002
        """Keys with the same answer may share a message; None: it has one of its own."""
        return ""

    @abstractmethod
    def subscribe(self, keys: Sequence[str], request_id: int) -> str:
        """One message that subscribes to all the keys, which may share it (`together`)."""

    @abstractmethod
    def unsubscribe(self, keys: Sequence[str], request_id: int) -> str: ...

    def leave(
        self,
        keys: Sequence[str],
        request_id: int,
        taught: Mapping[str, int],  # noqa: ARG002
    ) -> str:
        """The same where a key is left by the number (`Control.channel`) that it has on this
        connection: `taught`, of the keys that have one."""
        return self.unsubscribe(keys, request_id)

    @abstractmethod
    def control(self, frame: bytes, asked: Mapping[int, Sequence[str]]) -> list[Control]:
        """What a frame without market data says.

        `asked`: request id -> the keys it was about, for venues whose answers carry only the id.
        Raises ValueError for a frame that makes no sense.
        """

    @abstractmethod
    def instrument_requests(self, patterns: Sequence[str]) -> list[Request]:
        """What to ask for so that every instrument that the patterns may name is listed."""

    @abstractmethod
    def parse_instruments(self, body: bytes) -> list[ListedInstrument]:
        """The venue's answer. Raises ValueError that names what is wrong with it."""

    def follow_up(
        self,
        patterns: Sequence[str],  # noqa: ARG002
        request: Request,  # noqa: ARG002
        body: bytes,  # noqa: ARG002
    ) -> list[Request]:
        """Further instrument requests that this answer calls for: a next page, families it names.

        `body` is the answer whatever its HTTP status. `parse_instruments` of an answer that only
        leads on is an empty list.
        """
        return []

    def snapshot_request(self, symbol: str) -> Request | None:  # noqa: ARG002
        """None where books start in the stream and nowhere else."""
        return None

    def book_request(self, symbol: str) -> Request | None:
        """A book to compare with ours, or to poll; may ask for less depth than a base needs."""
        return self.snapshot_request(symbol)

    def number_request(self, symbol: str) -> Request | None:  # noqa: ARG002
        """The least of a book that has its number, for `parse_book`; None: there is none."""
        return None

    def best_request(self, symbol: str) -> Request | None:  # noqa: ARG002
        """The best bid and offer, in an answer that names the instrument; None: there is none."""
        return None

    def parse_best(self, body: bytes, symbol: str) -> list[tuple[Decimal, Decimal]]:
        """The answer to `best_request`: (price, size) of the bid and the ask, of those there are.

        Raises ValueError for another instrument's, or what is none.
        """
        raise NotImplementedError(f"{self.name}: answers with best levels are not understood")

    def parse_book(self, body: bytes) -> BookAnswer:
        """The answer to `book_request` or `snapshot_request`, without the engine.

        Raises ValueError for one that is no book, or that carries no sequence.
        """
        raise NotImplementedError(f"{self.name}: answers with books are not understood")

    def socket_request(self, request: Request, number: int) -> str:
        """The message that asks the same over the socket; its answer, an ANSWER with this number,
        has the shape of the REST body. Of venues with `socket_requests` or `socket_books`."""
        raise NotImplementedError(f"{self.name} takes no requests over the socket")

    def snapshot_symbol(self, url: str, body: str = "") -> str | None:  # noqa: ARG002
        """The symbol whose book this REST URL answers with, to a POST of `body` if there is one;
        None: it is no snapshot request."""
        return None

    def snapshot_levels(self, url: str, body: str = "") -> int:  # noqa: ARG002
        """How many levels a side this URL of a snapshot asks for; 0: it does not say."""
        params = parse_qs(urlsplit(url).query)
        asked = next((params[name][0] for name in ("limit", "depth", "sz") if name in params), "")
        return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 0

    def recognises(self, url: str) -> bool:
        """Whether frames of this URL are this venue's: its host is among ours."""
        host = urlsplit(url).hostname or ""
        ours = {urlsplit(own).hostname for own in (*self.ws_urls.values(), self.rest_url)}
        return host in ours or host in self.hosts

    def lists_instruments(self, url: str, body: str = "") -> bool:  # noqa: ARG002
        """Whether this REST URL answers with instruments."""
        return False
