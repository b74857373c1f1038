"""A venue as a strategy sees it: attach, look up instruments, read cells, follow events."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Any, Literal

from shm._native import DEAD_NS, Instrument, Segment, collect
from shm.attach import open_segment, wait_for_segment
from shm.board import Board
from shm.chains import Expiry
from shm.directory import Directory
from shm.errors import (
    NoSuchVenue,
    NotLive,
    NotReady,
    NotTrusted,
    ShmError,
    WriterLost,
)
from shm.events import Events, Life
from shm.feed_instruments import FeedInstruments
from shm.history.feed_history import recorded_in
from shm.history.times import Instant
from shm.names import Reason, State
from shm.object_names import check_name, default_namespace
from shm.order_guard import not_live
from shm.owners import believed


class Feed(FeedInstruments):
    """A venue's shared memory, mapped read-only. Made by :func:`shm.attach`.

    Nothing that it returns is a view into live memory; times are unix nanoseconds; prices and sizes
    are floats (`raw=True`: integers, scaled by 10^exponent).

    When the writer is gone (its lock is free, or a newer epoch exists), `quote()`, `book()` and
    `board()` attach to the newer epoch by themselves, or raise :class:`shm.WriterLost` while there
    is none: a dead book is never shown. A writer that stopped in order or was superseded is noticed
    at once; one that was killed, as soon as its heartbeat is 300 ms old; `alive()` asks at once.
    An `Instrument` stays good over epochs: it is found again by its venue symbol; until the new
    writer has added it, its quote and book are empty with state NONE.

    Any number of threads may call it at the same time, and close it. A forked child may go on using
    it: the mapping is the child's own then.
    """

    def __init__(self, segment: Segment) -> None:
        self.venue: str = segment.venue
        self.namespace: str = segment.namespace
        self._owners = frozenset((segment.owner,))  # never left for another user's
        self._closed = False
        self._directory = None
        self._before = {}
        self._set_segment(segment)

    def _set_segment(self, segment: Segment | None) -> None:
        if self._directory is not None:
            self._before = self._directory.looked_up() or self._before
            self._kept = self._directory if self._keeps and segment is not None else None
        self._directory = None if segment is None else Directory(segment)
        super()._set_segment(segment)

    def _names(self, segment: Segment) -> Directory:
        """The directory of that very segment, whatever another thread has gone over to."""
        directory = self._directory
        if directory is None or directory.segment is not segment:
            directory = Directory(segment)
            if self.segment is segment:  # two threads went over at the same time
                self._directory = directory
        return directory

    def __repr__(self) -> str:
        return f"<Feed {self.namespace}.{self.venue} epoch {self.epoch}>"

    @property
    def epoch(self) -> int:
        """The epoch that this feed reads; 0 when closed."""
        return self.segment.epoch if self.segment is not None else 0

    # ---- epochs ----

    def _newer(self, life: Life) -> Segment | None:
        """The current segment if it is another memory; else a newer one if there is one."""
        if self._closed:
            return None
        if self.segment is not None and self.segment.life != life:
            return self.segment
        try:
            segment = open_segment(self.namespace, self.venue, self._owners)
        except (NoSuchVenue, NotReady, NotTrusted):
            return None
        if segment.life == life:
            return None
        self._set_segment(segment)
        return segment

    def _renew(self, reason: str) -> None:
        if self._closed or self.segment is None:
            raise ShmError(f"{self.venue}: this feed was closed")
        if self._newer(self.segment.life) is None:
            raise WriterLost(self.venue, self.segment.epoch, reason, self.segment.published)

    def alive(self) -> bool:
        """Whether the writer of this epoch lives: asks the kernel, 1 system call. Never blocks."""
        return self.segment is not None and self.segment.gone() is None

    def reattach(self) -> bool:
        """Go over to a newer epoch. Returns whether there was one."""
        return self.segment is not None and self._newer(self.segment.life) is not None

    def close(self) -> None:
        """Let go of the memory (events made before keep their own hold on it)."""
        self._closed = True
        self._set_segment(None)

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _id_of(self, segment: Segment, symbol: str) -> int | None:
        return self._names(segment).find_symbol(symbol)

    # ---- many at once ----

    def board(self, instruments: Iterable[Instrument | str] | None = None) -> Board:
        """Quote cells of `instruments`, in that order, read together: see :class:`shm.Board`.

        None: of all instruments; row i is that of the id i. Raises :class:`shm.UnknownInstrument`
        (also for one that a new writer has not added yet), :class:`shm.WriterLost`,
        :class:`shm.DamagedSegment`.
        """
        segment = self._current()
        ids = None if instruments is None else self._ids(segment, instruments)
        board: Board = collect(segment, Board, ids)
        board._directory = self._names(segment)
        return board

    def chain(self, underlying: str, expiry: Expiry | None = None) -> Board:
        """Quote cells of options, a row per strike and side: see :class:`shm.Board`.

        `underlying`: "BTC" or "BTC-USD" where that is clear, or with the currency of settlement,
        "BTC-USD:BTC". `expiry`: a day ("2026-12-25", a date), an instant (unix ns, a datetime with
        a zone), or None: every expiry to come. Rows are sorted by expiry, strike, call before put.
        Prices and sizes are in the venue's units: those of inverse options are in coin.

        Raises :class:`shm.UnknownInstrument`, which lists what is there, ValueError,
        :class:`shm.WriterLost`, :class:`shm.DamagedSegment`.
        """
        segment = self._current()
        directory = self._names(segment)
        while True:
            regrouped = segment.regrouped
            ids = directory.chains(underlying).ids(underlying, expiry)
            board: Board = collect(segment, Board, ids)
            if segment.regrouped == regrouped:  # else one of these may be of another chain now
                break
        board._directory = directory
        return board

    def expiries(self, underlying: str) -> list[int]:
        """Expiries of the options on an underlying that are still to come: unix ns, sorted.

        Raises :class:`shm.UnknownInstrument`, :class:`shm.WriterLost`.
        """
        return self._names(self._current()).chains(underlying).expiries(underlying)

    # ---- guards and events ----

    @property
    def state(self) -> tuple[State, Reason]:
        """The venue's own state and reason, as its writer says; STALE (HEARTBEAT) if the writer has
        given no sign of life for a second. Raises :class:`shm.WriterLost`."""
        segment = self._current()
        if _silent_ns(segment) >= DEAD_NS:
            return State.STALE, Reason.HEARTBEAT
        return segment.venue_state

    def require_live(
        self,
        instruments: Iterable[Instrument | str] | None = None,
        max_age_ns: int | None = None,
        depth: int = 0,
    ) -> None:
        """The guard before an order: raises unless all of `instruments` are LIVE, and the venue
        takes orders on them (status ACTIVE).

        None: the venue itself, and all of its instruments that are not CLOSED. A venue without
        instruments, and an empty `instruments`, are refused. With `max_age_ns`, the last message
        about each must be younger, too. With `depth`, so many levels a side must be known, or the
        whole side. The kernel is asked whether the writer lives (a system call), so that one that
        was killed is noticed at once.

        Raises :class:`shm.NotLive`, which says for each what is wrong, :class:`shm.WriterLost`, and
        :class:`shm.UnknownInstrument` for a name that is none of this venue's.
        """
        wanted = None if instruments is None else list(instruments)
        while True:
            segment = self._asked()
            findings = not_live(self, self._names(segment), wanted, max_age_ns, depth)
            if self.segment is segment:  # else all of it once more, of the new epoch
                break
        if findings:
            raise NotLive(findings)

    def _asked(self) -> Segment:
        """The segment of a writer that lives, says the kernel."""
        segment = self._current()
        reason = segment.gone()
        if reason is not None:
            self._renew(reason)
            segment = self._current()
        return segment

    def events(
        self,
        instruments: Iterable[Instrument | str] | None = None,
        kinds: Iterable[str | int] | None = None,
        start: Instant = "now",
        on_overrun: Literal["raise", "resync"] = "raise",
        *,
        raw: bool = False,
        reattach: bool = True,
        name: str | None = None,
    ) -> Events:
        """Follow the venue's events; see :class:`shm.Events` for what comes and when.

        `instruments`: instruments or their names; None: all, and also the records of none (WRITER,
        a connection's STATE). `kinds`: "level", "clear", "trade", "liquidation", "quote", "stat",
        "state", "writer", "definition", or `shm.Kind`; "level" brings "clear", without which a book
        would keep levels that are gone; None: all. `start`: "now", after what is published;
        "oldest", with the oldest message still in the ring; "state", with the state from the cells
        first, as after a resync; a sequence: the first message that begins there or later
        (ValueError when it is past the next one; Overrun at the first read if it was overwritten);
        or a time ("-30s", unix ns, a datetime with a zone): the first message that was received
        then or later. Where the ring does not reach so far back, that is :class:`shm.OutOfReach`,
        or with "resync" begins with the oldest, and `.missing` of the events says what is missing.
        With a recording, events of before the ring are read from there.
        `name`: enter this reader, its place and its losses into the readers' registry, for people
        to see; without it reading leaves no trace.
        """
        segment = self._current()
        wanted = None
        if instruments is not None:
            if isinstance(instruments, (str, Instrument)):
                instruments = [instruments]
            wanted = [self.instrument(i) if isinstance(i, str) else i for i in instruments]
            for instrument in wanted:
                if instrument.venue != self.venue:
                    raise self._not_ours(instrument)
        if self.recording is not None:
            found: Events | None = self._recorded_events(
                start, on_overrun, self._newer, segment, wanted, kinds, raw, reattach, name
            )
            if found is not None:
                return found
        return Events(self._newer, segment, wanted, kinds, start, on_overrun, raw, reattach, name)


def _silent_ns(segment: Segment) -> int:
    """How long a writer has not said that it is well."""
    return abs(time.time_ns() - segment.heartbeat_ns)


def attach(
    venue: str,
    *,
    namespace: str | None = None,
    timeout: float = 5.0,
    owner: str | int | None = None,
    recording: str | os.PathLike[str] | None = None,
) -> Feed:
    """Attach to a venue, read-only; waits up to `timeout` seconds for its writer.

    `namespace` None: FEEDHANDLER_NAMESPACE, or "feedhandler". `owner`: the user whose feed is
    believed, a name or a number; None: FEEDHANDLER_OWNER, or else this process's user or root.
    `recording`: the directory of a recording, for what is older than the ring; None:
    FEEDHANDLER_RECORDING, or none.
    Raises :class:`shm.NoSuchVenue` (lists those that are there), :class:`shm.NotReady` (no writer
    runs), both only after the timeout; at once :class:`shm.NotTrusted` (the feed of another user),
    :class:`shm.VersionMismatch`, :class:`shm.DamagedSegment` (names the header field),
    :class:`shm.PermissionDenied`, :class:`shm.BadName`.
    """
    namespace = check_name("namespace", namespace or default_namespace())
    kept = recorded_in(recording)
    feed = Feed(wait_for_segment(namespace, check_name("venue", venue), believed(owner), timeout))
    feed.recording = kept
    return feed
