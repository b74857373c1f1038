"""What `feed.trades()`, `feed.quotes()` and `feed.bars()` hand out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from shm.history.columns import Rows, Symbol, members
from shm.history.missing import Missing, told
from shm.history.table import Table
from shm.history.times import shown
from shm.names import Kind, Side, Source

_LATE_NS = 10 * 10**9  # how much later one connection may bring what another one brought
_SAME = ["instrument", "exchange_ns", "venue_sequence", "side", "price", "size"]  # of a trade
_TAKER = {Side.BUY.value: "buy", Side.SELL.value: "sell"}


class History(Table):
    """A table of the past, in the order in which it was received; see :class:`shm.Table`.

    `missing` has the windows of what was asked for that are not in it, or not whole, with how many
    records that are where anybody knows, and why; `complete` is True where there is none. Both are
    about the records between venue and reader: what the venue's own connection did not bring is
    told by the events of kind "state".
    """

    def __init__(
        self, venue: str, array: Rows, symbol: Symbol, missing: Sequence[Missing] = ()
    ) -> None:
        super().__init__(venue, array, symbol)
        self.missing = tuple(missing)

    @staticmethod
    def once(before: Rows, rows: Rows, ends_ns: int) -> Rows:  # noqa: ARG004
        """Of the rows of an epoch those that the epoch before, which ended then, has not told."""
        return rows[rows["receive_ns"] > ends_ns]

    @property
    def complete(self) -> bool:
        """Nothing of what was asked for is missing."""
        return not self.missing

    def __repr__(self) -> str:
        when = ""
        if len(self.array):
            field = "start_ns" if "start_ns" in self.columns else "receive_ns"
            times = self.array[field]
            when = f", {shown(int(times[0]), day=True)} to {shown(int(times[-1]))} UTC"
        return f"<{type(self).__name__} {self.venue}: {self._told()}{when}; {told(self.missing)}>"


class Trades(History):
    """Trades, a row each: of `Feed.trades` and `Feed.liquidations`.

    ==================================  ==  =======================================================
    receive_ns, exchange_ns             i8  when it was received here; when it was, by the venue's
                                            clock (0: the venue does not say)
    instrument                          u4  `Instrument.id` in the newest epoch; `symbols`,
                                            `["symbol"]`
    kind                                u1  `shm.Kind`: TRADE, or LIQUIDATION
    side                                u1  the taker's: `shm.Side.BUY`, `SELL`
    flags                               u1  `shm.Flag`
    price, size                         f8  in the venue's units
    price_scaled, size_scaled           i8  exactly: price is price_scaled * 10**price_exponent
    price_exponent, size_exponent       i1
    venue_sequence                      u8  the venue's id of the trade, where it is a number
    sequence, epoch                     u8  the ring record
    ==================================  ==  =======================================================
    """

    _words: ClassVar[Mapping[str, Mapping[int, str]]] = {"kind": members(Kind), "side": _TAKER}
    _first: ClassVar[Sequence[str]] = (
        *("receive_time", "symbol", "side", "price", "size", "kind", "exchange_time"),
    )

    @staticmethod
    def once(before: Rows, rows: Rows, ends_ns: int) -> Rows:
        """Epochs may overlap (a memory that was renewed), and a venue may tell its last trades
        again to who comes anew: a trade that was in the epoch before is not told twice."""
        told = rows["exchange_ns"] <= ends_ns
        if not told.any() or not len(before):
            return rows
        overlap = rows["receive_ns"] <= ends_ns
        since = min(int(rows["receive_ns"].min()), int(rows["exchange_ns"][told].min())) - _LATE_NS
        seen = Counter(before[before["receive_ns"] >= since][_SAME].tolist())
        kept = np.ones(len(rows), np.bool_)
        for at in np.flatnonzero(told & ((rows["venue_sequence"] != 0) | overlap)):
            one = rows[_SAME][at].tolist()
            if seen[one] > 0:
                seen[one] -= 1
                kept[at] = False
        return rows[kept]


class Quotes(History):
    """Best bids and offers as they changed, a row each: of `Feed.quotes`.

    ==================================  ==  =======================================================
    receive_ns, exchange_ns             i8  as of :class:`shm.Trades`
    instrument                          u4  `Instrument.id` in the newest epoch
    source                              u1  `shm.Source`: QUOTE, the venue's channel of best bids
                                            and offers; BOOK, the best of its book
    flags                               u1  `shm.Flag`
    bid, bid_size, ask, ask_size        f8  in the venue's units; NaN: none
    bid_scaled, bid_size_scaled,        i8  exactly, with the exponents; `shm.NONE`: none
    ask_scaled, ask_size_scaled
    price_exponent, size_exponent       i1
    venue_sequence                      u8  the venue's number
    sequence, epoch                     u8  the last ring record of it
    ==================================  ==  =======================================================
    """

    _words: ClassVar[Mapping[str, Mapping[int, str]]] = {"source": members(Source)}
    _first: ClassVar[Sequence[str]] = (
        *("receive_time", "symbol", "bid", "bid_size", "ask", "ask_size", "source"),
        "exchange_time",
    )


class Bars(History):
    """Trades by time, a row for each bar of an instrument that has a trade: of `Feed.bars`.

    ==================================  ==  =======================================================
    start_ns                            i8  when the bar begins; it ends `interval_ns` later
    instrument                          u4  `Instrument.id` in the newest epoch
    open, high, low, close              f8  prices; NaN in a bar without trades
    volume, buy_volume                  f8  all, and where the taker bought; in the venue's units
    count                               u8  trades
    vwap                                f8  the volume-weighted mean price; NaN without volume
    whole                               ?   False: it is not over yet, or something of it is missing
    ==================================  ==  =======================================================

    Bars begin at multiples of their length since 1970: those of 1 h at full hours UTC.
    """

    _first: ClassVar[Sequence[str]] = ("start_time", "symbol")

    def __init__(
        self,
        venue: str,
        array: Rows,
        symbol: Symbol,
        missing: Sequence[Missing] = (),
        interval_ns: int = 0,
    ) -> None:
        super().__init__(venue, array, symbol, missing)
        self.interval_ns = interval_ns  #: how long a bar is
