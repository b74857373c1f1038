"""Rows of many instruments, read together, and how they were read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from shm import picks
from shm._native import DEAD_NS, Instrument
from shm.history.table import Table
from shm.history.tables import BoardTable
from shm.names import OptionType, State, Status

if TYPE_CHECKING:
    from shm.directory import Directory


class Board(np.ndarray[Any, np.dtype[np.void]]):
    """Quote cells as a structured array, a copy: of `Feed.board` and `Feed.chain`.

    =====================================  ==  ====================================================
    instrument                             u4  row in the directory: `Instrument.id`; `instrument()`
    definition                             u4  of the instrument's terms: `Instrument.definition`
    kind, option, state, reason, status    u1  `shm.InstrumentKind`, `OptionType`, `State`,
                                               `Reason`, `Status`
    source                                 u1  what bid and ask are of: `shm.Source`
    strike, expiry_ns                      f8  0 for what has none (expiry_ns: i8, unix ns)
    bid, bid_size, ask, ask_size           f8  top of book, in the venue's units; NaN: none
    last, last_size                        f8  the last trade; NaN: none
    mark, index, underlying                f8  prices; NaN: the venue has not said
    bid_iv, ask_iv, mark_iv                f8  0.65 is 65 %
    delta, gamma, vega, theta, rho         f8  of an option on one of the base, in the quote
                                               currency: vega and rho of a point (0.01), theta of
                                               a day
    funding, predicted_funding             f8  0.0001 is 0.01 %; predicted: of the interval after
    next_funding_ns                        i8  when `funding` is due; 0: the venue does not say
    open_interest, volume                  f8  in units of size; volume: of the last 24 hours
    last_ns, stats_ns, state_ns, data_ns   i8  unix ns: of the last trade; when the last statistic
                                               came; since when this state; when any message came
    exchange_ns, receive_ns, publish_ns    i8  of the last change of bid or ask
    sent_ns                                i8  when the venue sent it, by its clock; 0: it says none
    venue_sequence, ring_sequence          u8  the venue's number; the last record that is in it
    age_ns, stats_age_ns                   i8  since data_ns and since stats_ns when it was read, or
                                               how far they lie ahead of a clock that was set back;
                                               of what never came, larger than any limit
    =====================================  ==  ====================================================

    Each row is whole. If `same_instant`, all of them together are what the writer had stored at one
    instant between `begin_ns` and `end_ns`; if not (the writer was faster on every try), each is
    what it had stored at some instant in between. A venue sends one instrument after another, so
    that rows of one instant have different ages all the same: `oldest_ns` to `newest_ns`.

    A field, such as `board["bid"]`, is a plain array.
    """

    begin_ns: int = 0  #: when reading began, unix ns
    end_ns: int = 0  #: when it ended
    same_instant: bool = False  #: all rows held at one instant
    sequence: int = 0
    """The ring's last record when reading began: `events(start=sequence + 1)` misses nothing."""
    epoch: int = 0  #: the writer's start that it is of
    heartbeat_age_ns: int = 1 << 62
    """How long the writer had not said that it is well when reading ended."""
    _directory: Directory | None = None

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, (str, list)):
            return self.view(np.ndarray)[key]
        return super().__getitem__(key)

    def __array_finalize__(self, whole: Any) -> None:
        if isinstance(whole, Board):  # some of its rows
            self.__dict__.update(whole.__dict__)

    @property
    def live(self) -> npt.NDArray[np.bool_]:
        """By row: state LIVE, and the writer's heartbeat less than a second old."""
        alive = self.heartbeat_age_ns < DEAD_NS
        found: npt.NDArray[np.bool_] = (self["state"] == State.LIVE) & alive
        return found

    @property
    def tradable(self) -> npt.NDArray[np.bool_]:
        """By row: live, and the venue takes orders."""
        found: npt.NDArray[np.bool_] = self.live & (self["status"] == Status.ACTIVE)
        return found

    @property
    def oldest_ns(self) -> int:
        """Of the rows that have had any message: the oldest last one, unix ns; 0: no row has."""
        came = self["data_ns"]
        return int(came[came > 0].min(initial=self.end_ns)) if (came > 0).any() else 0

    @property
    def newest_ns(self) -> int:
        """The newest last message of any row, unix ns; 0: no row has had one."""
        return int(self["data_ns"].max(initial=0))

    @property
    def table(self) -> Table:
        """The rows for libraries of tables: symbols as text, codes as words; :class:`shm.Table`.

        `polars.DataFrame(board.table)`; pyarrow takes a board itself, too.
        """
        directory = self._directory
        if directory is not None:
            directory.learn()
        symbol = (lambda _: None) if directory is None else directory.symbols.get
        venue = "" if directory is None else directory.segment.venue
        return BoardTable(venue, self.view(np.ndarray), symbol)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """As that of `table`."""
        return self.table.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self.table.__arrow_c_schema__()

    @property
    def forward(self) -> float:
        """Of a chain of one expiry: what the options are on, as the venue prices it; else NaN."""
        return picks.forward(self.view(np.ndarray))

    def atm(self) -> Board:
        """The rows of a chain at the money, its strike next to `forward`: a call and a put."""
        rows: Board = self[picks.at_the_money(self.view(np.ndarray))]
        return rows

    def by_delta(self, delta: float, option: OptionType) -> np.void | None:
        """The row whose delta is next to that, such as 0.25, of calls or of puts (whose deltas are
        negative: the sign does not matter); None: none of them says its delta."""
        row = picks.by_delta(self.view(np.ndarray), delta, option)
        return None if row is None else self[row]

    def instrument(self, id: int) -> Instrument:  # noqa: A002
        """The instrument of a row, by its field `instrument`: in the epoch that this was read in.

        Raises IndexError for an id that this epoch has not.
        """
        if self._directory is None:
            raise IndexError("these rows have come without their directory")
        return self._directory.at(int(id))
