"""The consolidated best bid and offer: one instrument, over venues."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from shm._native import Instrument, Quote
from shm.contracts import coins
from shm.errors import BadName, ShmError, UnknownInstrument
from shm.feed import Feed, attach
from shm.names import State, Status
from shm.object_names import check_name, default_namespace
from shm.state_words import said, word

Side = Literal["bid", "ask", "both"]

_feeds: dict[tuple[str, str], Feed] = {}


@dataclass(frozen=True, slots=True)
class BestSide:
    """The best bid, or the best offer, and whose it is."""

    venue: str
    instrument: Instrument
    price: float
    size: float  #: in the venue's units: contracts where it counts contracts
    coins: float  #: the same in base currency, which compares over venues; NaN: quanto
    age_ns: int  #: since the last message about the instrument, when it was read


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A venue, or one side of it, that does not count, and why."""

    venue: str
    side: Side
    why: str


@dataclass(frozen=True, slots=True)
class Best:
    """The best of what is LIVE and young enough; None: no venue has such a bid, such an offer.

    The venues were read one after another between `begin_ns` and `end_ns` (unix ns). A bid at one
    venue may well be above the offer at another: see `crossed`.
    """

    name: str
    bid: BestSide | None
    ask: BestSide | None
    left_out: tuple[LeftOut, ...]
    begin_ns: int
    end_ns: int

    @property
    def mid(self) -> float:
        """Half-way between bid and offer; NaN where one is missing."""
        return (self.bid.price + self.ask.price) / 2 if self.bid and self.ask else math.nan

    @property
    def spread(self) -> float:
        """Offer less bid, negative when they are of different venues and cross; NaN: one is not."""
        return self.ask.price - self.bid.price if self.bid and self.ask else math.nan

    @property
    def crossed(self) -> bool:
        """Whether the bid is at or above the offer: an opportunity, or a venue that lags."""
        return self.spread <= 0


def best(
    venues: Iterable[Feed | str],
    name: str,
    *,
    max_age_ns: int = 1_000_000_000,
    namespace: str | None = None,
) -> Best:
    """The consolidated best bid and offer of an instrument by its normalised name.

    `venues`: feeds, or names of venues, which are attached to once per process and kept. A venue
    counts if it is LIVE (its writer's heartbeat less than a second old) and the last message about
    the instrument is at most `max_age_ns` old. Whatever keeps a venue out, a writer that is gone or
    memory that is not there included, is told in `left_out`, not raised: the other venues count.
    Equal prices: the larger size in coins, then the order of `venues`.

    Raises :class:`shm.UnknownInstrument` if none of the venues has that name (one that lists no
    instruments yet may have it), :class:`shm.BadName`.
    """
    begin = time.time_ns()
    bids: list[BestSide] = []
    asks: list[BestSide] = []
    left_out: list[LeftOut] = []
    unknown = 0
    for each in venues:
        venue = each if isinstance(each, str) else each.venue
        try:
            feed = _attached(each, namespace) if isinstance(each, str) else each
            instrument = feed.named(name)
            quote = feed.quote(instrument)
        except BadName:
            raise
        except ShmError as error:
            unknown += isinstance(error, UnknownInstrument) and feed._lists_any()
            left_out.append(LeftOut(venue, "both", str(error)))
            continue
        why = _unfit(quote, max_age_ns)
        if why:
            left_out.append(LeftOut(venue, "both", why))
            continue
        for side, price, size, into in (
            ("bid", quote.bid, quote.bid_size, bids),
            ("ask", quote.ask, quote.ask_size, asks),
        ):
            if math.isnan(price):
                left_out.append(LeftOut(venue, "bid" if side == "bid" else "ask", f"no {side}"))
            else:
                worth = coins(quote.instrument, size, price)
                into.append(BestSide(venue, instrument, price, size, worth, quote.age_ns))
    if unknown and unknown == len(left_out) and not bids and not asks:
        raise UnknownInstrument(f"no venue has {name!r}: " + "; ".join(o.why for o in left_out))
    return Best(
        name=name,
        bid=max(bids, key=lambda one: (one.price, _weight(one)), default=None),
        ask=max(asks, key=lambda one: (-one.price, _weight(one)), default=None),
        left_out=tuple(left_out),
        begin_ns=begin,
        end_ns=time.time_ns(),
    )


def _weight(side: BestSide) -> float:
    return -math.inf if math.isnan(side.coins) else side.coins


def _unfit(quote: Quote, max_age_ns: int) -> str:
    """Why a quote does not count; "" if it does."""
    if quote.state != State.LIVE:
        return said(quote.state, quote.reason)
    if not quote.live:
        return f"its writer is silent for {quote.heartbeat_age_ns / 1e9:.1f} s"
    if quote.status != Status.ACTIVE:
        return f"not open: {word(quote.status)}"
    if quote.age_ns > max_age_ns:
        return f"{quote.age_ns / 1e6:.0f} ms old"
    return ""


def _attached(venue: str, namespace: str | None) -> Feed:
    """The process's own feed of a venue. Does not wait: a venue that is not there is left out."""
    place = (check_name("namespace", namespace or default_namespace()), venue)
    feed = _feeds.get(place)
    if feed is None or feed.epoch == 0:
        feed = _feeds[place] = attach(venue, namespace=place[0], timeout=0)
    return feed
