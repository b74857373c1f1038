"""The table of link faults and the tests of them stay in step."""

from __future__ import annotations

from tests.feed.test_fault_table import functions
from tests.link.fault_table import DOCUMENT, ROOT, rows


def test_every_row_names_tests_that_exist_and_one_that_asks_for_it() -> None:
    assert len(rows()) >= 10
    for its in rows().values():
        assert its.tests, its.fault
        asks = False
        for test in its.tests:
            path, _, name = test.partition("::")
            assert name in functions(path), f"{test} is named in {DOCUMENT.name}"
            asks = asks or f'"{its.fault}"' in (ROOT / path).read_text("utf-8")
        assert asks, f"none of its tests asks for the row {its.fault!r}"


def test_every_bound_can_be_read() -> None:
    for its in rows().values():
        if its.sees:
            assert its.noticed_s(1.0) > 0
            assert its.healed_s > 0
        for state, reason in its.sees:
            assert state in ("STALE", "CLOSED"), reason
