"""What tickers say of an instrument beside its best levels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Final

from feedhandler.shape.frame import DUE
from feedhandler.sim.market import black76
from feedhandler.sim.market.book import ASK, BID
from feedhandler.sim.market.instrument import decimal
from feedhandler.sim.market.live import Live
from feedhandler.sim.market.market import Market
from feedhandler.sim.venues.declared.levels import Texts

_Statistic = Callable[[Market, Live], float]
_FUNDING_MS: Final = 8 * 3_600_000


def _implied(side: int) -> _Statistic:
    """Of the best price of a side; 0 where there is none."""

    def vol(market: Market, live: Live) -> float:
        one, grid = live.instrument, live.book.best(side)
        if grid is None:
            return 0.0
        forward, price = market.forward(one), one.price(grid)
        target = price * forward if one.inverse else price
        years, guess = market.years(one), market.mark_vol(one)
        return black76.implied_vol(target, forward, one.strike, years, one.call, guess) or 0.0

    return vol


def _traded(live: Live, *, quote: bool) -> float:
    """The volume in the quote, or in the base."""
    one = live.instrument
    counted, last = one.size(live.volume), one.price(live.last)
    if quote == (one.inverse and one.kind != "option"):
        return counted
    return counted * last if quote else counted / last


def _interest_coins(_: Market, live: Live) -> float:
    one = live.instrument
    value = one.size(live.open_interest) * float(one.contract_size)
    return value / one.price(live.last) if one.inverse and one.kind != "option" else value


def _premium(market: Market, live: Live) -> float:
    return market.mark(live.instrument) / market.index(live.instrument.base) - 1


_STATISTICS: Final[Mapping[str, _Statistic]] = {
    "mark": lambda market, live: market.mark(live.instrument),
    "index": lambda market, live: market.index(live.instrument.base),
    "index_open": lambda market, live: market.opening_index(live.instrument.base),
    "index_high": lambda market, live: market.opening_index(live.instrument.base) * 1.03,
    "index_low": lambda market, live: market.opening_index(live.instrument.base) * 0.97,
    "underlying": lambda market, live: market.forward(live.instrument),
    "change": lambda _, live: (
        live.instrument.price(live.last) / live.instrument.price(live.opening) - 1
    ),
    "volume_base": lambda _, live: _traded(live, quote=False),
    "volume_quote": lambda _, live: _traded(live, quote=True),
    "volume_both": lambda _, live: 2 * live.instrument.size(live.volume),
    "turnover": lambda _, live: (
        live.instrument.size(live.volume) * live.instrument.price(live.last)
    ),
    "open_interest_coins": _interest_coins,
    "open_interest_value": lambda market, live: (
        live.instrument.size(live.open_interest) * market.mark(live.instrument)
    ),
    "basis": _premium,
    "premium": _premium,
    "funding": lambda market, live: market.funding(live.instrument),
    "predicted_funding": lambda market, live: market.funding(live.instrument) * 0.75,
    "mark_iv": lambda market, live: market.mark_vol(live.instrument),
    "bid_iv": _implied(BID),
    "ask_iv": _implied(ASK),
}
_WRITTEN: Final[Mapping[str, Callable[[Live, Texts], str]]] = {
    "last": lambda live, texts: texts.prices[live.last],
    "open": lambda live, texts: texts.prices[live.opening],
    "high": lambda live, texts: texts.prices[live.high],
    "low": lambda live, texts: texts.prices[live.low],
    "last_size": lambda live, texts: texts.sizes[live.last_lots],
    "volume": lambda live, texts: texts.sizes[live.volume],
    "open_interest": lambda live, texts: texts.sizes[live.open_interest],
}
"""What is a price or a size of the instrument."""
_OF_KIND: Final = {
    **dict.fromkeys(("mark_iv", "bid_iv", "ask_iv"), "option"),
    **dict.fromkeys(("funding", "predicted_funding", "premium"), "perpetual"),
    "basis": "future",
}
_IN_COINS: Final = ("delta_coin", "gamma_coin", "vega_coin", "theta_coin", "leverage")
_GREEKS: Final = (*black76.Greeks._fields, *_IN_COINS)
_NONE_IS_NONE: Final = ("bid_iv", "ask_iv")
_DUE: Final = frozenset({*DUE, "funding_after_ms"})


def _in_coins(greeks: black76.Greeks, forward: float, mark: float) -> dict[str, float]:
    """The same of an option that is paid in coins; `mark`: its price in them."""
    found = (
        greeks.delta - mark,
        greeks.gamma * forward - greeks.delta / forward + mark / forward,
        greeks.vega / forward,
        greeks.theta / forward,
        1 / mark if mark > 1e-9 else 0.0,
    )
    return dict(zip(_IN_COINS, found, strict=True))


class Statistics:
    """Those that a frame says, each as it is or in hundredths, written with 8 decimals at most."""

    def __init__(
        self, holes: Collection[str], written: Callable[[float, int], str] = decimal
    ) -> None:
        self._decimal = written
        wanted = [(name, name.removesuffix("_percent")) for name in holes]
        self._wanted = [(n, 1 if n == one else 100, one) for n, one in wanted if one in _STATISTICS]
        self._greeks = [(n, 1 if n == one else 100, one) for n, one in wanted if one in _GREEKS]
        self._written = [(name, _WRITTEN[name]) for name in holes if name in _WRITTEN]
        self.any = bool(self._wanted or self._greeks or self._written)
        self._due = bool(_DUE & set(holes))

    def values(self, market: Market, live: Live, texts: Texts) -> dict[str, str]:
        """Whatever there is of them."""
        one, kind = live.instrument, live.instrument.kind
        found = {name: its(live, texts) for name, its in self._written}
        for name, times, its in self._wanted:
            if _OF_KIND.get(its, kind) == kind:
                value = _STATISTICS[its](market, live) * times
                if value or its not in _NONE_IS_NONE:
                    found[name] = self._decimal(value, 8)
        if self._greeks and kind == "option":
            vol, years = market.mark_vol(one), market.years(one)
            greeks = black76.greeks(market.forward(one), one.strike, vol, years, one.call)
            every = greeks._asdict() | _in_coins(greeks, market.forward(one), market.mark(one))
            for name, times, its in self._greeks:
                found[name] = self._decimal(every[its] * times, 8)
        if self._due and kind == "perpetual":
            due = (market.clock.ms() // _FUNDING_MS + 1) * _FUNDING_MS
            day = datetime.fromtimestamp(due // 1000, UTC)
            found |= {
                "next_funding_ms": str(due),
                "next_funding_s": str(due // 1000),
                "next_funding_iso": f"{day:%Y-%m-%dT%H:%M:%S}.000Z",
                "funding_after_ms": str(due + _FUNDING_MS),
            }
        return found
