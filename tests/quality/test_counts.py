"""What quality counts equals what the simulator knows, message by message: each fault that costs a
book something, at venues of each form in which books are numbered, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

import pytest

from feedhandler import venues
from feedhandler.adapter.venue import Base, Continuity
from feedhandler.sim.faults.order import FaultError
from shm import Reason
from tests.quality.stepped import Counts, Link, Stepped, stepped

_NUMBERED: Final = (Continuity.NEXT, Continuity.RANGE, Continuity.PREVIOUS)
_NOTHING, _UNKNOWN = Counts(0, 0, 0), Counts(1, 0, 1)
Play = Callable[[Stepped], Counts]
PLAYS: dict[str, Play] = {}


def play(what: Play) -> Play:
    """One of those that each venue goes through; it says what is to be counted."""
    PLAYS[what.__name__] = what
    return what


def counted(feed: Stepped) -> bool:
    """Whether connections count their messages."""
    return feed.server.counter is not None


def holes(feed: Stepped, numbers: int, holes: int | None = None) -> Counts:
    """Of so many holes, or those that the simulator has made."""
    holes = feed.holes if holes is None else holes
    rule = feed.venue.rule
    if counted(feed) or rule in (Continuity.NEXT, Continuity.RANGE):
        return Counts(holes, numbers, 0)
    return Counts(holes, 0, holes) if rule is Continuity.PREVIOUS else _NOTHING


def unknown(feed: Stepped) -> Counts:
    """One hole, and nobody can say of what, where books have numbers."""
    return _UNKNOWN if feed.venue.rule in _NUMBERED else _NOTHING


def _lost(feed: Stepped, kind: str, count: int = 1, **more: str) -> Counts:
    fault = feed.order(kind, count=count, **more)
    feed.flow(count + 2)
    assert fault.hits >= 1
    return holes(feed, fault.numbers)


@play
def one_is_lost(feed: Stepped) -> Counts:
    return _lost(feed, "gap")


@play
def several_are_lost(feed: Stepped) -> Counts:
    return _lost(feed, "gap", 5)


@play
def more_are_lost_than_are_followed_one_by_one(feed: Stepped) -> Counts:
    return _lost(feed, "gap", 100)


@play
def one_is_overtaken(feed: Stepped) -> Counts:
    return _lost(feed, "reorder")


@play
def one_is_cut_off(feed: Stepped) -> Counts:
    return _lost(feed, "garbage", form="truncated")


@play
def one_comes_twice(feed: Stepped) -> Counts:
    feed.order("duplicate")
    feed.flow()
    row = feed.rows[feed.symbols[0]]
    twice = (
        feed.engine.state(row)[1] == Reason.GAP
    )  # the end of a level with an id, where it has one
    assert not twice or feed.venue.name == "bitmex" or counted(feed)
    return _UNKNOWN if counted(feed) or twice else _NOTHING


@play
def a_book_is_crossed(feed: Stepped) -> Counts:
    feed.order("crossed")
    feed.flow()
    return _NOTHING


@play
def a_checksum_is_wrong(feed: Stepped) -> Counts:
    before = feed.engine.counters()["checksum_bad"]
    feed.order("bad_checksum")
    feed.flow()
    assert feed.engine.counters()["checksum_bad"] == before + 1
    return _NOTHING


@play
def a_number_is_far_ahead(feed: Stepped) -> Counts:
    feed.order("far")
    feed.flow()
    feed.later(3)
    return _UNKNOWN  # times are, too


def _far_and_nothing_more(feed: Stepped) -> None:
    feed.order("far")
    feed.step()
    feed.deliver()


@play
def a_number_is_far_ahead_and_the_last_of_a_subscription(feed: Stepped) -> Counts:
    if feed.venue.base is not Base.STREAM:
        return _NOTHING
    _far_and_nothing_more(feed)
    [link], symbol = feed.links, feed.symbols[0]
    link.unsubscribe(symbol)
    link.subscribe(symbol)
    feed.deliver()
    feed.flow()
    return _UNKNOWN if feed.venue.rule is Continuity.NEXT else _NOTHING


@play
def a_number_is_far_ahead_and_the_last_of_a_connection(feed: Stepped) -> Counts:
    _far_and_nothing_more(feed)
    feed.links[0].drop()
    return _UNKNOWN if feed.venue.rule is Continuity.NEXT else _NOTHING


@play
def numbers_begin_anew(feed: Stepped) -> Counts:
    feed.order("renumber")
    feed.flow()
    return _NOTHING


@play
def numbers_begin_anew_without_a_word(feed: Stepped) -> Counts:
    feed.order("renumber", lost=True)
    feed.flow()
    feed.later(3)
    return unknown(feed)


@play
def a_taker_eats_a_side(feed: Stepped) -> Counts:
    feed.order("eat", side="bid", levels=3)
    feed.server.settle()
    feed.deliver()
    feed.flow()
    return _NOTHING


@play
def frames_make_no_sense(feed: Stepped) -> Counts:
    feed.server.chaos.order({"kind": "garbage"})
    feed.flow()
    return _NOTHING


@play
def more_is_lost_while_a_book_is(feed: Stepped) -> Counts:
    first = feed.order("gap")
    feed.flow()
    second = feed.order("gap", count=2)
    feed.flow(4)
    return holes(feed, first.numbers + second.numbers)


@play
def one_is_lost_behind_a_crossed_book(feed: Stepped) -> Counts:
    feed.order("crossed")
    feed.flow(1)
    fault = feed.order("gap")
    feed.flow(2)
    return holes(feed, fault.numbers)


@play
def one_is_lost_behind_a_base(feed: Stepped) -> Counts:
    """Before anything has continued it."""
    if feed.venue.base is not Base.STREAM:
        return _NOTHING
    feed.order("crossed")
    feed.flow(1)
    [link], symbol = feed.links, feed.symbols[0]
    link.unsubscribe(symbol)
    link.subscribe(symbol)
    fault = feed.order("gap")
    feed.step(2)
    feed.deliver()
    return holes(feed, fault.numbers)


@play
def one_is_lost_while_a_base_is_asked_for(feed: Stepped) -> Counts:
    if feed.venue.base is not Base.REQUEST:
        return _NOTHING
    first, symbol = feed.order("gap"), feed.symbols[0]
    feed.flow()
    answer = feed.answer(symbol)
    second = feed.order("gap")
    feed.flow()
    feed.engine.snapshot(feed.rows[symbol], answer)
    return holes(feed, first.numbers + second.numbers)


@play
def a_base_is_old(feed: Stepped) -> Counts:
    if feed.venue.base is not Base.STREAM:
        return _NOTHING
    feed.order("crossed")
    feed.flow(1)
    feed.order("stale", updates=20, where="stream", count=1)
    [link], symbol = feed.links, feed.symbols[0]
    link.unsubscribe(symbol)
    link.subscribe(symbol)
    feed.deliver()
    feed.flow()
    return unknown(feed)


@play
def the_last_one_before_the_end_is_lost(feed: Stepped) -> Counts:
    """Nothing follows it: there is no hole."""
    feed.order("gap")
    feed.step(1)
    feed.links[0].drop()
    return _NOTHING


@play
def the_connection_ends_while_a_book_is_lost(feed: Stepped) -> Counts:
    fault = feed.order("gap")
    feed.flow()
    feed.links[0].drop()
    feed.server.advance(20)
    return holes(feed, fault.numbers)


@play
def no_base_comes_with_another_subscription(feed: Stepped) -> Counts:
    """What was said between the two was for nobody."""
    feed.order("crossed")
    feed.flow(1)
    feed.order("no_snapshot", count=1)
    [link], symbol = feed.links, feed.symbols[0]
    link.unsubscribe(symbol)
    feed.server.advance(20)
    link.subscribe(symbol)
    feed.flow()
    return _NOTHING


@play
def the_stream_of_a_book_stands_still(feed: Stepped) -> Counts:
    if counted(feed):
        return _NOTHING  # what was not sent had no number
    [one] = (one for key, one in feed.server.open.items() if key == feed.keys[feed.symbols[0]])
    assert one.stream is not None
    before = one.stream.last
    fault = feed.order("silence")
    feed.flow(4)
    assert fault.hits >= 4
    lacking = fault.hits if feed.venue.rule is Continuity.NEXT else one.stream.last - before
    feed.server.chaos.order({"kind": "none"})
    feed.flow()
    return holes(feed, lacking, 1)


def _problems(venue: str) -> Iterator[str]:
    with stepped(venue) as feed:
        for what, its in PLAYS.items():
            before = feed.counts()
            try:
                expected = its(feed)
            except FaultError:
                continue  # it cannot be meant there
            feed.calm()
            found = Counts(*(now - then for now, then in zip(feed.counts(), before, strict=True)))
            if found != expected:
                yield f"{venue}: {what}: {found}, and truly {expected}"


@pytest.mark.parametrize("venue", venues.names())
def test_each_fault_is_counted_as_the_simulator_knows_it(venue: str) -> None:
    assert list(_problems(venue)) == []


# ---- several connections


def redundant(feed: Stepped, lost: tuple[int, int], *, ahead: bool = False) -> None:
    """Four messages; one is lost on either connection, by its place. `ahead`: the first one brings
    all of its own before the second does."""
    waiting: list[tuple[Link, list[bytes]]] = []
    for at in range(4):
        feed.step()
        for link, place in zip(feed.links, lost, strict=True):
            messages = link.take()
            waiting.append((link, messages[1:] if place == at else messages))
        if not ahead:
            _bring(waiting)
    _bring(sorted(waiting, key=lambda each: feed.links.index(each[0])))


def _bring(waiting: list[tuple[Link, list[bytes]]]) -> None:
    for link, messages in waiting:
        link.bring(messages)
    waiting.clear()


@cache
def _merged() -> list[str]:
    """Venues whose messages of books tell what is a copy."""
    return [
        name
        for name in venues.names()
        if venues.load(name).rule in _NUMBERED and "option" not in name
    ]


@pytest.mark.parametrize("first", [0, 1])
def test_what_another_connection_brings_lacks_nobody(first: int) -> None:
    """In a book that is LIVE, and in one that is lost; whichever of the two comes first."""
    for venue in _merged():
        with stepped(venue, links=2) as feed:
            feed.links = feed.links[first:] + feed.links[:first]
            redundant(feed, (1, 9))
            redundant(feed, (9, 1))
            assert feed.counts() == _NOTHING, venue
            fault = feed.order("gap")
            feed.flow()
            assert feed.counts().gaps == 1, venue
            redundant(feed, (1, 2), ahead=True)
            assert feed.counts().gaps == 2, venue  # until the other one had brought it
            feed.calm()
            sized = feed.venue.rule is not Continuity.PREVIOUS
            found = feed.counts()
            assert found.missing == (fault.numbers if sized else 0), venue
            assert found.unsized == (0 if sized else found.gaps), venue


def test_what_both_connections_lose_is_counted_once() -> None:
    for venue in _merged():
        with stepped(venue, links=2) as feed:
            fault = feed.order("gap", count=3)
            feed.flow(6)
            feed.calm()
            numbers = fault.numbers
            assert feed.counts()[1:] == holes(feed, numbers, feed.counts().gaps)[1:], venue
