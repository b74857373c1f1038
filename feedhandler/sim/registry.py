"""The simulated venues: a line each, its module imported only when the venue is served."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from feedhandler.sim.server.server import VenueServer

_MODULES = {
    "deribit": "deribit:DeribitServer",
    "okx": "okx:OkxServer",
    "binance": "binance:BinanceServer",
    "binance-usdm": "binance_usdm:BinanceUsdmServer",
    "bybit-linear": "bybit:BybitLinearServer",
    "bybit-spot": "bybit:BybitSpotServer",
}


class _Registry(Mapping[str, "type[VenueServer]"]):
    def __getitem__(self, venue: str) -> type[VenueServer]:
        module, _, name = _MODULES[venue].partition(":")
        found: type[VenueServer] = getattr(import_module(f"{__package__}.venues.{module}"), name)
        return found

    def __contains__(self, venue: object) -> bool:
        return venue in _MODULES

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


VENUES: Final[Mapping[str, type[VenueServer]]] = _Registry()
