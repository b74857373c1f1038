"""The data types of Tardis' CSV files: their columns in order, and what their rows mean.

https://docs.tardis.dev/downloadable-csv-files. Times are microseconds; without a time of the
exchange `timestamp` is `local_timestamp`, as Tardis has it. An empty field is no value. `sent`:
times are those at which the venue sent something, where Tardis has these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from feedhandler.export._mirror import Mirror, Records, Tops
from feedhandler.export._tickers import Tickers
from feedhandler.export.columns import (
    NONE,
    Column,
    Decimals,
    Integers,
    Names,
    Truths,
    Unsigned,
)
from feedhandler.export.source import Terms
from feedhandler.export.table import Chunk, Frame, Stateless, Table, microseconds
from feedhandler.venues.tardis_ids import (
    exchange_id,
    in_percent,
    liquidations_are_trades,
    sent_kinds,
)
from shm import Flag, InstrumentKind, Kind, OptionType, Side, Stat, sent_ns

_BOOK: frozenset[int] = frozenset({Kind.LEVEL, Kind.CLEAR})
#: a ticker's message may have both: who takes one needs the other, to see its end
_TOLD: frozenset[int] = frozenset({Kind.STAT, Kind.QUOTE})
_SIDES = ("buy", "sell")
_LAST_PRICE, _BID, _ASK = 17, 18, 20
_VOLATILITIES: frozenset[int] = frozenset({Stat.BID_IV, Stat.ASK_IV, Stat.MARK_IV})


class _Head:
    """The first four columns of all of them."""

    def __init__(self, venue: str, *, sent: bool) -> None:
        self._venue = venue
        self._sent, self._sent_snapshots = sent_kinds(venue) if sent else (frozenset(), False)

    def exchange_ns(self, rows: npt.NDArray[np.void]) -> npt.NDArray[np.int64]:
        """`timestamp` of each record, 0: the venue says none."""
        found: npt.NDArray[np.int64] = rows["exchange_ns"]
        if not self._sent:
            return found
        told = sent_ns(rows)
        chosen = np.isin(rows["kind"], list(self._sent)) & (told != 0)
        if not self._sent_snapshots:
            chosen &= rows["flags"] & Flag.SNAPSHOT == 0
        return np.where(chosen, told, found)

    def columns(
        self,
        which: npt.NDArray[np.integer],
        exchange_ns: npt.NDArray[np.int64],
        local_ns: npt.NDArray[np.int64],
        terms: Sequence[Terms],
    ) -> dict[str, Column]:
        ids = [exchange_id(self._venue, one.kind, one.symbol) for one in terms]
        return {
            "exchange": Names(ids, which),
            "symbol": Names([one.symbol for one in terms], which),
            "timestamp": microseconds(np.where(exchange_ns == 0, local_ns, exchange_ns)),
            "local_timestamp": microseconds(local_ns),
        }

    def of(self, chunk: Chunk) -> dict[str, Column]:
        """Of each record."""
        exchange = self.exchange_ns(chunk.rows)
        return self.columns(chunk.which, exchange, chunk.local_ns, chunk.terms)


class IncrementalBook:
    """Each level that changes; snapshots begin with the first row that says so."""

    kinds = _BOOK
    books = True

    def __init__(self, venue: str, *, sent: bool = True) -> None:
        self._head = _Head(venue, sent=sent)
        self._mirror = Mirror()

    def rows(self, chunk: Chunk) -> Frame:
        levels = self._mirror.apply(Records(chunk.rows, chunk.which))
        at = levels["at"]
        exchange = self._head.exchange_ns(chunk.rows)[at]
        return self._frame(levels, exchange, chunk.local_ns[at], chunk.terms)

    def _frame(
        self,
        levels: npt.NDArray[np.void],
        exchange_ns: npt.NDArray[np.int64],
        local_ns: npt.NDArray[np.int64],
        terms: Sequence[Terms],
    ) -> Frame:
        columns = self._head.columns(levels["which"], exchange_ns, local_ns, terms)
        columns["is_snapshot"] = Truths(levels["flags"] != 0)
        columns["side"] = Names(("bid", "ask"), levels["side"])
        columns["price"] = Decimals(levels["price"], levels["price_exponent"])
        columns["amount"] = Decimals(levels["size"], levels["size_exponent"])
        return Frame(columns, len(levels))

    def pass_over(self, chunk: Chunk) -> None:
        self._mirror.apply(Records(chunk.rows, chunk.which))

    def begin(self, start_ns: int, terms: Sequence[Terms]) -> Frame | None:
        levels = self._mirror.whole()
        times = np.full(len(levels), start_ns)
        return self._frame(levels, times, times, terms)

    def broken(self) -> None:
        self._mirror.broken()

    @property
    def dropped(self) -> int:
        return self._mirror.dropped


class Trades(Stateless):
    """Trades, liquidations among them where the venue's trades tell them; or only liquidations."""

    def __init__(self, venue: str, *, only_liquidations: bool = False, sent: bool = True) -> None:
        self._head = _Head(venue, sent=sent)
        self.kinds: frozenset[int] = frozenset(
            {Kind.LIQUIDATION if only_liquidations else Kind.TRADE}
        )
        if not only_liquidations and liquidations_are_trades(venue):
            self.kinds |= {Kind.LIQUIDATION}

    def rows(self, chunk: Chunk) -> Frame:
        rows = chunk.rows
        columns = self._head.of(chunk)
        columns["id"] = Unsigned(rows["venue_sequence"])
        columns["side"] = Names(_SIDES, rows["side"])
        columns["price"] = Decimals(rows["price"], rows["price_exponent"])
        columns["amount"] = Decimals(rows["size"], rows["size_exponent"])
        return Frame(columns, len(rows))


class Snapshots:
    """The best levels of a book, each time that one of them has changed: `depth` a side."""

    kinds = _BOOK
    books = True

    def __init__(self, venue: str, depth: int, *, sent: bool = True) -> None:
        self._head = _Head(venue, sent=sent)
        self._tops = Tops(depth)

    def rows(self, chunk: Chunk) -> Frame:
        at, levels, exponents = self._tops.apply(Records(chunk.rows, chunk.which))
        columns = self._head.of(chunk.part(at))
        self._levels(columns, levels, exponents)
        return Frame(columns, len(at))

    def _levels(
        self,
        columns: dict[str, Column],
        levels: npt.NDArray[np.int64],
        exponents: npt.NDArray[np.int8],
    ) -> None:
        for depth in range(self._tops.depth):
            for side, name in ((Side.ASK, "asks"), (Side.BID, "bids")):
                price, size = levels[:, side, depth, 0], levels[:, side, depth, 1]
                columns[f"{name}[{depth}].price"] = Decimals(price, exponents[:, 0])
                columns[f"{name}[{depth}].amount"] = Decimals(size, exponents[:, 1])

    def pass_over(self, chunk: Chunk) -> None:
        self._tops.apply(Records(chunk.rows, chunk.which))

    def begin(self, start_ns: int, terms: Sequence[Terms]) -> Frame | None:  # noqa: ARG002
        return None  # rows are changes

    def broken(self) -> None:
        self._tops.broken()

    @property
    def dropped(self) -> int:
        return self._tops.dropped


class Quotes(Snapshots):
    """The best bid and offer of the book, each time that it has changed."""

    def __init__(self, venue: str, *, sent: bool = True) -> None:
        super().__init__(venue, 1, sent=sent)

    def _levels(
        self,
        columns: dict[str, Column],
        levels: npt.NDArray[np.int64],
        exponents: npt.NDArray[np.int8],
    ) -> None:
        price, size = exponents[:, 0], exponents[:, 1]
        columns["ask_amount"] = Decimals(levels[:, Side.ASK, 0, 1], size)
        columns["ask_price"] = Decimals(levels[:, Side.ASK, 0, 0], price)
        columns["bid_price"] = Decimals(levels[:, Side.BID, 0, 0], price)
        columns["bid_amount"] = Decimals(levels[:, Side.BID, 0, 1], size)


class _Known:
    """A table of what is known of an instrument, each time that some of it has changed."""

    kinds = _TOLD
    books = False
    every = False  #: a row also where nothing has changed
    of_kinds: frozenset[InstrumentKind] | None = None  #: other instruments have no rows
    fields: tuple[int, ...] = ()  #: those that a row is made for

    def __init__(self, venue: str, *, sent: bool = True) -> None:
        self._head = _Head(venue, sent=sent)
        self._tops = Tops(1) if self.books else None
        percent = in_percent(venue)
        self._shifts: dict[int, int] = dict.fromkeys(_VOLATILITIES - percent, 2)
        self._shifts |= dict.fromkeys(percent - _VOLATILITIES, -2)
        self._tickers = Tickers(
            self.fields,
            every=self.every,
            liquidations=liquidations_are_trades(venue),
        )

    def _known(self, chunk: Chunk) -> tuple[Chunk, npt.NDArray[np.int64], npt.NDArray[np.int8]]:
        if self.of_kinds is not None:
            wanted = np.array([one.kind in self.of_kinds for one in chunk.terms], np.bool_)
            chunk = chunk.part(wanted[chunk.which])
        tops = None
        if self._tops is not None:
            tops = self._tops.apply(Records(chunk.rows, chunk.which))
        at, values, exponents = self._tickers.apply(chunk.rows, chunk.which, tops)
        return chunk.part(at), values, exponents

    def rows(self, chunk: Chunk) -> Frame:
        chunk, values, exponents = self._known(chunk)
        columns = self._head.of(chunk)
        for one, shift in self._shifts.items():
            exponents[:, one] += shift
        self._fields(columns, chunk, partial(_field, values, exponents))
        return Frame(columns, len(chunk.rows))

    def _fields(
        self, columns: dict[str, Column], chunk: Chunk, field: Callable[[int], Decimals]
    ) -> None:
        raise NotImplementedError

    def pass_over(self, chunk: Chunk) -> None:
        self._known(chunk)

    def begin(self, start_ns: int, terms: Sequence[Terms]) -> Frame | None:  # noqa: ARG002
        return None  # rows are changes

    def broken(self) -> None:
        if self._tops is not None:
            self._tops.broken()

    @property
    def dropped(self) -> int:
        return self._tops.dropped if self._tops is not None else 0


class BookTicker(_Known):
    """What the venue's own channel of best bids and offers says, each time."""

    every = True
    fields = (_BID, _BID + 1, _ASK, _ASK + 1)

    def _fields(
        self,
        columns: dict[str, Column],
        chunk: Chunk,  # noqa: ARG002
        field: Callable[[int], Decimals],
    ) -> None:
        columns["ask_amount"] = field(_ASK + 1)
        columns["ask_price"] = field(_ASK)
        columns["bid_price"] = field(_BID)
        columns["bid_amount"] = field(_BID + 1)


class DerivativeTicker(_Known):
    """Funding, when it is due and what may follow; open interest, last, index and mark price."""

    kinds = _TOLD | {Kind.TRADE, Kind.LIQUIDATION}
    of_kinds = frozenset({InstrumentKind.PERPETUAL, InstrumentKind.FUTURE, InstrumentKind.UNKNOWN})
    fields = (
        *(Stat.FUNDING, Stat.PREDICTED_FUNDING, Stat.NEXT_FUNDING),
        *(Stat.OPEN_INTEREST, _LAST_PRICE, Stat.INDEX, Stat.MARK),
    )

    def _known(self, chunk: Chunk) -> tuple[Chunk, npt.NDArray[np.int64], npt.NDArray[np.int8]]:
        """Without what has nothing but trades: a capture without a list says not what it is."""
        chunk, values, exponents = super()._known(chunk)
        told = (values[:, [one for one in self.fields if one != _LAST_PRICE]] != NONE).any(axis=1)
        return chunk.part(told), values[told], exponents[told]

    def _fields(
        self,
        columns: dict[str, Column],
        chunk: Chunk,  # noqa: ARG002
        field: Callable[[int], Decimals],
    ) -> None:
        due = field(Stat.NEXT_FUNDING).values
        columns["funding_timestamp"] = Integers(np.where(due == NONE, NONE, due // 1000))
        columns["funding_rate"] = field(Stat.FUNDING)
        columns["predicted_funding_rate"] = field(Stat.PREDICTED_FUNDING)
        columns["open_interest"] = field(Stat.OPEN_INTEREST)
        columns["last_price"] = field(_LAST_PRICE)
        columns["index_price"] = field(Stat.INDEX)
        columns["mark_price"] = field(Stat.MARK)


class OptionsChain(_Known):
    """All that is known of options. Which index is an option's, no record says."""

    kinds = _TOLD | _BOOK | {Kind.TRADE, Kind.LIQUIDATION}
    books = True
    of_kinds = frozenset({InstrumentKind.OPTION})
    fields = (
        *(Stat.OPEN_INTEREST, _LAST_PRICE, _BID, _BID + 1, Stat.BID_IV, _ASK, _ASK + 1),
        *(Stat.ASK_IV, Stat.MARK, Stat.MARK_IV, Stat.UNDERLYING, Stat.DELTA, Stat.GAMMA),
        *(Stat.VEGA, Stat.THETA, Stat.RHO),
    )

    def _fields(
        self, columns: dict[str, Column], chunk: Chunk, field: Callable[[int], Decimals]
    ) -> None:
        terms, which = chunk.terms, chunk.which
        calls = np.array([one.option_type == OptionType.PUT for one in terms], np.int64)
        expiries = np.array([one.expiry_ns // 1000 or NONE for one in terms], np.int64)
        columns["type"] = Names(("call", "put"), calls[which])
        columns["strike_price"] = Names([plain(one.strike) for one in terms], which)
        columns["expiration"] = Integers(expiries[which])
        columns["open_interest"] = field(Stat.OPEN_INTEREST)
        columns["last_price"] = field(_LAST_PRICE)
        columns["bid_price"] = field(_BID)
        columns["bid_amount"] = field(_BID + 1)
        columns["bid_iv"] = field(Stat.BID_IV)
        columns["ask_price"] = field(_ASK)
        columns["ask_amount"] = field(_ASK + 1)
        columns["ask_iv"] = field(Stat.ASK_IV)
        columns["mark_price"] = field(Stat.MARK)
        columns["mark_iv"] = field(Stat.MARK_IV)
        columns["underlying_index"] = Names((), np.full(len(which), -1))
        columns["underlying_price"] = field(Stat.UNDERLYING)
        for greek in (Stat.DELTA, Stat.GAMMA, Stat.VEGA, Stat.THETA, Stat.RHO):
            columns[greek.name.lower()] = field(greek)


def _field(values: npt.NDArray[np.int64], exponents: npt.NDArray[np.int8], at: int) -> Decimals:
    return Decimals(values[:, at], exponents[:, at])


def plain(number: float) -> str:
    """A double in the fewest digits, without an exponent."""
    return np.format_float_positional(number, trim="-")


TYPES: Mapping[str, Callable[..., Table]] = {
    "incremental_book_L2": IncrementalBook,
    "trades": Trades,
    "liquidations": partial(Trades, only_liquidations=True),
    "quotes": Quotes,
    "book_ticker": BookTicker,
    "book_snapshot_5": partial(Snapshots, depth=5),
    "book_snapshot_25": partial(Snapshots, depth=25),
    "derivative_ticker": DerivativeTicker,
    "options_chain": OptionsChain,
}
"""By name: the table of a venue's records, made of its name, and of `sent`."""
