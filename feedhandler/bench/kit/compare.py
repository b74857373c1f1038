"""What changed between two runs, beyond noise.

Where both have a floor, ratios are compared: they hold across minutes, and roughly across hosts.
Else values are. A change counts when it is larger than NOISE times the spreads of both together,
relative to their values, and than LEAST; of what is or was 0 or less (records lost, slopes) than
NOISE times the spreads, in its own unit: of losses, which have none, any change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from feedhandler.bench.kit.result import FIELDS, Result

NOISE = 3.0
LEAST = 0.05  #: relative


class ReportError(ValueError):
    """A file that is no report of a benchmark; the text says why and what to do."""


@dataclass(frozen=True)
class Change:
    """One figure in both runs, or in one of them only (the other None).

    `verdict`: better, worse, same, new, gone. `change`: relative, in the figure that was compared;
    `noise`: how large it may be for nothing to have changed.
    """

    key: tuple[str, str, str]
    verdict: str
    old: float | None
    new: float | None
    what: str = "value"  #: or "ratio"
    change: float = 0.0
    noise: float = 0.0


def load(path: Path) -> tuple[dict[str, Any], list[Result]]:
    """(host, results) of a report that `--json` wrote. Raises ReportError."""
    cure = "take what `feedhandler bench ... --json` wrote"
    try:
        report = orjson.loads(path.read_bytes())
    except OSError as error:
        raise ReportError(f"{path}: {error.strerror}; {cure}") from None
    except orjson.JSONDecodeError as error:
        raise ReportError(f"{path}: no JSON ({error}); {cure}") from None
    if not isinstance(report, dict) or not isinstance(report.get("results"), list):
        raise ReportError(f"{path}: no report of a benchmark: it has no list `results`; {cure}")
    results = []
    for number, entry in enumerate(report["results"], 1):
        missing = [name for name in FIELDS if not isinstance(entry, dict) or name not in entry]
        if missing:
            raise ReportError(f"{path}: result {number} has no {', '.join(missing)}; {cure}")
        results.append(Result(**{name: entry[name] for name in FIELDS}))
    host = report.get("host")
    return (host if isinstance(host, dict) else {}), results


def changes(old: Sequence[Result], new: Sequence[Result]) -> list[Change]:
    """Every figure of the benchmarks that `new` has run, in its order; then what is gone."""
    before = {result.key: result for result in old}
    ran = {result.bench for result in new}
    found = [_change(before.pop(result.key, None), result) for result in new]
    gone = [result for result in before.values() if result.bench in ran]
    return found + [Change(result.key, "gone", result.value, None) for result in gone]


def other_host(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What differs between two hosts that moves absolute figures; "" if nothing does."""
    differs = [name for name in ("cpu", "cpus", "governor", "kernel") if old.get(name) != new[name]]
    return ", ".join(f"{name} {old.get(name)} -> {new[name]}" for name in differs)


def _change(old: Result | None, new: Result) -> Change:
    if old is None:
        return Change(new.key, "new", None, new.value)
    what = "ratio" if old.ratio is not None and new.ratio is not None else "value"
    before, now = getattr(old, what), getattr(new, what)
    noise = max(LEAST, NOISE * math.hypot(_relative(old), _relative(new)))
    if before <= 0 or now <= 0:  # losses, slopes: there is nothing that it could be relative to
        wobble = NOISE * math.hypot(old.spread, new.spread)
        moved = abs(now - before) > wobble
        change, noise = (math.copysign(math.inf, now - before) if moved else 0.0), 0.0
    else:
        change = now / before - 1
    verdict = "same"
    if abs(change) > noise:
        verdict = "better" if (change < 0) != more_is_better(new.unit) else "worse"
    return Change(new.key, verdict, before, now, what, change, noise)


def more_is_better(unit: str) -> bool:
    """Of rates; of times, sizes and losses less is."""
    return unit.endswith("/s")


def _relative(result: Result) -> float:
    return abs(result.spread / result.value) if result.value else 0.0
