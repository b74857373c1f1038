"""What venues say of an option, as their documentation prints it: every field with a value of its
own, of which any may be changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson


def deribit(symbol: str, **changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = {
        "timestamp": 1770000000600, "state": "open",
        "stats": {"high": 0.0118, "low": 0.0065, "price_change": -38.6792, "volume": 1555.5,
                  "volume_usd": 1268694.68},
        "greeks": {"delta": 0.47736, "gamma": 2.8e-4, "vega": 13.1, "theta": -150.25, "rho": 0.5},
        "index_price": 50000.31, "instrument_name": symbol, "last_price": 0.007,
        "settlement_price": 0.01, "min_price": 0.0001, "max_price": 0.03, "open_interest": 66.5,
        "mark_price": 0.0068, "best_ask_price": 0.0075, "best_bid_price": 0.0065,
        "best_ask_amount": 10.0, "best_bid_amount": 2.5, "mark_iv": 35.5, "ask_iv": 38.25,
        "bid_iv": 34.07, "underlying_price": 50010.5, "underlying_index": "SYN",
        "interest_rate": 0.0, "estimated_delivery_price": 50000.31,
    }  # fmt: skip
    return {
        "jsonrpc": "2.0", "method": "subscription",
        "params": {"channel": f"ticker.{symbol}.100ms", "data": changed(data, changes)},
    }  # fmt: skip


def okx(channel: str, symbol: str, **changes: Any) -> dict[str, Any]:
    own = {"instType": "OPTION", "instId": symbol, "ts": "1770000000340"}
    rows: dict[str, dict[str, Any]] = {
        "tickers": {**own, "last": "0.05", "lastSz": "1", "askPx": "0.052", "askSz": "12",
                    "bidPx": "0.0505", "bidSz": "7", "vol24h": "617", "volCcy24h": "6.17"},
        "mark-price": {**own, "markPx": "0.0514228"},
        "open-interest": {**own, "oi": "2125", "oiCcy": "21.25"},
        "index-tickers": {"instId": "BTC-USD", "idxPx": "50000.25", "ts": "1770000000350"},
        "opt-summary": {
            **own, "uly": "BTC-USD", "delta": "0.55", "gamma": "1.2", "vega": "0.0005",
            "theta": "-0.001", "lever": "12.5", "markVol": "0.475", "bidVol": "0.45",
            "askVol": "0.5", "realVol": "", "deltaBS": "0.625", "gammaBS": "0.00002",
            "thetaBS": "-42.5", "vegaBS": "13.25", "fwdPx": "50250.5", "volLv": "0.47"},
    }  # fmt: skip
    arg = {"opt-summary": {"instFamily": "BTC-USD"}, "index-tickers": {"instId": "BTC-USD"}}
    return {
        "arg": {"channel": channel, **arg.get(channel, {"instId": symbol})},
        "data": [changed(rows[channel], changes)],
    }


def bybit(symbol: str, **changes: Any) -> dict[str, Any]:
    data = {
        "symbol": symbol, "bidPrice": "2995", "bidSize": "1.2", "bidIv": "0.5479",
        "askPrice": "3020", "askSize": "2.5", "askIv": "0.5534", "lastPrice": "3005",
        "highPrice24h": "3715", "lowPrice24h": "2955", "markPrice": "3002.0715721",
        "indexPrice": "66912.8", "markPriceIv": "0.5513", "underlyingPrice": "67188.50709846",
        "openInterest": "29.35", "turnover24h": "101005.6875725", "volume24h": "1.62",
        "totalVolume": "45", "totalTurnover": "2911557", "delta": "0.37596534",
        "gamma": "0.00003161", "vega": "82.65324199", "theta": "-51.54651685",
        "predictedDeliveryPrice": "0", "change24h": "0.0214",
    }  # fmt: skip
    return {
        "topic": f"tickers.{symbol}", "ts": 1770000000130, "type": "snapshot",
        "id": f"tickers.{symbol}-1", "data": changed(data, changes),
    }  # fmt: skip


def binance(channel: str, symbol: str, **changes: Any) -> dict[str, Any]:
    streams: dict[str, tuple[str, dict[str, Any]]] = {
        "@optionMarkPrice": ("btcusdt@optionMarkPrice", {
            "s": symbol, "mp": "1180.5", "E": 1770000001000, "e": "markPrice", "i": "80120.25",
            "P": "0.000", "bo": "1000.000", "ao": "1250.000", "bq": "0.1000", "aq": "1.5000",
            "b": "0.48", "a": "0.5125", "hl": "2400.000", "ll": "5.000", "vo": "0.4975",
            "rf": "0.0", "d": "0.21", "t": "-62.5", "g": "0.0000125", "v": "48.75"}),
        "@optionTicker": ("btcusdt@optionTicker@261225", {
            "e": "24hrTicker", "E": 1770000001100, "s": symbol, "p": "0.000", "P": "0.00",
            "w": "1200.000", "c": "1250.000", "Q": "0.5000", "o": "1200.000", "h": "1250.000",
            "l": "1200.000", "v": "9.0000", "q": "10800.000", "O": 1769913600000,
            "C": 1770000001100, "F": 1, "L": 4, "n": 4}),
        "@openInterest": ("btcusdt@openInterest@261225", {
            "e": "openInterest", "E": 1770000001200, "s": symbol, "o": "123.4", "h": "9.9"}),
    }  # fmt: skip
    stream, data = streams[channel]
    return {"stream": stream, "data": [changed(data, changes)]}


def changed(row: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """With other values; `...` takes a key out. A name with `__` is within."""
    for name, value in changes.items():
        *outer, last = name.split("__")
        at = row
        for key in outer:
            at = at[key]
        if value is ...:
            del at[last]
        else:
            at[last] = value
    return row


def frame(venue: str, channel: str, symbol: str, **changes: Any) -> bytes:
    match venue:
        case "deribit" | "coinbase-derivatives":
            made = deribit(symbol, **changes)
        case "okx":
            made = okx(channel, symbol, **changes)
        case "bybit-option":
            made = bybit(symbol, **changes)
        case _:
            made = binance(channel, symbol, **changes)
    return orjson.dumps(made)
