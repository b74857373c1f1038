"""The event stream: every record of the venue's ring, in order, in whole messages."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from shm._native import Cursor, Instrument, Segment
from shm.directory import Directory
from shm.errors import ShmError, WriterLost
from shm.history.missing import RING, Missing, OutOfReach, told
from shm.history.start import first_since, sequence_of, since_ns
from shm.history.tables import EventTable
from shm.history.times import Instant
from shm.identity import start_ticks
from shm.names import Kind

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np
    import numpy.typing as npt


Life = tuple[int, int, int, int]  #: of a segment
_SLEEP_NS = 100_000_000
_RETRY_S = 0.01


def kind_mask(kinds: Iterable[str | int] | None) -> int:
    """Bits by kind. Names in any case, `Kind` members or numbers; None: all. LEVEL brings CLEAR."""
    if kinds is None:
        return (1 << 64) - 1
    if isinstance(kinds, str):
        kinds = [kinds]
    mask = 0
    for kind in kinds:
        if isinstance(kind, str):
            try:
                kind = Kind[kind.upper()]
            except KeyError:
                known = ", ".join(member.name.lower() for member in Kind)
                raise ValueError(f"no kind {kind!r}; there are {known}") from None
        mask |= 1 << Kind(kind)
    if mask >> Kind.LEVEL & 1:
        mask |= 1 << Kind.CLEAR
    return mask


class Events(Cursor):
    """One reader's place in the event ring of a venue. Made by :meth:`shm.Feed.events`.

    Three ways to read, to be mixed freely: `poll()` never sleeps; iteration sleeps on a futex;
    async iteration sleeps in a helper thread. Each hands out a structured array, a copy, of whole
    venue messages (a message longer than a quarter of the ring comes in parts, each flagged MORE
    at its end but the last), about 4096 records at most unless one message is longer:

    ==================  ====  =========================================================
    sequence            u8    the record's number in this epoch, from 1, without holes
    instrument          u4    row in the directory: `Instrument.id`; 0xFFFFFFFF: none
    kind, flags, side   u1    `shm.Kind`, `shm.Flag`, `shm.Side`
    precision           u1    which pair of the instrument's exponents holds
    exchange_ns         i8    when it was so, by the venue's clock; 0: the venue says none
    receive_ns          i8    unix ns by ours
    venue_sequence      u8    the venue's number: update id, trade id
    price, size         f8    STAT: price is the value; STATE: state and reason; DEFINITION:
                              `shm.Status` and a sum of `shm.Change`; NaN: none
    publish_delta_ns    u4    publish - receive, saturating
    aux                 u4    STAT: `shm.Stat`; STATE of a connection: its row; DEFINITION: its
                              number, see `Instrument.definition`; LEVEL, CLEAR, TRADE, LIQUIDATION,
                              QUOTE: when the venue sent it, see `shm.sent_ns`
    ==================  ====  =========================================================

    With `raw=True` price and size are the scaled i8 (a STAT's value is price * 10^size, `shm.NONE`
    is no price) and two more fields follow: price_exponent, size_exponent (i1).

    Overrun: a reader slower than the writer loses records. `on_overrun="raise"` raises
    :class:`shm.Overrun` with their exact number; the stream is already placed after them, and
    reading goes on with the next call. `"resync"` adds them to `lost` and hands out the state from
    the cells instead: per instrument CLEAR, the book's LEVELs at the shared depth, STATE, QUOTE bid
    and ask, STATs, DEFINITION, as far as these kinds were asked for, flagged SNAPSHOT, between
    FIRST and LAST, their `sequence` that of the cell; then the ring goes on without the records
    that this state has in it already (these count as `filtered`; trades are never dropped). Always,
    delivered + filtered + lost is the number of ring records gone by, state records not counted.

    When the writer is gone, what it committed is handed out, and then :class:`shm.WriterLost` is
    raised, once; later calls find nothing until a new epoch is there, and then go on with its first
    record (instruments are looked up again by their venue symbols, also while the new writer is
    still adding them). With `reattach=False` each later call raises it again.

    One thread or task at a time: whoever reads while another is reading, or sleeps in iteration,
    gets :class:`shm.ConcurrentUse`; `close()` may come from anywhere. A forked child has a copy
    with its own place, which it reads as it likes; the registry goes on showing the parent's.
    """

    def __init__(
        self,
        newer: Callable[[Life], Segment | None],
        segment: Segment,
        instruments: Collection[Instrument] | None,
        kinds: Iterable[str | int] | None,
        start: Instant,
        on_overrun: Literal["raise", "resync"],
        raw: bool,
        reattach: bool,
        name: str | None = None,
    ) -> None:
        if on_overrun not in ("raise", "resync"):
            raise ValueError(f'on_overrun={on_overrun!r}: "raise" or "resync"')
        self._newer = newer  # another memory than that one, if there is one
        self._left = segment.life
        self._symbols = None if instruments is None else {i.symbol for i in instruments}
        self._again = reattach
        self._lost: WriterLost | None = None
        self._closed = False
        self._executor: ThreadPoolExecutor | None = None
        self._waited = True
        self._name = name
        _all.add(self)
        self.missing: tuple[Missing, ...] = ()
        self._configure(kind_mask(kinds), raw, on_overrun == "resync")
        self._open(segment, self._symbols is not None)
        self._directory: Directory | None = Directory(segment)
        if start == "now":
            self._start_now()
        elif start == "oldest":
            self._start_oldest()
        elif start == "state":
            self._start_state()
        elif (sequence := sequence_of(start)) is not None:
            self._start_at(sequence)
        else:
            self._start_since(segment, start, on_overrun)
        self._sign()

    def _start_since(self, segment: Segment, start: Instant, on_overrun: str) -> None:
        first, self.missing = first_since(segment, since_ns(segment, start))
        unreached = [each for each in self.missing if each.reason == RING]
        if unreached and on_overrun == "raise":
            raise OutOfReach(
                f"events of {segment.venue} from {start!r} on: {unreached[0]}; ask for less, have "
                'a recording (attach(..., recording=DIR)), or say on_overrun="resync" to begin '
                "with the oldest",
                unreached,
            )
        self._start_at(first)

    def __repr__(self) -> str:
        where = "closed" if self.segment is None else f"{self.segment.venue} at {self.sequence}"
        return f"<{type(self).__name__} {where}; {told(self.missing)}>"

    @property
    def complete(self) -> bool:
        """Nothing is missing between the time that was asked for and where reading began."""
        return not self.missing

    def table(self, batch: npt.NDArray[np.void]) -> EventTable:
        """A batch for a library of tables, with symbols as text and codes as words:
        `polars.DataFrame(events.table(batch))`; see :class:`shm.Table`.

        Of the epoch that is being read: before the next batch is asked for.
        """
        directory = self._directory
        if directory is None:
            raise ShmError("these events were closed: make the table before")
        directory.learn()
        return EventTable(directory.segment.venue, batch, directory.symbols.get)

    def _sign(self) -> None:
        if self._name is not None:
            self._register(self._name.encode(), start_ticks)

    # What the native half calls, rarely.

    def _resolve(self, segment: Segment, first: int) -> list[int]:
        wanted: Collection[str] = self._symbols or ()
        return [
            row for row, (symbol, _) in enumerate(segment.names(first), first) if symbol in wanted
        ]

    def _lost_writer(self, segment: Segment, reason: str) -> NoReturn:
        published = max(segment.published, self.sequence - 1)  # what was read, was published
        self._lost = WriterLost(segment.venue, segment.epoch, reason, published)
        self._left = segment.life
        self._drop()
        raise self._lost

    def _reattach(self) -> None:
        if self._closed or self._lost is None:
            return
        if not self._again:
            raise self._lost.with_traceback(None)
        segment = self._newer(self._left)
        if segment is not None:
            again, following = segment.epoch == self._lost.epoch, self.sequence
            self._lost = None
            self._open(segment, self._symbols is not None)
            if again:  # a mirror that was started anew: the same records under the same numbers
                self._start_at(min(following, segment.published + 1))
            self._directory = Directory(segment)
            self._sign()

    def __iter__(self) -> Events:
        return self

    def __next__(self) -> npt.NDArray[np.void]:
        """The next batch; sleeps until there is one. Ends when `close()` was called."""
        while not self._closed:
            batch = self.poll()
            if batch is not None:
                return batch
            self.wait()
        raise StopIteration

    def _sleep(self) -> None:
        if not self._wait(_SLEEP_NS):
            time.sleep(_RETRY_S)

    def wait(self, timeout: float = 0.1) -> None:
        """Sleep until there may be something to poll, at most `timeout` seconds (capped at 0.1)."""
        self._occupy(True)
        try:
            if not self._wait(min(int(timeout * 1e9), _SLEEP_NS)):
                time.sleep(min(timeout, _RETRY_S))
        finally:
            self._occupy(False)

    def __aiter__(self) -> Events:
        return self

    async def __anext__(self) -> npt.NDArray[np.void]:
        """The next batch, without blocking the event loop."""
        import asyncio

        if not self._waited:  # a reader that never catches up must let the others run
            self._occupy(True)
            try:
                await asyncio.sleep(0)
            finally:
                self._occupy(False)
        self._waited = False
        while not self._closed:
            batch = self.poll()
            if batch is not None:
                return batch
            self._waited = True
            loop = asyncio.get_running_loop()
            self._occupy(True)
            try:
                await loop.run_in_executor(self._helper(), self._sleep)
            finally:
                self._occupy(False)
        raise StopAsyncIteration

    def _helper(self) -> ThreadPoolExecutor:
        if self._executor is None:
            from concurrent.futures import ThreadPoolExecutor

            self._executor = ThreadPoolExecutor(1, thread_name_prefix="shm-events")
        return self._executor

    def close(self) -> None:
        """Let go of the memory. Iteration ends, within 0.1 s also where it sleeps."""
        self._closed = True
        self._directory = None
        self._drop()
        if self._executor is not None:
            self._executor.shutdown(wait=False)
            self._executor = None

    def _after_fork(self) -> None:
        """In the child: the threads of the parent are not here, neither helper nor reader."""
        self._executor = None
        self._occupy(False)

    def __enter__(self) -> Events:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


_all: weakref.WeakSet[Events] = weakref.WeakSet()


def _forget_threads() -> None:
    for events in list(_all):
        events._after_fork()


os.register_at_fork(after_in_child=_forget_threads)
