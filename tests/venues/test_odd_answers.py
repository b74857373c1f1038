"""One odd element costs what it is in, and nothing else: lists of instruments and books, with every
element replaced by null, "", 0, -1, what is huge or of another type, or gone."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import orjson
import pytest

from feedhandler import venues
from feedhandler.adapter.declared import By, DeclaredVenue
from feedhandler.adapter.declared.rows import at
from feedhandler.adapter.engine import make_engine
from feedhandler.adapter.listing import Listing
from feedhandler.adapter.request import Request
from feedhandler.adapter.venue import ListedInstrument, Venue
from feedhandler.config.keys import VenueConfig
from feedhandler.instruments.listing import Lister, list_instruments
from feedhandler.instruments.universe import Universe, add_instrument
from feedhandler.io_process.roster import Roster
from feedhandler.sim.runner import SimEndpoint
from shm import Status, segment
from tests.venues.odd import ODD, REMOVED, Nobody, Path, assert_possible, paths, variants, with_odd

VENUES = venues.names()
ROWS = {
    "deribit": ("result",), "okx": ("data",),
    "bybit-linear": ("result", "list"), "bybit-spot": ("result", "list"),
}  # fmt: skip
#: fields by which a row may be said to be of a kind that is of no concern
KINDS: set[Path] = {("kind",), ("instType",)}
SHORT = 4  # rows of a list are enough


def fetched(endpoint: SimEndpoint, venue: Venue, request: Request) -> bytes:
    base = endpoint.rest_url + urlsplit(venue.rest_url).path.rstrip("/")
    posted = request.posted
    asked = HttpRequest(
        f"{base}{request.path}?{urlencode(request.params)}",
        data=None if posted is None else posted.encode(),
        headers={"Content-Type": "application/json", **venue.rest_headers},
    )
    with urlopen(asked) as answer:
        body: bytes = answer.read()
    return body


def lists(venue: Venue, endpoint: SimEndpoint) -> list[Any]:
    """The venue's answers, with a few rows in each: of every kind that it lists."""
    found = []
    wanted = [*venue.default_instruments, "*", "option:BTC-USD:*"]
    ticks = venue.ticks.path if isinstance(venue, DeclaredVenue) and venue.ticks else ""
    for request in venue.instrument_requests(wanted):
        if request.path == ticks:  # tests/instruments/test_ticks_apart.py
            continue
        body = fetched(endpoint, venue, request)
        document = json.loads(body)
        if isinstance(document, list) and all(isinstance(row, str) for row in document):
            more = venue.follow_up(wanted, request, body)[:SHORT]  # names, and a row each
            document = [json.loads(fetched(endpoint, venue, one)) for one in more]
        if shortened(venue, document, SHORT):
            found.append(document)
    return found


def rows_path(venue: Venue, document: Any) -> Path:
    """Where a list has its rows."""
    if not isinstance(venue, DeclaredVenue):
        return ROWS[venue.name]
    its = next(
        one for one in venue.listings if not one.having or at(document, one.having) is not None
    )
    names = its.rows.replace("*", "0").split(".")  # the first group
    return tuple(int(key) if key.isdigit() else key for key in names if key)


def kinds(venue: Venue) -> set[Path]:
    """The fields by which a row may be said to be of no concern."""
    if not isinstance(venue, DeclaredVenue):
        return KINDS
    fields: list[str] = []
    for its in venue.listings:
        said = (its.kind, its.base, its.quote, its.settle, its.contract, its.option)
        fields += [one.field for one in said if isinstance(one, By)]
        fields += [*its.only, *its.but]
    return {tuple(int(key) if key.isdigit() else key for key in one.split(".")) for one in fields}


def ends(venue: Venue, where: Path, what: object) -> bool:
    """Whether that is a word of the venue for what is not traded any more."""
    if not isinstance(venue, DeclaredVenue):
        return False
    status = {one.status for one in venue.listings}
    said = ".".join(map(str, where)) in status
    return said and venue.statuses.get(str(what)) is Status.EXPIRED


def rows_in(venue: Venue, document: Any) -> Any:
    """A list, or an object with rows by their names."""
    for key in rows_path(venue, document):
        document = document[key]
    return document


def rows_of(venue: Venue, document: Any) -> list[Any]:
    rows = rows_in(venue, document)
    return list(rows.values()) if isinstance(rows, dict) else list(rows)


def place(venue: Venue, document: Any, number: int) -> Path:
    """Where a row is."""
    rows = rows_in(venue, document)
    key = list(rows)[number] if isinstance(rows, dict) else number
    return (*rows_path(venue, document), key)


def shortened(venue: Venue, document: Any, most: int) -> bool:
    """Leave the first rows, of instruments; False: it has none."""
    rows = rows_in(venue, document)
    for key in list(rows)[most:] if isinstance(rows, dict) else ():
        del rows[key]
    if isinstance(rows, list):
        del rows[most:]
    return any(isinstance(row, dict | list) for row in rows_of(venue, document))


def trimmed(document: Any, most: int) -> None:
    """Leave no list longer than that."""
    if isinstance(document, list):
        del document[most:]
    for one in document.values() if isinstance(document, dict) else document:
        if isinstance(one, dict | list):
            trimmed(one, most)


def listed(venue: Venue, document: Any) -> list[ListedInstrument]:
    return venue.parse_instruments(orjson.dumps(document))


@pytest.mark.parametrize("name", VENUES)
def test_a_row_costs_its_instrument_and_no_other(
    name: str, sims: dict[str, SimEndpoint], namespace: str
) -> None:
    venue = venues.load(name)
    held = segment.create(name, namespace=namespace, instruments=20_000)
    kept = 0
    try:
        engine = make_engine(venue, held.writer)
        for document in lists(venue, sims[name]):
            good = listed(venue, document)
            assert len(good) == len(rows_of(venue, document)) >= 2
            row = rows_of(venue, document)[1]
            others = [good[0], *good[2:]]
            for where, what, odd in variants(row):
                holder = with_odd(document, place(venue, document, 1), odd)
                found = listed(venue, holder)
                assert isinstance(found, Listing)
                its = [spec for spec in found if spec not in others]
                assert [spec for spec in found if spec in others] == others, (where, what)
                assert len(its) <= 1
                if its:
                    kept += 1
                    assert_possible(its[0])
                    add_instrument(engine, its[0])
                elif len(found) == len(others) and (*where,) not in kinds(venue):
                    # Left out is said, unless it now is another's twin.
                    assert found.broken or odd in rows_of(venue, document), (where, what)
            for what in ODD:  # no row at all
                if what is not REMOVED:
                    odd = with_odd(document, place(venue, document, 1), what)
                    assert listed(venue, odd) == others
        assert kept
    finally:
        held.close()


@pytest.mark.parametrize("name", VENUES)
def test_a_running_feed_carries_on_what_it_carries(
    name: str, sims: dict[str, SimEndpoint], namespace: str
) -> None:
    """With every odd list as a refresh of its own, and the good one again after it."""
    venue = venues.load(name)
    document = lists(venue, sims[name])[0]
    good, answers = listed(venue, document), Answers(orjson.dumps(document))
    wanted = tuple(spec.symbol for spec in good)
    config = VenueConfig(instruments=wanted, ws_url="ws://x", rest_url="http://x")

    async def main() -> None:
        engine, universe = make_engine(venue, held.writer), Universe(venue, config.channels)
        lister = Lister(venue, answers, wanted, random.Random(1), 3600.0)
        roster = Roster(venue, config, engine, universe, lister, Nobody())
        roster.start(good)

        async def refreshed(body: bytes) -> None:
            answers.body = body
            with suppress(ValueError):
                roster.refreshed(await lister.list(wanted))

        for where, what, odd in variants(rows_of(venue, document)[0]):
            if ends(venue, where, what):
                continue
            await refreshed(orjson.dumps(with_odd(document, place(venue, document, 0), odd)))
            carried = list(universe)[: len(good)]  # behind them what an odd row made of it, if any
            first, *others = carried
            assert not any(tracked.closed for tracked in carried), (where, what)
            assert [tracked.spec for tracked in others] == good[1:], (where, what)
            await refreshed(orjson.dumps(document))
            assert first.spec == good[0], (where, what)

    held = segment.create(name, namespace=namespace)
    try:
        asyncio.run(main())
    finally:
        held.close()


class Answers:
    """Whoever is asked: one answer to everything, then lists as they are."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.asked = 0

    async def get(self, _: Request) -> bytes:
        self.asked += 1
        return self.body


@pytest.mark.parametrize("name", VENUES)
def test_a_list_is_one_or_says_why_not(name: str, sims: dict[str, SimEndpoint]) -> None:
    venue = venues.load(name)
    for document in lists(venue, sims[name]):
        shortened(venue, document, 1)
        first = place(venue, document, 0)
        outside = [path for path in paths(document) if path[: len(first)] != first]
        for path in outside:
            for what in ODD:
                body = orjson.dumps(with_odd(document, path, what))
                with suppress(ValueError):  # and nothing else: captures are read like this
                    venue.parse_instruments(body)
                answers = Answers(body)
                assert len(problem(venue, answers)) < 500, "it is to be read"
                assert answers.asked <= 5 * len(venue.instrument_requests(["*"]))
    for body in (
        b"[" + b"0," * 3_000_000 + b"0]",
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"x"',
        b"[" * 5000,
        b'{"result":' * 5000,
        b"\xff\xfe",
    ):
        assert problem(venue, Answers(body))


def problem(venue: Venue, answers: Answers) -> str:
    """Why it is no list; empty if it is one."""
    try:
        asyncio.run(list_instruments(venue, answers, ["*"]))
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", VENUES)
def test_a_book_that_was_asked_for_is_one_or_says_why_not(
    name: str, sims: dict[str, SimEndpoint], namespace: str
) -> None:
    venue = venues.load(name)
    (listed_first, *_) = listed(venue, lists(venue, sims[name])[0])
    request = venue.book_request(listed_first.symbol)
    if request is None or venue.socket_books:
        pytest.skip("no book is asked for over HTTP")
    document = json.loads(fetched(sims[name], venue, request))
    trimmed(document, 4)  # levels, and what one has, are enough
    held = segment.create(name, namespace=namespace)
    try:
        engine = make_engine(venue, held.writer)
        instrument = add_instrument(engine, listed_first)
        for _, _, odd in variants(document):
            body = orjson.dumps(odd)
            engine.snapshot(instrument, body)
            engine.snapshot(instrument, body, polled=True)
            with suppress(ValueError):
                book = venue.parse_book(body)
                assert isinstance(book.sequence, int)
                for at, size in (*book.bids, *book.asks):
                    assert isinstance(at, str)
                    assert isinstance(size, str)
    finally:
        held.close()
