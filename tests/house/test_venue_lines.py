"""How long a venue that is data alone is, beside its frames and its documentation."""

from __future__ import annotations

import ast
import inspect
import statistics
from pathlib import Path

from feedhandler import venues
from feedhandler.adapter.declared import DeclaredVenue

LONGEST, MEDIAN = 250, 120
_SMALL = '''"""A venue."""

_FRAMES = (
    1,
)


class V:
    frames = _FRAMES
    x = 1
'''
_HOME = "feedhandler.venues"


def lines(path: Path) -> int:
    """Of a file, those of its frames aside, of its documentation, and those that are empty."""
    text = path.read_text()
    frames: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            told = node.body[0]
            frames |= set(range(told.lineno, (told.end_lineno or told.lineno) + 1))
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(one, ast.Name) and "frames" in one.id.lower() for one in targets):
                frames |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    numbered = enumerate(text.splitlines(), 1)
    return sum(1 for number, line in numbered if line.strip() and number not in frames)


def files(venue: type[DeclaredVenue]) -> set[Path]:
    """Its module, and those beside it that it is made with; of nothing but frames is none."""
    found: set[Path] = set()
    modules = [inspect.getmodule(one) for one in venue.__mro__]
    for module in modules:
        if module is not None and module.__name__.startswith(_HOME + "."):
            assert module.__file__ is not None
            found.add(Path(module.__file__))
            for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
                if isinstance(node, ast.ImportFrom) and f"{node.module}".startswith(_HOME + "."):
                    assert node.module is not None
                    beside = node.module.split(".")[2]
                    found.add(Path(module.__file__).with_name(f"{beside}.py"))
    return {path for path in found if not path.stem.endswith("_frames")}


def counted() -> dict[str, int]:
    """By name, of every venue."""
    loaded = {name: venues.load(name) for name in venues.names()}
    data = {name: type(one) for name, one in loaded.items() if isinstance(one, DeclaredVenue)}
    own = {name: Path(inspect.getfile(venue)) for name, venue in data.items()}
    found = {}
    for name, venue in data.items():
        others = set(own.values()) - {own[name]}  # what is of another venue counts there
        found[name] = sum(map(lines, files(venue) - others))
    return found


def test_a_venue_is_short() -> None:
    found = counted()
    assert len(found) >= 10
    assert {name: count for name, count in found.items() if count > LONGEST} == {}
    own = {inspect.getfile(type(venues.load(name))): count for name, count in found.items()}
    assert statistics.median(own.values()) <= MEDIAN, found  # products of one module are one


def test_frames_and_empty_lines_are_aside(tmp_path: Path) -> None:
    path = tmp_path / "venue.py"
    path.write_text(_SMALL)
    assert lines(path) == 2


if __name__ == "__main__":
    for name, count in sorted(counted().items(), key=lambda each: each[1]):
        print(f"{count:4} {name}")
