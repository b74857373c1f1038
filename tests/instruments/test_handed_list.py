"""The list that the supervisor had at the start: the IO process does not ask for it again."""

from __future__ import annotations

import asyncio
import os

import pytest

from feedhandler.adapter.request import Request
from feedhandler.instruments import handed_list
from feedhandler.instruments.handed_list import Answers, Handed, Keeping

LIST = Request("/list", {"kind": "option"})
OTHER = Request("/list", {"kind": "future"})


class Venue:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    async def get(self, request: Request) -> bytes:
        self.asked.append(request)
        return str(request).encode()


def handed() -> Answers:
    keeping = Keeping(Venue())
    for request in (LIST, OTHER):
        asyncio.run(keeping.get(request))
    fd = handed_list.write(keeping.answers)
    found = handed_list.read(fd)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(fd)
    return found


def test_what_was_handed_over_is_taken_once() -> None:
    venue = Venue()
    getter = Handed(venue, handed())
    for request in (LIST, OTHER):
        assert asyncio.run(getter.get(request)) == str(request).encode()
    assert venue.asked == []
    assert asyncio.run(getter.get(LIST)) == str(LIST).encode()
    assert venue.asked == [LIST]


def test_what_is_old_or_of_another_list_is_not_taken() -> None:
    old = handed()
    old.asked_ns -= int(handed_list.FRESH_S * 1e9)
    for answers, request in ((old, LIST), (handed(), Request("/list"))):
        venue = Venue()
        getter = Handed(venue, answers)
        asyncio.run(getter.get(request))
        asyncio.run(getter.get(OTHER))  # the rest of that list would be of another time
        assert venue.asked == [request, OTHER]


def test_without_a_list_there_is_none() -> None:
    assert handed_list.write(Answers()) == -1
    assert not handed_list.read(-1)
    read, write = os.pipe()
    os.write(write, b"no list")
    os.close(write)
    assert not handed_list.read(read)
