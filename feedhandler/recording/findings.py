"""What `verify` has to say of a recording."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

#: kinds of findings, and what each means
MEANINGS = {
    "manifest": "a line of the manifest cannot be believed",
    "format": "another version of the format",
    "gone": "a file that the manifest names is not there",
    "size": "a file has not the bytes that the manifest says",
    "digest": "a file has other bytes than those that were written",
    "unreadable": "a file is no Parquet file, or not whole",
    "columns": "a file has other columns than its table",
    "rows": "a file or a segment has not the rows that the manifest says",
    "order": "rows are not in order",
    "value": "a value cannot be, or contradicts another one",
    "alien": "a file that the manifest does not name",
    "left over": "a file that another one replaces",
    "overlap": "two segments have the same records",
    "missing": "records are missing within a segment",
    "twice": "records are there twice",
    "unsaid": "records are missing between segments, and no line says so",
    "not lost": "a line says that records are lost, and they are there",
    "mark": "the book that the records make is not the one that the feed held",
    "base": "a base is not the book that the records before it make",
    "book": "a book cannot be made of its records",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be. `first`, `last`: the records that are suspect because
    of it, `from_ns`, `to_ns`: the same in time; None: not known, or none in particular."""

    what: str
    text: str
    venue: str | None = None
    epoch: int | None = None
    first: int | None = None
    last: int | None = None
    from_ns: int | None = None
    to_ns: int | None = None
    path: str | None = None


@dataclass(slots=True)
class Lost:
    """Records that the recorder did not get, as it says itself and as the segments show."""

    venue: str
    epoch: int
    first: int
    last: int | None
    count: int | None
    why: str
    from_ns: int | None
    to_ns: int | None


@dataclass(slots=True)
class VenueGap:
    """An instrument's book was not in step with its venue: the feed said so at the time."""

    venue: str
    symbol: str
    state: str
    reason: str
    from_ns: int
    to_ns: int | None  #: None: until the end of what is recorded, or a loss


@dataclass(slots=True)
class Checked:
    """How much was looked at."""

    files: int = 0
    bytes: int = 0
    rows: int = 0
    records: int = 0
    bases: int = 0
    marks: int = 0
    unmarked: int = 0  #: marks of books that no base before them begins, in what is readable

    def add(self, other: Checked) -> None:
        for name in Checked.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Findings:
    """A list that says how many more there were, where one kind has very many."""

    MOST = 100

    def __init__(self) -> None:
        self.found: list[Finding] = []
        self.more: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()

    def add(self, finding: Finding) -> None:
        self._counts[finding.what] += 1
        if self._counts[finding.what] <= self.MOST:
            self.found.append(finding)
        else:
            self.more[finding.what] += 1

    def extend(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.add(finding)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


@dataclass(slots=True)
class Report:
    """All of it. `ok`: nothing was found; `lost` is no finding where `allowed`."""

    directory: str
    findings: list[Finding] = field(default_factory=list)
    more: dict[str, int] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)
    venue_gaps: list[VenueGap] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    checked: dict[str, Checked] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def total(self) -> Checked:
        found = Checked()
        for each in self.checked.values():
            found.add(each)
        return found
