"""What the latency benchmark plays: a recording at steady rates, and its busiest seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from feedhandler.bench.figures.latency import READERS, measure
from feedhandler.bench.kit import pace
from feedhandler.bench.kit.frames import Case, recorded, recordings
from feedhandler.bench.kit.rendered import declared, rendered
from feedhandler.bench.kit.result import Findings
from feedhandler.bench.kit.scenario import lasting, prepare
from feedhandler.bench.kit.synthetic import synthetic

#: Frames a second, and for how many seconds.
RATES = {100: 4.0, 2_000: 3.0, 20_000: 1.0}
BURST_S = 10.0
SPEEDS = (1.0, 10.0)
_PREFERRED = ("binance-usdm", "binance")
_WARM = 4000


def stream(folder: Path | None, venue: str | None = None) -> Case:
    """A recording, of this venue or the busiest that there is; else frames made in code."""
    for name in (venue,) if venue else _PREFERRED:
        case = recorded(name, folder)
        if case is not None and case.floor:
            return case
    count = _WARM + int(sum(r * s for r, s in RATES.items()))
    if venue is not None and declared(venue) is not None:
        return lasting(rendered(venue, count=count))
    return synthetic(venue or "okx", count=count)


def steady(case: Case, rates: Sequence[int], scale: float = 1.0) -> list[pace.Slice]:
    """One slice after another; `scale`: of their seconds. Cut where the case ends."""
    slices: list[pace.Slice] = []
    at = min(_WARM, len(case.frames) // 5)
    for rate in rates:
        left = len(case.frames) - at
        seconds = min(RATES.get(rate, 1.0) * scale, left / rate)
        if rate * seconds < 1:
            break
        slices.append(pace.paced(at, rate, seconds))
        at = slices[-1].last
    return slices


def run(
    findings: Findings,
    *,
    folder: Path | None = None,
    venue: str | None = None,
    rates: Sequence[int] = tuple(RATES),
    readers: Sequence[str] = READERS,
    burst_s: float = BURST_S,
    repetitions: int = 3,
    scale: float = 1.0,
) -> None:
    """Steady rates, then the burst at true spacing and compressed; `burst_s` 0: no burst."""
    folder = recordings(folder)
    case = stream(folder, venue)
    if rates:
        slices = steady(case, rates, scale)
        cut = replace(case, frames=case.frames[: slices[-1].last])
        measure(
            prepare(cut, slices[0].first),
            slices,
            findings,
            readers=readers,
            repetitions=repetitions,
        )
    if not burst_s:
        return
    if not case.times:
        findings.note("no burst without a recording of one: --captures")
        return
    for speed in SPEEDS:
        one = pace.burst(case, burst_s, speed)
        findings.note(f"burst: {one.count:,} frames of {case.venue} in {burst_s / speed:g} s")
        cut = replace(case, frames=case.frames[: one.last])
        measure(prepare(cut, one.first), [one], findings, readers=readers, repetitions=repetitions)
