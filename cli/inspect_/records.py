"""Ring records in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from feedhandler import number_text
from feedhandler.view.believable import word

if TYPE_CHECKING:
    import numpy as np

    from shm._native import Instrument
    from shm.inspect import Memory

_COLOURS = {"bid": "green", "buy": "green", "ask": "red", "sell": "red"}


class Describer:
    """Turns slots of one memory into records as people and programs read them."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._known: dict[int, Instrument] = {}
        self._behind = {"price": 0, "size": 0}  # most characters from the point on, so far

    def _instrument(self, row: int) -> Instrument | None:
        segment = self._memory.segment
        known = self._known.get(row)
        if known is not None and not segment.changed(known):
            return known
        if row >= segment.instruments:
            return None
        self._known[row] = segment.instrument(row)
        return self._known[row]

    def record(self, slot: np.void) -> dict[str, Any]:
        """A record for programs: decimal strings, names instead of numbers, ns."""
        from shm.names import Flag, Kind

        instrument = self._instrument(int(slot["instrument"]))
        record: dict[str, Any] = {
            "sequence": int(slot["sequence"]),
            "venue": self._memory.venue,
            "instrument": instrument.symbol if instrument else None,
            "kind": word(Kind, int(slot["kind"])),
            "flags": [flag.name for flag in Flag if int(slot["flags"]) & flag],
            "exchange_ns": int(slot["exchange_ns"]),
            "receive_ns": int(slot["receive_ns"]),
            "publish_delta_ns": int(slot["publish_delta_ns"]),
            "venue_sequence": int(slot["venue_sequence"]),
        }
        return record | self._body(slot, instrument)

    def lined_up(self, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The same for people: prices of an instrument with one number of places, and sizes."""
        steps = {its.symbol: (its.tick, its.lot) for its in self._known.values()}
        found = [dict(record) for record in records]
        for name, which in (("price", 0), ("size", 1)):
            ours = defaultdict(list)
            for record in found:
                if record.get(name) is not None:
                    ours[record["instrument"]].append(record)
            for symbol, its in ours.items():
                texts = [record[name] for record in its]
                step = steps.get(symbol, (0.0, 0.0))[which]
                for record, text in zip(its, number_text.stepped(texts, step), strict=True):
                    record[name] = text
        return found

    def in_columns(self, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The same with blanks behind prices and sizes: their points stand below each other,
        whatever instruments they are of."""
        found = [dict(record) for record in records]
        for name in self._behind:
            ours = [record for record in found if record.get(name) is not None]
            texts = number_text.aligned([record[name] for record in ours], self._behind[name])
            for record, text in zip(ours, texts, strict=True):
                record[name] = text
                self._behind[name] = len(text) - len(text.rstrip().partition(".")[0])
        return found

    def _body(self, slot: np.void, instrument: Instrument | None) -> dict[str, Any]:
        from shm.names import Change, Kind, Reason, Stat, State, Status

        kind, side, aux = int(slot["kind"]), int(slot["side"]), int(slot["aux"])
        price, size = int(slot["price"]), int(slot["size"])
        if kind in (Kind.LEVEL, Kind.TRADE, Kind.LIQUIDATION, Kind.QUOTE):
            taker = kind in (Kind.TRADE, Kind.LIQUIDATION)
            sides = ("buy", "sell") if taker else ("bid", "ask")
            return {"side": sides[side & 1]} | _amounts(slot, instrument)
        if kind == Kind.STAT:
            value = number_text.decimal(price, size) if -40 < size < 40 else None
            return {"stat": word(Stat, aux).lower(), "value": value}
        if kind == Kind.STATE:
            body: dict[str, Any] = {"state": word(State, price), "reason": word(Reason, size)}
            return body | ({"connection": aux} if side else {})
        if kind == Kind.DEFINITION:
            changed = [change.name.lower() for change in Change if size & change and change.name]
            return {"definition": aux, "status": word(Status, price), "changed": changed}
        if kind == Kind.WRITER:
            return {"writer": "starts" if price else "stops"}
        return {}


def _amounts(slot: np.void, instrument: Instrument | None) -> dict[str, str | None]:
    from shm import NONE

    pair = int(slot["precision"]) & 7
    exponents = (
        (instrument.price_exponents[pair], instrument.size_exponents[pair])
        if instrument
        else (0, 0)
    )
    return {
        name: None if int(slot[name]) == NONE else number_text.decimal(int(slot[name]), exponent)
        for name, exponent in zip(("price", "size"), exponents, strict=True)
    }


_PRICE, _SIZE = 12, 14  # columns


def heading(*, timed: bool, wide: bool, digits: int = 8) -> str:
    """What stands in the columns of `line`."""
    clock = f"{'RECEIVED (UTC)':<15} " if timed else ""
    content = f"SIDE {'PRICE':>{_PRICE}} {'SIZE':>{_SIZE}}" if wide else "CONTENT"
    return f"{'SEQUENCE':>{digits}} {clock}{'INSTRUMENT':<19} {'KIND':<5} {'()':<2} {content}"


def line(
    record: Mapping[str, Any], *, timed: bool = True, wide: bool = True, digits: int = 8
) -> str:
    """A record for people, on one line. `wide`: prices and sizes in columns, over 80 characters;
    `digits`: of the sequence."""
    marks = "".join(mark for flag, mark in _MARKS if flag in record["flags"])
    clock = f"{number_text.clock(record['receive_ns'])} " if timed else ""
    return (
        f"{record['sequence']:>{digits}} {clock}{record['instrument'] or '-':<19} "
        f"{record['kind']:<5} {marks:<2} {_content(record, wide)}"
    ).rstrip()


_MARKS = (("FIRST", "("), ("LAST", ")"), ("SNAPSHOT", "S"), ("REPLAY", "R"), ("MORE", "+"))


def _content(record: Mapping[str, Any], wide: bool) -> str:
    kind = record["kind"]
    if "price" in record:
        side = click.style(f"{record['side']:4}", fg=_COLOURS[record["side"]])
        price, size = record["price"] or "-", record["size"] or "-"
        size = "removed" if kind == "LEVEL" and not size.strip("0. ") else size
        return f"{side} {price:>{_PRICE}} {size:>{_SIZE}}" if wide else f"{side} {price} {size}"
    if kind == "STAT":
        return f"{record['stat']} {record['value']}"
    if kind == "STATE":
        link = f"connection {record['connection']} " if "connection" in record else ""
        reason = "" if record["reason"] == "NONE" else f" {record['reason']}"
        return f"{link}{record['state']}{reason}"
    if kind == "DEFINITION":
        changed = ", ".join(record["changed"]) or "stated"
        return f"{record['status']} definition {record['definition']}: {changed}"
    return str(record.get("writer", ""))
