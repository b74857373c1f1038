"""What a declared venue lists: synthetic instruments, as rows that it reads back as just these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final

import orjson

from feedhandler.adapter.declared import By, Decimals, DeclaredVenue, Listing, Product, Time
from feedhandler.adapter.venue import ListedInstrument
from feedhandler.sim.faults.terms import Terms
from feedhandler.sim.market import expiries
from feedhandler.sim.market.instrument import Instrument, Kind
from feedhandler.sim.market.underlyings import FUTURES_CARRY, INDEX_START, PREMIUM
from feedhandler.sim.venues.declared.naming import Naming, day_suffix, naming, quotes
from shm import ContractType, InstrumentKind, OptionType, Status

DEFAULT_COUNT: Final = 14
_MOST_IN_VAIN: Final = 400
"""Candidates that a venue does not read back, in a row, before there are no more."""
_IN_TURN: Final = 5
"""Of each kind, before it is the next one's turn."""
_KINDS: Final[Mapping[InstrumentKind, Kind]] = {
    InstrumentKind.SPOT: "spot",
    InstrumentKind.PERPETUAL: "perpetual",
    InstrumentKind.FUTURE: "future",
    InstrumentKind.OPTION: "option",
}
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
_UNITS: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


class UnreadableError(ValueError):
    """None of the rows that were made can be read by the venue: it takes a server of its own."""


class List:
    """Of one venue: which instruments there can be, and their rows."""

    def __init__(self, venue: DeclaredVenue, today: date) -> None:
        self._venue, self._today = venue, today
        self._where: dict[str, Listing] = {}

    def instruments(self, count: int) -> list[Instrument]:
        """The first ones in the order of importance. Raises UnreadableError."""
        found: dict[str, Instrument] = {}
        vain, why = 0, "it lists none of the kinds that there are"
        for instrument, listing in self._candidates():
            if len(found) >= count or vain >= _MOST_IN_VAIN:
                break
            if instrument.symbol in found:
                continue
            try:
                read = self._read(instrument, listing)
            except (ValueError, KeyError) as error:
                read, why = None, str(error)
            if read is None:
                vain += 1
                continue
            vain = 0
            found[instrument.symbol] = instrument
            self._where[instrument.symbol] = listing
        if not found:
            raise UnreadableError(f"{self._venue.name}: no row of its list can be made: {why}")
        return list(found.values())

    def _read(self, instrument: Instrument, listing: Listing) -> ListedInstrument | None:
        """As the venue reads the row, if it is the instrument that was meant."""
        row = self.row(instrument, listing, Terms())
        for read in self._venue.parse_instruments(self.document(listing, [row])):
            same = (
                read.symbol == instrument.symbol
                and _KINDS.get(read.kind) == instrument.kind
                and (read.tick, read.lot) == (instrument.tick, instrument.lot)
                and read.status is Status.ACTIVE
            )
            if same:
                return read
        raise ValueError(f"{row} reads as something else")

    # -- instruments -------------------------------------------------------------------------

    def _candidates(self) -> Iterator[tuple[Instrument, Listing]]:
        """Of every listing, the kinds in turn, those that are traded most first."""
        usual = self._venue.default_instruments
        forms = list(dict.fromkeys(naming((one,), self._aliases) for one in usual or ("",)))
        streams = [iter(self._usual())]
        streams += [
            self._kind(listing, kind, how)
            for how in forms
            for listing in self._venue.listings
            for kind in self._kinds(listing, how.form)
        ]
        while streams:
            for stream in list(streams):
                some = list(islice(stream, _IN_TURN))
                if not some:
                    streams.remove(stream)
                yield from some

    @property
    def _aliases(self) -> Mapping[str, str]:
        return {own: name for one in self._venue.listings for own, name in one.currencies.items()}

    def _kinds(self, listing: Listing, symbol: str) -> list[InstrumentKind]:
        """What may be called so: perpetuals have a word of their own where others have not."""
        kinds = listing.kinds() & _KINDS.keys()
        if kinds >= _UNDATED and any(_perpetual(one) for one in self._venue.default_instruments):
            kinds -= {InstrumentKind.SPOT if _perpetual(symbol) else InstrumentKind.PERPETUAL}
        return sorted(kinds)

    def _usual(self) -> Iterator[tuple[Instrument, Listing]]:
        """What a feed carries that is told nothing."""
        for symbol in self._venue.default_instruments:
            how = naming((symbol,), self._aliases)
            for listing in self._venue.listings:
                for kind in self._kinds(listing, symbol):
                    if kind not in _UNDATED:
                        continue
                    yield _made(listing, symbol, kind, how.base, how.quote, 0), listing

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
                        symbol = name + day_suffix(day)
                        yield _made(listing, symbol, kind, base, quote, rank + 1, day), listing
                    continue
                for day in expiries.options(self._today, 3):
                    for strike, call in _strikes(base):
                        symbol = f"{name}{day_suffix(day)}_{strike}_{'C' if call else 'P'}"
                        made = _made(
                            listing, symbol, kind, base, quote, rank + 2, day, strike, call
                        )
                        yield made, listing

    # -- rows --------------------------------------------------------------------------------

    def listing_of(self, symbol: str) -> Listing:
        """The list in which an instrument stands."""
        return self._where.get(symbol, self._venue.listings[0])

    def row(self, instrument: Instrument, listing: Listing, terms: Terms) -> dict[str, Any]:
        """What the venue's list says of an instrument, under its names of the fields. Raises
        ValueError for terms that it has no field for."""
        row: dict[str, Any] = {}
        for path, words in listing.only.items():
            _put(row, path, _typed(words[0]))
        for path in listing.flags:
            _put(row, path, False)
        for currency, text in ((listing.base, instrument.base), (listing.quote, instrument.quote)):
            _currency(row, currency, listing, text)
        if listing.settle:
            _currency(row, listing.settle, listing, instrument.quote)
        kind = next(one for one, word in _KINDS.items() if word == instrument.kind)
        if isinstance(listing.kind, By):
            _word(row, listing.kind, kind)
        if isinstance(listing.contract, By):
            linear = ContractType.INVERSE if instrument.inverse else ContractType.LINEAR
            _word(row, listing.contract, linear)
        if instrument.strike:
            _put(row, listing.strike, str(instrument.strike))
            if listing.option is not None:
                _word(row, listing.option, OptionType.CALL if instrument.call else OptionType.PUT)
        end_ms = terms.end_ms or instrument.expiry_ms
        if end_ms and listing.expiry:
            _time(row, listing.expiry, end_ms)
        _step(row, listing.tick, Decimal(terms.tick or instrument.tick))
        _step(row, listing.lot, Decimal(terms.lot or instrument.lot))
        _step(row, listing.contract_size, Decimal(terms.contract_size or instrument.contract_size))
        if listing.written is not None:
            for step, value in zip(listing.written, (instrument.tick, instrument.lot), strict=True):
                field = step.field if isinstance(step, Decimals) else step
                _put(row, field, _places(value))
        if listing.family:
            _put(row, listing.family, instrument.family)
        if listing.status:
            _put(row, listing.status, _typed(terms.word or self.open_word))
        _put(row, listing.symbol, instrument.symbol)
        return row

    @property
    def open_word(self) -> str:
        """The venue's word for what trades."""
        return self.word_for(Status.ACTIVE) or "open"

    def word_for(self, status: Status) -> str:
        """The venue's word for a status; "" if it has none."""
        words = self._venue.statuses.items()
        return next((word for word, meaning in words if meaning is status), "")

    def document(
        self, listing: Listing, rows: list[Any], cursor: str = "", more: bool = False
    ) -> bytes:
        """The answer with these rows."""
        body: Any = [] if listing.rows[:1].isdigit() else fine_document(listing.fine)
        if listing.pages is not None and listing.pages.cursor:
            _put(body, listing.pages.cursor, cursor)
            if listing.pages.more:
                _put(body, listing.pages.more, more)
        if listing.having:
            _put(body, listing.having, {})
        if listing.symbol == "$row":
            shown: Any = {row.pop("$row"): row for row in rows if isinstance(row, dict) and row}
        elif listing.columns:
            shown = [_columns(row, listing.columns) for row in rows]
        else:
            shown = rows
        if not listing.rows:
            return orjson.dumps(shown)
        _put(body, listing.rows, shown)
        return orjson.dumps(body)


def fine_document(fine: Mapping[str, str]) -> dict[str, Any]:
    """What an answer says that is none of an error."""
    body: dict[str, Any] = {}
    for path, good in fine.items():
        _put(body, path, _typed(good))
    return body


def _columns(row: Any, columns: tuple[str, ...]) -> Any:
    if not isinstance(row, dict):
        return row
    return row.get(columns[0]) if len(columns) == 1 else [row.get(name) for name in columns]


def _strikes(base: str) -> Iterator[tuple[int, bool]]:
    step = 2_500 if base == "BTC" else 100
    middle = round(INDEX_START[base] / step) * step
    for away in (0, 1, -1, 2, -2, 3, -3):
        for call in (True, False):
            yield middle + away * step, call


def _perpetual(symbol: str) -> bool:
    return "perp" in symbol.lower()


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
    tick, lot, typical, weight = _STEPS[base]
    option = kind is InstrumentKind.OPTION
    carry = {InstrumentKind.PERPETUAL: PREMIUM}.get(kind, FUTURES_CARRY if day else 0.0)
    size = listing.contract_size
    return Instrument(
        symbol=symbol,
        kind=_KINDS[kind],
        base=base,
        quote=listing.currencies.get(quote, quote) or "USD",
        tick=_kept(listing.tick, Decimal("5") if option else Decimal(tick)),
        lot=_kept(listing.lot, Decimal("0.1") if option else Decimal(lot)),
        typical_lots=20 if option else typical,
        depth=20 if option else 300 if rank == 0 else 80,
        weight=weight / (1 + rank) ** 3,
        family=f"{base}-{quote or 'USD'}",
        expiry_ms=expiries.expiry_ms(day) if day else 0,
        strike=strike,
        call=call,
        contract_size=size if isinstance(size, Decimal) else Decimal(1),
        carry=carry,
    )


def _kept(step: object, usual: Decimal) -> Decimal:
    """The tick or lot: the venue's own where it is the same of all its instruments."""
    if isinstance(step, Decimals):
        return Decimal(1).scaleb(usual.adjusted())
    return step if isinstance(step, Decimal) else usual


# -- fields ---------------------------------------------------------------------------------------


def _put(row: Any, path: str, value: Any) -> None:
    """Set what a path leads to; a part that is read out of another field is not written."""
    if path.startswith("$") and path != "$row":
        return
    steps = path.split(".")
    for step, then in zip(steps, [*steps[1:], ""], strict=True):
        last = not then
        empty: Any = [] if then.isdigit() else {}
        if isinstance(row, list):
            row += [None] * (int(step) + 1 - len(row))
            if last:
                row[int(step)] = value
            elif row[int(step)] is None:
                row[int(step)] = empty
            row = row[int(step)]
        else:
            if last:
                row[step] = value
            row = row.setdefault(step, empty)


def _currency(row: Any, where: str | By, listing: Listing, text: str) -> None:
    own = {ours: theirs for theirs, ours in listing.currencies.items()}
    if isinstance(where, By):
        if text in where.words.values():
            _word(row, where, text)
        return
    text = own.get(text, text)
    _put(row, where, text.lower() if listing.capitals else text)


def _word(row: Any, by: By, meaning: object) -> None:
    for word, means in by.words.items():
        if means == meaning:
            _put(row, by.field, _typed(word))
            return
    if by.other != meaning:
        raise ValueError(f"{by.field}: no word for {meaning}")


def _typed(word: str) -> Any:
    """A word as it stands in JSON: not every one is a text."""
    return orjson.loads(word) if word in ("true", "false", "[]", "{}") else word


def _step(row: Any, step: object, value: Decimal) -> None:
    match step:
        case str():
            _put(row, step, f"{value:f}")
        case Decimals(field, less):
            places = _places(value)
            if Decimal(1).scaleb(-places) != value:
                raise ValueError(f"{field}: {value} is no power of ten")
            _put(row, field, places if less is None else less - places)
        case Product(fields):
            first, *others = [field for field in fields if not field[0].isdigit()]
            for field in fields:
                value /= Decimal(field) if field[0].isdigit() else 1
            _put(row, first, f"{value:f}")
            for field in others:
                _put(row, field, "1")
        case _ if step != value:
            raise ValueError(f"the venue has no field for {value}")


def _places(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _time(row: Any, where: str | Time, ms: int) -> None:
    field, unit = (where, "ms") if isinstance(where, str) else (where.field, where.unit)
    if unit == "iso":
        _put(row, field, f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%dT%H:%M:%S}.000Z")
    else:
        _put(row, field, ms * 10**6 // _UNITS[unit])
