"""A mutant: one small edit of one file, as text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mutant:
    """`start` to `end` of the file's text becomes `new`. `where` is the function that has it."""

    file: str
    where: str
    rule: str
    start: int
    end: int
    new: str
    line: int
    was: str
    becomes: str

    def text(self, source: str) -> str:
        """The whole file with the edit."""
        return source[: self.start] + self.new + source[self.end :]

    @property
    def name(self) -> str:
        """What it is known by: no line numbers, which move."""
        return f"{self.where}: {self.was} => {self.becomes}"


def mutant(file: str, source: str, where: str, rule: str, start: int, end: int, new: str) -> Mutant:
    """One of `source`, with the lines before and after in one spacing."""
    first = source.rfind("\n", 0, start) + 1
    last = source.find("\n", end)
    last = len(source) if last < 0 else last
    was = " ".join(source[first:last].split())
    becomes = " ".join((source[first:start] + new + source[end:last]).split())
    line = source.count("\n", 0, start) + 1
    return Mutant(file, where, rule, start, end, new, line, was, becomes)


def apart(found: list[Mutant]) -> list[Mutant]:
    """Those of one text that was there more than once get numbers."""
    seen: dict[str, int] = {}
    numbered = []
    for one in found:
        nth = seen[one.name] = seen.get(one.name, 0) + 1
        if nth > 1:
            one = Mutant(**{**one.__dict__, "becomes": f"{one.becomes} #{nth}"})
        numbered.append(one)
    return numbered
