"""What holds for one session of a connection: its numbers, and channels that the venue numbers."""

from __future__ import annotations

import pytest

from feedhandler.engine import _engine as native
from feedhandler.engine._engine import Engine
from shm import Reason, State

from . import seams, support

LIVE = (State.LIVE, Reason.NONE)
GAP = (State.STALE, Reason.GAP)
BOTH = ((1, "b", 99, 5), (2, "a", 101, 5))


def begun(e: Engine, connection: int, symbol: str, **keys: object) -> int:
    """A book that this connection has begun."""
    return e.connection(connection).feed(seams.book(symbol, "snapshot", *BOTH, **keys))


def test_a_hole_in_the_numbers_of_a_connection_costs_each_book_that_it_alone_feeds() -> None:
    with seams.engine(instruments=4) as e:
        assert begun(e, 0, "A", n=7) == native.DATA | native.ATTENTION
        begun(e, 0, "B", n=8)
        begun(e, 1, "C", n=100)
        e.attention()
        c = e.connection(0)
        assert c.feed(seams.frame(n=9)) == native.CONTROL  # of all frames, those of no book too
        result = c.feed(seams.book("A", "book", (1, "b", None, 6), n=11))
        assert result & native.GAP
        assert c.hole == (10, 11)
        assert [e.state(row) for row in range(3)] == [GAP, GAP, LIVE]
        assert e.counters()["gaps"] == 1
        assert {event for _, event, _ in e.attention()} == {native.NEED_RESYNC}
        assert not c.feed(seams.frame(n=12)) & native.GAP


@pytest.mark.parametrize("number", [9, 8, 0])
def test_a_number_that_repeats_or_goes_back_is_a_hole_too(number: int) -> None:
    with seams.engine(instruments=2) as e:
        begun(e, 0, "A", n=9)
        assert e.connection(0).feed(seams.frame(n=number)) & native.GAP
        assert e.state(0) == GAP


def test_a_session_begins_with_any_number() -> None:
    with seams.engine(instruments=2) as e:
        begun(e, 0, "A", n=9)
        e.connection(0).begin()
        assert not begun(e, 0, "A", n=500) & native.GAP
        assert e.state(0) == LIVE
        assert e.connection(0).feed(seams.frame(n=502)) & native.GAP


def test_books_that_another_connection_feeds_as_well_stay_live() -> None:
    with seams.engine(rule=native.RULE_NEXT, instruments=2) as e:
        begun(e, 0, "A", n=1, o=50)
        for connection in (0, 1):
            e.connection(connection).feed(
                seams.book("A", "book", (0, "b", 98, 1), n=2, o=51)
            )  # the second has its copy
        assert e.connection(0).feed(seams.frame(n=4)) & native.GAP
        assert e.state(0) == LIVE
        e.connection(1).feed(seams.book("A", "book", (0, "b", 97, 1), n=3, o=52))
        assert e.book(0)[2] == 52
        assert e.connection(1).feed(seams.frame(n=5)) & native.GAP
        assert e.state(0) == GAP


def test_without_numbers_of_the_book_only_the_one_with_the_last_snapshot_feeds_it() -> None:
    """What the first connection has brought meanwhile was dropped: it cannot go on."""
    with seams.engine(instruments=2) as e:
        begun(e, 0, "A")
        begun(e, 1, "A")
        e.connection(0).feed(seams.book("A", "book", (1, "b", None, 9)))
        assert support.engine_book(e, 0)[0] == {99: 5}
        assert e.disconnected(1, Reason.DISCONNECTED) == [0]
        assert e.state(0) == (State.STALE, Reason.DISCONNECTED)


def test_a_malformed_frame_keeps_its_number() -> None:
    with seams.engine(instruments=2) as e:
        begun(e, 0, "A", n=1)
        bad = seams.book("A", "book", (1, "b", "x", 6), n=3)
        assert e.connection(0).feed(bad) & (native.GAP | native.MALFORMED) == (
            native.GAP | native.MALFORMED
        )


def test_channels_have_the_instrument_and_the_word_that_they_were_bound_to() -> None:
    with seams.engine(instruments=4) as e:
        c = e.connection(0)
        row = e.add_instrument("A")
        frame = seams.book("", "snapshot", *BOTH, c=17, w="book")
        assert c.feed(frame) & native.UNKNOWN
        c.bind(17, row, "trades")
        assert c.feed(frame) & native.UNKNOWN
        c.bind(17, row, "book")
        assert not c.feed(frame) & native.UNKNOWN
        assert e.state(row) == LIVE
        assert e.connection(1).feed(frame) & native.UNKNOWN  # numbers are the connection's own
        c.unbind(17)
        assert c.feed(frame) & native.UNKNOWN
        c.bind(17, row, "book")
        c.begin()
        assert c.feed(frame) & native.UNKNOWN


def test_a_number_that_is_given_to_another_book_ends_the_one_that_had_it() -> None:
    with seams.engine(instruments=4) as e:
        c = e.connection(0)
        a, b = e.add_instrument("A"), e.add_instrument("B")
        frame = seams.book("", "snapshot", *BOTH, c=17, w="book")
        c.bind(17, a, "book")
        c.feed(frame)
        c.bind(17, a, "book")
        assert e.state(a) == LIVE
        c.bind(17, b, "book")
        assert e.state(a) == (State.STALE, Reason.GAP)
        c.feed(frame)
        assert e.state(b) == LIVE


def test_many_channels_come_and_go() -> None:
    bound: dict[int, int] = {}
    with seams.engine(instruments=4) as e:
        c = e.connection(0)
        rows = [e.add_instrument(symbol) for symbol in "ABC"]
        for at in range(4000):
            channel = at * 7919 % 4096
            if channel in bound and at % 3:
                c.unbind(channel)
                del bound[channel]
            else:
                bound[channel] = rows[at % 3]
                c.bind(channel, rows[at % 3], "book")
        before = e.connection(0).unknown
        for channel in range(4096):
            c.feed(seams.book("", "snapshot", *BOTH, c=channel, w="book"))
        assert c.unknown - before == 4096 - len(bound)
        for channel in range(4096):
            c.bind(channel, rows[0], "book")
        with pytest.raises(MemoryError, match="too many channels"):
            c.bind(4096, rows[0], "book")


@pytest.mark.parametrize("word", ["", "sixteen letters!", "a\0b"])
def test_a_word_that_no_channel_can_have_is_refused(word: str) -> None:
    with seams.engine(instruments=2) as e:
        row = e.add_instrument("A")
        with pytest.raises(ValueError, match="1 to 15 bytes"):
            e.connection(0).bind(1, row, word)
