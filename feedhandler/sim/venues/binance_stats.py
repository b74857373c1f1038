"""Binance's tickers, candles, averages and snapshots, in the venue's number formats."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from feedhandler.sim.market.book import Book
from feedhandler.sim.market.candles import MINUTE_MS, Candle
from feedhandler.sim.market.live import Live
from feedhandler.sim.venues.declared.levels import Texts

DAY_MS: Final = 86_400_000
INTERVALS: Final = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60}
"""Minutes of the candles that there are: as long as trades are known."""
AVERAGE_MINUTES: Final = 5

Fields = dict[str, Any]


def top(texts: Texts, book: Book) -> tuple[str, str, str, str]:
    """Best bid and its size, best ask and its size; an empty side is zeros."""
    bid, bids, ask, asks = book.top()
    prices, sizes = texts
    return prices[bid if bids else 0], sizes[bids], prices[-ask if asks else 0], sizes[asks]


class Stats:
    """One symbol's texts beyond prices and sizes. ``places``: of averages and quote volumes."""

    def __init__(self, live: Live, texts: Texts, average_places: int, quote_places: int) -> None:
        self.live, self.texts = live, texts
        self._average_places, self._quote_places = average_places, quote_places
        (tick, tick_digits), (lot, lot_digits) = (
            live.instrument.price_mantissa(1),
            live.instrument.lot_mantissa,
        )
        self._unit, self._digits = tick * lot, tick_digits + lot_digits

    def quote(self, grid_lots: int) -> str:
        """A volume in the quote currency, exact but for what is beyond the places."""
        mantissa, digits, places = grid_lots * self._unit, self._digits, self._quote_places
        mantissa = (
            mantissa * 10 ** (places - digits)
            if places >= digits
            else (mantissa // 10 ** (digits - places))
        )
        text = f"{mantissa:0{places + 1}d}"
        return f"{text[:-places]}.{text[-places:]}"

    def average(self, grid_lots: int, lots: int, grid: int) -> str:
        """An average price; ``grid``: what it is without any lots."""
        instrument = self.live.instrument
        scale = instrument.price(1)
        value = grid_lots / lots * scale if lots else instrument.price(grid)
        return f"{value:.{self._average_places}f}"

    def change(self) -> tuple[str, str]:
        """Of the price since the opening: absolute, and in percent."""
        live = self.live
        moved = live.last - live.opening
        sign = "-" if moved < 0 else ""
        return sign + self.texts.prices[abs(moved)], f"{moved / live.opening * 100:.3f}"

    def _numbers(self) -> tuple[int, int, int]:
        live = self.live
        return live.first_number + 1, live.trade_number, live.trade_number - live.first_number

    def event(self, *, whole: bool) -> Fields:
        """A 24hrTicker; ``whole``: with the best bid and offer, as of spot."""
        live, prices, sizes = self.live, self.texts.prices, self.texts.sizes
        now = live.clock.ms()
        first, last, count = self._numbers()
        moved, percent = self.change()
        found: Fields = {
            "e": "24hrTicker",
            "E": now,
            "s": live.instrument.symbol,
            "p": moved,
            "P": percent,
            "w": self.average(live.volume_quote, live.volume, live.last),
        }
        if whole:
            found["x"] = prices[live.opening]
        found |= {"c": prices[live.last], "Q": sizes[live.last_lots]}
        if whole:
            found |= dict(zip("bBaA", top(self.texts, live.book), strict=True))
        return found | {
            "o": prices[live.opening],
            "h": prices[live.high],
            "l": prices[live.low],
            "v": sizes[live.volume],
            "q": self.quote(live.volume_quote),
            "O": now - DAY_MS,
            "C": now,
            "F": first,
            "L": last,
            "n": count,
        }

    def mini(self) -> Fields:
        """A 24hrMiniTicker."""
        live, prices = self.live, self.texts.prices
        return {
            "e": "24hrMiniTicker",
            "E": live.clock.ms(),
            "s": live.instrument.symbol,
            "c": prices[live.last],
            "o": prices[live.opening],
            "h": prices[live.high],
            "l": prices[live.low],
            "v": self.texts.sizes[live.volume],
            "q": self.quote(live.volume_quote),
        }

    def texts_of_day(self) -> dict[str, str]:
        """What a day's ticker has beside prices and sizes, and the average of the last minutes."""
        live, now = self.live, self.live.clock.ms()
        first, last, count = self._numbers()
        moved, percent = self.change()
        average = self.average_price()
        return {
            "moved": moved,
            "moved_percent": percent,
            "average": self.average(live.volume_quote, live.volume, live.last),
            "turned": self.quote(live.volume_quote),
            "day_ago_ms": str(now - DAY_MS),
            "first_trade": str(first),
            "last_trade": str(last),
            "trades": str(count),
            "five_minutes": average["w"],
            "last_trade_ms": str(average["T"]),
        }

    def candle(self, interval: str, at_ms: int) -> Candle:
        """The candle of an interval that a time lies in."""
        length = INTERVALS[interval] * MINUTE_MS
        begin = at_ms - at_ms % length
        return self.live.candles.of(begin, begin + length, self.live.last)

    def kline(self, interval: str, candle: Candle, *, closed: bool) -> Fields:
        """A kline event."""
        prices, sizes = self.texts.prices, self.texts.sizes
        symbol, end = self.live.instrument.symbol, candle.begin_ms + INTERVALS[interval] * MINUTE_MS
        return {
            "e": "kline",
            "E": self.live.clock.ms(),
            "s": symbol,
            "k": {
                "t": candle.begin_ms,
                "T": end - 1,
                "s": symbol,
                "i": interval,
                "f": candle.first,
                "L": candle.last,
                "o": prices[candle.opening],
                "c": prices[candle.closing],
                "h": prices[candle.high],
                "l": prices[candle.low],
                "v": sizes[candle.lots],
                "n": candle.trades,
                "x": closed,
                "q": self.quote(candle.quote),
                "V": sizes[candle.bought_lots],
                "Q": self.quote(candle.bought_quote),
                "B": "0",
            },
        }

    def klines(self, interval: str, limit: int) -> list[list[Any]]:
        """The REST answer of klines: every candle since the market began, the present one last."""
        length, now = INTERVALS[interval] * MINUTE_MS, self.live.clock.ms()
        starts = list(self.live.candles.starts())
        begin, end = (starts[0] if starts else now), now - now % length
        times: Iterable[int] = range(
            max(begin - begin % length, end - (limit - 1) * length), end + 1, length
        )
        return [self._row(interval, self.candle(interval, at)) for at in times]

    def _row(self, interval: str, candle: Candle) -> list[Any]:
        k = self.kline(interval, candle, closed=True)["k"]
        return [
            k["t"],
            k["o"],
            k["h"],
            k["l"],
            k["c"],
            k["v"],
            k["T"],
            k["q"],
            k["n"],
            k["V"],
            k["Q"],
            "0",
        ]

    def average_price(self) -> Fields:
        """An avgPrice event: of the last five minutes."""
        live, now = self.live, self.live.clock.ms()
        begin = now - now % MINUTE_MS - (AVERAGE_MINUTES - 1) * MINUTE_MS
        found = live.candles.of(begin, now + 1, live.last)
        return {
            "e": "avgPrice",
            "E": now,
            "s": live.instrument.symbol,
            "i": f"{AVERAGE_MINUTES}m",
            "w": self.average(found.quote, found.lots, live.last),
            "T": live.trades[-1].ms if live.trades else now,
        }
