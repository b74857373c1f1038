"""The fault table of docs/connections.md, which is what the tests of faults assert.

A test asks for a row by the fault's name and takes from it what readers see and within what time;
so the table cannot promise what no test holds it to. `test_fault_table.py` keeps the rest in
step: each row names tests that exist and ask for it, each fault of the simulator has a row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = ROOT / "docs" / "connections.md"
_HEAD: Final = (
    "Fault", "Simulator", "Noticed by", "Within", "Readers see", "Healed by", "Within", "Tests",
)  # fmt: skip
_SECONDS = re.compile(r"(\d+(?:\.\d+)?) s")
_NAME = re.compile(r"`(\w+)`")


@dataclass(frozen=True)
class Row:
    """One fault. `sees`: (state, reason) that follow each other until the book is LIVE again; none:
    readers see nothing of it. `noticed`, `healed`: as written, see `seconds`."""

    fault: str
    kinds: tuple[str, ...]
    noticed: str
    sees: tuple[tuple[str, str], ...]
    healed: str
    tests: tuple[str, ...]

    def noticed_s(self, **settings: float) -> float:
        """The promised bound, without slack."""
        return seconds(self.noticed, settings)

    def healed_s(self, **settings: float) -> float:
        """The promised bound after the fault's end, without slack."""
        return seconds(self.healed, settings)


def seconds(text: str, settings: dict[str, float]) -> float:
    """A bound: "3 s", "`silence_s`", or a sum of such. Raises ValueError for anything else."""
    total = 0.0
    for part in text.split(" + "):
        number, name = _SECONDS.fullmatch(part), _NAME.fullmatch(part)
        if number:
            total += float(number[1])
        elif name and name[1] in settings:
            total += settings[name[1]]
        else:
            raise ValueError(f"not a bound: {text!r}, with {settings}")
    return total


@cache
def rows() -> dict[str, Row]:
    """All rows by their fault."""
    lines = DOCUMENT.read_text("utf-8").splitlines()
    head = "| " + " | ".join(_HEAD) + " |"
    found = {}
    for line in lines[lines.index(head) + 2 :]:
        if not line.startswith("|"):
            break
        fault, kinds, _, noticed, sees, _, healed, tests = (
            cell.strip() for cell in line.strip("|").split("|")
        )
        assert fault not in found, f"two rows: {fault}"
        found[fault] = Row(
            fault=fault,
            kinds=tuple(_NAME.findall(kinds)),
            noticed=noticed,
            sees=tuple(re.findall(r"([A-Z]+)\(([A-Z_]+)\)", sees)),
            healed=healed,
            tests=tuple(re.findall(r"`([\w/.:]+)`", tests)),
        )
    return found


def row(fault: str) -> Row:
    """The row of a fault."""
    return rows()[fault]
