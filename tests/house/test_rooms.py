"""The rooms of the house: who imports whom. docs/architecture.md has the order, and is the rule.

Imports for type checkers count, and those inside functions: who only names another needs to know
it as well. What is not asked here is what a name means.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("cli", "feedhandler", "shm")
TEXT = (ROOT / "docs" / "architecture.md").read_text()
Graph = Mapping[str, set[str]]


def order() -> list[str]:
    """The rooms as the table "Rooms" has them, from the top."""
    section = TEXT.partition("\n## Rooms\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([\w]+)/?(?:\.py)?` \|", section, re.MULTILINE)


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Every module by its dotted name."""
    found = {}
    for path in (path for package in PACKAGES for path in (root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        parts = ("feedhandler", *parts) if parts[0] == "cli" else parts  # by its link
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def graph(root: Path = ROOT) -> dict[str, set[str]]:
    """Whom each module imports, of this house."""
    known = modules(root)
    return {name: set(_imports(name, path, known)) - {name} for name, path in known.items()}


def _imports(name: str, path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in known)
        elif isinstance(node, ast.ImportFrom):
            package = name.split(".") if path.stem == "__init__" else name.split(".")[:-1]
            up = package[: len(package) + 1 - node.level] if node.level else []
            where = ".".join([*up, *filter(None, [node.module])])
            for each in node.names:
                deeper = f"{where}.{each.name}"
                yield from [one for one in (deeper, where) if one in known][:1]


def circles(found: Graph) -> list[list[str]]:
    """The sets of modules that reach each other (Tarjan, "Depth-First Search", 1972)."""
    at: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    done = set()
    circles = []

    def visit(one: str) -> None:
        at[one] = low[one] = len(at)
        path.append(one)
        for other in found[one] & found.keys():
            if other not in at:
                visit(other)
            if other not in done:
                low[one] = min(low[one], low[other])
        if low[one] == at[one]:
            circle = path[path.index(one) :]
            del path[path.index(one) :]
            done.update(circle)
            if len(circle) > 1:
                circles.append(sorted(circle))

    for one in found:
        if one not in at:
            visit(one)
    return sorted(circles)


def room(module: str) -> str:
    """A package of `feedhandler` or one of its single files; else the package itself."""
    parts = module.split(".")
    if parts == ["feedhandler", "__main__"]:
        return "cli"
    return parts[1] if parts[0] == "feedhandler" and len(parts) > 1 else parts[0]


def upwards(found: Graph, rooms: Sequence[str]) -> list[str]:
    """Imports of a room above, or of one that the order does not have."""
    floor = {each: at for at, each in enumerate(rooms)}
    wrong = []
    for one, others in found.items():
        for other in others:
            here, there = room(one), room(other)
            if here == there or "feedhandler" in (here, there):
                continue
            if here not in floor or there not in floor or floor[here] > floor[there]:
                wrong.append(f"{one} imports {other}")
    return sorted(wrong)


def test_no_two_modules_import_each_other() -> None:
    assert circles(graph()) == []


def test_rooms_import_downwards_only() -> None:
    assert upwards(graph(), order()) == []


@pytest.mark.parametrize("outer", ["bench", "sim"])
def test_inner_rooms_import_downwards_only(outer: str) -> None:
    listed = re.search(rf"^- `{outer}/`: (.*)$", TEXT, re.MULTILINE)
    assert listed is not None
    inner = re.findall(r"`(\w+)`", listed[1])
    base = f"feedhandler.{outer}."
    found = {
        name.replace(base, "feedhandler."): {
            other.replace(base, "feedhandler.") for other in others if other.startswith(base)
        }
        for name, others in graph().items()
        if name.startswith(base) and name != f"{base}__main__"
    }
    assert upwards(found, inner) == []
    assert {room(name) for name in found} == set(inner)


def test_the_order_has_every_room() -> None:
    there = {room(name) for name in modules()} - {"feedhandler"}
    assert sorted(order()) == sorted(there)


def test_every_room_says_what_it_is() -> None:
    """What lives there, what others take from it, what it uses; the first as the table has it."""
    for path in sorted((ROOT / "feedhandler").glob("*/__init__.py")):
        if path.parent.is_symlink():  # cli/, which stands at the top
            continue
        told = ast.get_docstring(ast.parse(path.read_text())) or ""
        for word in (
            ("Others take", "Uses") if path.parent.name not in ("book", "wire") else ("Uses",)
        ):
            assert word in told, f"{path.parent.name}/__init__.py does not say: {word} ..."
        first = told.partition("\n")[0].rstrip(".")
        row = re.search(rf"^\| `{path.parent.name}/` \| (.*?)\.? \|", TEXT, re.MULTILINE)
        assert row is not None, path.parent.name
        assert row[1] == first, path.parent.name


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a": "from feedhandler.low import b", "low/b": ""}, []),
        (
            {"top/a": "", "low/b": "def f():\n    from feedhandler.top import a"},
            ["feedhandler.low.b imports feedhandler.top.a"],
        ),
        (
            {
                "top/a": "",
                "low/b": "if TYPE_CHECKING:\n    import feedhandler.top.a",
            },
            ["feedhandler.low.b imports feedhandler.top.a"],
        ),
        (
            {"new/a": "from feedhandler.low import b", "low/b": ""},
            ["feedhandler.new.a imports feedhandler.low.b"],
        ),
    ],
)
def test_a_mistake_is_found(tmp_path: Path, files: Mapping[str, str], said: list[str]) -> None:
    for name, text in files.items():
        path = tmp_path / "feedhandler" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert upwards(graph(tmp_path), ["a", "top", "low"]) == said


def test_a_circle_is_found(tmp_path: Path) -> None:
    (tmp_path / "shm").mkdir()
    for name, other in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")):
        (tmp_path / "shm" / f"{name}.py").write_text(f"from . import {other}")
    assert circles(graph(tmp_path)) == [["shm.a", "shm.b", "shm.c"]]
