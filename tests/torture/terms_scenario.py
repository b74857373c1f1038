"""An engine that changes an instrument's terms, between books that say under which they came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedhandler import venues
from feedhandler.engine import _engine
from shm import segment
from tests.engine.terms_play import OTHER, SYMBOL, VENUE, play, show

if TYPE_CHECKING:
    from tests.torture.scenarios import Context

SEED, CHANGES = 3, 4
TERMS = play(SEED, CHANGES)


def change_terms(context: Context) -> None:
    """One definition after the other, then as it is told."""
    owner = segment.create(
        VENUE, namespace=context.namespace, instruments=4, depth=3, ring_slots=256
    )
    engine = _engine.Engine(
        owner.writer,
        venues.load(VENUE).decoder,
        rule=_engine.RULE_PREVIOUS,
        base=_engine.BASE_STREAM,
        checksum=None,
    )
    engine.add_instrument(SYMBOL, price_exponent=-2, size_exponent=-2, **TERMS[0])
    engine.add_instrument(OTHER, price_exponent=-2, size_exponent=-2)
    show(engine, SYMBOL, 101, 1)
    show(engine, OTHER, 101, 7)
    context.ask({"epoch": owner.epoch})
    context.arm()
    for number, terms in enumerate(TERMS[1:], 2):
        engine.redefine(0, **terms)
        show(engine, SYMBOL, 100 + number, number)
    context.off()
    context.ask({"published": owner.writer.published})
    owner.close()
