"""Bybit's tickers: every field of an instrument, then those that have changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import orjson

from feedhandler.sim.market.instrument import decimal
from feedhandler.sim.market.live import Live
from feedhandler.sim.market.market import Market
from feedhandler.sim.venues.bybit_json import Texts

INTERVAL_S: Final = 0.1
_FUNDING_MS = 8 * 3_600_000

Fields = dict[str, str]


class _Told(NamedTuple):
    fields: Fields
    sequence: int
    time: int


class Tickers:
    """What the subscribers of every ticker have been told. Deltas are of linear; those of spot are
    always whole."""

    def __init__(self, category: str, market: Market, texts: Callable[[Live], Texts]) -> None:
        self._spot = category == "spot"
        self._market = market
        self._texts = texts
        self._told: dict[str, _Told] = {}

    def whole(self, symbol: str) -> bytes:
        """The first message of a subscription: as the others have it by now, or as it is."""
        told = self._told.get(symbol)
        if told is None:
            told = self._told[symbol] = self._now(symbol)
        return self._message(symbol, told, told.fields, "snapshot")

    def change(self, symbol: str) -> bytes | None:
        """What differs from what was told; None: nothing does."""
        now, told = self._now(symbol), self._told.get(symbol)
        known = told.fields if told is not None else {}
        changed = {key: text for key, text in now.fields.items() if known.get(key) != text}
        if not changed:
            return None
        self._told[symbol] = now
        if self._spot or told is None:
            return self._message(symbol, now, now.fields, "snapshot")
        return self._message(symbol, now, {"symbol": symbol, **changed}, "delta")

    def full(self, symbol: str) -> Fields:
        """The REST answer: of spot with the best bid and offer, which its stream has not."""
        live = self._market.live(symbol)
        fields = self._now(symbol).fields
        if self._spot:
            names = ("bid1Price", "bid1Size", "ask1Price", "ask1Size")
            fields = fields | dict(zip(names, _tops(live, self._texts(live)), strict=True))
        return fields

    def forget(self, symbol: str) -> None:
        """Nobody follows it any more."""
        self._told.pop(symbol, None)

    def _now(self, symbol: str) -> _Told:
        live = self._market.live(symbol)
        make = _spot if self._spot else _linear
        fields = make(self._market, live, self._texts(live))
        return _Told(fields, live.book.sequence, self._market.clock.ms())

    def _message(self, symbol: str, told: _Told, fields: Fields, kind: str) -> bytes:
        head, data = f'"topic":"tickers.{symbol}"', orjson.dumps(fields).decode()
        cross, now = f'"cs":{told.sequence}', f'"ts":{told.time}'
        if self._spot:
            return f'{{{head},{now},"type":"{kind}",{cross},"data":{data}}}'.encode()
        return f'{{{head},"type":"{kind}","data":{data},{cross},{now}}}'.encode()


def _tops(live: Live, texts: Texts) -> tuple[str, str, str, str]:
    bid, bids, ask, asks = live.book.top()
    return (
        texts.prices[bid] if bids else "",
        texts.sizes[bids] if bids else "",
        texts.prices[-ask] if asks else "",
        texts.sizes[asks] if asks else "",
    )


def _linear(market: Market, live: Live, texts: Texts) -> dict[str, str]:
    """The fields of a ticker of a perpetual or a future, in their order."""
    instrument, prices = live.instrument, texts.prices
    mark, index = market.mark(instrument), market.index(instrument.base)
    change = instrument.price(live.last) / instrument.price(live.opening) - 1.0
    bid, bid_size, ask, ask_size = _tops(live, texts)
    volume, interest = instrument.size(live.volume), instrument.size(live.open_interest)
    now = market.clock.ms()
    due, rate = (now // _FUNDING_MS + 1) * _FUNDING_MS, market.funding(instrument)
    grid = instrument.index_below
    fields = {
        "symbol": instrument.symbol,
        "tickDirection": "ZeroPlusTick",
        "price24hPcnt": decimal(change, 6),
        "lastPrice": prices[live.last],
        "prevPrice24h": prices[live.opening],
        "highPrice24h": prices[live.high],
        "lowPrice24h": prices[live.low],
        "prevPrice1h": prices[live.opening],
        "markPrice": prices[grid(mark)],
        "indexPrice": prices[grid(index)],
        "openInterest": texts.sizes[live.open_interest],
        "openInterestValue": f"{interest * mark:.2f}",
        "turnover24h": f"{volume * mark:.4f}",
        "volume24h": f"{volume:.4f}",
    }
    if instrument.expiry_ms:
        fields |= {
            "basisRate": f"{mark / index - 1:.8f}",
            "deliveryFeeRate": "0",
            "predictedDeliveryPrice": "",
            "deliveryTime": str(instrument.expiry_ms),
            "fundingRate": "",
        }
    else:
        fields |= {
            "fundingIntervalHour": "8",
            "fundingCap": "0.005",
            "nextFundingTime": str(due),
            "fundingRate": decimal(rate, 8),
        }
    return fields | {
        "bid1Price": bid,
        "bid1Size": bid_size,
        "ask1Price": ask,
        "ask1Size": ask_size,
        "preOpenPrice": "",
        "preQty": "",
        "curPreListingPhase": "",
    }


def _spot(market: Market, live: Live, texts: Texts) -> dict[str, str]:
    """The fields of a spot ticker, in their order."""
    instrument, prices = live.instrument, texts.prices
    change = instrument.price(live.last) / instrument.price(live.opening) - 1.0
    volume = instrument.size(live.volume)
    return {
        "symbol": instrument.symbol,
        "lastPrice": prices[live.last],
        "highPrice24h": prices[live.high],
        "lowPrice24h": prices[live.low],
        "prevPrice24h": prices[live.opening],
        "volume24h": decimal(volume, 6),
        "turnover24h": decimal(volume * instrument.price(live.last), 8),
        "price24hPcnt": decimal(change, 4),
        "usdIndexPrice": decimal(market.index(instrument.base), 6),
    }
