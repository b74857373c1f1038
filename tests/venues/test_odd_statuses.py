"""What streams say of instruments, with one element that is not what it was: nothing dies, nobody
else is touched, and nothing is open by mistake."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any, cast

import pytest

from feedhandler import venues
from feedhandler.adapter.engine import make_engine
from feedhandler.adapter.venue import ControlKind
from feedhandler.config.keys import VenueConfig
from feedhandler.engine import _engine
from feedhandler.instruments.listing import Lister
from feedhandler.instruments.universe import Universe
from feedhandler.io_process.roster import Roster
from shm import Status, segment
from tests.venues.entries import deribit_notice, listed
from tests.venues.odd import Nobody, assert_possible, variants

LIVE = {"deribit": "open", "okx": "live"}


def said(venue: str, entry: dict[str, Any], word: str) -> dict[str, Any]:
    if venue == "okx":
        arg = {"channel": "instruments", "instType": "SPOT"}
        return {"arg": arg, "data": [entry | {"state": word}]}
    data = {"timestamp": 1, "state": word, "instrument_name": entry["instrument_name"]}
    return deribit_notice("instrument.state.future.any", data)


@pytest.mark.parametrize("venue", LIVE)
def test_one_odd_element_harms_nobody(venue: str, namespace: str) -> None:
    entry, _, body = listed(venue)
    name = "instId" if venue == "okx" else "instrument_name"
    facts = venues.load(venue)
    rows = body([entry, entry | {name: "OTHER-USDT"}])
    specs = facts.parse_instruments(json.dumps(rows).encode())
    config = VenueConfig(instruments=("*",), ws_url="ws://x", rest_url="http://x", directory_rows=8)

    async def main(held: segment.WriterSegment) -> None:
        engine = make_engine(facts, held.writer)
        universe = Universe(facts, config.channels)
        lister = Lister(facts, cast(Any, None), ("*",), random.Random(1))
        roster = Roster(facts, config, engine, universe, lister, cast(Any, Nobody()))
        roster.start(specs)
        subject, other = (universe.by_symbol[spec.symbol] for spec in specs)
        frame = said(venue, entry, "suspend" if venue == "okx" else "locked")
        heard = 0
        for path, value, odd in variants(frame):
            bits = engine.connection(0).feed(json.dumps(odd).encode())
            if not bits & _engine.CONTROL:
                continue
            try:
                controls = facts.control(json.dumps(odd).encode(), {})
            except ValueError:
                continue
            for control in controls:
                if control.kind is ControlKind.STATED:
                    roster.terms.stated(control.stated)
                    heard += 1
            where = f"{path} = {str(value)[:30]!r}"
            assert engine.status(other.id) == Status.ACTIVE, where
            assert other.spec == specs[1], where
            assert_possible(subject.spec)
            if subject.stated_ns:  # what it was told of, it was not told that it is open
                assert engine.status(subject.id) != Status.ACTIVE, where
        assert heard > 10
        controls = facts.control(json.dumps(said(venue, entry, LIVE[venue])).encode(), {})
        roster.terms.stated(controls[0].stated)
        assert engine.status(subject.id) == Status.ACTIVE

    with segment.create(venue, namespace=namespace, instruments=8) as held:
        asyncio.run(main(held))
