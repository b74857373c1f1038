"""Over all venues: what a list says in a word that is none of the venue's is never open."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from feedhandler import venues
from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.adapter.declared.rows import at
from feedhandler.adapter.venue import ListedInstrument
from feedhandler.sim.runner import SimEndpoint
from shm import Status
from tests.venues.test_contracts import singles
from tests.venues.test_odd_answers import lists, place, rows_of

ODD: tuple[Any, ...] = (
    "",
    "Open!",
    "LIVE",
    "closed?",
    0,
    1,
    2,
    -1,
    1.5,
    None,
    True,
    False,
    [],
    {},
    ["Trading"],
)
#: their lists say nothing of a status: what is listed is open, or is not listed
SILENT = {"bitfinex", "hyperliquid"}


def word(value: Any) -> str:
    """As a declaration writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def said(venue: DeclaredVenue, document: Any, field: str, number: int, value: Any) -> Any:
    """The list with another value in a row's field, and the row's place in it."""
    changed = orjson.loads(orjson.dumps(document))
    row = changed
    for key in () if "symbol" in document else place(venue, changed, number):
        row = row[key]
    *outer, last = field.split(".")
    for key in outer:
        row = row[key]
    row[last] = value
    return changed


def parsed(venue: DeclaredVenue, document: Any) -> list[ListedInstrument]:
    return venue.parse_instruments(orjson.dumps(document))


@pytest.mark.parametrize("name", venues.names())
def test_no_word_but_the_venues_own_opens_anything(name: str, sims: dict[str, SimEndpoint]) -> None:
    venue = venues.load(name)
    assert isinstance(venue, DeclaredVenue)
    fields = {its.status for its in venue.listings if its.status}
    flags = {flag for its in venue.listings for flag in its.flags}
    assert bool(fields) == (name not in SILENT)
    tried = 0
    for document in lists(venue, sims[name]) or singles(venue, sims[name]):
        row = document if "symbol" in document else rows_of(venue, document)[0]
        good = {one.symbol: one for one in parsed(venue, document)}
        for field in sorted(fields | flags):
            if not isinstance(row, dict) or at(row, field) is None:
                continue
            for value in ODD:
                flag = field in flags
                if (word(value) in venue.statuses and not flag) or (flag and not value):
                    continue
                its = [
                    one
                    for one in parsed(venue, said(venue, document, field, 0, value))
                    if good.get(one.symbol) != one
                ]
                for one in its:  # or it was left out
                    assert one.status is not Status.ACTIVE, (field, value)
                    assert flag or one.status is Status.UNKNOWN, (field, value)
                    assert flag or not one.active
                tried += bool(its)
    assert tried or name == "bitfinex"


@pytest.mark.parametrize("name", venues.names())
def test_words_of_a_venue_open_only_what_they_say(name: str) -> None:
    """Of its words hardly any means open, and one at least means that it is not."""
    meanings = list(venues.load(name).statuses.values())
    if name in SILENT:
        assert meanings == []
        return
    assert 1 <= meanings.count(Status.ACTIVE) <= 2
    assert any(each is not Status.ACTIVE for each in meanings)
    assert Status.UNKNOWN not in meanings
