"""What venues write where they say no time, and times that cannot be."""

from __future__ import annotations

import pytest

from feedhandler.engine import _engine as native
from feedhandler.shape import Frame
from shm import Kind
from tests.engine.support import memory
from tests.engine.test_shaped import feed, shaped


@pytest.mark.parametrize(
    ("hole", "text"), [("ms", "0"), ("ns", '"0"'), ("iso", '"0001-01-01T00:00:00.000000Z"')]
)
def test_what_venues_write_for_no_time(hole: str, text: str) -> None:
    with shaped(Frame("ticker", f'{{"s":"$symbol","m":$mark,"t":$time_{hole}}}')) as e:
        assert feed(e, f'{{"s":"X","m":1,"t":{text}}}'.encode()) == native.DATA
        (slot,) = [one for one in memory(e).slots() if one["kind"] == Kind.STAT]
        assert int(slot["exchange_ns"]) == 0


@pytest.mark.parametrize(
    ("hole", "text", "error"),
    [
        ("ms", "99999999999999", "ahead of this host's clock"),
        ("ms", "9223372036854775807", "ahead of this host's clock"),
        ("s", "9000000000", "ahead of this host's clock"),
        ("ns", '"9000000000000000000"', "ahead of this host's clock"),
        ("iso", '"2200-01-01T00:00:00.000000Z"', "ahead of this host's clock"),
        ("ms", "-5", "out of range"),
        ("s", "-5", "out of range"),
    ],
)
def test_a_time_that_cannot_be_yet_is_told_from_one_that_is_none(
    hole: str, text: str, error: str
) -> None:
    """It may be that this host's clock is behind: nothing else would say so."""
    with shaped(Frame("ticker", f'{{"s":"$symbol","m":$mark,"t":$time_{hole}}}')) as e:
        assert feed(e, f'{{"s":"X","m":1,"t":{text}}}'.encode()) & native.MALFORMED
        assert error in e.last_error()
