"""docs/memory.md says what the header says."""

from __future__ import annotations

import re

import pytest

from shm import _native
from tests.proof import tables
from tests.proof.header import HEADER, ROOT


def test_the_tables_are_the_headers() -> None:
    text = tables.DOCUMENT.read_text()
    assert tables.renewed(text) == text, "run `python -m tests.proof.tables --write`"


def test_the_version_is_the_headers() -> None:
    for path in (tables.DOCUMENT, tables.PROGRAM):
        text = path.read_text()
        assert f"0x{_native.LAYOUT_HASH:016x}" in text, path
        assert tables.versioned(text) == text, "run `python -m tests.proof.tables --write`"


def test_every_list_of_the_header_is_in_the_document() -> None:
    lists = set(re.findall(r"^#define (FH_\w+)\(F\)", HEADER.read_text(), re.MULTILINE))
    assert lists == set(tables.names(tables.DOCUMENT.read_text()))


@pytest.mark.parametrize("structure", _native.DTYPES)
def test_a_table_has_every_field(structure: str) -> None:
    """Against the compiled layout: the table is not made of it."""
    rows = re.findall(
        r"^\| (\d+) \| (\d+) \| \w+ \| `(\w+)` \|",
        tables.table(f"FH_{structure.upper()}_FIELDS"),
        re.MULTILINE,
    )
    dtype = _native.DTYPES[structure]
    assert dtype.fields is not None
    assert {(int(offset), int(size), name) for offset, size, name in rows} == {
        (where, kind.itemsize, name)
        for name, (kind, where, *_) in dtype.fields.items()
        if not name.startswith("reserved")
    }


def test_every_vocabulary_is_told_with_its_values() -> None:
    for label, name in {
        "kind": "FH_KINDS",
        "state": "FH_STATES",
        "reason": "FH_REASONS",
        "stat": "FH_STATS",
        "flag": "FH_FLAGS",
        "counter": "FH_COUNTER_NAMES",
    }.items():
        rows = re.findall(r"^\| (\d+) \| (\w+) \|", tables.table(name), re.MULTILINE)
        assert {word: int(value) for value, word in rows} == _native.names()[label]


def test_a_stale_table_is_noticed() -> None:
    text = tables.DOCUMENT.read_text()
    stale = text.replace("| 40 | 8 | i64 | `price` |", "| 48 | 8 | i64 | `price` |")
    assert stale != text
    assert tables.renewed(stale) == text


@pytest.mark.parametrize(("document", "least"), [("memory.md", 31), ("security.md", 18)])
def test_the_tests_that_it_names_are_there(document: str, least: int) -> None:
    """In a row, a test is in one of the files that are named before it, or in their room."""
    named = 0
    text = (ROOT / "docs" / document).read_text()
    for row in re.findall(r"^\| .*test_\w+.*$", text, re.MULTILINE):
        paths = re.findall(r"`(?:tests/)?((?:\w+/)?test_\w+\.py)`", row)
        files = [ROOT / "tests" / file for file in paths]
        assert files, row
        texts = [path.read_text() for path in files]
        texts += [path.read_text() for file in files for path in file.parent.glob("test_mut*.py")]
        for test in re.findall(r"`(test_\w+)`", row):
            assert any(f"def {test}(" in text for text in texts), f"{test} is not in {files}"
            named += 1
    assert named >= least
