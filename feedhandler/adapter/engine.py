"""The engine of a venue: its rules of continuity in the engine's terms."""

from feedhandler.adapter.checksum import Checksum, Number, Order
from feedhandler.adapter.venue import Base, Continuity, Venue
from feedhandler.engine import _engine
from shm._native import Writer

_RULES = {
    Continuity.NONE: _engine.RULE_NONE,
    Continuity.PREVIOUS: _engine.RULE_PREVIOUS,
    Continuity.RANGE: _engine.RULE_RANGE,
    Continuity.NEXT: _engine.RULE_NEXT,
    Continuity.TIME: _engine.RULE_TIME,
}
_BASES = {
    Base.STREAM: _engine.BASE_STREAM,
    Base.REQUEST: _engine.BASE_REQUEST,
    Base.EVERY: _engine.BASE_EVERY,
}
_ORDERS = {
    Order.PAIRS: _engine.CHECKSUM_PAIRS,
    Order.ASKS: _engine.CHECKSUM_ASKS,
    Order.BIDS: _engine.CHECKSUM_BIDS,
}
_NUMBERS = {
    Number.PLAIN: _engine.NUMBER_PLAIN,
    Number.WRITTEN: _engine.NUMBER_WRITTEN,
    Number.DIGITS: _engine.NUMBER_DIGITS,
    Number.SCRIPT: _engine.NUMBER_SCRIPT,
}


def rules(venue: Venue) -> tuple[int, int]:
    """Its rule and its base, as the native engine numbers them."""
    return _RULES[venue.rule], _BASES[venue.base]


def checksum_rule(checksum: Checksum | None) -> "_engine.ChecksumRule | None":
    """What a venue declares, as the native engine has it."""
    if checksum is None:
        return None
    return (
        checksum.levels,
        _ORDERS[checksum.order],
        _NUMBERS[checksum.number],
        checksum.separator,
        checksum.signed_asks,
        checksum.signed,
    )


def make_engine(
    venue: Venue, writer: Writer, *, auto_add: bool = False, replay: bool = False
) -> _engine.Engine:
    """The engine with the venue's rules.

    `auto_add`: unknown symbols are added as they come. `replay`: its records say so.
    """
    rule, base = rules(venue)
    return _engine.Engine(
        writer,
        venue.decoder,
        rule=rule,
        base=base,
        rest_join=venue.rest_join,
        checksum=checksum_rule(venue.checksum),
        window=venue.window,
        auto_add=auto_add,
        replay=replay,
    )
