"""What a benchmark yields: figures, each beside its floor, and the distributions they come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from feedhandler.bench.kit.histogram import Histogram

#: The keys of a result in JSON, all of them.
FIELDS = ("bench", "case", "metric", "unit", "value", "spread", "floor", "ratio")


@dataclass(frozen=True)
class Result:
    """One figure.

    `value`: the median over repetitions, in `unit`; `spread`: half its interquartile range;
    `floor`: the median of what the least C that does the work took in the same minutes; `ratio`:
    the median of the repetitions' ratios, value to floor. None: there is no floor; a note says why
    where there should be one. `noisy`: so much else ran that the figure is not to be relied on (not
    in JSON, where the spread says it).
    """

    bench: str
    case: str
    metric: str
    unit: str
    value: float
    spread: float = 0.0
    floor: float | None = None
    ratio: float | None = None
    noisy: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same figure in another run."""
        return self.bench, self.case, self.metric

    def asdict(self) -> dict[str, Any]:
        """The eight keys of `FIELDS`."""
        return {name: getattr(self, name) for name in FIELDS}


@dataclass(frozen=True)
class Curve:
    """The distribution behind a figure. Curves of one `chart` of one bench share a plot."""

    bench: str
    chart: str
    name: str
    unit: str
    histogram: Histogram
    floor: bool = False


@dataclass(frozen=True)
class Series:
    """A figure over time: seconds and values."""

    bench: str
    chart: str
    name: str
    unit: str
    points: list[tuple[float, float]]


@dataclass
class Findings:
    """What a run of one or more benchmarks gathers. `progress` is told what is being measured."""

    results: list[Result] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  #: what was left out, and why
    wide: set[str] = field(default_factory=set)  #: benches to be shown a line a case
    progress: Callable[[str], None] = lambda _: None

    def note(self, text: str) -> None:
        """Say it once."""
        if text not in self.notes:
            self.notes.append(text)
