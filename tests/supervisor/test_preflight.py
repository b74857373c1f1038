"""What a venue answers before the start is no reason not to start; what it knows nothing of, is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from feedhandler.supervisor import preflight
from feedhandler.supervisor.preflight import Findings
from tests.kit.rig import MORE_SYMBOLS, SYMBOLS, Rig, rig

CHOSEN = SYMBOLS | MORE_SYMBOLS


@pytest.fixture(scope="module")
def r() -> Iterator[Rig]:
    with rig(*CHOSEN, rate=1.0) as made:
        yield made


def found(r: Rig, **fault: str) -> Findings:
    for sim in r.sims.values():
        sim.fault("none")
        if fault:
            sim.fault(**fault)
    return asyncio.run(preflight.check(r.config))


def test_a_list_in_disorder_is_a_warning_at_most(r: Rig) -> None:
    for venue in CHOSEN:
        r.change(venue, instruments=CHOSEN[venue])
    assert found(r) == Findings()
    assert found(r, kind="bad_list", rows="odd") == Findings()  # the good rows are there
    for fault in ({"kind": "bad_list", "rows": "empty"}, {"kind": "redirect"}):
        findings = found(r, **fault)
        assert findings.problems == []
        assert len(findings.warnings) == len(CHOSEN), fault
        assert all("instruments cannot be checked" in each.text for each in findings.warnings)


def test_a_name_whose_row_cannot_be_read_may_be_right(r: Rig) -> None:
    for venue, symbols in CHOSEN.items():
        r.change(venue, instruments=symbols)
        r.sims[venue].fault("none")
        r.sims[venue].fault("bad_list", symbol=symbols[0])
    findings = asyncio.run(preflight.check(r.config))
    assert findings.problems == []
    for venue, symbols in CHOSEN.items():
        start = f"venues.{venue}."
        (warning,) = (one.text for one in findings.warnings if one.text.startswith(start))
        assert f"no listed instrument is called or matches '{symbols[0]}'" in warning
        assert f"{symbols[0]} (" in warning
        assert "null" in warning or "missing" in warning


def test_a_name_that_is_not_listed_is_a_problem(r: Rig) -> None:
    for venue in CHOSEN:
        r.change(venue, instruments=("NO-SUCH-THING",))
    for fault in ({}, {"kind": "bad_list", "rows": "odd"}):
        findings = found(r, **fault)
        assert len(findings.problems) + len(findings.warnings) == len(CHOSEN)
        assert fault or not findings.warnings
