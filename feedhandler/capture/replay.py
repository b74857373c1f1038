"""A capture through the same decoder, books and shared memory as live frames."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feedhandler.adapter.engine import make_engine
from feedhandler.adapter.venue import Control, ControlKind, ListedInstrument, Stated, Venue
from feedhandler.capture.frames_file import CaptureError, Frame, parse_frame, read_lines
from feedhandler.capture.pace import Pace
from feedhandler.capture.scan import Mentions, Survey, survey
from feedhandler.connection.deflate_listener import MAX_INFLATED_BYTES
from feedhandler.engine import _engine
from feedhandler.engine.books_json import books_json
from feedhandler.instruments.universe import add_instrument, redefine
from feedhandler.network.deflate import DeflateError
from feedhandler.network.gzip_message import inflated, is_gzip
from shm import Reason, State
from shm.segment import WriterSegment, create

__all__ = ["ReplayResult", "books_json", "replay"]

_TICK_S = 0.1  # heartbeat, progress
_BROKEN_KEPT = 20
_MAX_CONNECTIONS = 1024

Progress = Callable[[int, int], None]  #: (lines done, lines in all)
Observe = Callable[[Frame, _engine.Engine], None]
#: (frame, its payload as the engine read it, what the engine answered, whether it read it slowly)
Seen = Callable[[Frame, bytes, int, bool, _engine.Engine], None]


@dataclass(slots=True)
class ReplayResult:
    """What a replay saw. `books` is what :func:`books_json` gives at its end."""

    venue: str
    path: str
    lines: int = 0
    frames: int = 0  #: WebSocket frames fed
    snapshots: int = 0  #: REST answers with a book handed in
    control: int = 0
    skipped: int = 0  #: lines of other venues, REST answers that carry no book
    broken: int = 0
    broken_lines: list[str] = field(default_factory=list)  #: the first of them, in words
    problems: list[str] = field(default_factory=list)  #: instruments that could not be added
    instruments: int = 0
    states: dict[str, int] = field(default_factory=dict)  #: books by their final state
    seconds: float = 0.0
    counters: dict[str, int] = field(default_factory=dict)
    last_error: str = ""
    books: dict[str, dict[str, Any]] = field(default_factory=dict)


def replay(
    path: Path | str,
    *,
    venue: str | None = None,
    namespace: str = "feedhandler",
    speed: float | None = None,
    depth: int = 50,
    ring_slots: int = 131_072,
    directory_rows: int | None = None,
    progress: Progress | None = None,
    hold: bool | Callable[[ReplayResult], None] = False,
    strict: bool = False,
    observe: Observe | None = None,
    seen: Seen | None = None,
    surveyed: Survey | None = None,
) -> ReplayResult:
    """Play a capture into the shared memory of its venue; readers may attach meanwhile.

    `venue`: whose frames they are; None: as the capture says or its URLs tell. `speed`: a multiple
    of the recorded pace, None for as fast as it goes. `directory_rows`: None for what the capture
    needs. `hold`: keep the memory at the end, until Ctrl-C or, if it is a
    function, while that runs. `strict`: a broken line ends the replay; else it is counted, named
    in the result and passed over. `observe`: called after each line that went into the engine;
    `seen`: with each frame of a connection, as soon as the engine has answered.

    The capture is read twice: for the instruments that it lists, unless `surveyed` is what
    :func:`feedhandler.capture.scan.survey` gave of it, and for its frames. The memory is
    removed at the end, whatever happens. Raises :class:`CaptureError` (no such file, a venue that
    cannot be told, and broken lines if `strict`), ValueError (`venue` or `speed`), and what
    :func:`shm.segment.create` raises.
    """
    if speed is not None and not speed > 0:
        raise ValueError(f"speed {speed}: a number above 0, or None for as fast as it goes")
    found = surveyed or survey(path, venue)
    rows = directory_rows or max(2048, len(found.specs) + 256)
    with create(
        found.venue.name,
        namespace=namespace,
        instruments=rows,
        depth=depth,
        ring_slots=ring_slots,
        connections=min(max(1, found.connections), _MAX_CONNECTIONS),
        replay=True,
    ) as segment:
        player = _Player(Path(path), found, segment, speed, progress, strict, observe, seen)
        result = player.play()
        if hold:
            _hold(segment, result, hold if callable(hold) else _until_interrupt)
    return result


def _hold(
    segment: WriterSegment, result: ReplayResult, during: Callable[[ReplayResult], None]
) -> None:
    """Keep the memory's heart beating while `during` runs."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(_TICK_S):
            segment.writer.heartbeat()

    heart = threading.Thread(target=beat, name="heartbeat")
    heart.start()
    try:
        during(result)
    finally:
        over.set()
        heart.join()


def _until_interrupt(_: ReplayResult) -> None:
    with suppress(KeyboardInterrupt):
        threading.Event().wait()


class _Player:
    """One run over the lines of a capture."""

    def __init__(
        self,
        path: Path,
        found: Survey,
        segment: WriterSegment,
        speed: float | None,
        progress: Progress | None,
        strict: bool,
        observe: Observe | None,
        seen: Seen | None,
    ) -> None:
        venue = found.venue
        self._path = path
        self._venue: Venue = venue
        self._writer = segment.writer
        self._engine = make_engine(venue, segment.writer, auto_add=True, replay=True)
        self._survey = found
        self._mentions = Mentions(found.specs)
        self._worn: set[int] = set()  # books of whose base little is left
        self._deeper: dict[int, tuple[bytes, int]] = {}  # snapshots that the stream has not reached
        self._rows: dict[str, _Row] = {}
        self._pace = Pace(speed, self._tick)
        self._progress = progress
        self._strict = strict
        self._observe = observe
        self._seen = seen
        self._ticked = 0.0
        self.result = ReplayResult(venue.name, str(path))

    def play(self) -> ReplayResult:
        started = time.monotonic()
        self._writer.set_state(State.LIVE, Reason.NONE, f"replay of {self._path.name}")
        try:
            for number, line in read_lines(self._path):
                self.result.lines += 1
                if number % 256 == 0 and time.monotonic() - self._ticked > _TICK_S:
                    self._tick()
                try:
                    self._take(parse_frame(line, self._path, number))
                except CaptureError as error:
                    self._broken(error)
        except CaptureError as error:
            if not error.line:
                raise
            self._broken(error)  # compressed data that breaks off: nothing follows
        self._tick()
        return self._finish(time.monotonic() - started)

    def _broken(self, error: CaptureError) -> None:
        if self._strict:
            raise error
        self.result.broken += 1
        if len(self.result.broken_lines) < _BROKEN_KEPT:
            self.result.broken_lines.append(str(error))

    def _take(self, frame: Frame) -> None:
        if frame.url is not None and not self._survey.ours(frame.url):
            self.result.skipped += 1
        elif frame.kind == "rest":
            self._rest(frame)
        elif frame.dir == "in":
            self._frame(frame)
        elif frame.dir in ("open", "close"):
            self._turn(frame)

    def _rest(self, frame: Frame) -> None:
        url, posted = frame.url or "", frame.req or ""
        symbol = self._venue.snapshot_symbol(url, posted)
        if frame.dir != "in" or frame.data is None or symbol is None:
            self.result.skipped += 1
            return
        self._book(symbol, frame.data, frame.t, self._venue.snapshot_levels(url, posted))
        if self._observe is not None:
            self._observe(frame, self._engine)

    def _book(self, symbol: str, body: bytes, t: int | None, levels: int) -> None:
        """A book that was asked for."""
        instrument = self._add(self._survey.specs.get(symbol), symbol)
        if instrument is None:
            return
        if not self._deepen(instrument, body, levels):
            self._engine.snapshot(instrument, body, max(0, t or 0), levels=levels)
        self.result.snapshots += 1

    def _frame(self, frame: Frame) -> None:
        payload = self._plain(frame.data or b"")
        self._pace.wait(frame.t)
        for symbol in self._mentions.new(payload):
            self._add(self._survey.specs[symbol], symbol)
        row = self._row(frame)
        row.open = True
        slow = row.connection.slow
        result = row.connection.feed(payload, max(0, frame.t or 0))
        self.result.frames += 1
        if self._seen is not None:
            self._seen(frame, payload, result, row.connection.slow > slow, self._engine)
        if result & _engine.CONTROL:
            self._control(row, payload, frame.t)
        for instrument, (body, levels) in list(self._deeper.items()):
            self._deepen(instrument, body, levels)
        if result & _engine.ATTENTION:
            self._attention()
        if self._observe is not None:
            self._observe(frame, self._engine)

    def _plain(self, data: bytes) -> bytes:
        """What is recorded as it was on the wire is inflated; a broken one is the engine's."""
        if self._venue.encoding == "gzip" and is_gzip(data):
            with suppress(DeflateError):
                return inflated(data, MAX_INFLATED_BYTES)
        return data

    def _attention(self) -> None:
        """Nobody acts on it: what was done about it is recorded. A snapshot that was asked for
        because a base had worn thin goes under the book, as it did then."""
        for instrument, event, _ in self._engine.attention():
            if event == _engine.WORN:
                self._engine.deepen(instrument)
                self._worn.add(instrument)

    def _deepen(self, instrument: int, body: bytes, levels: int) -> bool:
        """Put a snapshot under a worn book, or keep it until the stream has reached it."""
        self._deeper.pop(instrument, None)
        if instrument not in self._worn:
            return False
        result = self._engine.deepen(instrument, body, levels=levels)
        if result == _engine.DEEPEN_AHEAD:
            self._deeper[instrument] = body, levels
            return True
        if result == _engine.DEEPEN_DONE:
            self._worn.discard(instrument)
        return result == _engine.DEEPEN_DONE

    def _control(self, row: "_Row", payload: bytes, t: int | None) -> None:
        """Acks and notices inform; what ends a subscription ends its book; an answer may be one."""
        self.result.control += 1
        with suppress(ValueError):
            for control in self._venue.control(payload, {}):
                if control.kind is ControlKind.ACK:
                    self._acknowledged(row, control)
                if control.kind is ControlKind.UNSUBSCRIBED:
                    row.connection.unbind(control.channel)
                    for key in control.keys:
                        self._unsubscribed(key)
                if control.kind is ControlKind.ANSWER and control.symbol and not control.text:
                    request = self._venue.snapshot_request(control.symbol)
                    self._book(control.symbol, payload, t, request.levels if request else 0)
                for stated in control.stated:
                    self._stated(stated)

    def _acknowledged(self, row: "_Row", control: Control) -> None:
        """Books may be of another depth than ours would be. The venue may name keys by a number
        from now on, on this connection."""
        for key in control.keys:
            if window := self._venue.key_window(key):
                self._engine.cut(window)
            if not control.channel:
                continue
            symbol = self._venue.key_symbols(key)[1]
            instrument = self._add(self._survey.specs.get(symbol), symbol)
            if instrument is not None:
                row.connection.bind(control.channel, instrument, self._venue.topic(key))

    def _stated(self, stated: Stated) -> None:
        with suppress(ValueError, KeyError):  # terms that make no sense, an instrument without data
            row = self._engine.instrument_id(stated.symbol)
            spec = stated.spec() if stated.spec is not None else None
            if spec is None:
                self._engine.set_status(row, stated.status)
            else:
                redefine(self._engine, row, spec)

    def _unsubscribed(self, key: str) -> None:
        with suppress(ValueError, KeyError):
            channel, symbol = self._venue.key_symbols(key)
            if channel == "book":
                instrument = self._engine.instrument_id(symbol)
                self._engine.set_state(instrument, State.STALE, Reason.UNSUBSCRIBED)

    def _turn(self, frame: Frame) -> None:
        """A connection opened or closed: what it fed before is over."""
        row = self._row(frame)
        self._engine.disconnected(row.index, Reason.DISCONNECTED)
        row.connection.begin()
        row.open = frame.dir == "open"
        self._store(row)

    def _row(self, frame: Frame) -> "_Row":
        name = frame.conn or ""
        row = self._rows.get(name)
        if row is None:
            index = min(len(self._rows), self._survey.connections, _MAX_CONNECTIONS - 1)
            row = _Row(index, frame.url or name, self._engine.connection(index))
            self._rows[name] = row
        return row

    def _store(self, row: "_Row") -> None:
        state = State.LIVE if row.open else State.CLOSED
        self._writer.connection_store(
            row.index,
            id=row.index,
            state=state,
            reason=Reason.NONE if row.open else Reason.DISCONNECTED,
            url=row.url.encode()[:127],
            frames=row.connection.frames,
            bytes=row.connection.bytes,
            levels=row.connection.levels,
            last_receive_ns=row.connection.last_receive_ns,
            detail=b"replay",
        )

    def _add(self, spec: ListedInstrument | None, symbol: str) -> int | None:
        """The instrument's id; None where the directory is full or the name impossible."""
        try:
            if spec is not None:
                return add_instrument(self._engine, spec)
            return self._engine.add_instrument(symbol)
        except (ValueError, MemoryError) as error:
            if len(self.result.problems) < _BROKEN_KEPT:
                self.result.problems.append(f"{symbol}: {error}")
            return None

    def _tick(self) -> None:
        self._ticked = time.monotonic()
        self._writer.heartbeat()
        if self._progress is not None:
            self._progress(self.result.lines, self._survey.lines)

    def _finish(self, seconds: float) -> ReplayResult:
        for row in self._rows.values():
            self._store(row)
        self._writer.heartbeat()
        result = self.result
        result.seconds = seconds
        result.books = books_json(self._engine)
        result.instruments = len(self._engine.symbols())
        result.states = dict(Counter(book["state"] for book in result.books.values()))
        result.counters = self._engine.counters()
        result.last_error = self._engine.last_error()
        return result


@dataclass(slots=True)
class _Row:
    """A connection of the capture and its row in the connection table."""

    index: int
    url: str
    connection: _engine.Connection
    open: bool = False
