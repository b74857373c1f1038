"""The venues, and their registry: a line each, its module imported only when the venue is used.

Others take `names`, `defaults` and `load`, and `outside` where a user names files of venues; of a
venue they know what `adapter.venue.Venue` says.
Uses `adapter`.
"""

from importlib import import_module

from feedhandler.adapter.venue import Venue
from feedhandler.venues import outside

_MODULES = {
    "deribit": "feedhandler.venues.deribit:Deribit",
    "okx": "feedhandler.venues.okx:Okx",
    "binance": "feedhandler.venues.binance:BinanceSpot",
    "binance-usdm": "feedhandler.venues.binance_usdm:BinanceUsdm",
    "binance-coinm": "feedhandler.venues.binance_coinm:BinanceCoinm",
    "binance-options": "feedhandler.venues.binance_options:BinanceOptions",
    "bybit-linear": "feedhandler.venues.bybit:BybitLinear",
    "bybit-spot": "feedhandler.venues.bybit:BybitSpot",
    "bybit-inverse": "feedhandler.venues.bybit:BybitInverse",
    "bybit-option": "feedhandler.venues.bybit:BybitOption",
    "kucoin": "feedhandler.venues.kucoin:Kucoin",
    "bitstamp": "feedhandler.venues.bitstamp:Bitstamp",
    "coinbase": "feedhandler.venues.coinbase:Coinbase",
    "gate": "feedhandler.venues.gate:Gate",
    "gate-futures": "feedhandler.venues.gate_futures:GateFutures",
    "coinbase-exchange": "feedhandler.venues.coinbase_exchange:CoinbaseExchange",
    "kucoin-futures": "feedhandler.venues.kucoin_futures:KucoinFutures",
    "kraken": "feedhandler.venues.kraken:Kraken",
    "kraken-futures": "feedhandler.venues.kraken_futures:KrakenFutures",
    "htx": "feedhandler.venues.htx:Htx",
    "htx-swap": "feedhandler.venues.htx_swap:HtxSwap",
    "bitmex": "feedhandler.venues.bitmex:Bitmex",
    "bitfinex": "feedhandler.venues.bitfinex:Bitfinex",
    "hyperliquid": "feedhandler.venues.hyperliquid:Hyperliquid",
    "bitget-spot": "feedhandler.venues.bitget:BitgetSpot",
    "bitget-futures": "feedhandler.venues.bitget:BitgetFutures",
    "gemini": "feedhandler.venues.gemini:Gemini",
    "coinbase-derivatives": "feedhandler.venues.deribit:CoinbaseDerivatives",
    "cryptocom": "feedhandler.venues.cryptocom:CryptoCom",
    "dydx": "feedhandler.venues.dydx:Dydx",
}
_DEFAULTS = ("deribit", "okx", "binance")


def names() -> list[str]:
    """Every venue there is, in the order of the registry; those from outside behind ours.

    Raises outside.VenueError for a file that has none.
    """
    return list(dict.fromkeys([*_MODULES, *_from_files(), *outside.installed()]))


def usable() -> tuple[list[Venue], list[str]]:
    """All of them; and what is wrong with those of packages that cannot be used: nobody else's
    frames are the worse for them."""
    found, problems = [], []
    for name in names():
        try:
            found.append(load(name))
        except outside.VenueError as error:
            problems.append(str(error))
    return found, problems


def defaults() -> list[str]:
    """The venues of a feed whose configuration names none: those of files that were named."""
    return list(_from_files()) or list(_DEFAULTS)


def load(name: str, depth: int | None = None) -> Venue:
    """The facts of one venue, for readers who want so many levels a side (None: the default).

    Raises KeyError for a name that is nowhere, outside.VenueError for one from outside that cannot
    be used. Our names are ours.
    """
    if name in _MODULES:
        module, _, cls = _MODULES[name].partition(":")
        venue: Venue = getattr(import_module(module), cls)()
    else:
        venue = outside.find(name)()
    if depth is not None:
        venue.depth = depth
    return venue


def _from_files() -> dict[str, type[Venue]]:
    found = outside.in_files()
    for name in found:
        if name in _MODULES:
            raise outside.VenueError(f"{name} is a venue of ours: one of a file needs another name")
    return found
