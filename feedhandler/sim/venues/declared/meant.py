"""Which faults cannot be meant for a declared venue, and why: said once, when they are ordered.

Whatever is not here works, or is refused for what its own keys say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.adapter.venue import Base, Continuity, ControlKind
from feedhandler.sim.faults.order import Order
from feedhandler.sim.venues.declared.words import Talk

_NUMBERED = (Continuity.RANGE, Continuity.PREVIOUS, Continuity.NEXT)


@dataclass(frozen=True)
class Abilities:
    """What a venue can say, as far as faults need it. `counted`: its connections count messages;
    `unlisted`: why its list cannot say what an order wants, "" if it can."""

    venue: DeclaredVenue
    talk: Talk
    counted: bool
    far_keys: bool
    unlisted: Callable[[Order], str]
    status_stream: bool

    @property
    def proves(self) -> bool:
        """Whether a client can see that a book's message is missing, or need not."""
        venue = self.venue
        return (
            self.counted
            or venue.rule in _NUMBERED
            or venue.checksum is not None
            or venue.base is Base.EVERY
        )

    @property
    def asked_for(self) -> bool:
        """Whether books can be asked for."""
        return self.venue.book is not None


def unmeant(order: Order, can: Abilities) -> str:
    """Why an order is none for this venue; "" if it is."""
    rule = _RULES.get(order.kind)
    return rule(order, can) if rule is not None else ""


def _unseen(_: Order, can: Abilities) -> str:
    if can.proves:
        return ""
    return f"nothing that {can.venue.name} sends can prove it: books would be wrong for good"


def _crossed(_: Order, can: Abilities) -> str:
    return f"clients of {can.venue.name} uncross its books" if can.venue.uncrosses else ""


def _checksum(_: Order, can: Abilities) -> str:
    return "" if can.venue.checksum is not None else "its books come without checksums"


def _renumber(_: Order, can: Abilities) -> str:
    if can.venue.rule not in _NUMBERED:
        return "its books have no numbers that could begin anew"
    return "" if can.venue.base is Base.STREAM else "its stream has no snapshots that could say so"


def _far(_: Order, can: Abilities) -> str:
    return "" if can.far_keys else "its messages have no numbers under a key"


def _stale(order: Order, can: Abilities) -> str:
    where = order.values["where"]
    if where == "rest" or can.venue.base is not Base.STREAM:
        return "" if can.asked_for else "its books cannot be asked for"
    return _unseen(order, can)


def _foreign(_: Order, can: Abilities) -> str:
    return "" if can.asked_for else "its books cannot be asked for"


def _no_snapshot(_: Order, can: Abilities) -> str:
    return "" if can.venue.base is Base.STREAM else "its stream has no snapshots"


def _refusal(_: Order, can: Abilities) -> str:
    kinds = (ControlKind.REJECTED, ControlKind.ERROR)
    return "" if any(map(can.talk.has, kinds)) else "no words for a refusal are declared"


def _spoiled(_: Order, can: Abilities) -> str:
    return "" if can.talk.naming_none() else "its refusals always name what is refused"


def _restate(order: Order, can: Abilities) -> str:
    if order.values["signs"] == "stream" and not can.status_stream:
        return "its stream says nothing of the terms of instruments"
    return can.unlisted(order)


_RULES: Mapping[str, Callable[[Order, Abilities], str]] = {
    "gap": _unseen,
    "reorder": _unseen,
    "crossed": _crossed,
    "bad_checksum": _checksum,
    "renumber": _renumber,
    "far": _far,
    "stale": _stale,
    "foreign": _foreign,
    "no_snapshot": _no_snapshot,
    "error_reply": _refusal,
    "spoiled": _spoiled,
    "restate": _restate,
    "redefine": _restate,
    "delist_at": _restate,
}
