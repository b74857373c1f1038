"""Rows of a declared venue's list, made so that it reads them back, and the answers with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import orjson

from feedhandler.adapter.declared import (
    Absolute,
    By,
    Decimals,
    First,
    Least,
    Listing,
    Product,
    Steps,
    Time,
)
from feedhandler.sim.faults.terms import Terms
from feedhandler.sim.market.instrument import Instrument, Kind
from shm import ContractType, InstrumentKind, OptionType

KINDS: Final[Mapping[InstrumentKind, Kind]] = {
    InstrumentKind.SPOT: "spot",
    InstrumentKind.PERPETUAL: "perpetual",
    InstrumentKind.FUTURE: "future",
    InstrumentKind.OPTION: "option",
}
_UNITS: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def row(
    instrument: Instrument, listing: Listing, terms: Terms, word: str, begun: Mapping[str, Any]
) -> dict[str, Any]:
    """What the venue's list says of an instrument, under its names of the fields. `word`:
    for its status; `begun`: what stands there already. Raises ValueError for terms that it has no
    field for."""
    row: dict[str, Any] = dict(begun)
    for path, words in listing.only.items():
        _put(row, path, _typed(words[0]))
    for path in listing.flags:
        _put(row, path, False)
    for currency, text in ((listing.base, instrument.base), (listing.quote, instrument.quote)):
        _currency(row, currency, listing, text)
    if listing.settle:
        inverse = instrument.inverse or listing.contract is ContractType.INVERSE
        _currency(row, listing.settle, listing, instrument.base if inverse else instrument.quote)
    kind = next(one for one, word in KINDS.items() if word == instrument.kind)
    if isinstance(listing.kind, By):
        _word(row, listing.kind, kind)
    if isinstance(listing.contract, By):
        linear = ContractType.INVERSE if instrument.inverse else ContractType.LINEAR
        _word(row, listing.contract, linear, asked_for(listing, listing.contract))
    if instrument.strike:
        _put(row, listing.strike, str(instrument.strike))
        if listing.option is not None:
            _word(row, listing.option, OptionType.CALL if instrument.call else OptionType.PUT)
    end_ms = terms.end_ms or instrument.expiry_ms
    if end_ms and listing.expiry:
        _time(row, listing.expiry, end_ms)
    _step(row, listing.tick, Decimal(terms.tick or instrument.tick))
    if isinstance(listing.bands, Steps):
        _put(row, listing.bands.rows, _bands(listing.bands, instrument, terms))
    _step(row, listing.lot, Decimal(terms.lot or instrument.lot))
    _step(row, listing.contract_size, Decimal(terms.contract_size or instrument.contract_size))
    if listing.written is not None:
        for step, value in zip(listing.written, (instrument.tick, instrument.lot), strict=True):
            field = step.field if isinstance(step, Decimals) else step
            _put(row, field, _places(value))
    if isinstance(listing.family, By):
        _word(row, listing.family, instrument.family, asked_for(listing, listing.family))
    elif listing.family:
        _put(row, listing.family, instrument.family)
    if listing.index_name:
        _put(row, listing.index_name, instrument.index_name)
    if listing.status:
        _put(row, listing.status, _typed(terms.word or word))
    _put(row, listing.symbol, instrument.symbol)
    return row


def document(
    listing: Listing, rows: list[Any], cursor: str = "", more: bool = False, named: str = ""
) -> bytes:
    """The answer with these rows. `named`: the field that names each, where they are no list."""
    body: Any = [] if listing.rows[:1].isdigit() else fine_document(listing.fine)
    if listing.pages is not None and listing.pages.cursor:
        _put(body, listing.pages.cursor, cursor)
        if listing.pages.more:
            _put(body, listing.pages.more, more)
    if listing.having:
        _put(body, listing.having, {})
    if listing.symbol == "$row":
        shown: Any = {row.pop("$row"): row for row in rows if isinstance(row, dict) and row}
    elif named:
        shown = {str(_name(row, named, at)): row for at, row in enumerate(rows)}
    elif listing.columns:
        shown = [_columns(row, listing.columns) for row in rows]
    else:
        shown = [_apart(row, listing, body) for row in rows]
    if "*" in listing.rows:
        return orjson.dumps(_groups(shown, listing))
    if not listing.rows:
        return orjson.dumps(shown)
    _put(body, listing.rows, shown)
    return orjson.dumps(body)


def _name(row: Any, field: str, at: int) -> object:
    return row.get(field, at) if isinstance(row, dict) else at


def _apart(row: Any, listing: Listing, body: Any) -> Any:
    """The row with numbers for what stands in other lists; those are in the body from then on."""
    if not isinstance(row, dict):
        return row
    row = dict(row)
    for name, join in listing.joins.items():
        entry = row.pop(name, None)
        table = body.setdefault(join.rows, [])
        if not isinstance(table, list):
            table = body[join.rows] = []
        if not isinstance(entry, dict):
            continue
        alike = (one[join.by] for one in table if entry.items() <= one.items())
        number = next(alike, len(table))
        if number == len(table):
            table.append({join.by: number, **entry})
        _put(row, join.field, number)
    return row


def _groups(rows: list[Any], listing: Listing) -> list[Any]:
    """A list of groups at the top, each with its rows behind the `*`."""
    found: dict[bytes, tuple[dict[str, Any], list[Any]]] = {}
    for row in rows:
        own = dict(row) if isinstance(row, dict) else row
        outer = own.pop("$outer", {}) if isinstance(own, dict) else {}
        outer = outer if isinstance(outer, dict) else {}  # an odd row that was ordered
        found.setdefault(orjson.dumps(outer), (outer, []))[1].append(own)
    behind = listing.rows.partition("*.")[2]
    return [{**outer, behind: those} for outer, those in found.values()]


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


def _put(row: Any, path: str, value: Any) -> None:
    """Set what a path leads to; a part that is read out of another field is not written. What goes
    to a group or to another list stands in the row until the answer is made."""
    if path.startswith("$") and path != "$row" and "." not in path:
        return
    steps = path.split(".")
    for step, then in zip(steps, [*steps[1:], ""], strict=True):
        last = not then
        empty: Any = [] if then.isdigit() or "=" in then else {}
        if isinstance(row, list) and "=" in step:
            name, _, word = step.partition("=")
            if all(one.get(name) != word for one in row):
                row.append({name: word})
            row = next(one for one in row if one.get(name) == word)
        elif isinstance(row, list):
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


def asked_for(listing: Listing, by: object) -> str:
    """The word of which all rows of a list are, since the request asks for those; "": of any."""
    return listing.params.get(by.field, "") if isinstance(by, By) else ""


def _word(row: Any, by: By, meaning: object, asked: str = "") -> None:
    for word, means in by.words.items():
        inner = means if isinstance(means, By) and meaning in means.meanings() else None
        if (means == meaning or inner) and asked in ("", word):
            _put(row, by.field, _typed(word))
            if inner is not None:
                _word(row, inner, meaning)
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
        case First((str(empty), *rest)) if value in rest:
            _put(row, empty, "")  # what goes without it
        case First(steps):
            _step(row, steps[0], value)
        case Least(fields):
            for field in fields:
                _step(row, field, value)
        case Absolute(field):
            _put(row, field, f"{-value:f}")  # that it is below 0 says nothing
        case Decimals(field, less):
            places = _places(value)
            if Decimal(1).scaleb(-places) != value:
                raise ValueError(f"{field}: {value} is no power of ten")
            _put(row, field, places if less is None else less - places)
        case Product(fields):
            first, *others = [field for field in fields if not field[0].isdigit()]
            for field in fields:
                value /= Decimal(field) if field[0].isdigit() else 1
            for field in others:
                value /= Decimal(row.setdefault(field, "1") or 1)
            _put(row, first, f"{value:f}")
        case Decimal() if value % step:
            raise ValueError(f"the venue has no field for {value}")


def _bands(steps: Steps, instrument: Instrument, terms: Terms) -> list[dict[str, str]]:
    """Ticks by price. A tick that was ordered is one of all prices."""
    if instrument.band is None or terms.tick:
        return []
    above, tick = instrument.band
    return [{steps.above: f"{above:f}", steps.tick: f"{tick:f}"}]


def _places(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _time(row: Any, where: str | Time, ms: int) -> None:
    field, unit = (where, "ms") if isinstance(where, str) else (where.field, where.unit)
    if unit == "iso":
        _put(row, field, f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%dT%H:%M:%S}.000Z")
    else:
        _put(row, field, ms * 10**6 // _UNITS[unit])
