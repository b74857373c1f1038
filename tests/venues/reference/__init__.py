"""A reference for each venue, and the recordings that it reads: all that one has to know here."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kit import natives
from tests.kit.recordings import recorded
from tests.venues.reference import (
    bitget_v1,
    bybit,
    coinbase_pro,
    cryptocom_v2,
    gate_classic,
    gemini_v2,
    htx_depth,
    kraken_v1,
)
from tests.venues.reference.binance import BinanceFuturesReference, BinanceReference
from tests.venues.reference.bitfinex import BitfinexReference
from tests.venues.reference.bitget import BitgetReference
from tests.venues.reference.bitmex import BitmexReference
from tests.venues.reference.bitstamp import BitstampReference
from tests.venues.reference.book import Reference
from tests.venues.reference.bybit import BybitReference
from tests.venues.reference.coinbase import CoinbaseReference
from tests.venues.reference.coinbase_exchange import CoinbaseExchangeReference
from tests.venues.reference.cryptocom import CryptoComReference
from tests.venues.reference.deribit import DeribitReference
from tests.venues.reference.dydx import DydxReference
from tests.venues.reference.gate import GateReference
from tests.venues.reference.gate_futures import GateFuturesReference
from tests.venues.reference.gemini import GeminiReference
from tests.venues.reference.htx import HtxReference
from tests.venues.reference.htx_swap import HtxSwapReference
from tests.venues.reference.hyperliquid import HyperliquidReference
from tests.venues.reference.kraken import KrakenReference
from tests.venues.reference.kraken_futures import KrakenFuturesReference
from tests.venues.reference.kucoin import KucoinReference
from tests.venues.reference.kucoin_futures import KucoinFuturesReference
from tests.venues.reference.okx import OkxReference

Line = dict[str, Any]

REFERENCES: dict[str, Callable[[], Reference]] = {
    "binance": BinanceReference,
    "binance-coinm": BinanceFuturesReference,
    "binance-options": BinanceFuturesReference,
    "binance-usdm": BinanceFuturesReference,
    "bitfinex": BitfinexReference,
    "bitget-futures": BitgetReference,
    "bitget-spot": BitgetReference,
    "bitmex": BitmexReference,
    "bitstamp": BitstampReference,
    "bybit-inverse": BybitReference,
    "bybit-linear": BybitReference,
    "bybit-option": BybitReference,
    "bybit-spot": BybitReference,
    "coinbase": CoinbaseReference,
    "coinbase-derivatives": DeribitReference,
    "coinbase-exchange": CoinbaseExchangeReference,
    "cryptocom": CryptoComReference,
    "deribit": DeribitReference,
    "dydx": DydxReference,
    "gate": GateReference,
    "gate-futures": GateFuturesReference,
    "gemini": GeminiReference,
    "htx": HtxReference,
    "htx-swap": HtxSwapReference,
    "hyperliquid": HyperliquidReference,
    "kraken": KrakenReference,
    "kraken-futures": KrakenFuturesReference,
    "kucoin": KucoinReference,
    "kucoin-futures": KucoinFuturesReference,
    "okx": OkxReference,
}


@dataclass(frozen=True, slots=True)
class Recording:
    """`translate`: its lines as they would have come on the channels that are subscribed to, where
    others were recorded. `depth`: levels a side of the subscription, where these are cut to it."""

    venue: str
    name: str
    translate: Callable[[Iterable[Line]], Iterator[Line]] | None = None
    depth: int | None = None

    def __str__(self) -> str:
        return f"{self.venue}{'' if self.translate is None else '-translated'}"

    def raw(self) -> Iterator[Line]:
        """Its lines as they were recorded; the test is skipped where there is no such file."""
        with gzip.open(recorded(self.name), "rt") as source:
            for text in source:
                yield json.loads(text)

    def lines(self) -> Iterator[Line]:
        return self.raw() if self.translate is None else self._translated()

    def _translated(self) -> Iterator[Line]:
        with self.capture().open() as source:
            for text in source:
                yield json.loads(text)

    def capture(self) -> Path:
        """A file of these lines: of translated ones it is kept, for many tests want them."""
        if self.translate is None:
            return recorded(self.name)
        sources = sorted(Path(__file__).parent.glob("*.py"))
        path = natives.place("translated", recorded(self.name), sources, str(self)) / "lines.ndjson"
        if not path.exists():
            unfinished = path.with_suffix(f".{os.getpid()}")
            with unfinished.open("w") as out:
                out.writelines(f"{json.dumps(line)}\n" for line in self.translate(self.raw()))
            unfinished.replace(path)
        return path


_BYBIT = "bybit/cryptofeed_v3_bybit_v5.ndjson.gz"
RECORDINGS = [
    Recording("binance-coinm", "binance_coinm/cryptofeed_binance_delivery.ndjson.gz"),
    Recording("bitfinex", "bitfinex/cryptofeed_bitfinex.ndjson.gz"),
    Recording("bitget-spot", "bitget/cryptofeed_bitget.ndjson.gz", bitget_v1.as_spot),
    Recording("bitget-futures", "bitget/cryptofeed_bitget.ndjson.gz", bitget_v1.as_futures),
    Recording("bitmex", "bitmex/cryptofeed_bitmex.ndjson.gz"),
    Recording("bitstamp", "bitstamp/cryptofeed_bitstamp.ndjson.gz"),
    Recording("bybit-linear", _BYBIT, bybit.of("linear")),
    Recording("bybit-spot", _BYBIT, bybit.of("spot")),
    Recording("coinbase", "coinbase_adv/cryptofeed_v3_coinbase_2026.ndjson.gz"),
    Recording(
        "coinbase-exchange",
        "coinbase_exchange/cryptofeed_coinbase.ndjson.gz",
        coinbase_pro.as_subscribed,
    ),
    Recording("cryptocom", "cryptocom/cryptofeed_crypto.com.ndjson.gz", cryptocom_v2.as_subscribed),
    Recording("deribit", "deribit/cryptofeed_deribit.ndjson.gz"),
    Recording("gate", "gate/cryptofeed_gateio.ndjson.gz", gate_classic.as_subscribed),
    Recording(
        "gate-futures",
        "gate_futures/cryptofeed_gateio_futures.ndjson.gz",
        gate_classic.as_futures_subscribed,
    ),
    Recording("gemini", "gemini/cryptofeed_v3_gemini_2026.ndjson.gz", gemini_v2.as_subscribed),
    Recording("htx", "htx/cryptofeed_huobi.ndjson.gz", htx_depth.as_subscribed),
    Recording("htx-swap", "htx_swap/cryptofeed_huobi_swap.ndjson.gz", htx_depth.as_swap_subscribed),
    Recording("hyperliquid", "hyperliquid/hftbacktest_hyperliquid_btcusd_20250126.ndjson.gz"),
    Recording("kraken", "kraken_v2/depthcharge_minagbp_d25_20260816.ndjson.gz", depth=25),
    Recording("kraken", "kraken/cryptofeed_kraken.ndjson.gz", kraken_v1.as_subscribed, 1000),
    Recording("kraken-futures", "kraken_futures/cryptofeed_kraken_futures.ndjson.gz"),
    Recording("kucoin", "kucoin/cryptofeed_kucoin.ndjson.gz"),
    Recording("okx", "okx/cryptofeed_okx.ndjson.gz"),
]
