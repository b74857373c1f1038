"""The consolidated best bid and offer: one instrument, or all that are alike, over venues."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from shm._native import Instrument, Quote
from shm.contracts import coins
from shm.errors import BadName, ShmError, UnknownInstrument
from shm.feed import Feed, attach
from shm.names import State, Status
from shm.object_names import check_name, default_namespace
from shm.state_words import lasting, said, word

Side = Literal["bid", "ask", "both"]

_feeds: dict[tuple[str, str], Feed] = {}


@dataclass(frozen=True, slots=True)
class BestSide:
    """The best bid, or the best offer, and whose it is."""

    venue: str
    instrument: Instrument
    price: float  #: in its own quote currency: `instrument.quote`
    size: float  #: in the venue's units: contracts where it counts contracts
    coins: float  #: the same in base currency, which compares over venues; NaN: quanto
    age_ns: int  #: since the last message about the instrument, when it was read
    compared: float  #: the price times what `rates` says of its quote currency


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An instrument of a venue, or one side of it, that does not count, and why."""

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
        """Half-way between bid and offer, as they were compared; NaN where one is missing."""
        return (self.bid.compared + self.ask.compared) / 2 if self.bid and self.ask else math.nan

    @property
    def spread(self) -> float:
        """Offer less bid, negative when they are of different venues and cross; NaN: one is not."""
        return self.ask.compared - self.bid.compared if self.bid and self.ask else math.nan

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
    rates: Mapping[str, float] | None = None,
) -> Best:
    """The consolidated best bid and offer of an instrument by its normalised name, or of all that
    are alike by a general one, such as "BTC-PERP": see :meth:`shm.Feed.alike`.

    `venues`: feeds, or names of venues, which are attached to once per process and kept. A venue
    counts if it is LIVE (its writer's heartbeat less than a second old) and the last message about
    the instrument is at most `max_age_ns` old. Whatever keeps a venue out, a writer that is gone or
    memory that is not there included, is told in `left_out`, not raised: the other venues count.
    `rates`: what a unit of a quote currency is worth, such as {"USDT": 0.9996}: prices are compared
    by it; what is not in it counts 1, a dollar's token as a dollar. Equal prices: the larger size
    in coins, then the order of `venues`.

    Raises :class:`shm.UnknownInstrument` if none of the venues has that name (one that lists no
    instruments yet may have it), :class:`shm.BadName`, ValueError for a rate that is none.
    """
    for currency, rate in (rates or {}).items():
        if not 0 < rate < math.inf:
            raise ValueError(f"rates[{currency!r}] is {rate}: what one {currency} is worth")
    begin = time.time_ns()
    bids: list[BestSide] = []
    asks: list[BestSide] = []
    left_out: list[LeftOut] = []
    unknown = 0
    for each in venues:
        venue = each if isinstance(each, str) else each.venue
        try:
            feed = _attached(each, namespace) if isinstance(each, str) else each
            alike = feed.alike(name)
        except BadName:
            raise
        except ShmError as error:
            unknown += isinstance(error, UnknownInstrument) and feed._lists_any()
            left_out.append(LeftOut(venue, "both", str(error)))
            continue
        for instrument in alike:
            said = "" if len(alike) == 1 else f"{instrument.name}: "
            try:
                quote = feed.quote(instrument)
            except ShmError as error:
                left_out.append(LeftOut(venue, "both", f"{said}{error}"))
                continue
            why = _unfit(quote, max_age_ns)
            if why:
                left_out.append(LeftOut(venue, "both", f"{said}{why}"))
                continue
            rate = (rates or {}).get(instrument.quote, 1.0)
            sides: tuple[tuple[Side, list[BestSide]], ...] = (("bid", bids), ("ask", asks))
            for side, into in sides:
                found = _side(quote, side, rate)
                if found is None:
                    left_out.append(LeftOut(venue, side, f"{said}no {side}"))
                else:
                    into.append(found)
    if unknown and unknown == len(left_out) and not bids and not asks:
        raise UnknownInstrument(f"no venue has {name!r}: " + "; ".join(o.why for o in left_out))
    return Best(
        name=name,
        bid=max(bids, key=lambda one: (one.compared, _weight(one)), default=None),
        ask=max(asks, key=lambda one: (-one.compared, _weight(one)), default=None),
        left_out=tuple(left_out),
        begin_ns=begin,
        end_ns=time.time_ns(),
    )


def _side(quote: Quote, side: Side, rate: float) -> BestSide | None:
    """One side of a quote; None: there is none."""
    price = quote.bid if side == "bid" else quote.ask
    size = quote.bid_size if side == "bid" else quote.ask_size
    if math.isnan(price):
        return None
    its = quote.instrument
    return BestSide(
        its.venue, its, price, size, coins(its, size, price), quote.age_ns, price * rate
    )


def _weight(side: BestSide) -> float:
    return -math.inf if math.isnan(side.coins) else side.coins


def _unfit(quote: Quote, max_age_ns: int) -> str:
    """Why a quote does not count; "" if it does."""
    if quote.state != State.LIVE:
        return said(quote.state, quote.reason)
    if not quote.live:
        return f"its writer is silent for {lasting(quote.heartbeat_age_ns)}"
    if quote.status != Status.ACTIVE:
        return f"not open: {word(quote.status)}"
    if quote.age_ns > max_age_ns:
        return f"{lasting(quote.age_ns)} old"
    return ""


def _attached(venue: str, namespace: str | None) -> Feed:
    """The process's own feed of a venue. Does not wait: a venue that is not there is left out."""
    place = (check_name("namespace", namespace or default_namespace()), venue)
    feed = _feeds.get(place)
    if feed is None or feed.epoch == 0:
        feed = _feeds[place] = attach(venue, namespace=place[0], timeout=0)
    return feed
