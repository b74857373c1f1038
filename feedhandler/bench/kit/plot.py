"""Plots of a run as PNG files. Needs matplotlib, which nothing else here does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from feedhandler.bench.kit.result import Curve, Findings, Result, Series

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIZE = (10.0, 6.0)  # inches
_DPI = 120
_NINES = (0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 99.9999)
Charted = TypeVar("Charted", Curve, Series)


class PlotError(RuntimeError):
    """No plots can be made; the text says why and what to do."""


def check() -> None:
    """Raises PlotError where matplotlib is missing: to be asked before a long run."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise PlotError(
            "plots need matplotlib, which is not installed: pip install 'feedhandler[plot]'"
        ) from None


def draw(findings: Findings, folder: Path) -> list[Path]:
    """Write the plots of a run into a folder, which is made: ratios of each benchmark, and of each
    chart its percentile curves and histograms, or its course. Returns the files.

    Raises PlotError, OSError.
    """
    check()
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for bench in dict.fromkeys(result.bench for result in findings.results):
        ours = [one for one in findings.results if one.bench == bench and one.ratio is not None]
        if ours:
            made.append(_save(_ratios(bench, ours), folder, f"{bench} ratios"))
    for name, curves in _charts(findings.curves):
        made.append(_save(_percentiles(name, curves), folder, f"{name} percentiles"))
        made.append(_save(_histograms(name, curves), folder, f"{name} histogram"))
    for name, series in _charts(findings.series):
        made.append(_save(_courses(name, series), folder, f"{name} course"))
    return made


def _charts(items: Iterable[Charted]) -> list[tuple[str, list[Charted]]]:
    charts: dict[str, list[Charted]] = {}
    for item in items:
        charts.setdefault(f"{item.bench} {item.chart}", []).append(item)
    return list(charts.items())


def _figure(title: str, height: float = _SIZE[1]) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_SIZE[0], height), dpi=_DPI, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    axes.grid(True, which="both", linewidth=0.3)
    return figure, axes


def _save(figure: Figure, folder: Path, name: str) -> Path:
    path = folder / (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") + ".png")
    figure.savefig(path)
    return path


def _ratios(bench: str, results: Sequence[Result]) -> Figure:
    figure, axes = _figure(f"{bench}: ratio to the floor", max(3.0, 1.2 + 0.28 * len(results)))
    names = [f"{result.case}, {result.metric}" for result in results]
    ratios = [result.ratio or 0.0 for result in results]
    errors = [r.ratio * r.spread / r.value if r.ratio and r.value else 0.0 for r in results]
    axes.barh(names, ratios, xerr=errors, color="tab:blue", ecolor="black", height=0.6)
    axes.axvline(1.0, color="black", linewidth=1)
    if max(ratios) > 20 * min(ratio for ratio in ratios if ratio > 0):
        axes.set_xscale("log")
    axes.invert_yaxis()
    axes.set_xlabel("value / floor, with the value's spread")
    return figure


def _style(curve: Curve) -> dict[str, Any]:
    return {"label": curve.name, "linestyle": "--" if curve.floor else "-", "linewidth": 1.4}


def _percentiles(name: str, curves: Sequence[Curve]) -> Figure:
    """Value over the number of nines, both logarithmic: the tail is where the truth is."""
    figure, axes = _figure(name)
    most = 0.0
    for curve in curves:
        highs, counts = curve.histogram.buckets()
        if not len(highs):
            continue
        above = 1 - np.cumsum(counts) / curve.histogram.count
        above[-1] = 0.5 / curve.histogram.count
        nines = -np.log10(np.maximum(above, 0.5 / curve.histogram.count))
        most = max(most, float(nines[-1]))
        axes.plot(nines, highs, drawstyle="steps-pre", **_style(curve))
    marks = [p for p in _NINES if -np.log10(1 - p / 100) <= most]
    axes.set_xticks([-np.log10(1 - p / 100) for p in marks], [f"{p:g}" for p in marks])
    axes.set_yscale("log")
    axes.set_xlabel("percentile")
    axes.set_ylabel(curves[0].unit)
    axes.legend()
    return figure


def _histograms(name: str, curves: Sequence[Curve]) -> Figure:
    figure, axes = _figure(name)
    filled = [(curve, *curve.histogram.buckets()) for curve in curves if curve.histogram.count]
    if filled:
        low = max(1, min(int(highs[0]) for _, highs, _ in filled))
        high = max(low + 1, *(curve.histogram.percentile(99.9) for curve, _, _ in filled))
        edges = np.geomspace(low, high * 1.01, 120)
        for curve, highs, counts in filled:
            shares = np.histogram(highs, edges, weights=counts)[0] / curve.histogram.count
            axes.stairs(100 * shares, edges, **_style(curve))
        axes.set_xscale("log")
        axes.legend()
    axes.set_xlabel(f"{curves[0].unit}, up to the highest p99.9")
    axes.set_ylabel("% of all")
    return figure


def _courses(name: str, series: Sequence[Series]) -> Figure:
    figure, axes = _figure(name)
    for one in series:
        times, values = zip(*one.points, strict=True) if one.points else ((), ())
        axes.plot(times, values, label=one.name)
    axes.set_xlabel("s")
    axes.set_ylabel(series[0].unit)
    axes.legend()
    return figure
