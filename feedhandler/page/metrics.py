"""The feed in OpenMetrics: https://prometheus.io/docs/specs/om/open_metrics_spec/.

Counters begin at 0 with each start of a venue's process, as counters of a process do. Labels are
few: one series per symbol only where that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import numpy as np
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from feedhandler.page.away import Away, is_silent
from feedhandler.page.mirror_metrics import mirror_families, serve_families
from feedhandler.page.quality_metrics import quality_families
from feedhandler.page.reader_losses import ReaderLosses
from feedhandler.quality.report import report
from feedhandler.view.watch import VenueLook, Watch
from shm import NONE, Histogram, ShmError, State
from shm._native import histogram_floors
from shm.inspect import Memory

#: seconds; our own buckets are finer, and each of them falls into the first that holds it whole
_BOUNDS: Final = (
    *(5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3),
    *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
_HISTOGRAMS: Final = {
    Histogram.EXCHANGE_RECEIVE: (
        "feedhandler_venue_lag",
        "From the venue's clock to ours; both clocks' errors are in it",
    ),
    Histogram.RECEIVE_PUBLISH: (
        "feedhandler_publish_latency",
        "From the socket to shared memory",
    ),
    Histogram.RTT: ("feedhandler_round_trip", "Of heartbeats on connections"),
}
#: by counter of the memory: name, labels beside the venue, help
_COUNTERS: Final[dict[str, tuple[str, dict[str, str], str]]] = {
    "frames": ("frames", {}, "WebSocket frames read"),
    "bytes": ("received_bytes", {}, "Bytes of frames read"),
    "messages": ("messages", {}, "Messages understood, of any channel"),
    "levels": ("levels", {}, "Levels that messages brought"),
    "trades": ("trades", {}, "Trades published"),
    "control": ("control_frames", {}, "Frames that were no market data"),
    "malformed": ("malformed_frames", {}, "Frames that break the venue's own rules"),
    "unknown": ("unknown_frames", {}, "Messages of instruments or channels that are not carried"),
    "gaps": ("gaps", {}, "Holes in the venue's numbers"),
    "checksum_ok": ("checksums", {"result": "agrees"}, "Books held against the venue's checksum"),
    "checksum_bad": ("checksums", {"result": "differs"}, ""),
    "crossed": ("crossed_books", {}, "Books whose best bid was above their best ask"),
    "duplicates": ("duplicates", {}, "Copies of messages that were there already"),
    "resyncs": ("resyncs", {}, "Books that were made right again"),
    "snapshots": ("snapshots", {}, "Full books taken"),
    "buffer_dropped": ("dropped_messages", {}, "Messages that waited for a base and had to go"),
    "connects": ("connections_opened", {}, "Sessions begun"),
    "disconnects": ("connections_lost", {}, "Sessions that were cut"),
    "resubscribes": ("resubscriptions", {}, "Subscriptions asked for again"),
    "rejected": ("refused_subscriptions", {}, "Subscriptions that the venue refused"),
    "rest_requests": ("rest_requests", {}, "REST requests"),
    "rest_errors": ("rest_errors", {}, "REST requests that failed"),
    "audits": ("audits", {}, "Books held against a snapshot beside the stream"),
    "audit_bad": ("audits_failed", {}, "Of these: that disagreed"),
    "splits": ("splits", {}, "Connections split, since they could not keep up"),
    "behind": ("splits_in_vain", {}, "How often splitting was no help"),
}


def exposition(
    looks: Sequence[VenueLook],
    watch: Watch,
    accept: str,
    *,
    away: Away | None = None,
    losses: ReaderLosses | None = None,
    serving: Sequence[Mapping[str, Any]] = (),
    per_symbol: bool = False,
) -> tuple[str, bytes]:
    """(content type, text) in the format that `accept` prefers. `away`: what earlier looks saw, and
    these; `losses`: those of earlier calls, so that counters only rise. `serving`: who serves
    mirrors. `per_symbol`: also series of each instrument's state, best prices and quality."""
    if away is None:
        away = Away()
        away.look(looks, watch)
    registry = CollectorRegistry()
    feed = _Feed(looks, watch, away, losses or ReaderLosses(), serving, per_symbol)
    registry.register(feed)
    encode, content_type = choose_encoder(accept)
    return content_type, encode(registry)


class _Feed(Collector):
    def __init__(
        self,
        looks: Sequence[VenueLook],
        watch: Watch,
        away: Away,
        losses: ReaderLosses,
        serving: Sequence[Mapping[str, Any]],
        per_symbol: bool,
    ) -> None:
        self._looks = looks
        self._watch = watch
        self._away = away
        self._losses = losses
        self._serving = serving
        self._per_symbol = per_symbol

    def describe(self) -> Iterable[Metric]:
        """Nothing is promised before it is looked at."""
        return ()

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("feedhandler_build", "This program", {"version": _version()})
        yield from self._states()
        yield from self._counters()
        yield from self._connections()
        yield from self._histograms()
        yield from self._readers()
        mirrors = ((look.venue, look.status.get("mirror")) for look in self._looks)
        yield from mirror_families((venue, its) for venue, its in mirrors if its)
        yield from serve_families(self._serving)
        yield from quality_families(self._qualities())
        if self._per_symbol:
            yield from self._symbols()

    def _memories(self) -> Iterator[tuple[VenueLook, Memory]]:
        for look in self._looks:
            memory = self._watch.memory(look.venue)
            if memory is not None:
                yield look, memory

    def _states(self) -> Iterator[Metric]:
        what = _gauges(
            live="1 while all that was asked for of the venue is LIVE",
            since_timestamp_seconds="Since when the venue is in its state",
            instruments="Instruments carried",
            books_ready="Instruments that are LIVE",
            books_stale="Instruments that are not",
            stale_since_timestamp_seconds="Since when the one is not LIVE that is so for longest",
            last_message_timestamp_seconds="When a byte last came",
            heartbeat_timestamp_seconds="When its process last said that it is well",
            resident_bytes="Memory of its process",
            shared_bytes="Size of its shared memory",
            epoch="The number of its process's start",
        )
        state = InfoMetricFamily(
            "feedhandler_state", "The venue's state and its reason", labels=["venue"]
        )
        restarts = CounterMetricFamily(
            "feedhandler_restarts", "Starts of its process after the first", labels=["venue"]
        )
        for look in self._looks:
            status, venue = look.status, look.venue
            state.add_metric([venue], {"state": status["state"], "reason": status["reason"]})
            restarts.add_metric([venue], status.get("restarts", 0))
            well = status["state"] == "LIVE"
            values = {
                "live": float(well),
                "since_timestamp_seconds": _seconds(status.get("since_ns")),
                "instruments": status["instruments"],
                "books_ready": status["live"],
                "books_stale": status["instruments"] - status["live"],
                "stale_since_timestamp_seconds": _seconds(self._away.since_ns(venue)),
                "last_message_timestamp_seconds": _ago(status.get("data_age_ns")),
                "heartbeat_timestamp_seconds": _ago(status.get("heartbeat_age_ns")),
                "resident_bytes": status.get("resident_bytes"),
                "shared_bytes": status.get("shared_bytes"),
                "epoch": status["epoch"],
            }
            for name, value in values.items():
                if value is not None:
                    what[name].add_metric([venue], value)
        yield from (state, restarts, *what.values())

    def _counters(self) -> Iterator[Metric]:
        families: dict[str, CounterMetricFamily] = {}
        for name, more, text in _COUNTERS.values():
            if name not in families:
                families[name] = CounterMetricFamily(
                    f"feedhandler_{name}", text, labels=["venue", *more], unit=_unit(name)
                )
        slow = CounterMetricFamily(
            "feedhandler_slow_frames", "Frames of no known skeleton", labels=["venue"]
        )
        for look in self._looks:
            counters = look.status.get("counters", {})
            for key, (name, more, _) in _COUNTERS.items():
                if key in counters:
                    families[name].add_metric([look.venue, *more.values()], counters[key])
            slow.add_metric([look.venue], look.status.get("slow_frames", 0))
        yield from (*families.values(), slow)

    def _connections(self) -> Iterator[Metric]:
        total = GaugeMetricFamily("feedhandler_connections", "Connections", labels=["venue"])
        live = GaugeMetricFamily("feedhandler_connections_live", "That are up", labels=["venue"])
        labels = ["venue", "connection"]
        what = {
            name: GaugeMetricFamily(
                f"feedhandler_connection_{name}", text, labels=labels, unit=_unit(name)
            )
            for name, text in (
                ("round_trip_p99_seconds", "Round trip of heartbeats, 99 of 100"),
                ("behind_seconds", "How much later than usual is what it brings"),
                ("queue_bytes", "Bytes that wait to be read"),
                ("keys_waiting", "Subscriptions without an answer"),
                ("keys_refused", "Subscriptions that were refused"),
            )
        }
        for look in self._looks:
            count = look.status.get("connections") or {"total": 0, "live": 0}
            total.add_metric([look.venue], count["total"])
            live.add_metric([look.venue], count["live"])
            for row in look.connections:
                values = (
                    row["rtt_p99_ns"] / 1e9,
                    row["behind_ns"] / 1e9,
                    row["queue_bytes"],
                    row["pending"],
                    row["failed"],
                )
                for gauge, value in zip(what.values(), values, strict=True):
                    gauge.add_metric([look.venue, str(row["id"])], value)
        yield from (total, live, *what.values())

    def _histograms(self) -> Iterator[Metric]:
        for histogram, (name, text) in _HISTOGRAMS.items():
            family = HistogramMetricFamily(name, text, labels=["venue"], unit="seconds")
            for look, memory in self._memories():
                try:
                    counts = memory.segment.histogram(histogram)
                except ShmError:
                    continue
                family.add_metric([look.venue], *_buckets(counts))
            yield family

    def _readers(self) -> Iterator[Metric]:
        labels = ["venue", "reader"]
        lag = GaugeMetricFamily(
            "feedhandler_reader_lag_records", "Published, and not read yet", labels=labels
        )
        lost = CounterMetricFamily(
            "feedhandler_reader_lost_records", "Overwritten before they were read", labels=labels
        )
        over = CounterMetricFamily(
            "feedhandler_reader_overruns", "How often it was overtaken", labels=labels
        )
        for look in self._looks:
            rows = self._watch.readers(look.venue)
            behind: dict[str, int] = {}
            for row in rows:
                if row["alive"]:  # several may have one name: the worst of them
                    behind[row["name"]] = max(behind.get(row["name"], 0), row["lag"] or 0)
            for name, records in behind.items():
                lag.add_metric([look.venue, name], records)
            for name, (records, times) in self._losses.add(look.venue, rows).items():
                lost.add_metric([look.venue, name], records)
                over.add_metric([look.venue, name], times)
        yield from (lag, lost, over)

    def _qualities(self) -> Iterator[dict[str, Any]]:
        for look in self._looks:
            found = look.quality
            if self._per_symbol:
                found = report(self._watch.namespace, look.venue)
            if found is not None:
                yield found

    def _symbols(self) -> Iterator[Metric]:
        labels = ["venue", "symbol"]
        live = GaugeMetricFamily("feedhandler_instrument_live", "1 while LIVE", labels=labels)
        bid = GaugeMetricFamily("feedhandler_instrument_bid", "Best bid, if LIVE", labels=labels)
        ask = GaugeMetricFamily("feedhandler_instrument_ask", "Best ask, if LIVE", labels=labels)
        for look, memory in self._memories():
            try:
                names, quotes = memory.segment.names(0), memory.quotes()
            except ShmError:  # damaged: the other venues are told
                continue
            silent = is_silent(look.status)
            for (symbol, _), quote in zip(names, quotes, strict=False):
                if quote["state"] == State.CLOSED:
                    continue
                is_live = not silent and quote["state"] == State.LIVE
                live.add_metric([look.venue, symbol], float(is_live))
                for family, side in ((bid, "bid_price"), (ask, "ask_price")):
                    if is_live and quote["stamp"] and quote[side] != NONE:
                        value = Decimal(int(quote[side])).scaleb(int(quote["price_exponent"]))
                        family.add_metric([look.venue, symbol], float(value))
        yield from (live, bid, ask)


def _gauges(**texts: str) -> dict[str, GaugeMetricFamily]:
    return {
        name: GaugeMetricFamily(f"feedhandler_{name}", text, labels=["venue"], unit=_unit(name))
        for name, text in texts.items()
    }


def _unit(name: str) -> str:
    """A base unit that ends the name, for the line `# UNIT`."""
    last = name.rpartition("_")[2]
    return last if last in ("seconds", "bytes") else ""


def _buckets(counts: Sequence[int]) -> tuple[list[tuple[str, float]], float]:
    """(cumulative counts by bound, sum). The sum is of the buckets' middles: within 7 %."""
    floors = np.array([*histogram_floors(), 0], dtype=float)
    floors[-1] = floors[-2] * 1.125
    values, ends = np.array(counts, dtype=float), floors[1:] / 1e9
    found = [(repr(bound), float(values[ends <= bound].sum())) for bound in _BOUNDS]
    middles = (floors[:-1] + floors[1:]) / 2e9
    return [*found, ("+Inf", float(values.sum()))], float((values * middles).sum())


def _seconds(ns: int | None) -> float | None:
    return ns / 1e9 if ns else None


def _ago(ns: int | None) -> float | None:
    import time

    return None if ns is None else (time.time_ns() - ns) / 1e9


def _version() -> str:
    try:
        return version("feedhandler")
    except PackageNotFoundError:
        return "unknown"
