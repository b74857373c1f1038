"""The methods of a feed that tell of the past."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import numpy as np

from shm._native import QUOTE, TRADE, FeedBase, Instrument, Segment, quote_rows, trade_rows
from shm.directory import Directory
from shm.errors import WriterLost
from shm.history import bars as of_bars
from shm.history.book_at import book_at
from shm.history.books import PastBook
from shm.history.columns import Rows
from shm.history.missing import Missing
from shm.history.past import Found, Past, Stretch
from shm.history.recorded import Recorded
from shm.history.results import Bars, History, Quotes, Trades
from shm.history.ring import Ring
from shm.history.times import Instant, Span, Window, span_ns, window
from shm.history.tops import tops, with_tops
from shm.names import Kind

if TYPE_CHECKING:
    from shm.recording.reader import Recording

_H = TypeVar("_H", bound=History)
Instruments: TypeAlias = "Iterable[Instrument | str] | Instrument | str"
Made: TypeAlias = "Callable[[Stretch, Any], Rows]"
OF_BOOKS = "quotes of books are told from the ring alone"
_LIQUIDATIONS = 1 << Kind.LIQUIDATION
_TRADES = 1 << Kind.TRADE | _LIQUIDATIONS


class FeedHistory(FeedBase):
    """What of the past a feed can tell; :class:`shm.Feed` has it.

    A feed that was asked for the past keeps the epoch before mapped when it goes over to a newer
    one, so that what was before a restart of the writer is not lost to it.
    """

    venue: str
    recording: Path | None = None  #: the directory of a recording that goes on before the ring
    _opened: Recording | None = None
    _kept: Directory | None = None  # the epoch before
    _keeps = False

    def _names(self, segment: Segment) -> Directory:
        raise NotImplementedError

    def _past(self) -> Past:
        self._keeps = True
        try:
            segment = self._current()
        except WriterLost:
            if self.segment is None:
                raise
            segment = self.segment  # what it wrote is still there
        kept = self._kept
        directories = [self._names(segment)]
        if kept is not None and kept.segment.epoch != segment.epoch:
            directories.insert(0, kept)
        return Past(self.venue, directories, self._recorded)

    def _recorded(self) -> Recorded | None:
        """The recording that was configured, as it is now."""
        if self.recording is None:
            return None
        from shm.recording.reader import Recording

        if self._opened is None:
            self._opened = Recording(self.recording)
        else:
            self._opened.refresh()
        return Recorded(self._opened, self.venue)

    def _recorded_events(
        self, start: Instant, on_overrun: Literal["raise", "resync"], *arguments: Any
    ) -> Any:
        """Events that begin before the ring; None: the ring or nobody has them."""
        from shm.recorded_events import RecordedEvents, before_ring

        past = self._past()
        begin = before_ring(past, start)
        if begin is None or past.recorded is None:
            return None
        return RecordedEvents(past, past.recorded, begin, on_overrun, *arguments)

    @property
    def ring_span_ns(self) -> int | None:
        """How long a record stays in the ring at the present rate, in ns; None: too little came yet
        to tell.

        So far back, history needs no recording. Raises :class:`shm.WriterLost`.
        """
        ring = Ring(self._current())
        return ring.span_ns(ring.now_ns)

    # ---- trades and quotes ----

    def trades(
        self,
        last: Span | int | None = None,
        instruments: Instruments | None = None,
        *,
        start: Instant | None = None,
        end: Instant | None = None,
    ) -> Trades:
        """The trades of the last five minutes, `trades("5m")`, or the last 1000 of them,
        `trades(1000)`; of all instruments, or of these: see :class:`shm.Trades`.

        `last`: a length of time ("30s", "5m", "1h30m", a timedelta) up to `end`, or a number of
        rows; or `start`: unix ns, a datetime with a zone, "2026-11-30T10:00:00Z", "-5m". Without
        any: all that the ring holds. `end`: up to before then; None: now. Times are those at which
        records were received. `.missing` of the result says what nobody has any more. Liquidations
        that a venue announces as orders, beside its trades, are not among them: `liquidations`.

        If the writer is gone, the ring of its epoch is still read. Raises ValueError for what is
        no time, :class:`shm.UnknownInstrument`, :class:`shm.DamagedSegment`.
        """
        past = self._past()
        return _trades(past, window(last, start, end, past.now_ns), instruments)

    def liquidations(
        self,
        last: Span | int | None = None,
        instruments: Instruments | None = None,
        *,
        start: Instant | None = None,
        end: Instant | None = None,
    ) -> Trades:
        """Liquidations, asked for as `trades` are. Some venues send them as trades. Others announce
        the order: then `venue_sequence` is 0, and its fills are trades besides."""
        past = self._past()
        asked = window(last, start, end, past.now_ns)
        return _trades(past, asked, instruments, _LIQUIDATIONS, announced=True)

    def quotes(
        self,
        last: Span | int | None = None,
        instruments: Instruments | None = None,
        *,
        start: Instant | None = None,
        end: Instant | None = None,
    ) -> Quotes:
        """Best bids and offers, a row for each change: from the venue's own channel of them or, of
        an instrument without one, from its book (`source`). See :class:`shm.Quotes`; asked for as
        `trades` are.

        Those of books come from the rings only, not from a recording; `missing` says so.
        """
        past = self._past()
        asked = window(last, start, end, past.now_ns)
        symbols = past.symbols_of(instruments)
        found = past.read(1 << Kind.QUOTE, symbols, asked, _pairs)
        quotes = _told(past, Quotes, found, _quote_rows, asked, QUOTE)
        parts, more = tops(past, symbols, asked, set(quotes.symbols))
        if parts and past.opened and asked.from_ns is not None:
            more.append(Missing(asked.from_ns, past.rings[0].reaches_ns, OF_BOOKS))
        if parts:
            rows, missing = with_tops(quotes.array, parts, list(quotes.missing), more, asked)
            quotes = Quotes(self.venue, rows, quotes._symbol, missing)
        return quotes

    def bars(
        self,
        interval: Span,
        last: Span | int | None = None,
        instruments: Instruments | None = None,
        *,
        start: Instant | None = None,
        end: Instant | None = None,
        by: Literal["receive", "exchange"] = "receive",
        empty: bool = False,
    ) -> Bars:
        """Trades as bars of that length, `bars("1s", last="5m")`: see :class:`shm.Bars`.

        `last`: a length of time, or a number of bars up to the present one. The first bar is whole,
        since a window begins where a bar does. The present one is not `whole` yet. Bars without
        trades are left out; with `empty` they are there, with a count of 0 and NaN for prices.
        `by`: "receive", when trades were received here, or "exchange", their time by the venue's
        clock, as its own charts have it. Otherwise asked for as `trades` are.
        """
        length = span_ns(interval, "interval")
        if by not in ("receive", "exchange"):
            raise ValueError(f'by={by!r}: "receive" or "exchange"')
        past = self._past()
        asked = _of_bars(window(last, start, end, past.now_ns), past.now_ns, length)
        trades = _trades(past, asked, instruments)
        made = of_bars.bars(trades.array, length, f"{by}_ns")
        until = past.now_ns if asked.to_ns is None else min(asked.to_ns, past.now_ns)
        begin = asked.from_ns
        if begin is None:
            begin = int(made["start_ns"].min(initial=until))
        made = made[made["start_ns"] >= begin]
        if empty:
            ids = past.numbers_of(past.symbols_of(instruments) or ())
            made = of_bars.with_empty(made, length, begin, until, ids)
        of_bars.judge(made, length, past.now_ns, trades.missing)
        return Bars(self.venue, made, trades._symbol, trades.missing, length)

    # ---- one book ----

    def book_at(
        self, instrument: Instrument | str, at: Instant, depth: int | None = None, raw: bool = False
    ) -> PastBook:
        """The whole book as it was at a time ("-30s", unix ns, a datetime with a zone), or after a
        ring record, by its sequence: see :class:`shm.PastBook`, which says how deep it is known.

        `depth`: at most so many levels a side. Raises :class:`shm.OutOfReach` if nobody can tell
        any more, :class:`shm.UnknownInstrument`, ValueError for what is no time, or one to come.
        """
        return book_at(self._past(), instrument, at, depth, raw)


def _trades(
    past: Past,
    asked: Window,
    instruments: Instruments | None,
    kinds: int = _TRADES,
    *,
    announced: bool = False,
) -> Trades:
    def made(stretch: Stretch, numbers: Any) -> Rows:
        return trade_rows(stretch.rows, stretch.epoch, numbers, announced)

    def counted(rows: Rows) -> int:
        if announced:
            return len(rows)
        orders = (rows["kind"] == Kind.LIQUIDATION) & (rows["venue_sequence"] == 0)
        return len(rows) - int(orders.sum())

    found = past.read(kinds, past.symbols_of(instruments), asked, counted)
    return _told(past, Trades, found, made, asked, TRADE)


def _quote_rows(stretch: Stretch, numbers: Any) -> Rows:
    return quote_rows(stretch.rows, stretch.epoch, numbers)


def _pairs(rows: Rows) -> int:
    return len(rows) // 2


def _told(past: Past, kind: type[_H], found: Found, made: Made, asked: Window, dtype: Any) -> _H:
    """What was found, as the rows of a result, each once."""
    others: dict[str, int] = {}
    parts: list[Rows] = []
    before: Stretch | None = None
    for stretch in found.stretches:
        rows = made(stretch, past.numbers(stretch, others))
        if before is not None and stretch.epoch != before.epoch and parts:
            rows = kind.once(parts[-1], rows, before.ends_ns)
        parts.append(rows)
        before = stretch
    array = parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, dtype), *parts])
    if asked.rows is not None:
        array = array[-asked.rows :]
    newest = past.newest.symbols
    names = {number: symbol for symbol, number in others.items()}

    def symbol(number: int) -> str | None:
        return newest.get(number) or names.get(number)

    return kind(past.venue, array, symbol, found.missing)


def _of_bars(asked: Window, now_ns: int, length: int) -> Window:
    """From the beginning of a bar."""
    if asked.rows is not None:
        until = (now_ns if asked.to_ns is None else asked.to_ns) - 1
        return Window((until // length - asked.rows + 1) * length, asked.to_ns)
    if asked.from_ns is None:
        return asked
    return Window(asked.from_ns // length * length, asked.to_ns)


def recorded_in(recording: str | os.PathLike[str] | None) -> Path | None:
    """The directory that `attach` was told, or the environment names. One that was told has to be
    there: raises :class:`shm.recording.errors.NoRecording`."""
    if recording is None:
        named = os.environ.get("FEEDHANDLER_RECORDING")
        return Path(named) if named else None
    from shm.recording.reader import Recording

    return Recording(recording).directory
