"""What the simulated spot and USD-M of Binance have beside their samples: streams that go by
windows of time, and questions over HTTP.

A kind of stream that the venue has and the simulator has not is refused as one that there is not:
nothing is acknowledged that could never come.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.sim.config import SimOptions
from feedhandler.sim.market.instrument import Instrument, fixed, places
from feedhandler.sim.market.live import Live
from feedhandler.sim.server.client import Client
from feedhandler.sim.venues.binance_stats import Stats
from feedhandler.sim.venues.binance_streams import StreamsServer
from feedhandler.sim.venues.binance_timed import Kind, Timed
from feedhandler.sim.venues.declared.beside import Beside
from feedhandler.sim.venues.declared.levels import Texts
from feedhandler.sim.venues.declared.opened import Open


class ProductServer(StreamsServer):
    """Streams by name; those by the clock are made here."""

    quote_places: ClassVar[int]
    """Decimals of a volume in the quote."""

    def __init__(self, options: SimOptions, declared: DeclaredVenue, beside: Beside) -> None:
        super().__init__(options, declared, beside)
        self._figures: dict[str, Stats] = {}
        self._clocked, self._together = self.timed_kinds()
        self._timed: dict[str, Timed] = {}

    @abstractmethod
    def timed_kinds(self) -> tuple[Mapping[str, Kind], Mapping[str, Kind]]:
        """Streams that go by the clock: by what stands behind the symbol, and those of all symbols
        by their name."""

    def texts(self, live: Live) -> Texts:
        """All the decimals of tick and lot as they are listed."""
        one = live.instrument
        found = self._texts.get(one.symbol)
        if found is None:
            prices, sizes = fixed(places(one.tick)), fixed(places(one.lot))
            found = self._texts[one.symbol] = Texts(one.prices(prices), one.sizes(sizes))
        return found

    def figures(self, live: Live) -> Stats:
        """The instrument's statistics, as text."""
        one = live.instrument
        found = self._figures.get(one.symbol)
        if found is None:
            found = Stats(live, self.texts(live), places(one.tick), self.quote_places)
            self._figures[one.symbol] = found
        return found

    # -- names -------------------------------------------------------------------------------

    def _named(self, stream: str) -> tuple[str, str]:
        """The symbol of a stream, "" if there is none such, and what stands behind it."""
        base, at, kind = stream.partition("@")
        symbol = base.upper()
        return symbol if symbol in self.market.instruments else "", at + kind

    def serves(self, stream: str) -> bool:
        """Whether there are streams of this kind."""
        _, kind = self._named(stream)
        clocked = kind in self._clocked and not stream.startswith("@")
        return clocked or stream in self._together or self.channels.read(stream) is not None

    def knows_channel(self, channel: str) -> bool:
        """A stream's name; unlike a subscription, it must exist."""
        symbol, kind = self._named(channel)
        clocked = bool(symbol) and kind in self._clocked
        return clocked or channel in self._together or super().knows_channel(channel)

    def symbol_of(self, channel: str) -> str | None:
        """The instrument of a stream."""
        return super().symbol_of(channel) or self._named(channel)[0] or None

    # -- streams by the clock ----------------------------------------------------------------

    def made(self, client: Client, stream: str) -> bool:
        """Also of those."""
        symbol, kind = self._named(stream)
        its = self._clocked.get(kind) if symbol else self._together.get(stream)
        if its is None or not self.carries(client.memory["path"], stream):
            return super().made(client, stream)
        if stream not in self._timed:
            names = [symbol] if symbol else None

            def listed() -> list[Stats]:
                chosen = names or list(self.market.instruments)
                return [self.figures(self.market.live(one)) for one in chosen]

            self._timed[stream] = Timed(stream, symbol, its, listed)
        return True

    def close_unheard(self, keys: Sequence[str]) -> None:
        """Stop making them."""
        super().close_unheard(keys)
        for key in keys:
            if key in self._timed and not self.wants(key):
                del self._timed[key]

    def on_expired(self, instrument: Instrument) -> None:
        """Its streams fall silent."""
        super().on_expired(instrument)
        for stream in [key for key, one in self._timed.items() if one.symbol == instrument.symbol]:
            del self._timed[stream]

    def first_messages(self, client: Client, one: Open) -> None:
        """None: nothing comes but what changes."""

    def settle(self) -> None:
        """Send all that waits for its time."""
        super().settle()
        for timed in self._timed.values():
            self._send_timed(timed)

    def on_time(self, now: float) -> None:
        """Events whose interval is over."""
        super().on_time(now)
        for timed in self._timed.values():
            if now >= timed.due:
                timed.due = now + timed.interval
                self._send_timed(timed)

    def _send_timed(self, timed: Timed) -> None:
        for data in timed.events():
            self.push(timed.stream, timed.symbol, data.encode())
