"""What is made for a key while somebody listens to it, of the frames that come on it."""

from __future__ import annotations

from typing import Any, Final

from feedhandler.adapter.checksum import Checksum
from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.adapter.venue import Continuity
from feedhandler.shape.frame import TICKERS
from feedhandler.sim.market.market import Market
from feedhandler.sim.venues.declared.beside import Beside
from feedhandler.sim.venues.declared.books import Books
from feedhandler.sim.venues.declared.channels import Channel, Channels, on_key
from feedhandler.sim.venues.declared.events import Picture, Prints, Tape
from feedhandler.sim.venues.declared.numbers import Counted, Numbers
from feedhandler.sim.venues.declared.opened import Open
from feedhandler.sim.venues.declared.sparse import Sparse
from feedhandler.sim.venues.declared.stream import BookStream

_WHOLE_S: Final = 0.1
"""Seconds between whole books, where every message is one."""
_TICKER_S: Final = 0.25


class Opening:
    """Of one venue. `checksum`: by which books are summed."""

    def __init__(
        self,
        declared: DeclaredVenue,
        beside: Beside,
        channels: Channels,
        numbers: Numbers,
        checksum: Checksum | None,
    ) -> None:
        self._declared, self._beside, self._channels = declared, beside, channels
        self._numbers, self._checksum = numbers, checksum
        self._count = 0
        self._counts: dict[str, int] = {}
        """By key, the number of its last message: whoever comes back finds them go on."""

    def open(self, channel: Channel, market: Market) -> Open:
        """The frames of a key, ready to be filled."""
        self._count += 1
        declared, beside = self._declared, self._beside
        sent = self._channels.sent.get(channel.topic.name)
        its = market.instruments.get(channel.symbol)
        own = sent.of_kind.get(its.kind, ()) if sent is not None and its is not None else ()
        number = 1000 + 7 * self._count

        def of(*kinds: str) -> list[Any]:
            usual = self._channels.frames(channel.topic, *kinds)
            return [one for one in own if one.kind in kinds] or on_key(usual, channel.key)

        books = stream = counted = None
        said = {**channel.said, "channel": str(number)}
        alone = said if channel.symbol else None
        quotes = [Picture(frame, beside) for frame in of("quote")]
        frames = of("book", "snapshot", "full", "checksum") if channel.symbol else []
        if beside.counts and (quotes or frames):
            last = self._counts.get(channel.key, beside.counts - 1)
            counted = Counted(last + 1, market.live(channel.symbol).book.sequence)
        if frames:
            books = Books(frames, counted or self._numbers, self._checksum, beside, said)
            stepped = books.single and declared.rule is Continuity.NEXT
            levels = channel.levels if not stepped else 0
            stream = BookStream(channel, market.live(channel.symbol), levels, cut=declared.cut)
        pace = sent.paces.get(channel.levels, sent.every) if sent is not None else 0.0
        usual = _WHOLE_S if books is not None and books.has("full") else _TICKER_S
        named = declared.names_trades
        return Open(
            channel,
            number,
            books,
            stream,
            Tape(trades, beside, named=named, said=alone) if (trades := of("trade")) else None,
            [Prints(frame, beside, named=named) for frame in of("liquidation")],
            quotes,
            [Picture(frame, beside) for frame in of(*TICKERS)],
            pace or usual,
            always=sent is not None and sent.always,
            paced=bool(pace) and bool(quotes or (books is not None and books.deltas)),
            again=sent.again if sent is not None else 0.0,
            counted=counted,
            sparse=Sparse(sent.sparse) if sent is not None and sent.sparse else None,
        )

    def closed(self, one: Open) -> None:
        """Nobody listens any more."""
        if one.counted is not None:
            self._counts[one.channel.key] = one.counted.count
