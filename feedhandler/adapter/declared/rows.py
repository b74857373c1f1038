"""A row of a listing to an instrument, by the fields that are declared."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from feedhandler.adapter import names
from feedhandler.adapter.declared.listing import (
    Absolute,
    By,
    Decimals,
    First,
    Least,
    Listing,
    Product,
    Step,
    Time,
)
from feedhandler.adapter.declared.ticks import tick_bands
from feedhandler.adapter.row import Row, shown
from feedhandler.adapter.venue import ListedInstrument
from shm import ContractType, InstrumentKind, OptionType, Status

_UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_MOST_DECIMALS = 30
_NO_TIME = (None, "", 0, "0", -1, "-1")
_NEVER_NS = 4_102_444_800 * 10**9  # the year 2100: what venues write where there is no end


class _Left(Exception):  # noqa: N818
    """The row is none of those that are meant."""


class Fields:
    """A row, field by field. Raises ValueError that names a field which is not what it must be."""

    def __init__(self, row: Row, listing: Listing) -> None:
        self._row = dict(row.fields)
        self._listing = listing
        for name, pattern in listing.parts.items():
            text = self.text(name)
            found = re.fullmatch(pattern, text)
            if found is None:
                raise ValueError(f"{name}: {shown(text)}, not of the form {pattern}")
            self._row.update((f"${part}", value) for part, value in found.groupdict().items())

    def get(self, path: str) -> Any:
        """What is there; None for nothing."""
        return at(self._row, path)

    def text(self, path: str) -> str:
        value = self.get(path)
        if not isinstance(value, str) or not value:
            raise ValueError(f"{path}: {_had(value)}, not a text")
        return value

    def word(self, path: str) -> str:
        """A scalar as a word: true, false, 0, Trading; "" for nothing."""
        value = self.get(path)
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, str | int | float) else ""

    def number(self, path: str, *, signed: bool = False) -> Decimal:
        value = self.get(path)
        try:
            if value is None or value == "":
                raise ValueError
            number = names.decimal(value)
        except ValueError:
            raise ValueError(f"{path}: {_had(value)}, not a number") from None
        if number < 0 and not signed:
            raise ValueError(f"{path}: {_had(value)}, not a number of 0 or above")
        return number

    def whole(self, path: str, *, signed: bool = False) -> int:
        number = self.number(path, signed=signed)
        if number != int(number) or abs(number) > _MOST_DECIMALS:
            raise ValueError(f"{path}: {number}, not a number of decimals")
        return int(number)

    def step(self, step: Step) -> Decimal:
        match step:
            case Decimal():
                return step
            case Decimals(path, less):
                places = self.whole(path, signed=True)
                return Decimal(1).scaleb(places - less if less is not None else -places)
            case Absolute(path):
                return abs(self.number(path, signed=True))
            case First(steps):
                there = (self.step(one) for one in steps if self._is_there(one))
                return next((value for value in there if value), Decimal(0))
            case Least(fields):
                those = (self.number(one) for one in fields if self._is_there(one))
                return min((value for value in those if value), default=Decimal(0))
            case Product(fields):
                product = Decimal(1)
                for one in fields:
                    product *= Decimal(one) if one[0].isdigit() else self.number(one)
                return product
        return self.number(step)

    def _is_there(self, step: Step) -> bool:
        match step:
            case str(path) | Decimals(path) | Absolute(path):
                return self.get(path) not in (None, "")
        return True

    def rows(self, path: str) -> list[Row]:
        """A list of objects; empty where there is none."""
        return Row({path: self.get(path)}).rows(path)

    def meaning(self, by: By) -> Any:
        """Raises _Left for a word that means nothing to us."""
        found = by.words.get(self.word(by.field), by.other)
        if found is None:
            raise _Left
        return self.meaning(found) if isinstance(found, By) else found

    def currency(self, which: str | By) -> str:
        text = self.meaning(which) if isinstance(which, By) else self.text(which)
        text = self._listing.currencies.get(text, text)
        return text.upper() if self._listing.capitals else text

    def time_ns(self, time: str | Time, *, needed: bool) -> int:
        """0 where there is none, and need be none."""
        path, unit = (time, "ms") if isinstance(time, str) else (time.field, time.unit)
        value = self.get(path) if path else None
        if not needed and value in _NO_TIME:
            return 0
        try:
            ns = _iso(value) if unit == "iso" else int(names.decimal(value) * _UNITS[unit])
        except (ValueError, TypeError, OverflowError):
            raise ValueError(f"{path}: {_had(value)}, not a time") from None
        if ns <= 0:
            raise ValueError(f"{path}: {_had(value)}, not a time")
        return 0 if ns >= _NEVER_NS and not needed else ns


def instrument(
    row: Row, listing: Listing, statuses: Mapping[str, Status]
) -> ListedInstrument | None:
    """None for a row that is not meant. Raises ValueError that names what is wrong with it."""
    try:
        return _instrument(Fields(row, listing), listing, statuses)
    except _Left:
        return None


def wanted(row: Row, listing: Listing) -> bool:
    """Whether `only` and `but` let it pass: before anything else of it is looked at."""
    for path, words in listing.only.items():
        if _word(at(row.fields, path)) not in words:
            return False
    return all(_word(at(row.fields, path)) not in words for path, words in listing.but.items())


def _instrument(
    fields: Fields, listing: Listing, statuses: Mapping[str, Status]
) -> ListedInstrument:
    its = listing.kind
    kind: InstrumentKind = fields.meaning(its) if isinstance(its, By) else its
    base, quote = fields.currency(listing.base), fields.currency(listing.quote)
    dated = kind in (InstrumentKind.FUTURE, InstrumentKind.OPTION)
    expiry = fields.time_ns(listing.expiry, needed=dated)
    pair, name = f"{base}-{quote}", ""
    strike, option = Decimal(0), OptionType.NONE
    symbol = fields.text(listing.symbol)
    match kind:
        case InstrumentKind.SPOT:
            name = pair
        case InstrumentKind.PERPETUAL:
            name = names.perpetual(pair)
        case InstrumentKind.FUTURE:
            name = names.future(pair, expiry)
        case InstrumentKind.OPTION:
            strike = fields.number(listing.strike)
            said = listing.option
            if said is None or fields.word(said.field) not in said.words:
                raise ValueError(f"{said.field if said else ''}: neither a call nor a put")
            option = fields.meaning(said)
            name = names.option(pair, expiry, strike, option)
        case _:
            name = symbol
    settle = fields.currency(listing.settle) if _said(fields, listing.settle) else ""
    contract = _contract(fields, listing, kind, settle == base)
    status, stated = _status(fields, listing, statuses)
    tick = fields.step(listing.tick)
    return ListedInstrument(
        symbol=symbol,
        name=name,
        kind=kind,
        base=base,
        quote=quote,
        settle=settle or (base if contract is ContractType.INVERSE else quote),
        tick=tick,
        tick_bands=tick_bands(listing.bands, tick, fields.rows),
        lot=fields.step(listing.lot),
        contract_size=fields.step(listing.contract_size),
        contract_type=contract,
        strike=strike,
        expiry_ns=expiry,
        option=option,
        status=status,
        family=_family(fields, listing.family),
        index_name=_family(fields, listing.index_name),
        stated=stated,
        written=_written(fields, listing),
    )


def _said(fields: Fields, which: str | By) -> bool:
    return isinstance(which, By) or (which != "" and fields.get(which) is not None)


def _family(fields: Fields, family: str | By) -> str:
    if isinstance(family, By):
        return str(fields.meaning(family))
    return fields.word(family) if family else ""


def _status(fields: Fields, listing: Listing, statuses: Mapping[str, Status]) -> tuple[Status, str]:
    """Also the venue's word. What is no word of the venue's is never open."""
    status, word = Status.ACTIVE, ""
    if listing.status:
        word = fields.word(listing.status)
        status = names.status(statuses, word)
    for path, meaning in listing.flags.items():
        value = fields.get(path)
        if value is not None and not isinstance(value, bool):
            return Status.UNKNOWN, f"{path} {shown(value)}"
        if value and status is Status.ACTIVE:
            status, word = meaning, path
    return status, word


def _contract(
    fields: Fields, listing: Listing, kind: InstrumentKind, inverse: bool
) -> ContractType:
    if kind is InstrumentKind.SPOT:
        return ContractType.NONE
    if isinstance(listing.contract, By):
        said: ContractType = fields.meaning(listing.contract)
        return said
    if listing.contract is not None:
        return listing.contract
    return ContractType.INVERSE if inverse else ContractType.LINEAR


def _written(fields: Fields, listing: Listing) -> tuple[int, int] | None:
    if listing.written is None:
        return None
    price, size = (
        fields.whole(each.field if isinstance(each, Decimals) else each) for each in listing.written
    )
    return price, size


def entries(listing: Listing, document: Any) -> list[Any] | None:
    """The rows of an answer as objects; None: there are none where they should be."""
    if "*" in listing.rows:
        return _grouped(listing, document)
    rows = at(document, listing.rows) if listing.rows else document
    if isinstance(rows, dict) and isinstance(at(rows, listing.symbol), str):
        return [rows]  # one that was asked for alone
    if isinstance(rows, dict):
        return [
            {"$row": name, **row} if isinstance(row, dict) else row for name, row in rows.items()
        ]
    if not isinstance(rows, list):
        return None
    return _joined(listing, document, [_named(row, listing.columns) for row in rows])


def _grouped(listing: Listing, document: Any) -> list[Any] | None:
    """The rows of all groups."""
    front, _, behind = (path.strip(".") for path in listing.rows.partition("*"))
    groups = at(document, front) if front else document
    if not isinstance(groups, list):
        return None
    return [
        {"$outer": group, **row} if isinstance(row, dict) else row
        for group in groups
        if isinstance(rows := at(group, behind), list)
        for row in rows
    ]


def _joined(listing: Listing, document: Any, rows: list[Any]) -> list[Any]:
    """With the entries of other lists; a row whose entry is not there goes without."""
    for name, join in listing.joins.items():
        table = at(document, join.rows)
        found = table if isinstance(table, list) else []
        entries = {word: one for one in found if (word := _word(at(one, join.by)))}
        rows = [
            {**row, name: entry}
            if isinstance(row, dict) and (entry := entries.get(_word(at(row, join.field))))
            else row
            for row in rows
        ]
    return rows


def next_page(
    listing: Listing, document: Any, params: Mapping[str, str]
) -> Mapping[str, str] | None:
    """What the request for the next page has beside the others; None: this was the last.

    Raises ValueError for a cursor that is none.
    """
    pages = listing.pages
    found = entries(listing, document)
    if pages is None or not found:
        return None
    if not pages.cursor:
        before = int(params.get(pages.parameter, "0"))
        return {pages.parameter: str(before + len(found))} if len(found) >= pages.size else None
    cursor = at(document, pages.cursor)
    if cursor is None or cursor == "" or (pages.more and at(document, pages.more) is not True):
        return None
    if isinstance(cursor, bool) or not isinstance(cursor, str | int):
        raise ValueError(f"{pages.cursor}: {shown(cursor)}, not a text")
    text = unquote(str(cursor))  # some come as they are to stand in a URL
    return {pages.parameter: text} if params.get(pages.parameter) != text else None


def _named(row: Any, columns: Sequence[str]) -> Any:
    if not columns or isinstance(row, dict):
        return row
    values = row if isinstance(row, list) else [row]
    return dict(zip(columns, values, strict=False))


def at(value: Any, path: str) -> Any:
    """What is at a path of keys and places with dots between; of a list, `name=word` is the first
    one that says so, and `*` what the first has that has it. None for nothing."""
    steps = _steps(path)
    for number, step in enumerate(steps, 1):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, list) and "=" in step:
            name, _, word = step.partition("=")
            those = (one for one in value if isinstance(one, dict) and _word(one.get(name)) == word)
            value = next(those, None)
        elif isinstance(value, list) and step == "*":
            found = (at(one, ".".join(steps[number:])) for one in value)
            return next((one for one in found if one is not None), None)
        else:
            return None
    return value


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""


def _had(value: Any) -> str:
    return "missing" if value is None else shown(value)


def _iso(value: Any) -> int:
    """A time of ISO 8601, UTC where it names no other, in ns."""
    if not isinstance(value, str):
        raise ValueError("not a text")
    moment = datetime.fromisoformat(value)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 10**9 + moment.microsecond * 1000
