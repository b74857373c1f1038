"""What venues write where they say no time."""

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
