"""What ccxt has of each venue: its class, what it is told beside addresses, and which messages
change a book. It runs in ccxt's own environment, so that it imports nothing of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Event = tuple[str, int, int]
"""Of a book's message: the venue's symbol, the sequence (0: it has none), ms (0: none)."""
ALL = ("books", "trades", "tickers", "quotes")


@dataclass(frozen=True)
class Facts:
    """`watch`: what can be watched of what the simulator has; `nonce`: the client's own number of
    a book is the message's once it is joined with its base; `unit`: of which a message's number
    counts those of the simulator; `spread`: an update takes several messages of one time, after
    the last of which the book is whole; `shallow`: its base has not all levels; `limit`: what it
    asks for a book with; `currencies`: it asks for these, too, and the simulator has them;
    `pairs`: markets that it is given, since it loads them at an address that is not simulated: by
    the venue's symbol ccxt's base and quote, and what a perpetual settles in."""

    name: str
    event: Callable[[Any], Event | None]
    options: Mapping[str, Any] = field(default_factory=dict)
    watch: Sequence[str] = ALL
    nonce: bool = False
    unit: int = 1
    spread: bool = False
    shallow: bool = False
    limit: int | None = None
    currencies: bool = False
    pairs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _deribit(message: Any) -> Event | None:
    params = message.get("params", {})
    if not str(params.get("channel", "")).startswith("book."):
        return None
    return params["data"]["instrument_name"], params["data"]["change_id"], 0


def _okx(message: Any) -> Event | None:
    arg = message.get("arg", {})
    if arg.get("channel") != "books" or "data" not in message:
        return None
    return arg["instId"], message["data"][0]["seqId"], 0


def _binance(message: Any) -> Event | None:
    data = message.get("data", message)
    if not isinstance(data, dict) or data.get("e") != "depthUpdate":
        return None
    return data["s"], data["u"], 0


def _bybit(message: Any) -> Event | None:
    if not str(message.get("topic", "")).startswith("orderbook."):
        return None
    return message["data"]["s"], message["data"]["seq"], 0


def _kucoin(message: Any) -> Event | None:
    topic, _, symbol = str(message.get("topic", "")).partition(":")
    return (symbol, int(message["data"]["sequenceEnd"]), 0) if topic == "/market/level2" else None


def _bitstamp(message: Any) -> Event | None:
    channel = str(message.get("channel", ""))
    if message.get("event") != "data" or not channel.startswith("diff_order_book_"):
        return None
    return channel.rpartition("_")[2], int(message["data"]["microtimestamp"]), 0


def _coinbase(message: Any) -> Event | None:
    if message.get("channel") != "l2_data":
        return None
    return message["events"][0]["product_id"], 0, milliseconds(message["timestamp"])


def _gate(message: Any) -> Event | None:
    if message.get("channel") != "spot.obu" or message.get("event") != "update":
        return None
    return message["result"]["s"].split(".")[1], message["result"]["u"], 0


def _kraken(message: Any) -> Event | None:
    if message.get("channel") != "book":
        return None
    row = message["data"][0]
    return row["symbol"], 0, milliseconds(row.get("timestamp"))


def _kraken_futures(message: Any) -> Event | None:
    if message.get("event") or message.get("feed") not in ("book", "book_snapshot"):
        return None
    return message["product_id"], message["seq"], 0


def _htx(message: Any) -> Event | None:
    channel = str(message.get("ch", ""))
    if ".mbp." not in channel:
        return None
    return channel.split(".")[1], message["tick"]["seqNum"], 0


def _hyperliquid(message: Any) -> Event | None:
    if message.get("channel") != "l2Book":
        return None
    return message["data"]["coin"], 0, message["data"]["time"]


def _bitmex(message: Any) -> Event | None:
    if message.get("table") != "orderBookL2" or not message["data"]:
        return None
    row = message["data"][0]
    return message.get("filter", row)["symbol"], 0, milliseconds(row["timestamp"])


def milliseconds(iso: str | None) -> int:
    """Since 1970; 0 for none."""
    return int(datetime.fromisoformat(iso).timestamp() * 1000) if iso else 0


VENUES: Mapping[str, Facts] = {
    "deribit": Facts("deribit", _deribit, currencies=True),
    "okx": Facts("okx", _okx, {"fetchMarkets": {"types": ["spot", "swap", "future", "option"]}}),
    "binance": Facts("binance", _binance, {"fetchMarkets": {"types": ["spot"]}}, nonce=True),
    "binance-usdm": Facts("binanceusdm", _binance, nonce=True),
    "bybit-linear": Facts("bybit", _bybit, {"defaultType": "swap"}),
    "bybit-spot": Facts("bybit", _bybit, {"defaultType": "spot"}),
    "kucoin": Facts(
        "kucoin",
        _kucoin,
        {
            "watchTicker": {"spotMethod": "/market/ticker"},
            "fetchMarkets": {"types": ["spot"], "fetchTickersFees": False},
        },
        watch=("books", "trades", "tickers"),
        nonce=True,
        shallow=True,
    ),
    "bitstamp": Facts("bitstamp", _bitstamp, watch=("books", "trades"), nonce=True, unit=1_000),
    "coinbase": Facts("coinbase", _coinbase, watch=("books", "trades", "tickers")),
    "gate": Facts(
        "gate",
        _gate,
        {"fetchMarkets": {"types": ["spot"]}},
        watch=("books", "trades", "quotes"),
        limit=400,
    ),
    "kraken": Facts("kraken", _kraken, limit=10),
    "kraken-futures": Facts("krakenfutures", _kraken_futures, watch=("books", "trades", "tickers")),
    "htx": Facts(
        "htx",
        _htx,
        {"watchTicker": {"name": "market.{marketId}.bbo"}},
        watch=("books", "trades", "tickers"),
        nonce=True,
        pairs={"btcusdt": ("BTC", "USDT"), "ethusdt": ("ETH", "USDT")},
    ),
    "bitfinex": Facts(
        "bitfinex",
        lambda _: None,
        watch=("books", "trades", "tickers"),
        limit=25,
        pairs={"tBTCUSD": ("BTC", "USD"), "tETHUSD": ("ETH", "USD")},
    ),
    "bitmex": Facts(
        "bitmex",
        _bitmex,
        watch=("books", "trades"),
        spread=True,
        pairs={"XBTUSD": ("BTC", "USD", "BTC"), "XBTUSDT": ("BTC", "USDT", "USDT")},
    ),
    "hyperliquid": Facts(
        "hyperliquid",
        _hyperliquid,
        watch=("books", "trades"),
        pairs={"BTC": ("BTC", "USDC", "USDC"), "ETH": ("ETH", "USDC", "USDC")},
    ),
}
