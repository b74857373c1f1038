"""The registry of venues: a line each, its module imported only when the venue is used."""

from importlib import import_module

from feedhandler.venues.base import Venue

_MODULES = {
    "deribit": "feedhandler.venues.deribit:Deribit",
    "okx": "feedhandler.venues.okx:Okx",
    "binance": "feedhandler.venues.binance:BinanceSpot",
}


def names() -> list[str]:
    """Every venue there is, in the order of the registry."""
    return list(_MODULES)


def load(name: str) -> Venue:
    """The facts of one venue. Raises KeyError for a name that is not in the registry."""
    module, _, cls = _MODULES[name].partition(":")
    venue: Venue = getattr(import_module(module), cls)()
    return venue
