"""Venues that are declared, served from their declarations alone: what comes is judged by readers
in plain Python and Decimal that know nothing of the declarations."""

from __future__ import annotations

from decimal import Decimal

import pytest

from feedhandler.adapter.pattern import Pattern
from feedhandler.adapter.venue import ControlKind
from tests.sim.declared_reader import OURS, READABLE, declared, listed, reading, run, served
from tests.sim.declared_venues import VENUES

readable = pytest.mark.parametrize("name", READABLE)


@readable
def test_a_book_is_the_markets(name: str) -> None:
    """From the base on, through hundreds of changes, for two instruments in one request."""

    async def main() -> None:
        async with served(name, depth=80, checksums=True) as sim, reading(sim) as reader:
            venue = reader.venue
            await sim.step(300)
            symbols = list(sim.server.market.instruments)[:2]
            specs = {one.symbol: one for one in await listed(sim, venue)}
            keys = [key for one in symbols for key in venue.keys(specs[one], ["book"])]
            await reader.subscribe(keys)
            while sum(kind is ControlKind.ACK for kind, _ in reader.controls) < 1:
                await reader.take()
            if venue.snapshot_request(symbols[0]) is not None:
                for symbol in symbols:
                    await reader.base_in_stream(symbol)
            for _ in range(4):
                await sim.step(100)
                for symbol in symbols:
                    await reader.until_level(symbol)
            if venue.checksum is not None:
                assert reader.reference.checksums > 50

    run(main())


@pytest.mark.parametrize("name", [*VENUES, *OURS])
def test_the_list_reads_back_as_the_instruments_that_there_are(name: str) -> None:
    async def main() -> None:
        async with served(name) as sim:
            read = {one.symbol: one for one in await listed(sim, declared(name))}
            instruments = sim.server.market.instruments
            listing = declared(name).listings[0]
            assert read.keys() == instruments.keys()
            rules = map(Pattern.parse, declared(name).default_instruments)
            assert {one.glob for one in rules if one.exact} <= read.keys()
            for symbol, one in instruments.items():
                its = read[symbol]
                assert its.kind.name.lower() == one.kind
                assert its.base == one.base
                for listed_as, step, kind in (
                    (its.tick, one.tick, listing.tick),
                    (its.lot, one.lot, listing.lot),
                ):
                    # One for all instruments is the finest.
                    assert step % listed_as == 0 if isinstance(kind, Decimal) else step == listed_as
                assert its.expiry_ns == one.expiry_ms * 1_000_000
                assert its.strike == Decimal(one.strike)
                assert its.active

    run(main())
