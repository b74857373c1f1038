"""The policy of all benchmarks: in turns with the floor, medians, spread, ratios.

A figure alone says more about the machine and the minute than about the program. So every figure
has a floor, measured in turns with it: both met the same clock speed, the same neighbours. The
ratio is taken per repetition and its median is reported, so that a slow minute costs both sides and
not the ratio. The spread is half the interquartile range, which one bad repetition does not move.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from feedhandler.bench.kit.result import Result

NOISY = 0.05  #: of the median: half the interquartile range of the ratios, or values without floor
T = TypeVar("T")
Pair = tuple[float, float | None]


def spread(values: Sequence[float]) -> float:
    """Half the interquartile range; of fewer than four values half their range."""
    if len(values) < 4:
        return (max(values) - min(values)) / 2
    low, _, high = statistics.quantiles(values, n=4)
    return (high - low) / 2


def summary(bench: str, case: str, metric: str, unit: str, pairs: Sequence[Pair]) -> Result:
    """One result of repetitions, each (own figure, the floor's or None). At least one. A floor that
    is 0 is none: nothing is so many times as much."""
    own = [value for value, _ in pairs]
    least = [floor for _, floor in pairs if floor is not None]
    ratios = [value / floor for value, floor in pairs if floor]
    judged = ratios or own
    middle = statistics.median(judged)
    return Result(
        bench,
        case,
        metric,
        unit,
        significant(statistics.median(own)),
        significant(spread(own), 3),
        significant(statistics.median(least)) if ratios else None,
        significant(statistics.median(ratios)) if ratios else None,
        noisy=middle != 0 and spread(judged) > NOISY * abs(middle),
    )


def in_turns(
    sides: Mapping[str, Callable[[], T]],
    repetitions: int,
    progress: Callable[[int], None] = lambda _: None,
) -> dict[str, list[T]]:
    """Run all sides `repetitions` times, alternately forwards and backwards.

    What drifts over a run (heat, a neighbour that comes) then meets all of them alike. `progress`
    is told which repetition begins, from 1.
    """
    taken: dict[str, list[T]] = {name: [] for name in sides}
    names = list(sides)
    for repetition in range(repetitions):
        progress(repetition + 1)
        for name in names if repetition % 2 == 0 else reversed(names):
            taken[name].append(sides[name]())
    return taken


def significant(value: float, digits: int = 4) -> float:
    """The value with so many significant digits: no more than a measurement has."""
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))
