"""What a venue brings, as its declarations say it: for tables that people read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from feedhandler.adapter.declared.listing import Listing
from feedhandler.adapter.declared.venue import DeclaredVenue
from feedhandler.adapter.declared.words import holes
from feedhandler.adapter.venue import Base, Venue
from feedhandler.shape.frame import BOOKS, DUE, SAYING, STATS, TICKERS, VOLUMES, Frame
from shm import InstrumentKind

_KINDS = {
    InstrumentKind.SPOT: "spot",
    InstrumentKind.PERPETUAL: "perpetuals",
    InstrumentKind.FUTURE: "futures",
    InstrumentKind.OPTION: "options",
    InstrumentKind.COMBO: "combos",
}
_PERCENT = "_percent"


class Carried(NamedTuple):
    """`kinds`: what it lists. `depths`: levels a side of its books, one for each window that is
    sold; none: all levels. `grows`: so many at first, then each change, however deep. `top`: by
    which channel the best bid and offer come besides the book; "": by none. `stats`: by the names
    of STATS."""

    kinds: frozenset[InstrumentKind]
    depths: tuple[int, ...]
    grows: bool
    trades: bool
    liquidations: bool
    top: str
    stats: frozenset[str]

    @property
    def instruments(self) -> list[str]:
        """What it lists, in words."""
        return [word for kind, word in _KINDS.items() if kind in self.kinds]

    @property
    def levels(self) -> str:
        """Levels a side that can be had: `all`, `400`, `5,000+`."""
        return f"{self.depths[-1]:,}{'+' * self.grows}" if self.depths else "all"

    @property
    def besides(self) -> list[str]:
        """What there is besides books, trades and the best bid and offer, in words."""
        there = {"IVs": "mark_iv", "greeks": "delta", "open interest": "open_interest"}
        there |= {"volume": "volume"}
        marks = {"marks": "mark", "indices": "index", "funding": "funding"}
        found = ["liquidations"] if self.liquidations else []
        return found + [word for word, stat in {**marks, **there}.items() if stat in self.stats]

    def told(self) -> dict[str, object]:
        """The same for programs."""
        return {
            "instruments": self.instruments,
            "levels": self.levels,
            "depths": list(self.depths),
            "top": self.top,
            "liquidations": self.liquidations,
            "stats": [name for name in STATS if name in self.stats],
            "besides": self.besides,
        }


def carried(venue: Venue) -> Carried | None:
    """None: a venue with code of its own does not say."""
    if not isinstance(venue, DeclaredVenue) or not venue.frames:
        return None
    listings = [venue.listing] if isinstance(venue.listing, Listing) else venue.listing
    kinds = frozenset(kind for one in listings for kind in one.kinds())
    spot = kinds == {InstrumentKind.SPOT}  # products of one exchange share their frames
    data = [frame for frame in venue.frames if frame.kind != "control"]
    depths, grows = _depths(venue, data)
    said = frozenset(stat for frame in data for stat in _stats(frame))
    return Carried(
        kinds,
        depths,
        grows,
        trades=any(frame.kind == "trade" for frame in data),
        liquidations=not spot and any(_forced(frame) for frame in data),
        top="quote" if "quote" in venue.channels else "ticker" * any(map(_best, data)),
        stats=said & {"volume"} if spot else said,
    )


def _depths(venue: DeclaredVenue, data: list[Frame]) -> tuple[tuple[int, ...], bool]:
    sold = next((one.depths for one in venue.book_topics if one.depths), ())
    if sold:
        return sold, False
    if kept := max((frame.window for frame in data if frame.kind in BOOKS), default=0):
        return (kept,), False
    asked = venue.book.levels if venue.book is not None else 0
    if asked and venue.base is not Base.STREAM:
        return (asked,), venue.base is Base.REQUEST
    return (), False


def _stats(frame: Frame) -> Iterator[str]:
    if frame.kind in SAYING:
        for name in holes(frame.sample):
            plain = "volume" if name in VOLUMES else name.removesuffix(_PERCENT)
            plain = "next_funding" if name in DUE else plain
            if plain in STATS:
                yield plain


def _forced(frame: Frame) -> bool:
    return frame.kind == "liquidation" or frame.forced or "forced" in holes(frame.sample)


def _best(frame: Frame) -> bool:
    return frame.kind in TICKERS and "bid" in holes(frame.sample)
