"""What a declared venue lists: synthetic instruments that it reads back as just these."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from feedhandler.adapter.declared import By, Decimals, DeclaredVenue, Listing
from feedhandler.adapter.pattern import Pattern
from feedhandler.adapter.venue import ListedInstrument
from feedhandler.sim.faults.terms import Terms
from feedhandler.sim.market import expiries
from feedhandler.sim.market.instrument import Instrument, first
from feedhandler.sim.market.underlyings import FUTURES_CARRY, INDEX_START, PREMIUM
from feedhandler.sim.venues.declared import rows
from feedhandler.sim.venues.declared.beside import NOTHING, Beside
from feedhandler.sim.venues.declared.naming import (
    Naming,
    day_suffix,
    is_perpetual,
    named_like,
    naming,
    of_kind,
    quotes,
)
from feedhandler.sim.venues.declared.rows import KINDS
from shm import ContractType, InstrumentKind, Status

DEFAULT_COUNT: Final = 14
_MOST_IN_VAIN: Final = 400
"""Candidates that a venue does not read back, in a row, before there are no more."""
_ONE: Final = Decimal(1)
_IN_TURN: Final = 5
"""Of each kind, before it is the next one's turn."""
_UNDATED: Final = frozenset({InstrumentKind.SPOT, InstrumentKind.PERPETUAL})
_STEPS: Final = {
    # base: tick, lot, typical lots, weight
    "BTC": ("0.1", "0.0001", 3_000, 30.0),
    "ETH": ("0.01", "0.001", 5_000, 20.0),
    "SOL": ("0.01", "0.01", 5_000, 12.0),
    "XRP": ("0.0001", "1", 2_000, 8.0),
    "DOGE": ("0.00001", "1", 20_000, 6.0),
    "BNB": ("0.1", "0.01", 500, 5.0),
    "ADA": ("0.0001", "1", 5_000, 4.0),
    "LINK": ("0.001", "0.1", 1_000, 3.0),
    "AVAX": ("0.001", "0.1", 2_000, 3.0),
    "LTC": ("0.01", "0.01", 2_000, 2.0),
}
_NAMED = 100  # symbols are looked at for one that was meant
_OTHER: Final = ("0.001", "0.1", 1_000, 2.0)


class UnreadableError(ValueError):
    """None of the rows that were made can be read by the venue: it takes a server of its own."""


class List:
    """Of one venue: which instruments there can be, and their rows."""

    def __init__(self, venue: DeclaredVenue, today: date, beside: Beside = NOTHING) -> None:
        self._venue, self._today, self._beside = venue, today, beside
        self._usual = [one for one in venue.default_instruments if Pattern.parse(one).exact]
        self._where: dict[str, Listing] = {}
        self.facts: Callable[[Instrument], Mapping[str, object]] = _named
        """What rows may say beside what the declaration reads."""

    def instruments(self, count: int) -> list[Instrument]:
        """The first ones in the order of importance. Raises UnreadableError."""
        if self._beside.catalogue is not None:
            listed = first(self._beside.catalogue(self._today), count)
            self._where |= {one.symbol: self._of(one) for one in listed}
            return listed
        found: dict[str, Instrument] = {}
        vain, why = 0, "it lists none of the kinds that there are"
        for instrument, listing in self._candidates(found):
            if len(found) >= count or vain >= _MOST_IN_VAIN:
                break
            if instrument.symbol in found:
                vain, why = vain + 1, "all names are taken"
                continue
            made = self._indexed(instrument, listing)
            try:
                self.read(made, listing)
            except (ValueError, KeyError) as error:
                vain, why = vain + 1, str(error)
                continue
            vain = 0
            found[instrument.symbol] = made
            self._where[instrument.symbol] = listing
        if not found:
            raise UnreadableError(f"{self._venue.name}: no row of its list can be made: {why}")
        return list(found.values())

    def one(self, symbol: str, most: int) -> Instrument | None:
        """That of this symbol, if it is among so many and can be read."""
        if self._beside.catalogue is not None:
            return next((one for one in self.instruments(most) if one.symbol == symbol), None)
        for instrument, listing in islice(self._candidates({}), most):
            if instrument.symbol != symbol:
                continue
            made = self._indexed(instrument, listing)
            try:
                self.read(made, listing)
            except (ValueError, KeyError):
                continue
            self._where[symbol] = listing
            return made
        return None

    def beyond(self, listed: Collection[str]) -> list[str]:
        """Some symbols of those that could be listed, too."""
        made = self.instruments(len(listed) + _NAMED)
        return [one.symbol for one in made if one.symbol not in listed]

    def _indexed(self, instrument: Instrument, listing: Listing) -> Instrument:
        """With the name of its index, where the venue says it."""
        if not listing.index_name or instrument.kind == "spot":
            return instrument
        pair = {"base": instrument.base, "quote": instrument.quote}
        return replace(instrument, index_name=self._beside.index.format(**pair))

    def _of(self, instrument: Instrument) -> Listing:
        listings = self._venue.listings
        fits = (its for its in listings if instrument.kind in [KINDS[one] for one in _kinds(its)])
        return next(fits, listings[0])

    def read(self, instrument: Instrument, listing: Listing) -> ListedInstrument:
        """As the venue reads the row. Raises ValueError where that is not what was meant."""
        row = self.row(instrument, listing, Terms())
        for read in self._venue.parse_instruments(rows.document(listing, [row])):
            same = (
                read.symbol == instrument.symbol
                and KINDS.get(read.kind) == instrument.kind
                and _same_step(listing.tick, instrument.tick, read.tick)
                and _same_step(listing.lot, instrument.lot, read.lot)
                and read.status is Status.ACTIVE
            )
            if same:
                return read
        raise ValueError(f"{row} reads as something else")

    # -- instruments -------------------------------------------------------------------------

    def _candidates(self, found: Container[str]) -> Iterator[tuple[Instrument, Listing]]:
        """Of every listing, the kinds in turn, those that are traded most first. `found`: what has
        been taken by now."""
        usual = self._usual
        forms = list(dict.fromkeys(naming((one, *usual), self._aliases) for one in usual or ("",)))
        streams = [iter(self._named(found))]
        streams += [
            self._kind(listing, kind, how)
            for how in forms
            for listing in self._venue.listings
            for kind in _kinds(listing)
            if self._fits(kind, how)
        ]
        while streams:
            for stream in list(streams):
                some = islice(stream, _IN_TURN)
                first = next(some, None)
                if first is None:
                    streams.remove(stream)
                    continue
                yield first
                yield from some

    @property
    def _aliases(self) -> Mapping[str, str]:
        return {own: name for one in self._venue.listings for own, name in one.currencies.items()}

    def _named(self, found: Container[str]) -> Iterator[tuple[Instrument, Listing]]:
        """What a feed carries that is told nothing, of the first list that can have it."""
        usual = self._usual
        for symbol in usual:
            how = named_like(symbol, naming((symbol, *usual), self._aliases))
            for listing in self._venue.listings if how is not None else ():
                for kind in _kinds(listing):
                    fits = kind in _UNDATED and how is not None and self._fits(kind, how)
                    if how is not None and fits and symbol not in found:
                        base = listing.currencies.get(how.base, how.base)
                        yield _made(listing, symbol, kind, base, how.quote, 0), listing

    def _fits(self, kind: InstrumentKind, how: Naming) -> bool:
        """Whether a name can be of this kind: where the venue has pairs, too, perpetuals may have a
        word of their own."""
        kinds = {kind for one in self._venue.listings for kind in one.kinds()}
        named = any(is_perpetual(one) for one in self._usual)
        if not named or not kinds >= _UNDATED:
            return True
        return how.perpetual == (kind is not InstrumentKind.SPOT)

    def _kind(
        self, listing: Listing, kind: InstrumentKind, how: Naming
    ) -> Iterator[tuple[Instrument, Listing]]:
        aliases = {} if how.common else listing.currencies
        own = {ours: theirs for theirs, ours in aliases.items()}
        tiers = quotes(how.quote, listing.currencies) if how.quote else iter([""])
        for rank, quote in enumerate(tiers):
            if kind in _UNDATED:
                for base in INDEX_START:
                    symbol = how.symbol(own.get(base, base), quote)
                    yield _made(listing, symbol, kind, base, quote, rank), listing
                continue
            for base in ("BTC", "ETH"):
                name = how.symbol(own.get(base, base), quote)
                if kind is InstrumentKind.FUTURE:
                    for day in expiries.quarters(self._today, 2):
                        symbol = of_kind(listing, kind, name + day_suffix(day))
                        yield _made(listing, symbol, kind, base, quote, rank + 1, day), listing
                    continue
                for day in expiries.options(self._today, 3):
                    for strike, call in _strikes(base):
                        symbol = self._beside.option.format(
                            base=own.get(base, base),
                            quote=quote,
                            day=day,
                            strike=strike,
                            letter="C" if call else "P",
                        )
                        made = _made(
                            listing, symbol, kind, base, quote, rank + 2, day, strike, call
                        )
                        family = self._beside.family.format(base=base, quote=made.quote)
                        yield replace(made, family=family), listing

    # -- what the list says ------------------------------------------------------------------

    def listing_of(self, symbol: str) -> Listing:
        """The list in which an instrument stands."""
        return self._where.get(symbol, self._venue.listings[0])

    def row(self, instrument: Instrument, listing: Listing, terms: Terms) -> dict[str, Any]:
        """What it says of an instrument. Raises ValueError for terms that it has no field for."""
        begun = self._beside.rows and self._beside.begun(self.facts(instrument), instrument.symbol)
        return rows.row(instrument, listing, terms, self.open_word, begun or {})

    def word(self, instrument: Instrument) -> str:
        """What kind it is, in the venue's word."""
        by = self.listing_of(instrument.symbol).kind
        for word, kind in by.words.items() if isinstance(by, By) else ():
            if isinstance(kind, InstrumentKind) and KINDS.get(kind) == instrument.kind:
                return word
        return ""

    @property
    def open_word(self) -> str:
        """The venue's word for what trades."""
        return self.word_for(Status.ACTIVE) or "open"

    def word_for(self, status: Status) -> str:
        """The venue's word for a status; "" if it has none."""
        words = self._venue.statuses.items()
        return next((word for word, meaning in words if meaning is status), "")


def _named(instrument: Instrument) -> dict[str, object]:
    return {name: getattr(instrument, name) for name in ("symbol", "base", "quote", "family")}


def _strikes(base: str) -> Iterator[tuple[int, bool]]:
    step = 2_500 if base == "BTC" else 100
    middle = round(INDEX_START[base] / step) * step
    for away in (0, 1, -1, 2, -2, 3, -3):
        for call in (True, False):
            yield middle + away * step, call


def _made(
    listing: Listing,
    symbol: str,
    kind: InstrumentKind,
    base: str,
    quote: str,
    rank: int,
    day: date | None = None,
    strike: int = 0,
    call: bool = False,
) -> Instrument:
    tick, lot, typical, weight = _STEPS.get(base, _OTHER)
    option = kind is InstrumentKind.OPTION
    inverse = listing.contract is ContractType.INVERSE and kind is not InstrumentKind.SPOT
    carry = {InstrumentKind.PERPETUAL: PREMIUM}.get(kind, FUTURES_CARRY if day else 0.0)
    size = listing.contract_size
    usual = Decimal(1) if inverse else Decimal("0.1") if option else Decimal(lot)
    kept = _kept(listing.lot, usual)
    return Instrument(
        symbol=symbol,
        kind=KINDS[kind],
        base=base,
        quote=listing.currencies.get(quote, quote) or _unnamed_quote(listing),
        tick=_kept(listing.tick, Decimal("5") if option else Decimal(tick), listing.lot, kept),
        lot=kept,
        typical_lots=20 if option else typical,
        depth=20 if option else 300 if rank == 0 else 80,
        weight=weight / (1 + rank) ** 3,
        family=str(_meant(listing, listing.family) or f"{base}-{quote or 'USD'}"),
        inverse=_meant(listing, listing.contract) is ContractType.INVERSE,
        expiry_ms=expiries.expiry_ms(day) if day else 0,
        strike=strike,
        call=call,
        contract_size=size if isinstance(size, Decimal) else Decimal(100 if inverse else 1),
        carry=carry,
    )


def _meant(listing: Listing, by: object) -> object:
    """What a word means of all rows of a list; None: it may mean several things, or nothing."""
    asked = rows.asked_for(listing, by)
    return by.words.get(asked) if isinstance(by, By) and asked else None


def _unnamed_quote(listing: Listing) -> str:
    """Of symbols that name none."""
    words = listing.quote.words.values() if isinstance(listing.quote, By) else ()
    return next((str(word) for word in words), "USD")


def _kept(step: object, usual: Decimal, lots: object = None, lot: Decimal = _ONE) -> Decimal:
    """The tick or lot. One that is the same of all the venue's instruments is the finest; a tick
    of the same field as lots follows from the lot."""
    if isinstance(step, Decimals) and isinstance(lots, Decimals) and step.field == lots.field:
        return Decimal(1).scaleb(-lot.adjusted() - (step.less or 0))
    if isinstance(step, Decimals):
        return Decimal(1).scaleb(usual.adjusted())
    return step if isinstance(step, Decimal) and usual % step else usual


def _same_step(step: object, ours: Decimal, read: Decimal) -> bool:
    return not ours % read if isinstance(step, Decimal) else ours == read


def _kinds(listing: Listing) -> list[InstrumentKind]:
    """Those that it has, in its own order."""
    its = listing.kind
    order = [its] if isinstance(its, InstrumentKind) else its.meanings()
    kinds = (each for each in order if isinstance(each, InstrumentKind) and each in KINDS)
    return list(dict.fromkeys(kinds))
