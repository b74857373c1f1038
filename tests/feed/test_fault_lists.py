"""Lists of instruments that are empty, short or odd: rows of the fault table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from feedhandler.view.status import venue_status
from tests.feed.fault_table import row
from tests.kit.outage import Watched, unnoticed, watched
from tests.kit.rig import MORE_SYMBOLS, SYMBOLS, Rig, rig

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
            each.until(lambda it: f"{it.symbols[0]} cannot be read" in says(it), "it names the row")
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
