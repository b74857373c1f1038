"""The fault table and the tests of faults stay in step."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from feedhandler.sim.faults.kinds import KINDS
from tests.feed.fault_table import DOCUMENT, ROOT, Row, rows, seconds

#: no faults: what ends them, and what the market does, the truth with it
NO_FAULTS = {"none", "misprice"}


@cache
def functions(path: str) -> dict[str, str]:
    """The source of each test of a file, with that of the functions of the file."""
    source = (ROOT / path).read_text("utf-8")
    return {
        node.name: ast.get_source_segment(source, node) or ""
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
    }


def test_every_fault_of_the_simulator_has_a_row() -> None:
    assert {kind for its in rows().values() for kind in its.kinds} | NO_FAULTS == set(KINDS)


@pytest.mark.parametrize("its", rows().values(), ids=lambda its: its.fault)
def test_every_row_names_tests_that_exist_and_one_that_asks_for_it(its: Row) -> None:
    assert its.tests
    asks = False
    for test in its.tests:
        path, _, name = test.partition("::")
        assert name in functions(path), f"{test} is named in {DOCUMENT.name}"
        asks = asks or f'"{its.fault}"' in (ROOT / path).read_text("utf-8")
    assert asks, f"none of its tests asks for the row {its.fault!r}"


@pytest.mark.parametrize("its", rows().values(), ids=lambda its: its.fault)
def test_every_bound_can_be_read(its: Row) -> None:
    settings = dict.fromkeys(("silence_s", "retry_after", "ban", "rhythm_s", "refresh_s"), 1.0)
    for bound in (its.noticed, its.healed):
        assert not bound or seconds(bound, settings) > 0
    for state, reason in its.sees:
        assert state in ("STALE", "CROSSED", "SYNCING", "DEGRADED", "CLOSED"), reason


def test_what_is_no_bound_is_refused() -> None:
    assert seconds("`silence_s` + 0.5 s", {"silence_s": 2.0}) == 2.5
    for text in ("soon", "3", "`other` + 1 s", ""):
        with pytest.raises(ValueError, match="not a bound"):
            seconds(text, {"silence_s": 2.0})
