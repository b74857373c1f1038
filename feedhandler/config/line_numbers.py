"""On which line of a TOML file a key stands, which tomllib says of syntax errors alone.

A statement is as many lines as make a document of their own: what ends where, tomllib decides.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

_MAY_END = re.compile(r"[\]}]|\"\"\"|'''")


class LineNumbers:
    """Of the keys of one file that tomllib reads, and of the elements of its lists."""

    def __init__(self, text: str) -> None:
        self._keys: dict[str, int] = {}
        self._elements: dict[tuple[str, str], int] = {}
        table = ""
        for first, statement, found in _statements(text):
            if statement.lstrip().startswith("["):
                table = _deepest(found)
                self._note(table, first)
                continue
            for path, value in _leaves(found, table):
                self._note(path, first)
                if isinstance(value, list):
                    for line, element in _elements(first, statement, len(value)):
                        self._elements.setdefault((path, repr(element)), line)

    def of(self, key: str, element: object = None) -> int:
        """The line of a key such as "venues.okx.depth", or of an element of its list; of the table
        that it is in, where the key is missing; 0: nothing of it is there."""
        line = self._elements.get((key, repr(element)), 0)
        while not line and key:
            line = self._keys.get(key, 0)
            key = key.rpartition(".")[0]
        return line

    def has(self, key: str) -> bool:
        """Whether the file has that key, or table."""
        return key in self._keys

    def forget(self, key: str) -> None:
        """It is not this file's any more: something else has the last word."""
        self._keys.pop(key, None)

    def _note(self, path: str, line: int) -> None:
        """The first line that has a key, or that makes its table."""
        while path:
            self._keys.setdefault(path, line)
            path = path.rpartition(".")[0]


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """The first line of each statement, its text, and what it says on its own."""
    block: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        block.append(line)
        if len(block) > 1 and not _MAY_END.search(line):
            continue
        statement = "\n".join(block)
        try:
            found = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        if found:
            yield number - len(block) + 1, statement, found
        block = []


def _deepest(tables: dict[str, Any]) -> str:
    """The table that a header opens: "venues.okx"."""
    names: list[str] = []
    inner: Any = tables
    while inner:
        name, inner = next(iter(inner.items()))
        names.append(name)
        inner = inner[0] if isinstance(inner, list) else inner
    return ".".join(names)


def _leaves(found: dict[str, Any], table: str) -> Iterator[tuple[str, Any]]:
    for name, value in found.items():
        path = f"{table}.{name}" if table else name
        if isinstance(value, dict) and value:
            yield from _leaves(value, path)
        else:
            yield path, value


def _elements(first: int, statement: str, count: int) -> Iterator[tuple[int, Any]]:
    """The elements of a list that is written over several lines, each with its line; none where a
    line does not hold whole ones."""
    found: list[tuple[int, Any]] = []
    for number, line in enumerate(statement.split("\n"), first):
        text = line.partition("[")[2] if number == first else line
        for end in ("\n]", ""):
            try:
                found += [(number, each) for each in tomllib.loads(f"v = [{text}{end}")["v"]]
                break
            except tomllib.TOMLDecodeError:
                pass
    if len(found) == count:
        yield from found
