"""Many venues at once on one machine: all LIVE, none hinders another, and what each takes."""

from __future__ import annotations

import pytest

from feedhandler import venues
from tests.soak import costs
from tests.soak.costs import PAGE, Cost, Measured, Memory

MB = 1 << 20
#: the largest that a process may be; the shared part is the ring, above all
OWN, SHARED = 64 * MB, 32 * MB
HANDFUL = ("gate", "kraken", "dydx")


def fits(found: Measured, chosen: tuple[str, ...]) -> None:
    assert list(found.venues) == list(chosen)
    for name, cost in found.venues.items():
        assert cost.restarts == 0, name
        assert cost.frames > 0, name
        assert cost.instruments > 0, name
        assert cost.memory.own < OWN, name
        assert cost.memory.shared < SHARED, name


def test_a_handful_at_once() -> None:
    fits(costs.measured(HANDFUL, 50.0, 1.0), HANDFUL)


@pytest.mark.soak
def test_all_at_once() -> None:
    every = tuple(venues.names())
    found = costs.measured(every, 50.0, 20.0)
    fits(found, every)
    assert sum(cost.cpu for cost in found.venues.values()) < 1.0
    print(costs.told([(50.0, len(every), [found])], "this test", 20.0))


def test_the_table_has_every_venue() -> None:
    table = PAGE.read_text().partition("<!-- measured: costs -->\n")[2].partition("<!-- end -->")[0]
    rows = [line.split("|")[1].strip(" `") for line in table.splitlines() if line.startswith("| `")]
    assert rows == venues.names()


def test_sums_are_of_all() -> None:
    one = Cost(4, 2, 0.0125, 60.0, 0, Memory(40 * MB, 18 * MB, 20 * MB))
    found = Measured(3.0, one, {"a": one, "b": one})
    table = costs.told([(50.0, 2, [found])], "cmd", 5.0).splitlines()
    assert table[2] == "| `a` | 4 | 2 | 40.0 | 18.0 | 60 | 1.2 |"
    assert table[4] == "| all | 8 | 4 | 80 | 36 | 120 | 2 |"
    page = "x\n<!-- measured: costs -->\nold\n<!-- end -->\ny\n"
    assert costs.written(page, "new\n") == page.replace("old", "new")
