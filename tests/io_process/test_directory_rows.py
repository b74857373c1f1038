"""Rows of the directory are never taken again: that they run out is said before, and after."""

from __future__ import annotations

import numpy as np

from feedhandler.connection.outage import MOST_BYTES
from feedhandler.instruments.universe import CarriedInstrument
from feedhandler.io_process.book_tally import BookTally
from feedhandler.io_process.directory_rows import DAY_S, DirectoryRows
from feedhandler.io_process.venue_health import judge
from shm import Reason, State
from tests.kit.facts import spec
from tests.kit.paper_house import House, play


def test_few_rows_are_what_lasts_for_a_few_days_only() -> None:
    rows = DirectoryRows(2000)
    rows.count(0.0, 1200, 0)
    assert not rows.are_short
    rows.count(0.3 * DAY_S, 1400, 200)
    assert not rows.are_short  # 600 are left, 200 a day
    rows.count(0.9 * DAY_S, 1500, 300)
    assert rows.are_short  # 500 are left, 300 a day
    assert rows.worth_renewing
    rows.count(2.0 * DAY_S, 1500, 300)
    assert not rows.are_short  # nothing came since
    rows.count(2.5 * DAY_S, 1760, 0)
    assert rows.are_short
    assert not rows.worth_renewing
    assert str(rows) == "240 of 2000 rows for instruments left, 0 of closed ones"
    cure = ": not renewed (the venue allows 1 connections): raise directory_rows"
    assert len(f"{rows}1000{cure}") <= MOST_BYTES  # of a venue's detail


def test_what_has_no_row_is_said_until_it_is_no_longer_asked_for(namespace: str) -> None:
    async def acts(house: House) -> None:
        await house.start(*(spec(f"A-{n}") for n in range(3)))
        assert house.roster.count(0.0) == ""
        for day in range(1, 4):  # one expires and one lists
            await house.refresh(*(spec(f"A-{n}") for n in range(day, day + 3)))
            await house.refresh(*(spec(f"A-{n}") for n in range(day, day + 3)))
        assert "2 of 8 rows for instruments left, 3 of" in house.roster.count(1.0)
        assert not house.roster.left_out
        for day in range(4, 7):
            await house.refresh(*(spec(f"A-{n}") for n in range(day, day + 3)))
            await house.refresh(*(spec(f"A-{n}") for n in range(day, day + 3)))
        assert house.open() == ["A-6", "A-7"]
        assert list(house.roster.left_out) == ["A-8"]
        assert "0 of 8 rows" in house.roster.count(2.0)
        await house.refresh(spec("A-6"), spec("A-7"))
        assert not house.roster.left_out

    play(namespace, ["*"], acts, directory_rows=8)


def test_a_venue_without_a_row_for_each_instrument_is_not_live() -> None:
    left_out: dict[str, None] = {}
    instruments = {0: CarriedInstrument(0, spec("A"), "book:A")}
    books = BookTally(instruments.get, left_out)
    books.changed(np.array([0]), np.array([[State.LIVE, Reason.NONE]]))
    assert judge(books, [], True, note="few rows").detail == "few rows"
    left_out["B"] = None
    health = judge(books, [], True, note="few rows")
    assert (health.state, health.reason) == (State.STALE, Reason.NO_ROW)
    assert health.detail == "1 of 2 books not live: B is STALE(NO_ROW)"
