"""What README.md, CHANGELOG.md and docs/ say of files is so, and they are whole."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.house import floor_plan

ROOT = Path(__file__).parents[2]
DOCUMENTS = (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))
TEXT = (ROOT / "docs" / "architecture.md").read_text()


def files(*rooms: str) -> list[Path]:
    return [path.relative_to(ROOT) for room in rooms for path in (ROOT / room).rglob("*.*")]


def test_every_file_says_what_it_is() -> None:
    """That is what `scripts/dev map` prints: there is no other list of files to keep."""
    there = [path for paths in floor_plan.rooms().values() for path in paths]
    assert len(there) > 250
    assert not [str(path) for path in there if not floor_plan.first(path)]


def test_the_map_is_that_of_the_house() -> None:
    told = floor_plan.told(["book"], 80).splitlines()
    assert told[0].startswith("book/ One order book")
    assert any(line.startswith("  side.h  ") and "sorted array" in line for line in told)
    assert max(len(line) for line in floor_plan.told([], 80).splitlines()) <= 80


def test_every_file_that_is_told_is_there() -> None:
    paths = {"setup.py"} | {str(path) for path in files("feedhandler", "shm", "cli", "tests")}
    for name in re.findall(r"`([\w/]+\.(?:py|pyx|pxd|pxi|h|cmake|pc))`", TEXT):
        assert any(path.endswith(f"/{name}") or path == name for path in paths), name


def test_contributors_find_every_word() -> None:
    """CONTRIBUTING.md and `scripts/dev help` have the same words, in the same order."""
    script = (ROOT / "scripts" / "dev").read_text()
    words = re.findall(r"^([a-z]+)\) # ", script, re.MULTILINE)
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("| word | does |")[2]
    assert re.findall(r"^\| `([a-z]+)` \|", table.partition("\n\n")[0], re.MULTILINE) == words
    assert set(words) == set(re.findall(r"^([a-z]+)\)", script, re.MULTILINE))
    done = subprocess.run([ROOT / "scripts" / "dev"], capture_output=True, text=True, check=True)
    assert re.findall(r"^  ([a-z]+) +\S", done.stdout, re.MULTILINE) == words
    assert max(map(len, done.stdout.splitlines())) < 100


def test_an_unknown_word_is_answered_with_those_there_are() -> None:
    done = subprocess.run([ROOT / "scripts" / "dev", "tests"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "there is no tests" in done.stderr
    assert "mutate" in done.stderr


def test_no_half_of_a_merge_is_left() -> None:
    for path in DOCUMENTS:
        marks = re.findall(r"^(?:<{7}|={7}|>{7})", path.read_text(), re.MULTILINE)
        assert not marks, path.name


def test_the_changelog_says_nothing_twice() -> None:
    entries = re.findall(r"^- .*$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert len(entries) > 50
    assert sorted(entries) == sorted(set(entries))


def test_links_lead_somewhere() -> None:
    for path in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", path.read_text()):
            name, _, part = target.partition("#")
            there = path.parent / name if name else path
            assert there.exists(), f"{path.name}: {target}"
            if part:
                titles = re.findall(r"^#+ (.*)$", there.read_text(), re.MULTILINE)
                parts = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in titles}
                assert part in parts, f"{path.name}: {target}"


def test_tests_that_are_named_are_there() -> None:
    for path in DOCUMENTS:
        named = re.findall(r"`(tests/[\w/]+\.py)(?:::|`: `)(test_\w+)", path.read_text())
        for name, test in named:
            assert f"def {test}(" in (ROOT / name).read_text(), f"{path.name}: {name}: {test}"
