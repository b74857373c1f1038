"""The ways that docs/architecture.md tells are there, are short, and never lead back up."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.house.test_native_rooms import floors
from tests.house.test_rooms import order

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text()
SECTION = TEXT.partition("\n## Five ways through the house\n")[2].partition("\n## ")[0]
_WAY = re.compile(r"^\*\*(.+?)\*\*[^\n]*(?:\n[^\n]+)*\n\n((?:\d\. `[^\n]+\n)+)", re.MULTILINE)
WAYS = {
    found[1]: re.findall(r"^\d\. `([^`]+)` \w", found[2], re.MULTILINE)
    for found in _WAY.finditer(SECTION)
}
LONGEST = 8


def place(name: str) -> Path:
    """Of the house: rooms of the feed are named without its folder."""
    return next(path for path in (ROOT / name, ROOT / "feedhandler" / name) if path.exists())


def floor(name: str) -> float:
    """From the top; native code by the floors of its own, which begin below the rooms."""
    rooms, native = order(), floors()[::-1]
    folder = str(place(name).parent.relative_to(ROOT))
    if folder in native and place(name).suffix != ".py":
        return len(rooms) + native.index(folder)
    return rooms.index(Path(name).parts[0])


def test_they_are_told() -> None:
    assert list(WAYS) == ["A frame", "A configuration value", "A gap", "A quote", "A read"]
    numbered = re.findall(r"^\d\. ", SECTION, re.MULTILINE)
    assert len(numbered) == sum(map(len, WAYS.values()))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_way_is_short_and_leads_down(way: list[str]) -> None:
    assert 3 < len(way) <= LONGEST
    assert len(set(way)) == len(way)
    passed = [floor(name) for name in way]
    assert passed == sorted(passed), list(zip(way, passed, strict=True))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_each_file_speaks_of_the_next(way: list[str]) -> None:
    """It names its room or itself, or stands beside it in one module."""
    for one, next_one in pairwise(way):
        here, there = place(one), place(next_one)
        words = (there.stem, there.parent.name, *(("fh_",) if there.stem.endswith("_shm") else ()))
        assert here.parent == there.parent or any(word in here.read_text() for word in words), one
