"""Lists of instruments that are empty, short or odd: rows of the fault table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

import shm
from feedhandler.status import venue_status
from tests.io.fault_table import SLACK_S, row
from tests.io.outage import Watched, unnoticed, watched
from tests.io.rig import MORE_SYMBOLS, SYMBOLS, Rig, assert_true_book, end, rig, until

CHOSEN = SYMBOLS | MORE_SYMBOLS
REFRESH_S = 1.0


@pytest.fixture(scope="module")
def r() -> Iterator[Rig]:
    with rig(*CHOSEN, rate=100.0) as made:
        yield made


def asked_again(each: Watched, number: int, times: int) -> None:
    each.until(lambda it: it.sim.told(number)["hits"] >= times, "it is asked again")


def says(each: Watched) -> str:
    return str(venue_status(each.r.namespace, each.venue)["detail"])


def test_what_is_followed_outlives_odd_and_empty_lists(r: Rig) -> None:
    """Odd rows at the start and at each refresh, the row of what is followed too; then no rows."""
    odd = row("a row of the list of instruments makes no sense")
    empty = row("list of instruments empty or suddenly short")
    for sim in r.sims.values():
        sim.fault("bad_list", rows="odd")
    with watched(r, CHOSEN, refresh_s=REFRESH_S) as all_watched:
        numbers = {}
        for each in all_watched:
            each.forget()
            numbers[each.venue] = each.sim.fault("bad_list", symbol=each.symbols[0])
        for each in all_watched:
            asked_again(each, numbers[each.venue], 3)
            unnoticed(odd, each)
            each.sim.fault("none")
            numbers[each.venue] = each.sim.fault("bad_list", rows="empty")
        for each in all_watched:
            each.until(
                lambda it: "is empty" in says(it), "it says so", empty.noticed_s(refresh_s=1)
            )
            asked_again(each, numbers[each.venue], 2)
            unnoticed(empty, each)
            each.sim.fault("none")
        for each in all_watched:
            each.until(lambda it: not says(it), "it is well again", empty.healed_s(refresh_s=1))
            unnoticed(empty, each)
            assert each.process.poll() is None


def test_a_start_with_an_odd_list_heals_when_the_list_does(r: Rig) -> None:
    """The rows of all that is wanted are odd: nothing can be followed until they are not."""
    its = row("instruments cannot be listed at the start")
    processes = []
    for venue, symbols in SYMBOLS.items():
        r.change(venue, instruments=symbols)
        r.sims[venue].fault("bad_list", rows="empty")
        processes.append(r.io_process(venue))
    for venue, symbols in SYMBOLS.items():

        def told(venue: str = venue) -> dict[str, Any] | None:
            with suppress(shm.ShmError):
                status = venue_status(r.namespace, venue)
                return status if "none of the configured" in status["detail"] else None
            return None

        status = until(told, f"{venue} says why")
        assert (status["state"], status["reason"]) == its.sees[0]
        r.sims[venue].fault("none")
        feed = r.attach(venue, its.healed_s() + SLACK_S)
        for symbol in symbols:
            assert_true_book(r.sims[venue], feed, symbol)
    assert all(process.poll() is None for process in processes)
    for process in processes:
        end(process)
