"""The venues, and their registry: a line each, its module imported only when the venue is used.

Others take `names`, `defaults` and `load`; of a venue they know what `adapter.venue.Venue` says.
Uses `adapter`.
"""

from importlib import import_module

from feedhandler.adapter.venue import Venue

_MODULES = {
    "deribit": "feedhandler.venues.deribit:Deribit",
    "okx": "feedhandler.venues.okx:Okx",
    "binance": "feedhandler.venues.binance:BinanceSpot",
    "binance-usdm": "feedhandler.venues.binance_usdm:BinanceUsdm",
    "bybit-linear": "feedhandler.venues.bybit:BybitLinear",
    "bybit-spot": "feedhandler.venues.bybit:BybitSpot",
}
_DEFAULTS = ("deribit", "okx", "binance")


def names() -> list[str]:
    """Every venue there is, in the order of the registry."""
    return list(_MODULES)


def defaults() -> list[str]:
    """The venues of a feed whose configuration names none."""
    return list(_DEFAULTS)


def load(name: str, depth: int | None = None) -> Venue:
    """The facts of one venue, for readers who want so many levels a side (None: the default).

    Raises KeyError for a name that is not in the registry.
    """
    module, _, cls = _MODULES[name].partition(":")
    venue: Venue = getattr(import_module(module), cls)()
    if depth is not None:
        venue.depth = depth
    return venue
