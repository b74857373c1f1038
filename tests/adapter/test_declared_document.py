"""The venue that docs/venues.md goes through works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import orjson

from feedhandler.adapter.engine import make_engine
from feedhandler.adapter.venue import ControlKind
from feedhandler.venues import outside
from shm import State, segment

DOCUMENT = Path(__file__).parents[2] / "docs" / "venues.md"


def test_the_venue_of_the_document_works(tmp_path: Path, namespace: str) -> None:
    found = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None
    path = tmp_path / "mine.py"
    path.write_text(found[1])
    venue = outside.in_file(path)["mine"]()

    row = {"symbol": "A-U", "base": "A", "quote": "U", "priceStep": "0.1", "sizeStep": "1"}
    (spec,) = venue.parse_instruments(orjson.dumps({"data": [{**row, "trading": True}]}))
    keys = venue.keys(spec, venue.channels)
    asked = orjson.loads(venue.subscribe(keys[:1], 3))
    assert asked == {"id": asked["id"], "type": "subscribe", "topic": "/book:A-U"}
    (taken,) = venue.control(orjson.dumps({"id": asked["id"], "type": "ack"}), {3: keys[:1]})
    assert (taken.kind, taken.keys) == (ControlKind.ACK, ("/book:A-U",))

    held = segment.create("mine", namespace=namespace)
    try:
        engine = make_engine(venue, held.writer)
        instrument = engine.add_instrument("A-U", price_exponent=-1)
        connection = engine.connection(0)
        delta = {"from": 6, "to": 7, "at": 1, "bids": [["1.1", "4"]], "asks": []}
        connection.feed(orjson.dumps({"topic": "/book:A-U", "data": delta}))
        base = {"number": 5, "bids": [["1.0", "2"]], "asks": [["1.2", "3"]]}
        engine.snapshot(instrument, orjson.dumps({"data": base}))
        assert engine.state(instrument)[0] == State.LIVE
    finally:
        held.close()
