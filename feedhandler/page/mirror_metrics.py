"""Of mirrors in OpenMetrics: how late they are, and what they lack; and of who serves them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)


def mirror_families(mirrors: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[Metric]:
    """(venue, as of `view.mirrored.mirror_of`) of each; nothing where there is none."""
    found = list(mirrors)
    if not found:
        return
    whose = InfoMetricFamily("feedhandler_mirror", "Whose, and over which link", labels=["venue"])
    gauges = {
        name: GaugeMetricFamily(
            f"feedhandler_mirror_{name}", text, labels=["venue"], unit="seconds"
        )
        for name, text in {
            "late_seconds": "From the source's publication to here, the most of the last second",
            "clock_offset_seconds": "The source's clock less this host's",
            "clock_error_seconds": "By how much that may be wrong",
            "heard_timestamp_seconds": "When the source was heard last",
        }.items()
    }
    lost, repairs = (
        CounterMetricFamily(f"feedhandler_mirror_{name}", text, labels=["venue"])
        for name, text in (
            ("lost_records", "Records that could not be had"),
            ("repairs", "How often something was missing, and came after all"),
        )
    )
    for venue, its in found:
        about = {"source": its["source"], "link": its["link"], "hops": str(its["hops"])}
        whose.add_metric([venue], about)
        for name, family in gauges.items():
            key = name.removesuffix("_seconds").removesuffix("_timestamp") + "_ns"
            family.add_metric([venue], its[key] / 1e9)
        lost.add_metric([venue], its["lost"])
        repairs.add_metric([venue], its["repaired"])
    yield from (whose, *gauges.values(), lost, repairs)


def serve_families(serving: Sequence[Mapping[str, Any]]) -> Iterator[Metric]:
    """As of `feedhandler status`; nothing where nobody serves."""
    if not serving:
        return
    labels = ["name", "venue"]
    mirrors = GaugeMetricFamily(
        "feedhandler_serve_mirrors", "Mirrors that were heard", None, labels
    )
    counters = {
        "batches": CounterMetricFamily("feedhandler_serve_batches", "Batches sent", None, labels),
        "bytes": CounterMetricFamily("feedhandler_serve_sent_bytes", "Of batches", None, labels),
        "left_out": CounterMetricFamily(
            "feedhandler_serve_left_out_records",
            "Records that were overwritten before they were sent",
            None,
            labels,
        ),
    }
    for one in serving:
        for venue in one["venues"]:
            key = [one["name"], venue["venue"]]
            mirrors.add_metric(key, len(venue["mirrors"]))
            for name, family in counters.items():
                family.add_metric(key, venue[name])
    yield from (mirrors, *counters.values())
