"""The engine of a venue: its rules of continuity in the engine's terms."""

from feedhandler.adapter.venue import Base, Continuity, Venue
from feedhandler.engine import _engine
from shm._native import Writer

_RULES = {
    Continuity.NONE: _engine.RULE_NONE,
    Continuity.PREVIOUS: _engine.RULE_PREVIOUS,
    Continuity.RANGE: _engine.RULE_RANGE,
    Continuity.NEXT: _engine.RULE_NEXT,
}
_BASES = {
    Base.STREAM: _engine.BASE_STREAM,
    Base.REQUEST: _engine.BASE_REQUEST,
    Base.EVERY: _engine.BASE_EVERY,
}


def rules(venue: Venue) -> tuple[int, int]:
    """Its rule and its base, as the native engine numbers them."""
    return _RULES[venue.rule], _BASES[venue.base]


def make_engine(venue: Venue, writer: Writer, *, auto_add: bool = False) -> _engine.Engine:
    """The engine with the venue's rules. `auto_add`: unknown symbols are added as they come."""
    rule, base = rules(venue)
    return _engine.Engine(
        writer,
        venue.decoder,
        rule=rule,
        base=base,
        rest_join=venue.rest_join,
        checksum=venue.checksum,
        auto_add=auto_add,
    )
