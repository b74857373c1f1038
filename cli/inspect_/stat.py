"""`feedhandler inspect stat`: a venue's header, counters and latencies."""

from __future__ import annotations

from time import time_ns
from typing import Any

import click

from feedhandler import number_text
from feedhandler.cli import complete
from feedhandler.cli.inspect_.memory import open_venue, ring_span_ns, writer_words
from feedhandler.cli.options import json_option, namespace_option
from feedhandler.cli.output import (
    Column,
    bold,
    dim,
    echo,
    echo_table,
    facts,
    json_out,
    prose,
    state,
)
from feedhandler.healing.audit_report import read_report
from feedhandler.view.believable import believable
from feedhandler.view.mirrored import in_words, mirror_of

_PERCENTILES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0))


@click.command()
@click.argument("venue", shell_complete=complete.venues)
@click.option("--epoch", type=int, help="An older epoch that is still there.")
@namespace_option
@json_option
def stat(venue: str, epoch: int | None, namespace: str, as_json: bool) -> None:
    """Show a VENUE's header, counters, memory and latency percentiles.

    Latencies: receive_publish from the socket to shared memory, exchange_receive from the venue's
    clock to ours (both clocks' errors are in it), rtt of heartbeats. A percentile is the upper end
    of its bucket, at most 12.5 % above the value.
    """
    with open_venue(namespace, venue, epoch) as memory:
        header, counters = memory.header(), memory.counters()
        shown, reason = believable(memory, header["state"], header["reason"])
        latencies = {
            name: {"count": histogram.total}
            | {label: histogram.percentile(share) for label, share in _PERCENTILES}
            for name, histogram in memory.histograms().items()
        }
        audits = read_report(memory.namespace, memory.venue, memory.epoch)
        title = writer_words(memory)
        writer = memory.writer
        slow = sum(row["slow_frames"] for row in memory.connections())
        span = ring_span_ns(memory)
    if as_json:
        header |= {"state": shown, "reason": reason, "writer": writer}
        found: dict[str, Any] = {
            "header": header,
            "counters": counters,
            "latency_ns": latencies,
            "audits": audits,
        }
        found |= {"slow_frames": slow, "ring_span_ns": span}
        json_out(found)
        return
    why = "" if reason == "NONE" else f" {reason}"
    detail = f": {header['detail']}" if header["detail"] else ""
    prose(f"{bold(venue)}  {state(shown)}{why}{detail}  {dim(title)}")
    echo()
    _facts(header, span)
    of = number_text.plural(counters["frames"], "frame")
    said = [("read slowly", f"{number_text.count(slow)} of {of}")]
    if audits:
        worst = min(audits, key=lambda symbol: audits[symbol]["agree"])
        levels = number_text.plural(audits[worst]["levels"], "level")
        share = f"{100 * audits[worst]['agree']:.2f} % of {levels}"
        books = number_text.plural(len(audits), "book")
        said.append(("audited", f"{books}, worst {worst}: {share} agree"))
    facts(said, 14)
    echo()
    used = [(name, value) for name, value in counters.items() if value]
    echo_table(
        [Column("COUNTER"), Column("", right=True)],
        [(name, number_text.count(value)) for name, value in used],
    )
    echo()
    columns = [Column("LATENCY"), Column("COUNT", right=True, drop=1)]
    columns += [Column(label.upper(), right=True) for label, _ in _PERCENTILES]
    echo_table(columns, [_latency(name, values) for name, values in latencies.items()])


def _facts(header: dict[str, Any], span_ns: int | None) -> None:
    ring = header["ring"]["count"]
    last = header["published"]
    rows = [
        ("epoch", f"{header['epoch']}, since {number_text.moment(header['created_ns'])}"),
        *((("mirror", in_words(mirror, time_ns())),) if (mirror := mirror_of(header)) else ()),
        ("instruments", f"{header['instruments']} of {header['directory']['count']}"),
        ("book depth", f"{number_text.plural(header['book_depth'], 'level')} a side"),
        (
            "ring",
            f"{number_text.count(ring)} slots, {number_text.count(max(1, last - ring + 1))}"
            f" to {number_text.count(last)} are in it",
        ),
        ("ring holds", f"{number_text.duration(span_ns)} at this rate" if span_ns else "-"),
        ("memory", number_text.size(header["total_bytes"])),
        (
            "contract",
            f"{header['version_major']}.{header['version_minor']},"
            f" layout {header['layout_hash']:016x}",
        ),
        ("last received", _received(header)),
    ]
    facts(rows, 14)


def _received(header: dict[str, Any]) -> str:
    """By the clock of this host."""
    at = header["last_receive_ns"]
    return number_text.moment(at - header["clock_offset_ns"] if at else 0)


def _latency(name: str, values: dict[str, int]) -> tuple[str, ...]:
    if not values["count"]:
        return (name, "0", *("-" for _ in _PERCENTILES))
    return (
        name,
        number_text.count(values["count"]),
        *(number_text.duration(values[label]) for label, _ in _PERCENTILES),
    )
