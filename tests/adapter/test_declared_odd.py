"""Answers, lists and books with one odd element: understood or not, and no other is harmed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson
import pytest

from feedhandler.adapter.declared import DeclaredVenue
from feedhandler.adapter.listing import Listing
from feedhandler.adapter.venue import BookAnswer, ControlKind
from tests.adapter import declared_venues as pieces
from tests.venues.odd import ODD, REMOVED, assert_possible, said, variants, with_odd

VENUES = [pieces.Joined(), pieces.Each(), pieces.Listed(), pieces.Single(), pieces.Taught()]
ROWS: dict[str, tuple[tuple[Any, ...], Any]] = {
    "joined": (
        ("data",),
        {
            "symbol": "A-U",
            "baseCurrency": "A",
            "quoteCurrency": "U",
            "priceIncrement": "0.1",
            "baseIncrement": "1",
            "enableTrading": True,
        },
    ),
    "each": (
        ("result",),
        {
            "wsname": "A/U",
            "tick_size": "0.1",
            "lot_decimals": 8,
            "pair_decimals": 1,
            "status": "online",
        },
    ),
    "listed": (
        (),
        {
            "symbol": "A-U",
            "underlying": "A",
            "quoteCurrency": "U",
            "settlCurrency": "XBt",
            "tickSize": 0.5,
            "lotSize": 1,
            "typ": "FFWCSX",
            "state": "Open",
        },
    ),
    "single": (
        (),
        {
            "market_symbol": "au",
            "base_currency": "A",
            "counter_currency": "U",
            "counter_decimals": 2,
            "base_decimals": 3,
            "trading": "Enabled",
            "market_type": "SPOT",
        },
    ),
    "taught": ((0,), ["AUSD", [5, 8]]),
}
NAMES = {"joined": "symbol", "each": "wsname", "listed": "symbol", "single": "market_symbol"}
BOOKS = {
    "joined": {
        "code": "200000",
        "data": {"sequence": "5", "bids": [["1", "2"]], "asks": [["2", "3"]]},
    },
    "single": {"microtimestamp": "5", "bids": [["1", "2"], ["0.5", "2"]], "asks": [["2", "3"]]},
}


def name_of(venue: DeclaredVenue) -> str:
    return venue.name


@pytest.mark.parametrize("venue", VENUES, ids=name_of)
def test_an_answer_is_understood_or_makes_no_sense(venue: DeclaredVenue) -> None:
    asked = {5: ("trade:A", "trade:B")}
    for answer in venue.words.answers:
        frame = said(answer.sample)
        kinds = [one.kind for one in venue.control(orjson.dumps(frame), asked)]
        assert kinds[0] is answer.kind or answer.kind is ControlKind.REJECTED
        for _, _, odd in variants(frame):
            with suppress(ValueError):
                for control in venue.control(orjson.dumps(odd), asked):
                    assert all(isinstance(key, str) for key in control.keys)
                    assert isinstance(control.text, str)
                    assert 0 <= control.request_id < 1 << 31
                    assert 0 <= control.channel < 1 << 63
    for text in (b"", b"\xff", b"[]", b"{}", b"null", b"[" * 5000 + b"]" * 5000, b"nonsense"):
        with pytest.raises(ValueError, match="neither data nor an answer"):
            venue.control(text, asked)


def _document(venue: DeclaredVenue) -> tuple[Any, tuple[Any, ...]]:
    """A list of three, and where the one in the middle is."""
    path, row = ROWS[venue.name]
    every = []
    for letter in "ABC":
        text = orjson.dumps(row).decode()
        every.append(orjson.loads(text.replace('"A', f'"{letter}').replace('"au"', f'"{letter}u"')))
    rows: Any = every
    place: Any = 1
    if venue.name == "each":
        rows, place = dict(zip("ABC", every, strict=True)), "B"
    document = {"code": "200000", "error": [], path[0]: rows} if path else rows
    return ([rows] if path == (0,) else document), (*path, place)


@pytest.mark.parametrize("venue", VENUES, ids=name_of)
def test_a_row_costs_its_instrument_and_no_other(venue: DeclaredVenue) -> None:
    document, place = _document(venue)
    good = venue.parse_instruments(orjson.dumps(document))
    assert len(good) == 3
    row = document
    for key in place:
        row = row[key]
    others, kept = [good[0], good[2]], 0
    for where, what, odd in variants(row):
        found = venue.parse_instruments(orjson.dumps(with_odd(document, place, odd)))
        assert [spec for spec in found if spec in others] == others, (where, what)
        its = [spec for spec in found if spec not in others]
        for spec in its:
            kept += 1
            assert_possible(spec)
        meant = where not in (("typ",), ("market_type",))
        assert isinstance(found, Listing)
        assert its or found.broken or not meant, (where, what)
    assert kept
    for what in ODD:
        if what is not REMOVED:
            odd = with_odd(document, place, what)
            assert list(venue.parse_instruments(orjson.dumps(odd))) == others


@pytest.mark.parametrize("venue", [VENUES[0], VENUES[3]], ids=name_of)
def test_a_book_is_read_or_none(venue: DeclaredVenue) -> None:
    document = BOOKS[venue.name]
    assert venue.parse_book(orjson.dumps(document)).bids[0] == ("1", "2")
    for _, _, odd in variants(document):
        with suppress(ValueError):
            answer = venue.parse_book(orjson.dumps(odd))
            assert isinstance(answer, BookAnswer)
            assert 0 <= answer.sequence < 1 << 63
            assert all(isinstance(text, str) for level in answer.bids for text in level)
