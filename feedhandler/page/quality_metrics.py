"""How good a venue's data was, as metrics: what is kept of the day, over restarts of its process.

Counters begin at 0 at midnight UTC, which a Prometheus sees as it sees a restart. Times may be
corrected when a writer has died: they are gauges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)

#: by number of the report: name, help
_COUNTERS: Final = {
    "messages": ("messages", "Changes of books that were applied"),
    "trades": ("trades", "Trades"),
    "gaps": ("gaps", "Holes in the venue's numbers"),
    "missing": ("missing_messages", "What was missing in holes, by the venue's own count"),
    "unsized": ("unsized_gaps", "Holes of which nobody knows how much was missing"),
    "heals": ("heals", "Books that were made right again"),
    "duplicates": ("duplicates", "Copies of messages that were there already"),
    "suspects": ("suspect_windows", "Times that a book left LIVE by a fault"),
}
#: proofs that books were held against, each with what agreed and what did not
_PROOFS: Final = {
    "checksums": ("checksums", "Books held against the venue's checksum"),
    "audits": ("audits", "Books held against a snapshot beside the stream"),
}
_OURS: Final = {
    "buffer_dropped": ("own_dropped_messages", "Of ours: what waited for a base and had to go"),
    "malformed": ("own_malformed_frames", "Of ours: frames that could not be read"),
    "behind": ("own_splits_in_vain", "Of ours: how often splitting a connection was no help"),
}
_NAME: Final = "feedhandler_quality_"


def quality_families(reports: Iterable[dict[str, Any]]) -> Iterator[Metric]:
    """Of each venue's report (see `quality.report`); of instruments, too, where a report has
    them."""
    reports = list(reports)
    for key, (name, text) in _COUNTERS.items():
        yield _counters(name, text, [(each["venue"], each[key]) for each in reports])
    for key, (name, text) in _OURS.items():
        yield _counters(name, text, [(each["venue"], each["ours"][key]) for each in reports])
    for key, (name, text) in _PROOFS.items():
        family = CounterMetricFamily(_NAME + name, text, labels=["venue", "result"])
        for each in reports:
            for result, word in (("agree", "agrees"), ("differ", "differs")):
                family.add_metric([each["venue"], word], each[key][result])
        yield family
    suspect = CounterMetricFamily(
        f"{_NAME}suspect_seconds",
        "For how long books may have been wrong before it was noticed",
        labels=["venue"],
        unit="seconds",
    )
    for each in reports:
        suspect.add_metric([each["venue"]], each["suspect_ns"] / 1e9)
    yield suspect
    yield from _times(reports)
    yield from _instruments(reports)


def _counters(name: str, text: str, rows: list[tuple[str, int]]) -> Metric:
    family = CounterMetricFamily(_NAME + name, text, labels=["venue"])
    for venue, value in rows:
        family.add_metric([venue], value)
    return family


def _times(reports: list[dict[str, Any]]) -> Iterator[Metric]:
    proof = InfoMetricFamily(
        f"{_NAME}proof", "By what each message is proven, empty: by nothing", labels=["venue"]
    )
    share = GaugeMetricFamily(
        f"{_NAME}live_ratio", "Share of the day's time that books were LIVE", labels=["venue"]
    )
    live, carried, since = (
        GaugeMetricFamily(_NAME + name, text, labels=["venue"], unit="seconds")
        for name, text in (
            ("live_seconds", "Time that books were LIVE, summed over books"),
            ("carried_seconds", "Time that books were carried, summed over books"),
            ("since_timestamp_seconds", "Since when that day is counted"),
        )
    )
    for each in reports:
        labels = [each["venue"]]
        proof.add_metric(labels, {"proof": each["proof"]})
        if each["live"] is not None:
            share.add_metric(labels, each["live"])
        live.add_metric(labels, each["live_ns"] / 1e9)
        carried.add_metric(labels, each["carried_ns"] / 1e9)
        since.add_metric(labels, each["began_ns"] / 1e9)
    yield from (proof, share, live, carried, since)


def _instruments(reports: list[dict[str, Any]]) -> Iterator[Metric]:
    labels = ["venue", "symbol"]
    share = GaugeMetricFamily(
        f"{_NAME}instrument_live_ratio", "Share of the day's time that it was LIVE", labels=labels
    )
    gaps = CounterMetricFamily(f"{_NAME}instrument_gaps", "Holes in its numbers", labels=labels)
    rows = [(each["venue"], row) for each in reports for row in each["instruments"]]
    for venue, row in rows:
        if row["live"] is not None:
            share.add_metric([venue, row["symbol"]], row["live"])
        gaps.add_metric([venue, row["symbol"]], row["gaps"])
    if rows:
        yield from (share, gaps)
