"""The present state of OKX's channels that are sent as a whole, as the stream and REST say it."""

from __future__ import annotations

from typing import Final

import orjson

from feedhandler.sim.config import SimOptions
from feedhandler.sim.market.instrument import Instrument
from feedhandler.sim.market.live import Live
from feedhandler.sim.server.server import VenueServer
from feedhandler.sim.venues import okx_channels as channels
from feedhandler.sim.venues import okx_json as shapes
from feedhandler.sim.venues import okx_listing as listing
from feedhandler.sim.venues.okx_json import Texts

FIRST_CODE: Final = 10_458
LISTED_BEFORE_MS: Final = 90 * 86_400_000


class OkxPresent(VenueServer):
    """A server that can say it."""

    def __init__(self, options: SimOptions) -> None:
        super().__init__(options)
        self._texts: dict[str, Texts] = {}

    def texts(self, live: Live) -> Texts:
        """The instrument's number texts."""
        symbol = live.instrument.symbol
        found = self._texts.get(symbol)
        if found is None:
            found = self._texts[symbol] = Texts(live)
        return found

    def present(self, channel: str, subject: str) -> str:
        """The present state of a channel that is sent as a whole."""
        if channel == "index-tickers":
            base = subject.split("-")[0]
            index, opening = self.market.index(base), self.market.opening_index(base)
            data = shapes.index_ticker(self.market.clock.ms(), subject, index, opening)
        elif channel == "instruments":
            kinds = self.market.instruments.values()
            data = ",".join(self.entry(one) for one in kinds if listing.inst_type(one) == subject)
        elif channel == "opt-summary":
            data = ",".join(
                shapes.option_summary(self.market, self.market.live(option.symbol))
                for option in channels.options_of(self.market, subject)
            )
        else:
            live = self.market.live(subject)
            texts = self.texts(live)
            if channel == "tickers":
                data = shapes.ticker(live, texts)
            elif channel == "mark-price":
                data = shapes.mark_price(self.market, live.instrument)
            elif channel == "funding-rate":
                data = shapes.funding_rate(self.market, live.instrument)
            elif channel == "open-interest":
                data = shapes.open_interest(live, texts)
            else:
                tail = f'"instId":"{subject}","ts":"{live.clock.ms()}","seqId":{live.book.sequence}'
                data = shapes.book_data(live.book, texts, 5, tail)
        return data

    def entry(self, instrument: Instrument, state: str = "live") -> str:
        """An instrument as the `instruments` channel has it."""
        listed = self.start_ms - LISTED_BEFORE_MS
        number = FIRST_CODE + self.number_of(instrument.symbol)
        entry = listing.describe(instrument, number, listed) | {"state": state}
        return orjson.dumps(self.as_streamed(instrument.symbol, entry)).decode()
