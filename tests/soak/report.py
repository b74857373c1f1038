"""What a soak found, and how it is told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.soak.memory import Grown

#: (kind of reader, what it must have seen): else a check has checked nothing
MUST_SEE = (
    ("ring", "books"), ("ring", "trades"), ("sleepy", "books"), ("sleepy", "naps"),
    ("cell", "books"), ("cell", "sides known whole"), ("cell", "sides known to a depth"),
    ("cell", "statuses open"), ("cell", "statuses halted"),
    ("quote", "quotes of BOOK"), ("quote", "quotes of QUOTE"), ("quote", "statuses open"),
    ("guard", "passed all"), ("guard", "passed some"), ("guard", "passed with an age"),
    ("guard", "vouched for"), ("guard", "quotes of BOOK"), ("guard", "quotes of QUOTE"),
    ("guard", "refused NotLive"), ("guard", "refused with nothing good"),
    ("guard", "refused, writer dead"), ("guard", "refused, writer silent"),
)  # fmt: skip
_STAMP = re.compile(r"^\S+Z (\w+) (\S+): ")
_VARIES = re.compile(r"https?://\S+|wss?://\S+|\b(?:BTC|ETH)[-\w]*|\d[\d.,:]*|\b(?:[a-z]+ )?UTC\b")


@dataclass
class Findings:
    """What happened, and what is wrong with it."""

    seed: int
    seconds: float = 0.0
    ordered: Counter[str] = field(default_factory=Counter)
    seen: dict[str, Counter[str]] = field(default_factory=dict)
    verdicts: dict[str, Counter[str]] = field(default_factory=dict)
    counters: dict[str, dict[str, int]] = field(default_factory=dict)
    memory: dict[str, Grown] = field(default_factory=dict)
    live_share: dict[str, float] = field(default_factory=dict)
    log: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def checked(self) -> int:
        """Books, messages, quotes, statuses and guards that were held against the venue."""
        return sum(each["checked"] for each in self.verdicts.values())

    def told(self) -> str:
        """For people."""
        names = ("checked", "unknown", "wrong")
        total: Counter[str] = sum(self.verdicts.values(), Counter())
        lines = [
            f"seed {self.seed}, {self.seconds:.0f} s, {sum(self.ordered.values())} faults",
            "",
            *_table(
                ("readers", *names),
                [(kind, *(found[name] for name in names)) for kind, found in
                 sorted(self.verdicts.items())] + [("all", *(total[name] for name in names))],
            ),
            "",
        ]  # fmt: skip
        for kind, seen in sorted(self.seen.items()):
            lines += [*_columns(f"{kind} readers saw", seen), ""]
        lines += [*_columns("faults", self.ordered), ""]
        lines += [*_table(
            ("memory, kB", "first", "last", "a hour", "noise", "samples"),
            [(name, it.first, it.last, round(it.slope), round(it.noise), it.samples)
             for name, it in self.memory.items()],
        ), ""]  # fmt: skip
        for venue, counters in self.counters.items():
            said = {key: value for key, value in counters.items() if value}
            share = self.live_share.get(venue, 0)
            lines += [*_columns(f"{venue}, LIVE {share:.1%} of all looks", said), ""]
        lines += [*_columns(f"log, {sum(self.log.values())} lines", dict(self.log.most_common())),
                  ""]  # fmt: skip
        lines += [f"PROBLEM: {problem}" for problem in self.problems] or ["nothing is wrong"]
        return "\n".join(lines)


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> list[str]:
    texts = [head, *(tuple(str(cell) if isinstance(cell, str) else f"{cell:,}" for cell in row)
                     for row in rows)]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]),
                   *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))])
        for row in texts
    ]  # fmt: skip


def _columns(title: str, counts: Mapping[str, int]) -> list[str]:
    """Counts under a title, the largest first, as many beside each other as 120 columns hold."""
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    width = max([len(f"{count:,}") for count in counts.values()], default=0)
    cells = [f"{count:>{width},}  {name}" for name, count in ordered]
    wide = max(map(len, cells), default=0) + 3
    beside = max(1, 120 // wide)
    rows = -(-len(cells) // beside)
    return [title, *(
        "  " + "".join(cell.ljust(wide) for cell in cells[row::rows]).rstrip()
        for row in range(rows)
    )]  # fmt: skip


def by_kind(log: Path) -> Counter[str]:
    """The lines of a log, those alike counted together."""
    found: Counter[str] = Counter()
    for line in log.read_text(errors="replace").splitlines():
        stamped = _STAMP.match(line)
        who = f"{stamped[1]} {stamped[2]}: " if stamped else "(without a stamp) "
        text = line[stamped.end() :] if stamped else line
        found[(who + _VARIES.sub("#", text))[:150]] += 1
    return found
