"""The table of link faults of docs/mirror.md, which is what the tests of them assert.

A test asks for a row by the fault's name and takes from it what readers see and within what time;
`test_fault_table.py` keeps the rest in step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tests.feed.fault_table import seconds

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = ROOT / "docs" / "mirror.md"
_HEAD: Final = ("Fault", "Readers see", "Within", "Healed by", "Within", "Lost", "Tests")


@dataclass(frozen=True)
class Row:
    """One fault. `sees`: (state, reason) of every book until it is LIVE again; none: readers see
    nothing of it. `lost`: what is lost for good, in words; "" is nothing."""

    fault: str
    sees: tuple[tuple[str, str], ...]
    noticed: str
    healed: str
    lost: str
    tests: tuple[str, ...]

    def noticed_s(self, silence_s: float) -> float:
        """The promised bound, without slack."""
        return seconds(self.noticed, {"silence": silence_s})

    @property
    def healed_s(self) -> float:
        """The promised bound after the fault's end, without slack."""
        return seconds(self.healed, {})


@cache
def rows() -> dict[str, Row]:
    """All rows by their fault."""
    lines = DOCUMENT.read_text("utf-8").splitlines()
    found = {}
    for line in lines[lines.index("| " + " | ".join(_HEAD) + " |") + 2 :]:
        if not line.startswith("|"):
            break
        fault, sees, noticed, _, healed, lost, tests = (
            cell.strip() for cell in line.strip("|").split("|")
        )
        assert fault not in found, f"two rows: {fault}"
        found[fault] = Row(
            fault=fault,
            sees=tuple(re.findall(r"([A-Z]+)\(([A-Z_]+)\)", sees)),
            noticed=noticed,
            healed=healed,
            lost="" if lost == "0" else lost,
            tests=tuple(re.findall(r"`([\w/.:]+)`", tests)),
        )
    return found


def row(fault: str) -> Row:
    """The row of a fault."""
    return rows()[fault]
