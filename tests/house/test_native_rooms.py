"""Native code has floors: what is above is never included below, and nothing is declared twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import setup

ROOT = setup.ROOT
_EXTERN = re.compile(r"^cdef extern from .*\n((?:(?:    .*)?\n)+)", re.MULTILINE)
_TEXT = re.compile(r'""".*?"""', re.DOTALL)
_DECLARED = re.compile(r'^    (?:ctypedef struct (\w+)|[\w ]+[ *](\w+)(?: "\w+")?\()', re.MULTILINE)


def floors() -> list[str]:
    """The rooms from below, as the architecture has them."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    found = re.search(r"```\n((?:[\w/]+ +<- +)+[\w/]+)\n```", text)
    assert found, "docs/architecture.md has no line with the floors of native code"
    return re.split(r" +<- +", found[1])


def sources(*suffixes: str) -> Iterator[Path]:
    for package in setup.PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            if path.suffix in suffixes and not (path.suffix == ".c" and path.name.startswith("_")):
                yield path


def room(path: Path) -> str:
    return path.relative_to(ROOT).parent.as_posix()


def reaches_up(file: Path, named: Path, rooms: list[str]) -> bool:
    """Rooms that are on no floor stand beside each other above all."""
    here, there = room(file), room(named)
    if here == there:
        return False
    if there not in rooms:
        return True
    return here in rooms and rooms.index(there) > rooms.index(here)


def test_includes_go_down() -> None:
    rooms = floors()
    wrong = [
        f"{file.relative_to(ROOT)} takes {named.relative_to(ROOT)}"
        for file in sources(".h", ".c", ".pyx", ".pxd", ".pxi")
        for named in {path.resolve() for path in setup.named(file)}
        if reaches_up(file, named, rooms)
    ]
    assert wrong == []


def test_the_engine_knows_no_venue() -> None:
    module = setup.modules()["feedhandler.engine._engine"]
    assert [path for path in setup.needs(module) if "venues" in path] == []


@pytest.mark.parametrize("room", ["shm/include", "shm", "feedhandler/engine"])
def test_every_floor_is_told(room: str) -> None:
    assert room in floors()


def test_an_include_upwards_would_be_seen() -> None:
    rooms = floors()
    book, engine = (
        ROOT / f"feedhandler/{path}" for path in ("book/continuity.h", "engine/open_close.h")
    )
    assert reaches_up(book, engine, rooms)
    assert not reaches_up(engine, book, rooms)


def declared(text: str) -> set[str]:
    """Functions and structs of C that one Cython file declares."""
    return {
        name
        for block in _EXTERN.findall(_TEXT.sub("", text))
        for pair in _DECLARED.findall(block)
        for name in pair
        if name
    }


def test_no_prototype_is_declared_twice() -> None:
    where: dict[str, list[str]] = {}
    for file in sources(".pyx", ".pxd", ".pxi"):
        for name in declared(file.read_text()):
            where.setdefault(name, []).append(file.relative_to(ROOT).as_posix())
    assert {name: files for name, files in where.items() if len(files) > 1} == {}
    assert len(where) > 100


def test_what_a_cython_file_declares_is_read() -> None:
    text = """cdef extern from "a.h" nogil:
    ctypedef struct row:
        int count
    int row_open(row *r,
                 int more)
    const row *row_find "row_at"(int n)
    int LONELY

cdef int ours(int n):
    return row_open(NULL, n)
"""
    assert declared(text) == {"row", "row_open", "row_find"}
