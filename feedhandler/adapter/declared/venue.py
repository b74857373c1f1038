"""A venue that is data: what it declares, and `Venue` made of it.

Whatever a table cannot say is a method: each of those here may be overridden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cached_property, partial
from typing import Any, ClassVar
from urllib.parse import urlsplit

from feedhandler.adapter import listing, request_ids
from feedhandler.adapter.declared import books, rows, words
from feedhandler.adapter.declared.answers import Reader
from feedhandler.adapter.declared.check import check
from feedhandler.adapter.declared.listing import BestPath, BookPath, Listing, TickPath
from feedhandler.adapter.declared.ticks import of_families
from feedhandler.adapter.declared.topics import Declared, Topic, Topics, subject
from feedhandler.adapter.declared.words import Answer, Words
from feedhandler.adapter.listing import Family, Ticks
from feedhandler.adapter.pattern import Pattern
from feedhandler.adapter.request import Request
from feedhandler.adapter.row import Row
from feedhandler.adapter.venue import (
    CHANNELS,
    Base,
    BookAnswer,
    Control,
    ListedInstrument,
    Stated,
    Venue,
)
from feedhandler.engine._engine import Decoder, shape_decoder
from feedhandler.shape import Frame, ShapeError, compiled

DECLARED = ("topics", "words", "listing")  #: what each has to say besides what every venue says


class DeclaredVenue(Venue):
    """`topics`: keys by channel; `words`: what is said on a connection; `listing`: the instruments,
    `book`: a book by REST, `best`: the best bid and offer; `ticks`: ticks by
    price that its list has not; `frames`: market data. `cut`: the venue
    cuts books to the window that was asked for, without a word for what falls out; `keeps_window`:
    documented: it tells what enters the window and what leaves it. `spreads`: it has prices of 0
    and below. `names_trades`: the ids of trades are names, by which copies are known, and do not
    count up. `uncrosses`: its books may be crossed, and it says by which rule they are uncrossed:
    what is older goes (`engine/uncross.h`). `usual`: most of its frames are read by steps of the
    usual kind, which take less time (`engine/learn.h`)."""

    topics: ClassVar[Declared]
    words: ClassVar[Words]
    listing: ClassVar[Listing | Sequence[Listing]]
    frames: ClassVar[Sequence[Frame]] = ()
    book: ClassVar[BookPath | None] = None
    best: ClassVar[BestPath | None] = None
    ticks: ClassVar[TickPath | None] = None
    cut: ClassVar[bool] = False
    spreads: ClassVar[bool] = False
    keeps_window: ClassVar[bool] = False
    names_trades: ClassVar[bool] = False
    uncrosses: ClassVar[bool] = False
    usual: ClassVar[bool] = False
    _known: ClassVar[Topics]

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Raises ShapeError, which names the place, for declarations that contradict themselves."""
        super().__init_subclass__(**kwargs)
        if not all(hasattr(cls, fact) for fact in ("name", *DECLARED)):
            return  # what several products have in common
        place = cls.name
        cls._known = Topics(place, cls.topics)
        if "channels" not in cls.__dict__:
            cls.channels = tuple(each for each in CHANNELS if each in cls._known.by_channel)
        if cls.frames and "decoder" not in cls.__dict__:
            cls.decoder = cls._read_by_shapes()
        if "left_by_number" not in cls.__dict__:
            cls.left_by_number = "number" in words.holes(cls.words.unsubscribe)
        check(cls, cls._known, cls.words, _several(cls.listing), cls.book, cls.frames)

    @classmethod
    def _read_by_shapes(cls) -> Decoder:
        if not cls.names_trades and any("$id_name" in frame.sample for frame in cls.frames):
            raise ShapeError(f"{cls.name}: frames: $id_name, and names_trades is not said")
        said = [Frame("control", sample) for sample in words.for_python(cls.words.answers)]
        try:
            return shape_decoder(
                compiled((*cls.frames, *said)),
                spreads=cls.spreads,
                keeps_window=cls.keeps_window,
                names_trades=cls.names_trades,
                uncrosses=cls.uncrosses,
                usual=cls.usual,
            )
        except ShapeError as error:
            raise ShapeError(f"{cls.name}: frames: {error}") from error

    # ---- keys

    def keys(self, instrument: ListedInstrument, channels: Sequence[str]) -> list[str]:
        return self._known.keys(instrument, channels, self.depth)

    def key_symbols(self, key: str) -> tuple[str, str]:
        found = self._known.read(key)
        if found is None:
            raise ValueError(f"{self.name}: not a subscription of ours: {key!r}")
        _, channel, holes = found
        named = holes.get("index_name")  # as an instrument may be that does not follow it
        return channel, f"index {named}" if named else subject(holes)

    def topic(self, key: str) -> str:
        found = self._known.read(key)
        return found[0].name if found else ""

    def endpoint(self, key: str) -> str:
        found = self._known.read(key)
        return found[0].endpoint if found else "public"

    @property
    def window(self) -> int:
        return self._window if self.cut else 0

    def key_window(self, key: str) -> int:
        found = self._known.read(key) if self.cut else None
        return int(found[2].get("depth", 0)) if found else 0

    @property
    def book_topics(self) -> Sequence[Topic]:
        """Those that its books come by."""
        return self._known.by_channel.get("book", ())

    @property
    def _window(self) -> int:
        """Levels a side that the book's channel has; 0: it does not say."""
        return next((one.depth(self.depth) for one in self.book_topics), 0)

    # ---- messages

    def on_connect(self) -> Sequence[str]:
        values = {"id": request_ids.ON_CONNECT}
        return [words.filled(text, values) for text in self.words.on_connect]

    def together(self, key: str) -> str | None:
        template, word, depth = self._template(key, leave=False)
        shared = words.shared_by(template)
        if shared == "none":
            return None
        return f"{word} {depth}" if shared == "topic" else template

    def subscribe(self, keys: Sequence[str], request_id: int) -> str:
        return self._message(keys, request_ids.message_id(request_id), {}, leave=False)

    def unsubscribe(self, keys: Sequence[str], request_id: int) -> str:
        return self.leave(keys, request_id, {})

    def leave(self, keys: Sequence[str], request_id: int, taught: Mapping[str, int]) -> str:
        message = request_ids.message_id(request_id, unsubscribe=True)
        return self._message(keys, message, taught, leave=True)

    def _template(self, key: str, *, leave: bool) -> tuple[str, str, str]:
        found = self._known.read(key)
        if found is None:
            raise ValueError(f"{self.name}: not a subscription of ours: {key!r}")
        topic, _, holes = found
        own = topic.unsubscribe if leave else topic.subscribe
        every = self.words.unsubscribe if leave else self.words.subscribe
        depth = holes.get("depth") or str(topic.depth(self.depth))
        return own or every, topic.name, depth

    def _message(
        self, keys: Sequence[str], number: int, taught: Mapping[str, int], *, leave: bool
    ) -> str:
        template, word, depth = self._template(keys[0], leave=leave)
        found = (self._known.read(key) for key in keys)
        inside = [each[2] for each in found if each]
        symbols = list(dict.fromkeys(subject(holes) for holes in inside))
        values: dict[str, object] = {**(inside[0] if inside else {}), "id": number, "channel": word}
        values["depth"] = int(depth)
        values["number"] = taught.get(keys[0], 0)
        own = [self._own(key, leave=leave) for key in keys]
        return words.message(template, keys, symbols, values, own)

    def _own(self, key: str, *, leave: bool) -> dict[str, object]:
        """What a list with an object for each key says of this one."""
        found = self._known.read(key)
        _, word, depth = self._template(key, leave=leave)
        holes = found[2] if found else {}
        own = {"key": key, "channel": word, "symbol": subject(holes)}
        return {**own, **holes, "depth": int(depth)}

    # ---- answers

    def control(self, frame: bytes, asked: Mapping[int, Sequence[str]]) -> list[Control]:
        return self._reader.controls(frame, words.decoded(frame), asked)

    def answering(self, frame: bytes) -> Answer | None:
        """The answer that a frame is read by; None: it is none of those that are declared."""
        read = self._reader.answering(words.decoded(frame))
        return read[0] if read else None

    @property
    def _reader(self) -> Reader:
        return Reader(
            self.name,
            self._known,
            self.words,
            self.statuses,
            self._stated,
            self.answers_each,
            self.depth,
        )

    def _stated(self, row: Mapping[str, Any]) -> Stated | None:
        """What a row of the list says where a stream tells it; None: it names nothing."""
        its, one = self.listings[0], Row(row)
        symbol = row.get(its.symbol)
        if not isinstance(symbol, str):
            return None
        status, word = one.status(its.status, self.statuses), one.word(its.status)
        return Stated(symbol, status, word, partial(self.instrument, one, its))

    # ---- instruments

    @cached_property
    def listings(self) -> tuple[Listing, ...]:
        """All that it lists by."""
        return _several(self.listing)

    def instrument_requests(self, patterns: Sequence[str]) -> list[Request]:
        kinds = {Pattern.parse(text).kind for text in patterns}
        return [
            _first_page(one)
            for one in self.listings
            if any(kind is None or kind in one.kinds() for kind in kinds)
        ]

    def parse_instruments(self, body: bytes) -> list[ListedInstrument]:
        document, its = self._listed(body)
        if told := self._ticks(document):
            return listing.Listing(ticks=told)
        entries = rows.entries(its, document)
        if entries is None:
            raise ValueError(f"{self.name}: the list of instruments has no rows at {its.rows!r}")
        if not entries and its.pages is None and len(self.listings) == 1 and not its.empty:
            raise ValueError(f"{self.name}: the list of instruments is empty")

        def parse(row: Row) -> ListedInstrument | None:
            return self.instrument(row, its) if rows.wanted(row, its) else None

        return listing.parse_each(self.name, entries, its.symbol, parse)

    def instrument(self, row: Row, its: Listing) -> ListedInstrument | None:
        """One row; None for one that is not meant. Raises ValueError for what makes no sense."""
        return rows.instrument(row, its, self.statuses)

    def follow_up(
        self,
        patterns: Sequence[str],  # noqa: ARG002
        request: Request,
        body: bytes,
    ) -> list[Request]:
        try:
            document, its = self._listed(body)
        except ValueError:
            return []
        more = rows.next_page(its, document, request.params)
        return [] if more is None else [_first_page(its, {**request.params, **more})]

    def _ticks(self, document: Any) -> dict[Family, Ticks | str]:
        """What an answer says of families; nothing: it is no such answer."""
        its = self.ticks
        if its is None or rows.at(document, f"{its.rows}.*.{its.steps.rows}") is None:
            return {}
        return dict(of_families(its, rows.at(document, its.rows)))

    def _listed(self, body: bytes) -> tuple[Any, Listing]:
        """The answer, and to which listing it is one. Raises ValueError."""
        what = "list of instruments"
        document = listing.decoded(self.name, body)
        for its in self.listings:
            if not its.having or rows.at(document, its.having) is not None:
                books.refused(self.name, document, its.fine, its.text, what)
                return document, its
        raise ValueError(f"{self.name}: the {what} is of no form that is known: {body[:80]!r}")

    def lists_instruments(self, url: str, body: str = "") -> bool:
        path, posted = urlsplit(url).path, words.decoded(body.encode()) if body else None
        before = urlsplit(self.rest_url).path.rstrip("/")
        if self.ticks is not None and path == before + self.ticks.path:
            return True
        return any(
            path in (before + each for each in (one.path, *one.others))
            and posted == (words.decoded(one.body.encode()) if one.body else None)
            for one in self.listings
        )

    # ---- books by REST

    def snapshot_request(self, symbol: str) -> Request | None:
        its = self.book if self.base is Base.REQUEST or self.rest_join else None
        return self._book(symbol, its.levels) if its is not None else None

    def book_request(self, symbol: str) -> Request | None:
        return self._book(symbol, self.book.seen) if self.book is not None else None

    def number_request(self, symbol: str) -> Request | None:
        its = self.book
        return self._book(symbol, its.least) if its is not None and its.least else None

    def _book(self, symbol: str, levels: int) -> Request:
        assert self.book is not None
        socket = self.socket_books
        return books.request(self.book, symbol, self._window, socket=socket, levels=levels)

    def best_request(self, symbol: str) -> Request | None:
        if self.best is None:
            return None
        return books.best_request(self.best, symbol)

    def parse_best(self, body: bytes, symbol: str) -> list[tuple[Decimal, Decimal]]:
        if self.best is None:
            return super().parse_best(body, symbol)
        answer = books.document(self.name, body, {}, "", "best bid and offer")
        return books.best(self.name, self.best, symbol, answer)

    def socket_request(self, request: Request, number: int) -> str:
        if self.words.request:
            params = {name: words.typed(value) for name, value in request.params.items()}
            asked = {"path": request.path.lstrip("/"), "params": params}
            return words.filled(self.words.request, {**asked, "id": request_ids.socket_id(number)})
        if self.book is None or not self.book.socket:
            return super().socket_request(request, number)
        values = {
            "id": request_ids.socket_id(number),
            "symbol": request.symbol,
            "depth": self._window,
        }
        return words.filled(self.book.socket, values)

    def parse_book(self, body: bytes) -> BookAnswer:
        fine, text = (self.book.fine, self.book.text) if self.book else ({}, "")
        document = books.document(self.name, body, fine, text, "book")
        return books.answer(self.name, self.frames, document)

    def snapshot_symbol(self, url: str, body: str = "") -> str | None:
        if self.book is None:
            return None
        return books.symbol_of(self.book, url, body, self.rest_url)

    def snapshot_levels(self, url: str, body: str = "") -> int:
        said = super().snapshot_levels(url, body)
        return said or (self.book.levels if self.book is not None else 0)


def _several(listing: Listing | Sequence[Listing]) -> tuple[Listing, ...]:
    return (listing,) if isinstance(listing, Listing) else tuple(listing)


def _first_page(its: Listing, params: Mapping[str, str] | None = None) -> Request:
    pages = its.pages
    first = dict(its.params if params is None else params)
    if params is None and pages is not None and not pages.cursor:
        first.setdefault(pages.parameter, "0")
    method = "POST" if its.body else "GET"
    return Request(its.path, first, weight=its.weight, method=method, body=its.body)
