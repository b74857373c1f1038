"""A simulated dYdX: what it declares, and that one subscription tells of all its markets, first of
each of them, which is the acknowledgement, then of what changes.
"""

from __future__ import annotations

from typing import Final

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.sim.config import SimOptions
from feedhandler.sim.server.client import Client
from feedhandler.sim.venues.declared.beside import Beside
from feedhandler.sim.venues.declared.channels import Channel
from feedhandler.sim.venues.declared.events import Picture
from feedhandler.sim.venues.declared.opened import Open
from feedhandler.sim.venues.declared.server import DeclaredServer

_MARKETS: Final = "v4_markets"


class DydxServer(DeclaredServer):
    """Statistics of all markets come on one key."""

    def __init__(self, options: SimOptions, declared: DeclaredVenue, beside: Beside) -> None:
        super().__init__(options, declared, beside)
        first = next(frame for frame in declared.frames if '"markets":' in frame.sample)
        self._first = Picture(first, self.beside)

    def opened(self, channel: Channel) -> Open:
        """Of the markets what changes."""
        found = super().opened(channel)
        if channel.key == _MARKETS and len(found.tickers) == 3:
            found.tickers = found.tickers[1:]
        return found

    def _answered_by_book(self, key: str) -> bool:
        return key == _MARKETS or super()._answered_by_book(key)

    def first_messages(self, client: Client, one: Open) -> None:
        """All markets in one message."""
        if one.channel.key != _MARKETS:
            super().first_messages(client, one)
            return
        lives = map(self.market.live, self.market.instruments)
        of = [(live, self.texts(live)) for live in lives]
        text = self._first.together(self.market, of, self.said(one, ""))
        self.send_data(client, _MARKETS, "", text.encode())
