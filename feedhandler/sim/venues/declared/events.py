"""What a venue's frames say beside books: trades, liquidations, best bids and offers, tickers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final
from uuid import UUID

from feedhandler.shape.frame import TICKERS, Frame
from feedhandler.shape.tree import Rows, holes, parsed
from feedhandler.sim.market import black76
from feedhandler.sim.market.book import ASK, BID
from feedhandler.sim.market.instrument import decimal
from feedhandler.sim.market.live import Live
from feedhandler.sim.market.market import Market
from feedhandler.sim.market.records import Trade
from feedhandler.sim.venues.declared.beside import Beside
from feedhandler.sim.venues.declared.levels import Layout, Texts, standing
from feedhandler.sim.venues.declared.numbers import times
from feedhandler.sim.venues.declared.template import Template, nodes, quoting

Values = Mapping[str, str]
_MS = 1_000_000
LIQUIDATIONS = 25
"""Every so many of an instrument's trades, one is of a liquidation."""
_ODD = 0x2545F4914F6CDD1D  # so that no two numbers have the same hash
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


class Prints:
    """A frame of trades or liquidations: all of an update in its rows, or a message each. `named`:
    their ids are hashes."""

    def __init__(self, frame: Frame, beside: Beside, *, named: bool = False) -> None:
        self._named = named
        words = {"symbol": ("S",), "taker": frame.taker, "time_iso": ("T",), "sent_iso": ("T",)}
        self._template = Template(quoting(beside.tree(frame), words))
        self._taker = frame.taker
        self._rows = any(isinstance(each, Rows) for each in nodes(self._template.tree))

    def messages(
        self, live: Live, texts: Texts, trades: Sequence[Trade], said: Values, *, away: bool = False
    ) -> list[str]:
        """`away`: at the prices of liquidations."""
        rows = [self._row(live, texts, one, _AWAY if away else 0) for one in trades]
        if self._rows:
            return [self._template.rows({**said, **rows[-1]}, rows)]
        return [self._template.filled({**said, **row}) for row in rows]

    def _row(self, live: Live, texts: Texts, one: Trade, away: int) -> dict[str, str]:
        size = texts.sizes[one.lots]
        grid = max(1, one.grid + (away if one.taker_buys else -away))
        forced = {"forced": "1"} if one.number % LIQUIDATIONS == 0 else {}
        called = trade_id(one.number, named=self._named)
        return (
            forced
            | {
                "symbol": live.instrument.symbol,
                "price": texts.prices[grid],
                "size": size,
                "amount": size if one.taker_buys else f"-{size}",
                "taker": self._taker[0 if one.taker_buys else 1],
                "id": called,
                "id_or_place": called,
                "id_tail": called,
                "id_name": trade_name(one.number),
                "place": str(one.sequence),
                "final": str(one.sequence),
            }
            | times(one.ms * _MS)
        )


class Tape:
    """The trades of a key. Of frames that say different kinds of trades, an ordinary one goes out
    in the first, a liquidation in the one that marks it."""

    def __init__(self, frames: Sequence[Frame], beside: Beside, *, named: bool = False) -> None:
        marks = [frame for frame in frames if _marks(frame)]
        plain = next((frame for frame in frames if not _marks(frame)), None)
        self._plain = Prints(plain or frames[0], beside, named=named)
        self._marked = (
            Prints(marks[0], beside, named=named) if marks and plain is not None else self._plain
        )

    def messages(
        self, live: Live, texts: Texts, trades: Sequence[Trade], said: Values
    ) -> Iterator[str]:
        """In the order in which they were made."""
        for forced, run in groupby(trades, lambda one: one.number % LIQUIDATIONS == 0):
            frame = self._marked if forced else self._plain
            yield from frame.messages(live, texts, list(run), said)


def _marks(frame: Frame) -> bool:
    return any(hole.name == "forced" for hole in holes(parsed(frame.sample)))


class Picture:
    """A frame of best levels, or of statistics with or without them."""

    def __init__(self, frame: Frame, beside: Beside) -> None:
        words = {"symbol": ("S",), "time_iso": ("T",), "sent_iso": ("T",)}
        self._template = Template(quoting(beside.tree(frame), words))
        self._layout = Layout(frame, beside) if frame.level else None
        self._stats = Statistics(self._template.holes)
        self._ticker = frame.kind in TICKERS

    def message(self, market: Market, live: Live, texts: Texts, said: Values) -> str | None:
        """As it is now; None where the frame cannot say so: a side of the book is empty."""
        book = live.book
        best = [levels[0] if (levels := book.levels(side, 1)) else None for side in (BID, ASK)]
        values = {**said, "place": str(book.sequence), "final": str(book.sequence)}
        for name, level in zip(("bid", "ask"), best, strict=True):
            if level is not None:
                values[name], values[f"{name}_size"] = texts.prices[level[0]], texts.sizes[level[1]]
        if self._layout is not None:
            symbol = live.instrument.symbol
            for name, side, level in zip(("bids", "asks"), (BID, ASK), best, strict=True):
                rows = standing(side, [level] if level is not None else [])
                values[name] = self._layout.array(rows, texts, symbol, values)
        elif not self._ticker and None in best:
            return None
        values |= self._stats.values(market, live)
        return self._template.filled(values)


_Statistic = Callable[[Market, Live], float]


def _vol(market: Market, live: Live) -> float:
    return market.mark_vol(live.instrument)


_STATISTICS: Final[Mapping[str, _Statistic]] = {
    "mark": lambda market, live: market.mark(live.instrument),
    "index": lambda market, live: market.index(live.instrument.base),
    "underlying": lambda market, live: market.forward(live.instrument),
    "last": lambda _, live: live.instrument.price(live.last),
    "high": lambda _, live: live.instrument.price(live.high),
    "low": lambda _, live: live.instrument.price(live.low),
    "volume": lambda _, live: live.instrument.size(live.volume),
    "open_interest": lambda _, live: live.instrument.size(live.open_interest),
    "funding": lambda market, live: market.funding(live.instrument),
    **dict.fromkeys(("mark_iv", "bid_iv", "ask_iv"), _vol),
}
"""What tickers say."""
_OF_KIND: Final = {
    **dict.fromkeys(("mark_iv", "bid_iv", "ask_iv"), "option"),
    "funding": "perpetual",
}
_GREEKS: Final = black76.Greeks._fields


class Statistics:
    """Those that a frame says, each as it is or in hundredths."""

    def __init__(self, holes: Collection[str]) -> None:
        wanted = [(name, name.removesuffix("_percent")) for name in holes]
        self._wanted = [(n, 1 if n == one else 100, one) for n, one in wanted if one in _STATISTICS]
        self._greeks = [(n, 1 if n == one else 100, one) for n, one in wanted if one in _GREEKS]

    def values(self, market: Market, live: Live) -> dict[str, str]:
        """Whatever there is of them."""
        one, kind = live.instrument, live.instrument.kind
        found = {
            name: decimal(_STATISTICS[its](market, live) * times, 8)
            for name, times, its in self._wanted
            if _OF_KIND.get(its, kind) == kind
        }
        if self._greeks and kind == "option":
            vol, years = market.mark_vol(one), market.years(one)
            greeks = black76.greeks(market.forward(one), one.strike, vol, years, one.call)
            for name, times, its in self._greeks:
                found[name] = decimal(getattr(greeks, its) * times, 8)
        return found
