"""What a venue's frames say beside books: trades, liquidations, best bids and offers, tickers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final
from uuid import UUID

from feedhandler.shape.frame import TICKERS, Frame
from feedhandler.shape.tree import Rows, holes, parsed
from feedhandler.sim.market.book import ASK, BID
from feedhandler.sim.market.live import Live
from feedhandler.sim.market.market import Market
from feedhandler.sim.market.records import Trade
from feedhandler.sim.venues.declared.beside import Beside
from feedhandler.sim.venues.declared.levels import Layout, Texts, standing
from feedhandler.sim.venues.declared.numbers import of_time, writers
from feedhandler.sim.venues.declared.statistics import Statistics
from feedhandler.sim.venues.declared.template import Template, nodes, quoting

Values = Mapping[str, str]
_MS = 1_000_000
LIQUIDATIONS = 25
"""Every so many of an instrument's trades, one is of a liquidation."""
_ODD = 0x2545F4914F6CDD1D  # so that no two numbers have the same hash
_FACTS: Final = frozenset({"type", "base", "quote", "settle", "number", "expiry_ms", "series"})
_AWAY = 50  # ticks of a liquidation's price from the trade's


def trade_id(number: int, *, named: bool) -> str:
    """Of an instrument's trade with this number; `named`: a hash, which counts nothing."""
    if not named:
        return str(number)
    high, low = divmod(number * _ODD % (1 << 50), 1 << 25)
    return str(low << 25 | high)


def trade_name(number: int) -> str:
    """The same where trades are named by UUIDs."""
    return str(UUID(int=number))


_Get = Callable[[Live, Texts, Trade], str]


def _signed(_: Live, texts: Texts, one: Trade) -> str:
    return texts.sizes[one.lots] if one.taker_buys else f"-{texts.sizes[one.lots]}"


def _number(_: Live, __: Texts, one: Trade) -> str:
    return str(one.number)


def _hashed(_: Live, __: Texts, one: Trade) -> str:
    return trade_id(one.number, named=True)


def _sequence(_: Live, __: Texts, one: Trade) -> str:
    return str(one.sequence)


def _contracts(live: Live, one: Trade) -> str:
    its = live.instrument
    size = float(its.contract_size) if its.kind != "option" else 1.0
    return f"{its.size(one.lots) / size:.1f}"


_TICKS: Final = ("PlusTick", "ZeroPlusTick", "MinusTick")


_IDS: Final = ("id", "id_or_place", "id_tail")
_PRINTS: Final[Mapping[str, _Get]] = {
    "symbol": lambda live, _, __: live.instrument.symbol,
    "price": lambda _, texts, one: texts.prices[one.grid],
    "traded": lambda _, texts, one: texts.prices[one.grid],
    "size": lambda _, texts, one: texts.sizes[one.lots],
    "amount": _signed,
    "id_name": lambda _, __, one: trade_name(one.number),
    "place": _sequence,
    "final": _sequence,
    "cost": lambda live, _, one: (
        f"{live.instrument.price(one.grid) * live.instrument.size(one.lots):.8f}"
    ),
    "direction": lambda _, __, one: str(one.direction),
    "tick_word": lambda _, __, one: _TICKS[one.direction],
    "contracts": lambda live, _, one: _contracts(live, one),
    **dict.fromkeys(_IDS, _number),
}
_HASHED: Final[Mapping[str, _Get]] = dict.fromkeys(_IDS, _hashed)


class Prints:
    """A frame of trades or liquidations: all of an update in its rows, or a message each. `named`:
    their ids are hashes; `said`: what stands in all of them, where they are of one instrument."""

    def __init__(
        self, frame: Frame, beside: Beside, *, named: bool = False, said: Values | None = None
    ) -> None:
        words = {"symbol": ("S",), "taker": frame.taker, "time_iso": ("T",), "sent_iso": ("T",)}
        self._template = Template(quoting(beside.tree(frame), words))
        self._taker, self.names = frame.taker, self._template.holes
        getters = {**_PRINTS, **(_HASHED if named else {})}
        self._getters = [(name, getters[name]) for name in self.names if name in getters]
        self.stats = Statistics(self.names - getters.keys(), beside.decimal)
        self._times = writers(name for name in of_time(self.names) if name.startswith("time"))
        self._baked = None if self.stats.any else self._template.baked(said)
        self._sent = [name for name in of_time(self.names) if name.startswith("sent")]
        self._rows = any(isinstance(each, Rows) for each in nodes(self._template.tree))

    def messages(
        self, live: Live, texts: Texts, trades: Sequence[Trade], said: Values, *, away: bool = False
    ) -> list[str]:
        """`away`: at the prices of liquidations."""
        rows = [self._row(live, texts, one, _AWAY if away else 0) for one in trades]
        if self._rows and len(rows) > 1:
            return [self._template.rows({**said, **rows[-1]}, rows)]
        if self._baked is None:
            return [self._template.filled({**said, **row}) for row in rows]
        text, get = self._baked
        for row in rows if self._sent else ():
            row |= {name: said[name] for name in self._sent}
        return [text % get(row) for row in rows]

    def _row(self, live: Live, texts: Texts, one: Trade, away: int) -> dict[str, str]:
        row = {name: get(live, texts, one) for name, get in self._getters}
        row["taker"] = self._taker[0 if one.taker_buys else 1]
        if away:
            row["price"] = texts.prices[max(1, one.grid + (away if one.taker_buys else -away))]
        if one.number % LIQUIDATIONS == 0:
            row["forced"] = "1"
        for name, write in self._times:
            row[name] = write(one.ms * _MS)
        return row


class Tape:
    """The trades of a key. Of frames that say different kinds of trades, an ordinary one goes out
    in the first, a liquidation in the one that marks it."""

    def __init__(
        self,
        frames: Sequence[Frame],
        beside: Beside,
        *,
        named: bool = False,
        said: Values | None = None,
    ) -> None:
        marks = [frame for frame in frames if _marks(frame)]
        plain = next((frame for frame in frames if not _marks(frame)), None)
        self._plain = Prints(plain or frames[0], beside, named=named, said=said)
        self._marked = (
            Prints(marks[0], beside, named=named, said=said)
            if marks and plain is not None
            else self._plain
        )

    @property
    def stats(self) -> Statistics:
        """What they say of the instrument beside its trades."""
        return self._plain.stats

    @property
    def names(self) -> frozenset[str]:
        """The holes of these frames."""
        return self._plain.names | self._marked.names

    def messages(
        self, live: Live, texts: Texts, trades: Sequence[Trade], said: Values
    ) -> Iterable[str]:
        """In the order in which they were made."""
        if len(trades) == 1:
            forced = trades[0].number % LIQUIDATIONS == 0
            return (self._marked if forced else self._plain).messages(live, texts, trades, said)
        return self._each(live, texts, trades, said)

    def _each(
        self, live: Live, texts: Texts, trades: Sequence[Trade], said: Values
    ) -> Iterable[str]:
        for forced, run in groupby(trades, lambda one: one.number % LIQUIDATIONS == 0):
            frame = self._marked if forced else self._plain
            yield from frame.messages(live, texts, list(run), said)


def _marks(frame: Frame) -> bool:
    return frame.forced or any(hole.name == "forced" for hole in holes(parsed(frame.sample)))


class Picture:
    """A frame of best levels, or of statistics with or without them."""

    def __init__(self, frame: Frame, beside: Beside) -> None:
        words = {"symbol": ("S",), "time_iso": ("T",), "sent_iso": ("T",)}
        tree = quoting(beside.tree(frame), words)
        self._template = Template(tree)
        self._layout = Layout(frame, beside) if frame.level else None
        self._stats = Statistics(self._template.holes, beside.decimal)
        self._ticker = frame.kind in TICKERS
        names = self._template.holes
        self.names = names | (self._layout.names if self._layout is not None else frozenset())
        self.tells_facts = bool(names & _FACTS)
        self.tells_status = "status" in names
        self.of_one = "symbol" in names
        self.of_many = self.of_one and any(isinstance(one, Rows) for one in nodes(tree))
        """Whether it can tell of several instruments at once."""

    def message(self, market: Market, live: Live, texts: Texts, said: Values) -> str | None:
        """As it is now; None where the frame cannot say so: a side of the book is empty."""
        values = self._values(market, live, texts, said)
        return self._template.filled(values) if values is not None else None

    def together(self, market: Market, of: Sequence[tuple[Live, Texts]], said: Values) -> str:
        """Of several instruments, a row of each."""
        rows = [self._values(market, live, texts, {**said, **_symbol(live)}) for live, texts in of]
        return self._template.rows(said, [row for row in rows if row is not None])

    def _values(
        self, market: Market, live: Live, texts: Texts, said: Values
    ) -> dict[str, str] | None:
        book = live.book
        bid, bids, ask, asks = book.top()
        values = {"place": str(book.sequence), "final": str(book.sequence), **said}
        if bids:
            values["bid"], values["bid_size"] = texts.prices[bid], texts.sizes[bids]
        if asks:
            values["ask"], values["ask_size"] = texts.prices[-ask], texts.sizes[asks]
        if self._layout is not None:
            symbol, array = live.instrument.symbol, self._layout.array
            for name, side, grid, lots in (("bids", BID, bid, bids), ("asks", ASK, -ask, asks)):
                rows = standing(side, [(grid, lots)] if lots else [])
                values[name] = array(rows, texts, symbol, values)
        elif not self._ticker and not (bids and asks):
            return None
        values |= self._stats.values(market, live, texts)
        return values


def _symbol(live: Live) -> dict[str, str]:
    return {"symbol": live.instrument.symbol}
